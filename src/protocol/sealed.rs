//! Sealed memfds: content that its sender can no longer change while it is read.

use std::{
    fs::File,
    io::{self, Write as _},
    os::{fd::OwnedFd, unix::fs::FileExt as _},
};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};

/// More than any arguments and environment the system executes.
const MAX_CONTENT: u64 = 8 << 20;

const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::WRITE);

/// Puts `content` into a new sealed memfd.
pub fn write_sealed(content: &[u8]) -> io::Result<OwnedFd> {
    let fd = memfd_create("eco-spawn", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut file = File::from(fd);
    file.write_all(content)?;
    fcntl_add_seals(&file, SEALS | SealFlags::SEAL)?;
    Ok(file.into())
}

/// Reads a sealed memfd whole, wherever its offset stands. A descriptor that is not one, or is too
/// large, is refused.
pub fn read_sealed(fd: OwnedFd) -> io::Result<Vec<u8>> {
    if !fcntl_get_seals(&fd)?.contains(SEALS) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let file = File::from(fd);
    let length = file.metadata()?.len();
    if MAX_CONTENT < length {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut content = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact_at(&mut content, 0)?;
    Ok(content)
}
