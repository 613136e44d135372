//! One log file with its index: appending, putting it aside when it is long or old enough, and
//! noticing that someone else renamed, deleted or emptied it.

mod age;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{
    index::Index,
    parts::{self, Part},
    places::make_directory,
    runs::Runs,
};
use crate::protocol::{Compression, Rotation, Sink, Stream};

/// The file is looked at again after this time of activity, in ns,
const LOOK_AFTER: u64 = 1_000_000_000;
/// or after so many bytes.
const LOOK_AFTER_BYTES: u64 = 1 << 20;
/// A file that could not be put aside is tried again after this time, in ns.
const TRY_AGAIN: u64 = 1_000_000_000;
/// So many bytes beyond its size a file waits for the end of a line before it is put aside.
const LONGEST_LINE: u64 = 64 << 20;
const SECOND: u64 = 1_000_000_000;

/// A log file, opened when the first bytes come.
#[derive(Debug)]
pub(super) struct Log {
    paths: Paths,
    app: OsString,
    rotation: Rotation,
    open: Option<Open>,
    /// Not to be put aside before.
    no_rotation_before: u64,
    /// Parts that are there in their plain form and nobody was told of.
    plain_parts: Vec<Part>,
}

/// The files of a log.
#[derive(Debug)]
struct Paths {
    log: PathBuf,
    index: PathBuf,
    runs: PathBuf,
}

/// Bytes that could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unwritten {
    /// How many, at the end of what was given.
    pub(super) bytes: usize,
    /// The system's error number.
    pub(super) errno: i32,
    /// Whether they were for a file on a disk, and not for a device or a pipe.
    pub(super) on_disk: bool,
}

impl Unwritten {
    /// Whether removing files would help.
    pub(super) fn is_full(self) -> bool {
        self.on_disk && [libc::ENOSPC, libc::EDQUOT].contains(&self.errno)
    }
}

/// What is known of an open log file.
#[derive(Debug)]
struct Open {
    file: File,
    /// None for what is no regular file, and when it could not be written.
    index: Option<Index>,
    runs: Runs,
    /// Device and inode.
    identity: (u64, u64),
    is_regular: bool,
    /// Where the next byte goes.
    end: u64,
    /// Whether a line begins there.
    at_line_start: bool,
    /// When its first byte was written, in ns since 1970.
    born: u64,
    looked_at: u64,
    since_look: u64,
}

impl Log {
    /// A log that is not opened yet.
    pub(super) fn new(sink: &Sink, stream: Stream) -> Self {
        let paths =
            Paths { log: sink.log(stream), index: sink.index(stream), runs: sink.runs(stream) };
        Self {
            paths,
            app: sink.app.clone(),
            rotation: sink.rotation,
            open: None,
            no_rotation_before: 0,
            plain_parts: Vec::new(),
        }
    }

    /// From now on it is put aside as this says.
    pub(super) fn set_rotation(&mut self, rotation: Rotation) {
        self.rotation = rotation;
    }

    /// Parts that may be compressed, of those put aside since this was last asked; and how.
    pub(super) fn take_plain_parts(&mut self) -> (Vec<Part>, Compression) {
        (std::mem::take(&mut self.plain_parts), self.rotation.compression)
    }

    /// Appends a reading of `run` made at `time` (realtime ns).
    pub(super) fn append(&mut self, run: u64, bytes: &[u8], time: u64) -> Result<(), Unwritten> {
        if self.open.as_mut().is_some_and(|open| !open.is_still_at(&self.paths, time)) {
            self.close();
        }
        let before = self.length_before_rotation(bytes, time);
        let (first, second) = bytes.split_at_checked(before).unwrap_or((bytes, &[]));
        let later = |unwritten: Unwritten| Unwritten {
            bytes: unwritten.bytes.saturating_add(second.len()),
            ..unwritten
        };
        if !first.is_empty() {
            self.write(run, first, time).map_err(later)?;
        }
        if second.is_empty() {
            return Ok(());
        }
        if self.rotate().is_err() {
            self.no_rotation_before = time.saturating_add(TRY_AGAIN);
        }
        self.write(run, second, time)
    }

