//! One log file with its index: appending, and noticing that someone else renamed, deleted or
//! emptied it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{index::Index, make_directory};

/// The file is looked at again after this time of activity, in ns,
const LOOK_AFTER: u64 = 1_000_000_000;
/// or after so many bytes.
const LOOK_AFTER_BYTES: u64 = 1 << 20;

/// A log file, opened when the first bytes come.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    index_path: PathBuf,
    open: Option<Open>,
    /// How many streams go to it.
    pub(super) users: usize,
}

/// What is known of an open log file.
#[derive(Debug)]
struct Open {
    file: File,
    /// None for what is no regular file, and when it could not be written.
    index: Option<Index>,
    /// Device and inode.
    identity: (u64, u64),
    is_regular: bool,
    /// Where the next byte goes.
    end: u64,
    looked_at: u64,
    since_look: u64,
}

impl Log {
    /// A log that is not opened yet.
    pub(super) fn new(path: PathBuf, index_path: PathBuf) -> Self {
        Self { path, index_path, open: None, users: 0 }
    }

    /// Appends a reading made at `time` (realtime ns). Returns how many of its bytes had to be
    /// dropped.
    pub(super) fn append(&mut self, bytes: &[u8], time: u64) -> u64 {
        if self.open.as_mut().is_some_and(|open| !open.is_still_at(&self.path, time)) {
            self.close();
        }
        if self.open.is_none() {
            self.open = Open::new(&self.path, &self.index_path, time).ok();
        }
        let Some(open) = &mut self.open else { return length(bytes) };
        let dropped = open.write(bytes, time);
        if dropped != 0 {
            // The next reading begins with a look at what is there now.
            self.close();
        }
        dropped
    }

    /// Writes what the index still has to say.
    pub(super) fn flush(&mut self) {
        if let Some(open) = &mut self.open
            && open.index.as_mut().is_some_and(|index| index.flush().is_err())
        {
            open.index = None;
        }
    }

    fn close(&mut self) {
        self.flush();
        self.open = None;
    }
}

impl Open {
    fn new(path: &Path, index_path: &Path, time: u64) -> io::Result<Self> {
        let file = open_or_make(path)?;
        let found = file.metadata()?;
        let is_regular = found.is_file();
        let end = if is_regular { found.len() } else { 0 };
        // A log without its index is better than no log.
        let index = if is_regular {
            open_or_make(index_path).and_then(|file| Index::new(file, end)).ok()
        } else {
            None
        };
        Ok(Self {
            file,
            index,
            identity: (found.dev(), found.ino()),
            is_regular,
            end,
            looked_at: time,
            since_look: 0,
        })
    }

    /// Whether the file is still the one at its path. Looks only now and then.
    fn is_still_at(&mut self, path: &Path, time: u64) -> bool {
        if time.abs_diff(self.looked_at) < LOOK_AFTER && self.since_look < LOOK_AFTER_BYTES {
            return true;
        }
        self.looked_at = time;
        self.since_look = 0;
        let Ok(found) = std::fs::metadata(path) else { return false };
        if (found.dev(), found.ino()) != self.identity {
            return false;
        }
        if self.is_regular && found.len() < self.end {
            self.end = found.len();
            let cleared = self.index.as_mut().map(Index::clear);
            if matches!(cleared, Some(Err(_))) {
                self.index = None;
            }
        }
        true
    }

    fn write(&mut self, bytes: &[u8], time: u64) -> u64 {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => break,
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let dropped = length(rest);
        let written = length(bytes).saturating_sub(dropped);
        if written != 0 {
            let added = self.index.as_mut().map(|index| index.add(time, self.end));
            if matches!(added, Some(Err(_))) {
                self.index = None;
            }
            if self.is_regular {
                self.end = self.end.saturating_add(written);
            }
            self.since_look = self.since_look.saturating_add(written);
        }
        dropped
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn open_or_make(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
    open().or_else(|error| match (error.kind(), path.parent()) {
        (io::ErrorKind::NotFound, Some(dir)) => make_directory(dir).and_then(|()| open()),
        _ => Err(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn log_in(dir: &Path) -> Log {
        Log::new(dir.join("deep/x.log"), dir.join("deep/x.idx"))
    }

    fn index_of(log: &Log) -> Vec<(u64, u64)> {
        let bytes = std::fs::read(&log.index_path).unwrap();
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
        bytes.chunks(16).map(|record| (number(&record[..8]), number(&record[8..]))).collect()
    }

    #[test]
    fn readings_are_indexed_across_reopening() {
        let dir = tempfile::tempdir().unwrap();
        for time in [1, 2] {
            let mut log = log_in(dir.path());
            assert_eq!(log.append(b"abc", time), 0);
            assert_eq!(log.append(b"de", time + 10), 0);
            log.flush();
        }
        let log = log_in(dir.path());
        assert_eq!(std::fs::read(&log.path).unwrap(), b"abcdeabcde");
        assert_eq!(index_of(&log), [(1, 0), (11, 3), (2, 5), (12, 8)]);
    }

    #[test]
    fn a_renamed_deleted_or_emptied_file_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log_in(dir.path());
        log.append(b"one", SECOND);
        std::fs::rename(&log.path, dir.path().join("old")).unwrap();
        log.append(b"two", 2 * SECOND);
        assert_eq!(std::fs::read(&log.path).unwrap(), b"two");
        std::fs::remove_dir_all(log.path.parent().unwrap()).unwrap();
        log.append(b"three", 3 * SECOND);
        assert_eq!(std::fs::read(&log.path).unwrap(), b"three");
        File::options().write(true).open(&log.path).unwrap().set_len(0).unwrap();
        log.append(b"four", 4 * SECOND);
        log.flush();
        assert_eq!(std::fs::read(&log.path).unwrap(), b"four");
        assert_eq!(index_of(&log), [(4 * SECOND, 0)]);
    }

    #[test]
    fn what_cannot_be_written_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let log_path = dir.path().join("x.log");
        std::os::unix::fs::symlink("/dev/full", &log_path).unwrap();
        let mut log = Log::new(log_path, dir.path().join("x.idx"));
        assert_eq!(log.append(b"lost", 1), 4);
        assert!(!log.index_path.exists());
    }
}
