//! What a new process does between fork and exec. Nothing here allocates, locks or panics.
#![expect(unsafe_code, reason = "fork, and what has to be done before exec")]

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, RawFd},
};

use rustix::process::{Pid, Rlimit};

use super::{
    image::{Image, Strings},
    share::{self, Way},
    surroundings::{Forked, Surroundings},
};
use crate::protocol::{MAX_DECLARED, NOTIFY_FD, Step};

const LAST_SIGNAL: libc::c_int = 64;
/// Copies of descriptors are made above this, out of the way of the places they go to.
const ABOVE_ROLES: libc::c_int = 16;
/// And above this, out of the way of listening sockets.
const ABOVE_SOCKETS: libc::c_int = 64;

/// What an app's process starts from.
#[derive(Clone, Copy, Debug)]
pub(super) struct AppStart<'a> {
    pub(super) image: &'a Image,
    pub(super) out: BorrowedFd<'a>,
    pub(super) err: BorrowedFd<'a>,
    /// The child's end: a byte releases it, a failure is written to it.
    pub(super) status: BorrowedFd<'a>,
    /// The keeper's end.
    pub(super) keeper_status: BorrowedFd<'a>,
    pub(super) surroundings: &'a Surroundings,
    pub(super) sharing: &'a Way<'a>,
}

/// What the keeper's own child starts from.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoleStart<'a> {
    pub(super) exe: BorrowedFd<'a>,
    pub(super) argv: &'a Strings,
    pub(super) envp: &'a Strings,
    /// What becomes descriptors 2, 3 and 4.
    pub(super) descriptors: [Option<BorrowedFd<'a>>; 3],
    /// Whether it ignores requests to end that go to everyone, as at a shutdown: the recorder ends
    /// when there is nothing left to record.
    pub(super) ignores_end: bool,
    pub(super) open_files: Rlimit,
}

/// Forks a process that becomes an app.
pub(super) fn fork_app(start: &AppStart<'_>) -> io::Result<Pid> {
    match start.surroundings.fork()? {
        Forked::Child { in_group } => app(start, in_group),
        Forked::Parent(pid) => Ok(pid),
    }
}

/// Forks a process that becomes the controller or the recorder.
pub(super) fn fork_role(start: &RoleStart<'_>) -> io::Result<Pid> {
    // SAFETY: the keeper has one thread; the child only makes system calls, then execs or exits.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => role(start),
        pid => Pid::from_raw(pid).ok_or_else(|| io::ErrorKind::Other.into()),
    }
}

fn errno() -> i32 {
    // SAFETY: the address of this thread's errno is always valid.
    unsafe { *libc::__errno_location() }
}

fn exit_now() -> ! {
    // SAFETY: ends this process without running anything of it.
    unsafe { libc::_exit(127) }
}

/// Tells the keeper what failed and ends.
fn fail(status: RawFd, step: Step, error: i32) -> ! {
    let [a, b, c, d] = error.to_le_bytes();
    let text = [step.number(), a, b, c, d];
    // SAFETY: the buffer is valid for its length.
    unsafe { libc::write(status, text.as_ptr().cast(), text.len()) };
    exit_now()
}

fn enforce(status: RawFd, done: Result<(), (Step, i32)>) {
    if let Err((step, error)) = done {
        fail(status, step, error);
    }
}

/// Puts signals as a program expects them: none blocked, none ignored or handled. The system is
/// asked directly, since the C library keeps two signals to itself, which a caller may ignore too.
fn reset_signals() {
    const SET_BYTES: libc::size_t = 8;
    let nothing: *mut libc::c_void = std::ptr::null_mut();
    // Larger than the system's structure on every architecture; all zeros is the default action.
    let zeros = [0_u64; 8];
    // SAFETY: the buffer is valid and long enough for both calls.
    unsafe {
        for signal in 1..=LAST_SIGNAL {
            libc::syscall(libc::SYS_rt_sigaction, signal, zeros.as_ptr(), nothing, SET_BYTES);
        }
        let how = libc::SIG_SETMASK;
        libc::syscall(libc::SYS_rt_sigprocmask, how, zeros.as_ptr(), nothing, SET_BYTES);
    }
}

fn set_open_files(limit: Rlimit) -> libc::c_int {
    let number = |value: Option<u64>| value.unwrap_or(libc::RLIM_INFINITY);
    let limit = libc::rlimit { rlim_cur: number(limit.current), rlim_max: number(limit.maximum) };
    // SAFETY: the pointer is valid for the call.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }
}

