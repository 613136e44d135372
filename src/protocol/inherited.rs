//! Descriptors a program finds at its start: the one place that trusts a number.
#![expect(unsafe_code, reason = "a descriptor known by its number only")]

use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd, RawFd},
};

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_getfd, fcntl_setfd};

/// Takes a copy of descriptor `number`, which this process was started with, and marks both as
/// closed by exec. Fails if there is no such descriptor.
pub fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    if number < 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: nothing closes the descriptor during this function; if it is not open at all, the
    // first call fails.
    let found = unsafe { BorrowedFd::borrow_raw(number) };
    fcntl_getfd(found)?;
    fcntl_setfd(found, FdFlags::CLOEXEC)?;
    Ok(fcntl_dupfd_cloexec(found, number.saturating_add(1))?)
}
