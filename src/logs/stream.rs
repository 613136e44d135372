//! One log that is followed: what of it was written out, and what is held back.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    merge::Piece,
    scan::{Backward, block_size},
    source::{Place, Source},
};
use crate::api::LogFile;

/// How long a line without its newline is held back, from when it is first seen.
const HOLD: Duration = Duration::from_millis(200);

/// A followed log.
#[derive(Debug)]
pub(super) struct Stream {
    /// Never given to another stream.
    pub(super) key: usize,
    pub(super) file: LogFile,
    source: Source,
    /// Everything before was written out.
    at: u64,
    /// There is no newline from `at` to here.
    searched: u64,
    /// Since when a line without its newline is held back.
    held_since: Option<Instant>,
    /// It may have changed since it was last looked at.
    pub(super) is_dirty: bool,
    /// Nothing lies at its path, so that nobody tells of changes to what may be open.
    pub(super) is_orphan: bool,
}

impl Stream {
    /// Follows from `at` on.
    pub(super) fn new(key: usize, file: LogFile, source: Source, at: u64) -> Self {
        let (held_since, is_dirty, is_orphan) = (None, true, false);
        Self { key, file, source, at, searched: at, held_since, is_dirty, is_orphan }
    }

    /// The directory of the log.
    pub(super) fn dir(&self) -> Option<&Path> {
        self.file.log.parent()
    }

    /// When the line that is held back is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held_since.map(|since| since + HOLD)
    }

    /// Whether its path leads to another file than the one that is open.
    pub(super) fn is_replaced(&mut self) -> bool {
        let place = self.source.place(&self.file);
        self.is_orphan = place == Place::Nothing;
        place == Place::Other
    }

    /// Goes on with what came after the open file: parts that were put aside since, and the file that
    /// lies at the path now. The line that was held back may end there.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        self.source = self.source.successor(&self.file)?;
        (self.at, self.searched, self.held_since) = (0, 0, None);
        self.is_dirty = true;
        Ok(())
    }

    /// All that is in the open file and was not written out, whole lines or not.
    pub(super) fn rest(&mut self) -> Option<Piece<'_>> {
        let len = self.look();
        self.take(len)
    }

    /// The lines that are complete, and what was held back for long enough.
    pub(super) fn ready(&mut self, now: Instant) -> Option<Piece<'_>> {
        self.is_dirty = false;
        let len = self.look();
        let floor = self.searched;
        let newline =
            Backward::new(floor, len, block_size(1)).newline_before(&self.source.data, len);
        self.searched = len;
        let complete = newline.map_or(self.at, |newline| newline + 1);
        let end = if complete == len {
            self.held_since = None;
            complete
        } else {
            // A new line was begun, or the old one grows: the time counts from its first byte.
            let since = self.held_since.filter(|_| newline.is_none()).unwrap_or(now);
            let is_due = HOLD <= now.saturating_duration_since(since);
            self.held_since = (!is_due).then_some(since);
            if is_due { len } else { complete }
        };
        self.take(end)
    }

    /// The file's length. A file that is shorter than what was written out was truncated: it is
    /// read from its beginning.
    fn look(&mut self) -> u64 {
        let len = self.source.look(&self.file);
        let live = self.source.live_start();
        if len < self.searched {
            (self.at, self.searched, self.held_since) = (live, live, None);
        }
        if live <= self.at {
            self.source.close_parts();
        }
        len
    }

    fn take(&mut self, end: u64) -> Option<Piece<'_>> {
        let start = std::mem::replace(&mut self.at, end);
        (start < end).then_some(Piece {
            key: self.key,
            file: &self.file,
            source: &mut self.source,
            start,
            end,
        })
    }
}
