//! Files and directories that are either old or new after a crash, never in between.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Makes `dir` and what is missing above it, for this user only, and syncs each new entry.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let Some(parent) = dir.parent() else { return Ok(()) };
    make_dir(parent)?;
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => sync_dir(parent),
    }
}

/// Puts `bytes` at `path`; once this returns they are there after a power cut too.
pub(super) fn replace_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, true)?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Puts `bytes` at `path`, whole or not at all as long as the machine stays up.
pub(super) fn replace_unsynced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, false)
}

fn replace(path: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
    let new = beside(path);
    let written = write_new(&new, bytes, sync).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // The old file still stands. What is left of the new one only takes space, and a later
        // attempt removes it too.
        drop(fs::remove_file(&new));
    }
    written
}

/// Makes `path` anew, for this user only.
pub(in crate::host) fn write_new(path: &Path, bytes: &[u8], sync: bool) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    if sync { file.sync_all() } else { Ok(()) }
}

/// Where the new content of `path` is written before it takes its place.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

/// Makes renames and removals in `dir` last.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    match File::open(dir)?.sync_all() {
        // Some network file systems cannot sync a directory and do not need to.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}