    fn write(&mut self, run: u64, bytes: &[u8], time: u64) -> Result<(), Unwritten> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::new(&self.paths, time).map_err(|error| Unwritten {
                bytes: bytes.len(),
                errno: errno_of(&error),
                on_disk: true,
            })?,
        };
        // Whose they are is worth less than the bytes.
        if open.is_regular {
            open.runs.note(&self.paths.runs, run, open.end).ok();
        }
        // After a failure the next reading begins with a look at what is there now.
        match open.write(bytes, time) {
            Ok(()) => self.open = Some(open),
            Err(unwritten) => {
                open.flush();
                return Err(unwritten);
            }
        }
        Ok(())
    }

    /// Writes what the index still has to say.
    pub(super) fn flush(&mut self) {
        if let Some(open) = &mut self.open {
            open.flush();
        }
    }

    fn close(&mut self) {
        self.flush();
        self.open = None;
    }

    /// How many of these bytes still go to the open file. If it is to be put aside, that is up to the
    /// end of a line, so that no line is in two files, unless it is a very long one.
    fn length_before_rotation(&mut self, bytes: &[u8], time: u64) -> usize {
        if self.open.is_none() {
            self.open = Open::new(&self.paths, time).ok();
        }
        let Some(open) = &self.open else { return bytes.len() };
        let Rotation { size, age, .. } = self.rotation;
        let is_long = size != 0 && size <= open.end;
        let is_old = age != 0 && open.old_at(age) <= time;
        let is_due = open.is_regular && open.end != 0 && (is_long || is_old);
        if !is_due || time < self.no_rotation_before {
            return bytes.len();
        }
        let is_too_long = size != 0 && size.saturating_add(LONGEST_LINE) <= open.end;
        if open.at_line_start || is_too_long {
            return 0;
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        end.map_or(bytes.len(), |end| end.saturating_add(1))
    }

    /// Puts the file aside, and removes what is too much then.
    ///
    /// The index gets its second name before the log gets its new one, and loses its first one
    /// afterwards: whoever finds a part finds its times, at any moment and after a crash at any
    /// moment. A reader that found log and index at their usual places makes sure that the log is
    /// still there; so it never has the one of the next part with the other of this one.
    fn rotate(&mut self) -> io::Result<()> {
        self.close();
        let known = parts::of_log(&self.paths.log)?;
        let number = known.last().map_or(1, |part| part.number.saturating_add(1));
        let part = Part::of(&self.paths.log, number).ok_or(io::ErrorKind::InvalidInput)?;
        let beside = [(&self.paths.index, ".idx"), (&self.paths.runs, ".runs")];
        let linked = beside.map(|(path, ending)| fs::hard_link(path, part.file(ending)).is_ok());
        if let Err(error) = fs::rename(&self.paths.log, part.file(".log")) {
            part.remove().ok();
            return Err(error);
        }
        for ((path, ending), linked) in beside.into_iter().zip(linked) {
            if linked {
                fs::remove_file(path).ok();
            } else {
                // A file system without second names.
                fs::rename(path, part.file(ending)).ok();
            }
        }
        self.remove_surplus(known, part);
        Ok(())
    }

    fn remove_surplus(&mut self, known: Vec<Part>, new: Part) {
        let Rotation { keep, max_total, .. } = self.rotation;
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        let surplus = known.len().saturating_add(1).saturating_sub(keep);
        let mut all = known;
        all.push(new);
        for part in all.iter().take(surplus) {
            part.remove().ok();
        }
        if max_total != 0
            && let Some(dir) = self.paths.log.parent()
        {
            parts::shrink(dir, &self.app, max_total).ok();
        }
        // Those that an earlier recorder left, too.
        let kept = all.into_iter().skip(surplus);
        self.plain_parts.extend(kept.filter(|part| part.is_plain));
    }
}

