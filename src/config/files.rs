//! Files that are read from elsewhere than the disk: as another commit has them.

use std::{fmt, io, path::Path};

/// Files in the place of those on the disk.
pub trait Files: fmt::Debug {
    /// The content of a file; `None` if it is the one on the disk.
    fn read(&self, path: &Path) -> Option<io::Result<Vec<u8>>>;

    /// Whether there is such a file or directory, wherever.
    fn has(&self, path: &Path) -> bool;

    /// Whether there is such a directory that is not on the disk.
    fn has_directory(&self, path: &Path) -> bool;
}
