//! One log as it was opened, the parts put aside before it included: one sequence of bytes, with the
//! times beside it.

use std::{
    fs::{File, Metadata},
    io, iter,
    os::unix::fs::MetadataExt as _,
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::process::{Resource, getrlimit, setrlimit};

use super::index::Index;
use crate::{
    api::LogFile,
    host::log_parts::{Form, Listing, Packed, Stem, read_fully},
};

/// How often a log that is put aside just then is opened again.
const TRIES: usize = 20;

/// A log, open or missing.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) data: Data,
    pub(super) times: Times,
    /// Device and inode of the file being written, if it is there.
    identity: Option<(u64, u64)>,
    /// The highest number of a part that was there.
    newest: u64,
}

/// The bytes of a log.
#[derive(Debug, Default)]
pub(super) struct Data {
    pieces: Vec<Piece>,
}

/// The bytes of one file.
#[derive(Debug)]
struct Piece {
    start: u64,
    len: u64,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Plain(File),
    Packed(Packed),
    /// Not needed any more.
    Closed,
}

/// When the bytes of a log were written.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// For each file, where it begins.
    indexes: Vec<(u64, Index)>,
}

/// What lies at the path of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The file that is open.
    Same,
    /// Another file.
    Other,
    /// No file.
    Nothing,
}

impl Source {
    /// Opens a log; one that is missing is empty.
    pub(super) fn open(log: &LogFile, listing: &mut Listing) -> io::Result<Self> {
        Self::open_after(log, listing, None)
    }

    /// What came after what `self` has: parts put aside since, and the file being written.
    pub(super) fn successor(&self, log: &LogFile) -> io::Result<Self> {
        Self::open_after(log, &mut Listing::default(), Some(self))
    }

    /// While it is opened the log may be put aside, which is seen by the file being written not being
    /// at its place any more, and a part may be compressed or removed: then it is opened again.
    fn open_after(log: &LogFile, listing: &mut Listing, former: Option<&Self>) -> io::Result<Self> {
        let stem = Stem::of(&log.log);
        for _ in 0..TRIES {
            if let Some(found) = Self::try_open(log, listing, former)? {
                return Ok(found);
            }
            if let Some(stem) = &stem {
                listing.forget(stem);
            }
        }
        let text = format!("cannot read {}: its parts change all the time", log.log.display());
        Err(io::Error::other(text))
    }

    /// `None` if files changed meanwhile.
    fn try_open(
        log: &LogFile,
        listing: &mut Listing,
        former: Option<&Self>,
    ) -> io::Result<Option<Self>> {
        let live = open_live(log)?;
        let identity = live.as_ref().map(|(_, meta)| identity(meta));
        let newest = former.map_or(0, |former| former.newest);
        let mut source = Self { data: Data::default(), times: Times::default(), identity, newest };
        if let Some(stem) = Stem::of(&log.log) {
            let parts = listing.parts(&stem).range(newest.saturating_add(1)..);
            // The first of them is, as a rule, the file that was being written.
            for (part, former) in parts.zip(iter::once(former).chain(iter::repeat(None))) {
                if !source.add_part(&stem, part, former)? {
                    return Ok(None);
                }
            }
            // A list that was made earlier.
            if stem.exists(source.newest.saturating_add(1)) {
                return Ok(None);
            }
        }
        if let Some((file, meta)) = live {
            let index = Index::held(log.index.clone(), written(&meta));
            source.push(Content::Plain(file), meta.len(), index);
        }
        let is_same = match source.place(log) {
            Place::Same => true,
            Place::Other => false,
            Place::Nothing => source.identity.is_none(),
        };
        Ok(is_same.then_some(source))
    }

