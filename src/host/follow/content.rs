//! What a followed file holds, as far as it matters: its digest, or that it is not there.

use std::{fs::File, io::Read as _, path::Path};

use sha2::{Digest as _, Sha256};

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
        let _ = (File::open(path).map(|mut f| f.read(&mut [])), path);
        Self::Missing
    }
}
