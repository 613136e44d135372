//! Printing what is in the files, and then what is written to them.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use super::{
    Hooks, Query, merge, open_all,
    printer::Printer,
    quietly, select,
    source::{Source, make_room, nanos},
    stream::Stream,
    watch::{Heard, Watch},
};
use crate::{api::LogFile, host::log_parts::Listing};

/// How often the list of files is asked for, and every file is looked at in any case: there are
/// file systems that tell of no change.
const ROUND: Duration = Duration::from_secs(2);
/// The same while some directory cannot be listened to, and the least time between two questions.
const SHORT_ROUND: Duration = Duration::from_millis(250);

/// Writes what [`super::print`] would, and goes on with what is written to the files from then on.
/// Blocks; ends quietly when the pipe is closed.
///
/// A line is held back until its newline comes, but no longer than 200 ms. Files that are
/// replaced, truncated or made later are followed as their path says.
pub fn follow(
    files: &[LogFile],
    query: &Query,
    out: &mut dyn Write,
    mut hooks: Hooks<'_>,
) -> io::Result<()> {
    quietly(Follower::new(files, query, out).and_then(|mut follower| follower.run(&mut hooks)))
}

struct Follower<'a> {
    streams: Vec<Stream>,
    printer: Printer<'a>,
    watch: Watch,
    /// Whether every directory is listened to.
    hears_all: bool,
    next_key: usize,
    /// When it began, in ns since 1970.
    began: u64,
    /// When the list of files was last asked for.
    asked: Instant,
    /// An unknown file appeared since.
    is_stale: bool,
    /// When every file is looked at next.
    round: Instant,
}

impl<'a> Follower<'a> {
    fn new(files: &[LogFile], query: &Query, out: &'a mut dyn Write) -> io::Result<Self> {
        let now = clock();
        let mut follower = Self {
            streams: Vec::new(),
            printer: Printer::new(out, query),
            watch: Watch::new(),
            hears_all: false,
            next_key: files.len(),
            began: nanos(wall()),
            asked: now,
            is_stale: false,
            round: now,
        };
        // Listened first, looked afterwards: what is written in between is seen twice, not never.
        follower.hears_all =
            follower.watch.listen(files.iter().filter_map(|file| file.log.parent()));
        follower.printer.align(files.iter().map(|file| file.id.as_str()));
        make_room(files.len());
        let mut sources = open_all(files)?;
        let starts = select::ranges(&mut sources, query).into_iter().map(|range| range.start);
        let parts = files.iter().zip(sources).zip(starts).enumerate();
        follower.streams = parts
            .map(|(key, ((file, source), at))| Stream::new(key, file.clone(), source, at))
            .collect();
        Ok(follower)
    }

    fn run(&mut self, hooks: &mut Hooks<'_>) -> io::Result<()> {
        self.write_ready()?;
        self.printer.end_of_past()?;
        loop {
            self.write_ready()?;
            let heard = self.watch.wait(self.patience(), hooks);
            if heard.closed {
                return Ok(());
            }
            if heard.ended {
                return self.finish();
            }
            self.mark(&heard);
            let now = clock();
            if self.is_time_to_ask(now) {
                self.asked = now;
                self.is_stale = false;
                if let Some(files) = (hooks.refresh)() {
                    self.replace_list(files)?;
                }
            }
            if self.round <= now {
                self.look_at_all(now);
            }
        }
    }

    /// Writes what is left in the files.
    fn finish(&mut self) -> io::Result<()> {
        for stream in &mut self.streams {
            stream.is_dirty = true;
        }
        // One that was put aside meanwhile has a successor.
        self.write_ready()?;
        self.replace_list(Vec::new())?;
        self.printer.finish()
    }

    /// How long nothing can become due.
    fn patience(&self) -> Duration {
        let due = self.streams.iter().filter_map(Stream::due);
        let ask = self.asked + if self.is_stale { SHORT_ROUND } else { ROUND };
        let next = due.chain([ask, self.round]).min().unwrap_or(ask);
        next.saturating_duration_since(clock())
    }