    /// Adds a part, unless it is what `former` had as the file being written. False if it is gone, or
    /// has another form by now.
    fn add_part(
        &mut self,
        stem: &Stem,
        (number, form): (&u64, &Form),
        former: Option<&Self>,
    ) -> io::Result<bool> {
        let (number, form) = (*number, *form);
        self.newest = number;
        let path = stem.log(number, form);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(named(&path, &error)),
        };
        let meta = file.metadata().map_err(|error| named(&path, &error))?;
        // A part is compressed long after it was put aside.
        let followed = former.and_then(|former| former.identity);
        if followed.is_some_and(|it| form != Form::Plain || it == identity(&meta)) {
            return Ok(true);
        }
        let index = Index::new(stem.index(number), written(&meta));
        let (content, len) = match form {
            Form::Plain => (Content::Plain(file), meta.len()),
            Form::Zstd | Form::Gzip => {
                let packed = Packed::new(file).map_err(|error| named(&path, &error))?;
                let len = packed.length();
                (Content::Packed(packed), len)
            }
        };
        self.push(content, len, index);
        Ok(true)
    }

    fn push(&mut self, content: Content, len: u64, index: Index) {
        let start = self.data.len();
        self.data.pieces.push(Piece { start, len, content });
        self.times.indexes.push((start, index));
    }

    /// Bytes of all files when they were last looked at.
    pub(super) fn len(&self) -> u64 {
        self.data.len()
    }

    /// Where the file being written begins.
    pub(super) fn live_start(&self) -> u64 {
        match (self.identity, self.data.pieces.last()) {
            (Some(_), Some(live)) => live.start,
            (None, _) | (_, None) => self.len(),
        }
    }

    /// Looks at the length of the file being written, and at its index, again.
    pub(super) fn look(&mut self, log: &LogFile) -> u64 {
        if self.identity.is_some()
            && let Some(live) = self.data.pieces.last_mut()
            && let Content::Plain(file) = &live.content
            && let Ok(meta) = file.metadata()
        {
            live.len = meta.len();
            let is_same = self.place(log) == Place::Same;
            if let Some((_, index)) = self.times.indexes.last_mut() {
                index.refresh(is_same);
            }
        }
        self.len()
    }

    /// Closes the parts: what was removed from the disk gives its room back.
    pub(super) fn close_parts(&mut self) {
        let start = self.live_start();
        for piece in self.data.pieces.iter_mut().filter(|piece| piece.start < start) {
            piece.content = Content::Closed;
        }
    }

    /// What lies at the path now.
    pub(super) fn place(&self, log: &LogFile) -> Place {
        match std::fs::metadata(&log.log) {
            Ok(meta) if !meta.is_file() => Place::Nothing,
            Ok(meta) if Some(identity(&meta)) == self.identity => Place::Same,
            Ok(_) => Place::Other,
            Err(_) => Place::Nothing,
        }
    }
}

impl Data {
    fn len(&self) -> u64 {
        self.pieces.last().map_or(0, |last| last.start + last.len)
    }

    /// Reads until `buffer` is full or everything is read; an error counts as the end.
    pub(super) fn read_fully(&self, buffer: &mut [u8], offset: u64) -> usize {
        let mut done = 0;
        let first = self.pieces.partition_point(|piece| piece.start <= offset).saturating_sub(1);
        for piece in self.pieces.iter().skip(first) {
            let end = piece.start + piece.len;
            loop {
                let at = offset.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
                let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) else {
                    return done;
                };
                if end <= at {
                    break;
                }
                let left = usize::try_from(end - at).unwrap_or(usize::MAX).min(rest.len());
                let rest = rest.get_mut(..left).unwrap_or_default();
                let read = piece.read(rest, at - piece.start);
                done += read;
                if read == 0 {
                    return done;
                }
            }
        }
        done
    }
}

impl Piece {
    fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        match &self.content {
            Content::Plain(file) => read_fully(file, buffer, offset),
            Content::Packed(packed) => packed.read_at(buffer, offset),
            Content::Closed => 0,
        }
    }
}

impl Times {
    /// The time of the byte at `offset`, in ns.
    pub(super) fn time_at(&mut self, offset: u64) -> u64 {
        let place = self.indexes.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
        self.indexes
            .get_mut(place)
            .map_or(0, |(start, index)| index.time_at(offset.saturating_sub(*start)))
    }

    /// The offset from which on everything was written at `time` (ns) or later; `None` if nothing
    /// was. Files are in order of time.
    pub(super) fn offset_since(&self, time: u64) -> Option<u64> {
        self.indexes.iter().find_map(|(start, index)| Some(start + index.offset_since(time)?))
    }
}

/// The file being written, if there is one.
fn open_live(log: &LogFile) -> io::Result<Option<(File, Metadata)>> {
    match File::open(&log.log) {
        Ok(file) => {
            let meta = file.metadata().map_err(|error| named(&log.log, &error))?;
            Ok(meta.is_file().then_some((file, meta)))
        }
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(named(&log.log, &error)),
    }
}

fn named(path: &std::path::Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()))
}

/// Lets this process open so many more logs, as far as the system does: a thousand instances have
/// more than the usual soft limit, and each has its parts.
pub(super) fn make_room(files: usize) {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(files).unwrap_or(u64::MAX).saturating_mul(8).saturating_add(256);
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = limit.maximum.map_or(Some(wanted), |most| Some(most.min(wanted)));
        // Without more room, opening says what is wrong.
        setrlimit(Resource::Nofile, limit).ok();
    }
}

/// Nanoseconds since 1970.
pub(super) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn written(meta: &Metadata) -> u64 {
    meta.modified().map_or(0, nanos)
}

fn identity(meta: &Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