/// Marks every descriptor from `first` on as closed by exec.
fn close_at_exec_from(first: libc::c_uint) {
    // SAFETY: marking closes nothing. Where the call is unknown, every descriptor of the keeper
    // still has the mark from its making.
    unsafe {
        libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
}

fn app(start: &AppStart<'_>, in_group: bool) -> ! {
    let mut status = start.status.as_raw_fd();
    let mut byte = 0_u8;
    // SAFETY: the descriptors are the child's own copies, and the buffers are valid.
    unsafe {
        libc::close(start.keeper_status.as_raw_fd());
        while libc::read(status, (&raw mut byte).cast(), 1) != 1 {
            if errno() != libc::EINTR {
                exit_now();
            }
            // Only an interruption leaves an error number; the end of the file must not look so.
            *libc::__errno_location() = 0;
        }
        if libc::setsid() < 0 {
            fail(status, Step::Session, errno());
        }
        if !in_group {
            enforce(status, start.surroundings.enter_group());
        }
        reset_signals();
        for (from, to) in [(start.out, 1), (start.err, 2)] {
            if libc::dup2(from.as_raw_fd(), to) < 0 {
                fail(status, Step::Prepare, errno());
            }
        }
        close_at_exec_from(3);
        match start.sharing {
            Way::Alone => {}
            Way::Filter => share::install_and_tell(status),
            Way::Sockets(sockets) => {
                status = place_sockets(sockets, status);
                write_own_pid(start.image);
            }
        }
        if let Some(notify) = &start.surroundings.notify {
            status = place_notify(notify.as_fd(), status);
        }
        enforce(status, start.surroundings.limit());
        enforce(status, start.surroundings.become_user());
        if libc::chdir(start.image.cwd.as_ptr()) < 0 {
            fail(status, Step::Cwd, errno());
        }
    }
    let error = execute(start.image);
    fail(status, Step::Exec, error)
}

/// Puts listening sockets at 3 and up. Gives where the status socket is then.
fn place_sockets(sockets: &[BorrowedFd<'_>], status: RawFd) -> RawFd {
    let mut copies = [-1; MAX_DECLARED];
    // SAFETY: only the child's own descriptors are touched. Copies are made above the places first,
    // since a source may lie in another's place.
    unsafe {
        let status = match libc::fcntl(status, libc::F_DUPFD_CLOEXEC, ABOVE_SOCKETS) {
            -1 => fail(status, Step::Prepare, errno()),
            copy => copy,
        };
        for (copy, socket) in copies.iter_mut().zip(sockets) {
            *copy = libc::fcntl(socket.as_raw_fd(), libc::F_DUPFD_CLOEXEC, ABOVE_SOCKETS);
        }
        for (place, (copy, _)) in (3..).zip(copies.iter().zip(sockets)) {
            if libc::dup2(*copy, place) < 0 {
                fail(status, Step::Prepare, errno());
            }
        }
        status
    }
}

/// Puts the connected notify socket where the environment says that it is. Nothing else at that place
/// is needed by now but the status socket; gives where that is then.
fn place_notify(notify: BorrowedFd<'_>, status: RawFd) -> RawFd {
    // SAFETY: only the child's own descriptors are touched.
    unsafe {
        let status = match libc::fcntl(status, libc::F_DUPFD_CLOEXEC, NOTIFY_FD + 1) {
            -1 => fail(status, Step::Prepare, errno()),
            copy => copy,
        };
        // Where it lies there already, it only has to stay open.
        if libc::dup2(notify.as_raw_fd(), NOTIFY_FD) < 0
            || libc::fcntl(NOTIFY_FD, libc::F_SETFD, 0) < 0
        {
            fail(status, Step::Prepare, errno());
        }
        status
    }
}

/// Writes the process's own id where the environment has room for it.
fn write_own_pid(image: &Image) {
    let Some(place) = image.own_pid() else { return };
    let mut digits = [0_u8; 10];
    // SAFETY: no memory is involved.
    let mut rest = unsafe { libc::getpid() }.unsigned_abs();
    let mut count = 0;
    for digit in &mut digits {
        let [low, ..] = (rest % 10).to_le_bytes();
        *digit = b'0'.wrapping_add(low);
        rest /= 10;
        count += 1;
        if rest == 0 {
            break;
        }
    }
    for (at, digit) in digits.iter().take(count).rev().enumerate() {
        // SAFETY: there is room for ten digits, and nothing else refers to that memory.
        unsafe { place.add(at).write(*digit) };
    }
}

/// Executes the first candidate that can be; returns why none could.
fn execute(image: &Image) -> i32 {
    let mut denied = false;
    for path in &image.candidates {
        // SAFETY: the path is a C string, the arrays end with a null pointer, and all of them
        // outlive the call.
        unsafe { libc::execve(path.as_ptr(), image.argv(), image.envp()) };
        match errno() {
            libc::EACCES => denied = true,
            libc::ENOENT | libc::ENOTDIR if 1 < image.candidates.len() => {}
            other => return other,
        }
    }
    if denied { libc::EACCES } else { libc::ENOENT }
}

fn role(start: &RoleStart<'_>) -> ! {
    // SAFETY: only the child's own descriptors are touched. Copies are made above the places first,
    // since a source may lie in another's place.
    unsafe {
        let exe = libc::fcntl(start.exe.as_raw_fd(), libc::F_DUPFD_CLOEXEC, ABOVE_ROLES);
        let copies = start.descriptors.map(|source| {
            source.map_or(-1, |fd| libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD, ABOVE_ROLES))
        });
        for (place, copy) in (2..).zip(copies) {
            if 0 <= copy {
                libc::dup2(copy, place);
            } else if place == 2 {
                libc::dup2(1, 2);
            } else {
                libc::close(place);
            }
        }
        close_at_exec_from(5);
        reset_signals();
        if start.ignores_end {
            for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT] {
                libc::signal(signal, libc::SIG_IGN);
            }
        }
        set_open_files(start.open_files);
        let (argv, envp) = (start.argv.as_ptr(), start.envp.as_ptr());
        libc::syscall(libc::SYS_execveat, exe, c"".as_ptr(), argv, envp, libc::AT_EMPTY_PATH);
        let text = b"eco: this program cannot be executed again\n";
        libc::write(2, text.as_ptr().cast(), text.len());
    }
    exit_now()
}