    fn is_time_to_ask(&self, now: Instant) -> bool {
        let gap = if self.is_stale { SHORT_ROUND } else { ROUND };
        self.asked + gap <= now
    }

    fn mark(&mut self, heard: &Heard) {
        let mut unknown: BTreeSet<&PathBuf> = heard.files.iter().collect();
        for stream in &mut self.streams {
            // The index is written after the log, or before: either is news.
            let is_named =
                unknown.remove(&stream.file.log) || heard.files.contains(&stream.file.log);
            unknown.remove(&stream.file.index);
            if is_named || heard.lost || (!heard.files.is_empty() && stream.is_orphan) {
                stream.is_dirty = true;
            }
        }
        if heard.lost {
            self.round = clock();
        }
        self.is_stale |=
            unknown.iter().any(|path| path.extension().is_some_and(|end| end == "log"));
    }

    /// Looks at every file, and listens to directories that were missing.
    fn look_at_all(&mut self, now: Instant) {
        self.hears_all = self.watch.listen(self.streams.iter().filter_map(Stream::dir));
        for stream in &mut self.streams {
            stream.is_dirty = true;
        }
        self.round = now + if self.hears_all { ROUND } else { SHORT_ROUND };
    }

    /// Writes what can be written, merged by time.
    fn write_ready(&mut self) -> io::Result<()> {
        let now = clock();
        for stream in self.streams.iter_mut().filter(|stream| stream.is_dirty) {
            go_on(stream, &mut self.printer)?;
        }
        let mut pieces: Vec<_> = self
            .streams
            .iter_mut()
            .filter(|stream| stream.is_dirty || stream.due().is_some_and(|due| due <= now))
            .filter_map(|stream| stream.ready(now))
            .collect();
        merge::write(&mut pieces, &mut self.printer)?;
        self.printer.flush()
    }

    /// Takes over the list as it is now: files that are no longer in it are written to their end,
    /// new ones are followed from when following began.
    fn replace_list(&mut self, files: Vec<LogFile>) -> io::Result<()> {
        let wanted: BTreeSet<&PathBuf> = files.iter().map(|file| &file.log).collect();
        let (kept, gone) = std::mem::take(&mut self.streams)
            .into_iter()
            .partition::<Vec<_>, _>(|stream| wanted.contains(&stream.file.log));
        self.streams = kept;
        for mut stream in gone {
            let mut rest: Vec<_> = stream.rest().into_iter().collect();
            merge::write(&mut rest, &mut self.printer)?;
        }
        let known: BTreeSet<PathBuf> =
            self.streams.iter().map(|stream| stream.file.log.clone()).collect();
        self.printer.align(files.iter().map(|file| file.id.as_str()));
        make_room(files.len());
        let mut listing = Listing::default();
        for file in files.into_iter().filter(|file| !known.contains(&file.log)) {
            // Listened first, as in the beginning.
            self.hears_all &= self.watch.listen(file.log.parent().into_iter());
            let source = Source::open(&file, &mut listing)?;
            let at = select::line_since(&source, self.began);
            self.streams.push(Stream::new(self.next_key, file, source, at));
            self.next_key += 1;
        }
        Ok(())
    }
}

/// If another file lies at the path of a stream, goes on with that.
pub(super) fn go_on(stream: &mut Stream, printer: &mut Printer<'_>) -> io::Result<()> {
    if stream.is_replaced() {
        // The old file's rest comes before anything of the new one.
        let mut rest: Vec<_> = stream.rest().into_iter().collect();
        merge::write(&mut rest, printer)?;
        stream.reopen()?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "when to look again is nobody else's business")]
fn clock() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "tells new lines from old ones by their realtime")]
fn wall() -> SystemTime {
    SystemTime::now()
}
