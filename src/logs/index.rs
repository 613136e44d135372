//! The times of a log's lines, from the records beside it.
//!
//! The index is only ever read in small windows. That of a part is open only while it is read: a
//! thousand logs need no second thousand of descriptors. That of the file being written stays open,
//! since another one may be at its path soon.

use std::{fs::File, os::unix::fs::FileExt as _, path::PathBuf};

use crate::host::log_parts::read_fully;

/// Bytes of a record.
const RECORD: u64 = 16;
/// Records of a window.
const WINDOW: u64 = 256;

/// One read of the recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record {
    /// Realtime in ns.
    time: u64,
    /// The first byte of the read.
    offset: u64,
}

/// When the bytes of a log were written. Whatever is wrong with the file, there is an answer.
#[derive(Debug)]
pub(super) struct Index {
    path: PathBuf,
    /// The file, where it is kept open.
    held: Option<File>,
    /// Complete records of the file.
    count: u64,
    /// The record at the beginning of `window`.
    first: u64,
    window: Vec<Record>,
    /// The time of everything if there is no record, in ns.
    fallback: u64,
}

impl Index {
    /// The index of a part, whose path is always its own.
    pub(super) fn new(path: PathBuf, fallback: u64) -> Self {
        let count = std::fs::metadata(&path).map_or(0, |meta| meta.len() / RECORD);
        Self { path, held: None, count, first: 0, window: Vec::new(), fallback }
    }

    /// The index of a file being written. The caller makes sure that it was that file's.
    pub(super) fn held(path: PathBuf, fallback: u64) -> Self {
        let mut index = Self { held: File::open(&path).ok(), ..Self::new(path, fallback) };
        index.refresh(false);
        index
    }

    /// Heeds what was added to a held file; opens it if there was none, and its path leads to it.
    pub(super) fn refresh(&mut self, is_at_path: bool) {
        if self.held.is_none() && is_at_path {
            self.held = File::open(&self.path).ok();
        }
        let meta = self.held.as_ref().and_then(|file| file.metadata().ok());
        self.count = meta.map_or(0, |meta| meta.len() / RECORD);
        self.window.clear();
    }

    /// Runs `read` with the file.
    fn with_file<T>(&self, read: impl FnOnce(&File) -> T) -> Option<T> {
        match &self.held {
            Some(file) => Some(read(file)),
            None => File::open(&self.path).ok().map(|file| read(&file)),
        }
    }

    /// The time of the byte at `offset`, in ns.
    ///
    /// Bytes before the first record have its time, since they cannot be younger; bytes after the
    /// last have the last one's.
    pub(super) fn time_at(&mut self, offset: u64) -> u64 {
        if self.count == 0 {
            return self.fallback;
        }
        if !self.covers(offset) {
            self.load_around(offset);
        }
        let after = self.window.partition_point(|record| record.offset <= offset);
        let record = self.window.get(after.saturating_sub(1));
        record.map_or(self.fallback, |record| record.time)
    }

    /// The offset from which on everything was written at `time` (ns) or later: of the first such
    /// record. `None` if there is no such record.
    pub(super) fn offset_since(&self, time: u64) -> Option<u64> {
        if self.count == 0 {
            return (time <= self.fallback).then_some(0);
        }
        self.with_file(|file| first_since(file, self.count, time))?
    }

    fn covers(&self, offset: u64) -> bool {
        let (Some(first), Some(last)) = (self.window.first(), self.window.last()) else {
            return false;
        };
        let loaded = u64::try_from(self.window.len()).unwrap_or(WINDOW);
        let from_start = self.first == 0 || first.offset <= offset;
        let to_end = self.first + loaded == self.count || offset < last.offset;
        from_start && to_end
    }

    /// Loads the records around the one that covers `offset`, so that reading on in either
    /// direction finds the next ones there.
    fn load_around(&mut self, offset: u64) {
        let around = |file: &File| {
            let place = last_at_or_before(file, self.count, offset);
            let first = place.saturating_sub(WINDOW / 2);
            let wanted = WINDOW.min(self.count - first);
            let mut bytes = vec![0; usize::try_from(wanted * RECORD).unwrap_or_default()];
            let read = read_fully(file, &mut bytes, first * RECORD);
            let records = bytes.get(..read).unwrap_or_default().chunks_exact(16).map(parse);
            (first, records.collect())
        };
        (self.first, self.window) = self.with_file(around).unwrap_or_default();
    }
}

/// The offset of the first record of this time or a later one.
fn first_since(file: &File, count: u64, time: u64) -> Option<u64> {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        match record(file, middle) {
            Some(found) if found.time < time => low = middle + 1,
            Some(_) => high = middle,
            // The file became shorter meanwhile.
            None => return None,
        }
    }
    // What lies before the first record counts as its.
    if low == 0 { Some(0) } else { record(file, low).map(|found| found.offset) }
}

/// The number of the last record whose offset is at most `offset`; 0 if none is.
///
/// Searched from the end in growing steps: what is asked for is mostly there, and where a log was
/// truncated, offsets begin anew and only the records behind that place tell the truth.
fn last_at_or_before(file: &File, count: u64, offset: u64) -> u64 {
    let is_before = |place: u64| record(file, place).is_some_and(|record| record.offset <= offset);
    let (mut high, mut step) = (count, 1);
    let mut low = loop {
        let place = high.saturating_sub(step);
        if is_before(place) {
            break place;
        }
        if place == 0 {
            return 0;
        }
        high = place;
        step *= 2;
    };
    while low + 1 < high {
        let middle = low.midpoint(high);
        if is_before(middle) { low = middle } else { high = middle }
    }
    low
}

fn record(file: &File, place: u64) -> Option<Record> {
    let mut bytes = [0; 16];
    file.read_exact_at(&mut bytes, place.checked_mul(RECORD)?).ok()?;
    Some(parse(&bytes))
}

fn parse(bytes: &[u8]) -> Record {
    let number = |part: Option<&[u8]>| {
        let part = part.and_then(|part| part.try_into().ok());
        u64::from_le_bytes(part.unwrap_or_default())
    };
    Record { time: number(bytes.get(..8)), offset: number(bytes.get(8..16)) }
}