impl Open {
    fn new(paths: &Paths, time: u64) -> io::Result<Self> {
        // What is beside a log that is not there is of one that was put aside, or taken away. It goes
        // before there is a log, so that nobody takes it for the new one's.
        if !paths.log.exists() {
            fs::remove_file(&paths.index).ok();
            fs::remove_file(&paths.runs).ok();
        }
        let file = open_or_make(&paths.log)?;
        let found = file.metadata()?;
        let is_regular = found.is_file();
        let end = if is_regular { found.len() } else { 0 };
        // A log without its index is better than no log.
        let index = if is_regular { open_index(paths, end).ok() } else { None };
        let born = index.as_ref().and_then(Index::first_time);
        let mut last = [b'\n'];
        if let Some(at) = end.checked_sub(1) {
            file.read_exact_at(&mut last, at).ok();
        }
        Ok(Self {
            file,
            index,
            runs: Runs::default(),
            identity: identity(&found),
            is_regular,
            end,
            at_line_start: last == [b'\n'],
            born: born.unwrap_or_else(|| if end == 0 { time } else { modified(&found) }),
            looked_at: time,
            since_look: 0,
        })
    }

    /// When it has this age (in s), in ns since 1970.
    fn old_at(&self, age: u64) -> u64 {
        self.born.saturating_add(age.saturating_mul(SECOND))
    }

    /// Whether the file is still the one at its path. Looks only now and then.
    fn is_still_at(&mut self, paths: &Paths, time: u64) -> bool {
        if time.abs_diff(self.looked_at) < LOOK_AFTER && self.since_look < LOOK_AFTER_BYTES {
            return true;
        }
        self.looked_at = time;
        self.since_look = 0;
        let Ok(found) = fs::metadata(&paths.log) else { return false };
        if identity(&found) != self.identity {
            return false;
        }
        if self.is_regular && found.len() < self.end {
            self.end = found.len();
            self.runs = Runs::default();
            fs::remove_file(&paths.runs).ok();
            let cleared = self.index.as_mut().map(Index::clear);
            if matches!(cleared, Some(Err(_))) {
                self.index = None;
            }
        }
        true
    }

    fn write(&mut self, bytes: &[u8], time: u64) -> Result<(), Unwritten> {
        let mut rest = bytes;
        let mut errno = 0;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => {
                    errno = libc::EIO;
                    break;
                }
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    errno = errno_of(&error);
                    break;
                }
            }
        }
        let done = bytes.len().saturating_sub(rest.len());
        if let Some(last) = done.checked_sub(1).and_then(|last| bytes.get(last)) {
            self.at_line_start = *last == b'\n';
            let written = u64::try_from(done).unwrap_or(u64::MAX);
            let added = self.index.as_mut().map(|index| index.add(time, self.end));
            if matches!(added, Some(Err(_))) {
                self.index = None;
            }
            if self.is_regular {
                self.end = self.end.saturating_add(written);
            }
            self.since_look = self.since_look.saturating_add(written);
        }
        if rest.is_empty() {
            return Ok(());
        }
        Err(Unwritten { bytes: rest.len(), errno, on_disk: self.is_regular })
    }

    fn flush(&mut self) {
        if self.index.as_mut().is_some_and(|index| index.flush().is_err()) {
            self.index = None;
        }
    }
}

fn identity(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

fn modified(found: &Metadata) -> u64 {
    let seconds = u64::try_from(found.mtime()).unwrap_or_default();
    seconds.saturating_mul(SECOND)
}

fn errno_of(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// Opens the index of a log of `log_len` bytes.
fn open_index(paths: &Paths, log_len: u64) -> io::Result<Index> {
    if log_len == 0 {
        fs::remove_file(&paths.runs).ok();
    }
    open_or_make(&paths.index).and_then(|file| Index::new(file, log_len))
}

fn open_or_make(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
    open().or_else(|error| match (error.kind(), path.parent()) {
        (io::ErrorKind::NotFound, Some(dir)) => make_directory(dir).and_then(|()| open()),
        _ => Err(error),
    })
}
