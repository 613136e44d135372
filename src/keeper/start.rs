//! Becoming the keeper: leaving the caller, lock, limits, socket.
#![expect(unsafe_code, reason = "fork is unsafe")]

use std::{
    fs::{self, File},
    io::{self, Seek as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::{fs::FileExt as _, net::UnixListener},
    },
    path::Path,
};

use rustix::{
    event::{Timespec, poll},
    fs::{FlockOperation, Mode, OFlags},
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType},
    process::{Resource, Rlimit},
};

use super::{Config, proc, sys};

const BACKLOG: i32 = 4096;
const MAX_LOG: u64 = 1 << 20;
/// How long a lock that a dead keeper has left may be held, in ns.
const LOCK_PATIENCE: u64 = 5_000_000_000;
const LOCK_LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };

/// Why a keeper could not start.
#[derive(Debug)]
pub(super) enum StartError {
    /// Another one runs here.
    Held,
    /// Something was refused.
    Failed {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
}

/// What a keeper has when it starts.
#[derive(Debug)]
pub(super) struct Started {
    /// Held for as long as the keeper lives.
    pub(super) lock: OwnedFd,
    pub(super) signals: OwnedFd,
    pub(super) listener: OwnedFd,
    /// Where the controller's standard error goes.
    pub(super) controller_log: OwnedFd,
    /// The caller's limit of open files, given back to children.
    pub(super) open_files: Rlimit,
    pub(super) boot_id: Vec<u8>,
}

/// Which side of the fork this is.
#[derive(Debug)]
pub(super) enum Side {
    /// The process the caller started.
    Caller,
    /// The one that goes on, in a session of its own.
    Detached,
}

trait Explain<T> {
    fn explain(self, what: &'static str) -> Result<T, StartError>;
}

impl<T, E: Into<io::Error>> Explain<T> for Result<T, E> {
    fn explain(self, what: &'static str) -> Result<T, StartError> {
        self.map_err(|error| StartError::Failed { what, source: error.into() })
    }
}

/// Leaves the caller: forks, so that nobody's child is the keeper, and makes a session.
pub(super) fn detach() -> io::Result<Side> {
    // SAFETY: this process has one thread, so the child may go on as it likes.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            rustix::process::setsid()?;
            Ok(Side::Detached)
        }
        _ => Ok(Side::Caller),
    }
}

/// Takes the lock, then everything else a keeper needs.
pub(super) fn start(config: &Config) -> Result<Started, StartError> {
    rustix::process::umask(Mode::from_raw_mode(0o077));
    rustix::process::chdir("/").explain("cannot enter /")?;
    let dir = &config.run_dir;
    let lock = take_lock(dir)?;
    let runs = dir.join("runs");
    fs::create_dir_all(&runs).explain("cannot make the directory of run records")?;
    let signals = sys::signal_fd().explain("cannot take signals")?;
    rustix::thread::set_name(c"eco-keeper").ok();
    let own = Some(rustix::process::getpid());
    rustix::process::set_child_subreaper(own).explain("cannot become a subreaper")?;
    let open_files = raise_open_files();
    let controller_log =
        open_log(&dir.join("controller.log")).explain("cannot open controller.log")?;
    let boot_id = proc::boot_id();
    let listener = listen(&dir.join("api.sock")).explain("cannot listen at api.sock")?;
    Ok(Started { lock, signals, listener, controller_log, open_files, boot_id })
}

/// What a keeper has that goes on in the place of another program.
pub(super) fn again(
    lock: OwnedFd,
    listener: OwnedFd,
    controller_log: OwnedFd,
    open_files: Rlimit,
) -> Result<Started, StartError> {
    let signals = sys::signal_fd().explain("cannot take signals")?;
    rustix::thread::set_name(c"eco-keeper").ok();
    let boot_id = proc::boot_id();
    Ok(Started { lock, signals, listener, controller_log, open_files, boot_id })
}

/// Takes the lock. A process that a dead keeper has forked and that is not executed yet has it for a
/// moment longer; it is waited for if the keeper that is noted there is dead.
fn take_lock(dir: &Path) -> Result<OwnedFd, StartError> {
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let lock = rustix::fs::open(dir.join("lock"), flags, Mode::from_raw_mode(0o600))
        .explain("cannot open the lock")?;
    let deadline = sys::now().saturating_add(LOCK_PATIENCE);
    loop {
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(rustix::io::Errno::WOULDBLOCK) if sys::now() < deadline && is_left(&lock) => {
                poll(&mut [], Some(&LOCK_LOOK)).ok();
            }
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(StartError::Held),
            Err(error) => return Err(error).explain("cannot take the lock"),
        }
    }
    let own = rustix::process::getpid().as_raw_nonzero().get().unsigned_abs();
    let text = format!("{own} {}\n", proc::start_ticks(own).unwrap_or_default());
    let file = File::from(lock);
    file.set_len(0)
        .and_then(|()| file.write_all_at(text.as_bytes(), 0))
        .explain("cannot write the lock")?;
    Ok(file.into())
}

/// Whether the keeper that has written into the lock is dead.
fn is_left(lock: &OwnedFd) -> bool {
    let mut text = [0; 64];
    let count = rustix::io::pread(lock, &mut text, 0).unwrap_or_default();
    let text = std::str::from_utf8(text.get(..count).unwrap_or_default()).unwrap_or_default();
    let mut numbers = text.split_ascii_whitespace().filter_map(|word| word.parse::<u64>().ok());
    let (Some(pid), Some(start)) = (numbers.next(), numbers.next()) else { return false };
    u32::try_from(pid).is_ok_and(|pid| proc::start_ticks(pid) != Some(start))
}

/// Raises the soft limit of open files to the hard one: a keeper holds three for each run.
fn raise_open_files() -> Rlimit {
    let found = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: found.maximum, maximum: found.maximum };
    rustix::process::setrlimit(Resource::Nofile, raised).ok();
    found
}

/// Opens the file for the controller's standard error, emptied if it has grown over 1 MiB.
fn open_log(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(path, flags, Mode::from_raw_mode(0o600))?);
    if MAX_LOG < file.seek(io::SeekFrom::End(0))? {
        file.set_len(0)?;
    }
    Ok(file.into())
}

/// Listens at a path. Callers that find the socket of a dead keeper there find this one at the next
/// try; there is no moment without any.
fn listen(path: &Path) -> io::Result<OwnedFd> {
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(&draft)?)?;
    rustix::net::listen(&socket, BACKLOG)?;
    fs::rename(&draft, path)?;
    Ok(UnixListener::from(socket).into())
}

/// Puts `/dev/null` in the place of standard input, error and, if nobody is to see it, output.
/// Gives what the output was.
pub(super) fn leave_stdio(with_output: bool) -> Option<File> {
    let output = io::stdout().as_fd().try_clone_to_owned().ok().map(File::from);
    let open = |flags| rustix::fs::open("/dev/null", flags | OFlags::CLOEXEC, Mode::empty());
    let (Ok(read), Ok(write)) = (open(OFlags::RDONLY), open(OFlags::WRONLY)) else { return output };
    sys::replace(&read, 0);
    sys::replace(&write, 2);
    if with_output {
        sys::replace(&write, 1);
    }
    output
}
