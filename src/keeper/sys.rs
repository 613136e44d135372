//! System calls that have no safe wrapper elsewhere.
#![expect(unsafe_code, reason = "these calls are not in rustix, or not for every signal number")]

use std::{
    io, mem,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    ptr,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::Pid,
    time::{ClockId, clock_gettime},
};

use super::image::Strings;

/// The signals the keeper takes from a descriptor.
const TAKEN: [libc::c_int; 5] =
    [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT];

/// How a child ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reaped {
    pub(super) pid: Pid,
    /// As `wait` gives it.
    pub(super) status: i32,
    pub(super) user_us: u64,
    pub(super) system_us: u64,
    pub(super) max_rss_kib: u64,
}

/// Now, in ns of `CLOCK_MONOTONIC`.
pub(super) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Closes every descriptor from `first` on. Only for the very start of a process.
pub(super) fn close_from(first: u32) {
    // SAFETY: at the start of the keeper nothing in this process owns these descriptors; they are
    // what the caller happened to leave open.
    unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) };
}

/// Puts a copy of a descriptor in the place of standard input (0), output (1) or error (2).
pub(super) fn replace(source: &OwnedFd, place: i32) {
    // SAFETY: nothing in this process owns its standard descriptors.
    unsafe { libc::dup2(source.as_raw_fd(), place) };
}

/// Takes a descriptor that this program was executed with, by its number.
pub(super) fn own(number: i32) -> io::Result<OwnedFd> {
    // SAFETY: no memory is involved.
    if number < 0 || unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: it is open, and nothing else in this program has it: the former program gave it for
    // this use, once.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Executes a program in the place of this one. Only returns if that cannot be done.
pub(super) fn execute(exe: &OwnedFd, argv: &Strings, envp: &Strings) -> io::Error {
    let (argv, envp) = (argv.as_ptr(), envp.as_ptr());
    let (fd, here) = (exe.as_raw_fd(), libc::AT_EMPTY_PATH);
    // SAFETY: the arrays end with a null pointer, and they and their strings outlive the call.
    unsafe { libc::syscall(libc::SYS_execveat, fd, c"".as_ptr(), argv, envp, here) };
    io::Error::last_os_error()
}

/// Blocks the signals the keeper acts on, and gives a descriptor to take them from.
pub(super) fn signal_fd() -> io::Result<OwnedFd> {
    // SAFETY: all zeros is a valid `sigset_t`, and every pointer is valid for its call.
    let fd = unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in TAKEN {
            libc::sigaddset(&raw mut set, signal);
        }
        if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just made this descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Reaps one child that ended, if there is one.
pub(super) fn reap() -> Option<Reaped> {
    let mut status = 0;
    // SAFETY: all zeros is a valid `rusage`, and both pointers are valid for the call.
    let (pid, usage) = unsafe {
        let mut usage: libc::rusage = mem::zeroed();
        (libc::wait4(-1, &raw mut status, libc::WNOHANG, &raw mut usage), usage)
    };
    let micros = |time: libc::timeval| {
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        seconds.saturating_mul(1_000_000).saturating_add(u64::try_from(time.tv_usec).unwrap_or(0))
    };
    // No child has ended, or there is none at all.
    if pid <= 0 {
        return None;
    }
    Some(Reaped {
        pid: Pid::from_raw(pid)?,
        status,
        user_us: micros(usage.ru_utime),
        system_us: micros(usage.ru_stime),
        max_rss_kib: u64::try_from(usage.ru_maxrss).unwrap_or_default(),
    })
}

/// A process by a number that was written down; `None` if that can be none.
pub(super) fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}

/// The session of a process. `None` also for a session whose leader is outside this PID namespace:
/// the system calls it 0 then, which rustix takes for impossible.
pub(super) fn session(pid: Pid) -> Option<Pid> {
    // SAFETY: no memory is involved.
    let id = unsafe { libc::getsid(pid.as_raw_nonzero().get()) };
    (0 < id).then(|| Pid::from_raw(id)).flatten()
}

/// The process group of a process; `None` as with [`session`].
pub(super) fn group(pid: Pid) -> Option<Pid> {
    // SAFETY: no memory is involved.
    let id = unsafe { libc::getpgid(pid.as_raw_nonzero().get()) };
    (0 < id).then(|| Pid::from_raw(id)).flatten()
}

/// Signals a process through its pidfd.
pub(super) fn signal_pidfd(pidfd: &OwnedFd, signal: i32) -> io::Result<()> {
    let info: *const libc::siginfo_t = ptr::null();
    // SAFETY: the descriptor is open for the call, and no siginfo is given.
    let code = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, info, 0_u32)
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Signals the whole process group of a process through its pidfd. Older kernels than 6.9 do not
/// know how.
pub(super) fn signal_group_of(pidfd: &OwnedFd, signal: i32) -> io::Result<()> {
    const PROCESS_GROUP: u32 = 1 << 2;
    let info: *const libc::siginfo_t = ptr::null();
    // SAFETY: the descriptor is open for the call, and no siginfo is given.
    let code = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, info, PROCESS_GROUP)
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// How a process ended that was reaped by somebody else, as `wait` gives it. `None` while it is not
/// reaped, and where the system does not keep it (before Linux 6.15, or if its pidfd was opened
/// afterwards).
pub(super) fn wait_status(pidfd: &OwnedFd) -> Option<i32> {
    /// The first version of what the system knows of a process: the mask of what is asked for, and
    /// as the last of its sixteen words the wait status.
    #[repr(C)]
    struct Info {
        mask: u64,
        others: [u32; 13],
        wait_status: i32,
    }
    const GET_INFO: libc::Ioctl = libc::_IOWR::<Info>(0xff, 11);
    const EXIT: u64 = 1 << 3;
    let mut info = Info { mask: EXIT, others: [0; 13], wait_status: 0 };
    // SAFETY: the structure is of the size that the number of this request names.
    let code = unsafe { libc::ioctl(pidfd.as_raw_fd(), GET_INFO, &raw mut info) };
    (code == 0 && info.mask & EXIT != 0).then_some(info.wait_status)
}

/// Whether a process has ended, reaped or not.
pub(super) fn has_ended(pidfd: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default())) != Ok(0)
}

/// Waits until a process has ended, for at most a second.
pub(super) fn await_end(pidfd: &OwnedFd) {
    let second = Timespec { tv_sec: 1, tv_nsec: 0 };
    // If that is not so, whoever asks looks again.
    poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&second)).ok();
}

/// Signals a process by its id. Only for children that are not reaped yet.
pub(super) fn signal_process(pid: Pid, signal: i32) -> io::Result<()> {
    // SAFETY: no memory is involved.
    let code = unsafe { libc::kill(pid.as_raw_nonzero().get(), signal) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Signals a process group.
pub(super) fn signal_group(group: Pid, signal: i32) -> io::Result<()> {
    let id = group.as_raw_nonzero().get();
    if id == 1 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: no memory is involved.
    let code = unsafe { libc::kill(-id, signal) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a whole machine the kernel's own threads have session 0; within a PID namespace it may be
    /// this very process.
    #[test]
    fn a_session_of_no_number_here_is_none() {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            let pid = Pid::from_raw(pid).unwrap();
            assert!(session(pid).is_none_or(|found| 0 < found.as_raw_nonzero().get()));
            assert!(group(pid).is_none_or(|found| 0 < found.as_raw_nonzero().get()));
        }
    }
}
