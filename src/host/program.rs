//! A program to be executed by the keeper.

use std::{io, os::fd::OwnedFd, path::Path};

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, open};

/// Holds a program open, so that a file that is replaced meanwhile changes nothing.
pub fn open_program(path: &Path) -> io::Result<OwnedFd> {
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS)?;
    Ok(open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
}
