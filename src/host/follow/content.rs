//! What a followed file holds, as far as it matters: its digest, or that it is not there.

use std::{
    fs::{File, Metadata, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use sha2::{Digest as _, Sha256};

use crate::host::clock;

/// What a file held when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// There was no such file.
    Missing,
    /// There was something that is no readable regular file.
    Unreadable,
    /// The SHA-256 of its bytes.
    Digest([u8; 32]),
}

impl Content {
    /// The content of these bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::Digest(Sha256::digest(bytes).into())
    }

    /// The content of the file at `path` now.
    pub fn of(path: &Path) -> Self {
        match digest(path) {
            Ok(digest) => Self::Digest(digest),
            Err(error) if is_missing(&error) => Self::Missing,
            Err(_) => Self::Unreadable,
        }
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn digest(path: &Path) -> io::Result<[u8; 32]> {
    // Opening a pipe would otherwise wait for its other end.
    let mut file: File = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut sha = Sha256::new();
    let mut buffer = vec![0; 16 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(sha.finalize().into()),
            Ok(count) => sha.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A file as it was last looked at, so that an untouched one need not be read again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) content: Content,
    stamp: Option<Stamp>,
}

impl Look {
    /// A look by someone else: what the file held is known, when it was touched is not.
    pub(super) fn known(content: Content) -> Self {
        Self { content, stamp: None }
    }

    /// Looks at the file at `path`, which was seen as `self` before.
    pub(super) fn again(&self, path: &Path) -> Self {
        let meta = std::fs::metadata(path).ok();
        let stamp = meta.as_ref().map(Stamp::of);
        if stamp.is_some() && stamp == self.stamp {
            return *self;
        }
        let stamp = stamp.filter(|stamp| meta.is_some() && stamp.is_settled());
        Self { content: Content::of(path), stamp }
    }
}

/// What the system changes with every write to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(meta: &Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// Whether a further write would have to change the stamp. One right after the last, within
    /// the same tick of the file system's clock, would not.
    fn is_settled(&self) -> bool {
        let Ok(seconds) = u64::try_from(self.changed.0) else { return false };
        let changed = UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        changed
            .and_then(|at| clock::wall().duration_since(at).ok())
            .is_some_and(|ago| Duration::from_secs(3) < ago)
    }
}
