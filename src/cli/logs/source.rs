//! One log file as it was opened, with the times beside it.

use std::{
    fs::{File, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::process::{Resource, getrlimit, setrlimit};

use super::index::Index;
use crate::api::LogFile;

/// A log file, open or missing.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: Option<File>,
    pub(super) index: Index,
    /// Device and inode of what is open.
    identity: Option<(u64, u64)>,
    len: u64,
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
    pub(super) fn open(log: &LogFile) -> io::Result<Self> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot read {}: {error}", log.log.display()))
        };
        let opened = match File::open(&log.log) {
            Ok(file) => {
                let meta = file.metadata().map_err(named)?;
                meta.is_file().then_some((file, meta))
            }
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(named(error)),
        };
        let index = |fallback| Index::new(log.index.clone(), fallback);
        Ok(match opened {
            Some((file, meta)) => Self {
                file: Some(file),
                index: index(written(&meta)),
                identity: Some(identity(&meta)),
                len: meta.len(),
            },
            None => Self { file: None, index: index(0), identity: None, len: 0 },
        })
    }

    /// Bytes of the file when it was last looked at.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Looks at the file's length, and at its index, again.
    pub(super) fn look(&mut self) -> u64 {
        if let Some(Ok(meta)) = self.file.as_ref().map(File::metadata) {
            self.len = meta.len();
        }
        self.index.refresh();
        self.len
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

/// Lets this process open so many more files, as far as the system does: a thousand instances have
/// more logs than the usual soft limit.
pub(super) fn make_room(files: usize) {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(files).unwrap_or(u64::MAX).saturating_add(256);
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
