//! Where eco keeps its things: state, sockets and logs of one user, or of one `ECO_HOME`.

use std::{
    ffi::{CStr, OsString},
    io,
    os::unix::{ffi::OsStringExt as _, fs::DirBuilderExt as _},
    path::{Path, PathBuf},
};

/// The longest path a Unix socket can be bound to and still leave room for the kernel's limit.
pub const MAX_SOCKET_PATH: usize = 90;

/// The directories of one eco.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// What has to survive a reboot: revisions, journal, events.
    pub state: PathBuf,
    /// What belongs to this boot: lock, sockets, run records.
    pub run: PathBuf,
    /// Log files of apps whose file names no directory.
    pub logs: PathBuf,
}

/// Why no home could be found.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// `ECO_HOME` is relative.
    #[error("ECO_HOME is `{0}`; it has to be an absolute path")]
    Relative(PathBuf),
    /// The user has no entry in the password database.
    #[error("user {0} has no home directory in the password database; set ECO_HOME=DIR")]
    NoUser(u32),
    /// Linux allows 107 bytes for a socket's path.
    #[error(
        "the socket path {0} is longer than {MAX_SOCKET_PATH} bytes; set ECO_HOME to a shorter path"
    )]
    TooLong(PathBuf),
    /// A directory could not be made.
    #[error("cannot make the directory {path}")]
    Create {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Home {
    /// The home of this process's user: `ECO_HOME`, else the system's for root, else the user's.
    pub fn find() -> Result<Self, HomeError> {
        let home = match std::env::var_os("ECO_HOME").filter(|value| !value.is_empty()) {
            Some(dir) => Self::at(Path::new(&dir))?,
            None => Self::of_user()?,
        };
        let socket = home.api_socket();
        if MAX_SOCKET_PATH < socket.as_os_str().len() {
            return Err(HomeError::TooLong(socket));
        }
        Ok(home)
    }

    /// The home below `dir`.
    pub fn at(dir: &Path) -> Result<Self, HomeError> {
        if dir.is_relative() {
            return Err(HomeError::Relative(dir.to_owned()));
        }
        Ok(Self { state: dir.join("state"), run: dir.join("run"), logs: dir.join("logs") })
    }

    fn of_user() -> Result<Self, HomeError> {
        let uid = rustix::process::geteuid();
        if uid.is_root() {
            let dirs = ["/var/lib/eco", "/run/eco", "/var/log/eco"].map(PathBuf::from);
            let [state, run, logs] = dirs;
            return Ok(Self { state, run, logs });
        }
        let home = passwd_home(uid.as_raw()).ok_or(HomeError::NoUser(uid.as_raw()))?;
        let base = home.join(".local/state/eco");
        // A home directory may be shared by several machines; sockets and run records may not.
        let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
        let machine: String = machine.trim().chars().take(12).collect();
        let machine = if machine.is_empty() { "machine".to_owned() } else { machine };
        let here = base.join(machine);
        Ok(Self { state: here.join("state"), run: here.join("run"), logs: here.join("logs") })
    }

    /// The socket the controller's API is reached at.
    pub fn api_socket(&self) -> PathBuf {
        self.run.join("api.sock")
    }

    /// The file whose lock says that a keeper runs.
    pub fn lock_file(&self) -> PathBuf {
        self.run.join("lock")
    }

    /// Where the controller's standard error goes.
    pub fn controller_log(&self) -> PathBuf {
        self.run.join("controller.log")
    }

    /// The directory of the keeper's run records.
    pub fn runs(&self) -> PathBuf {
        self.run.join("runs")
    }

    /// Waits until no keeper holds the lock any more.
    pub fn await_keeper_end(&self) -> io::Result<()> {
        let lock = std::fs::File::open(self.lock_file())?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockShared)?;
        Ok(())
    }

    /// Whether a keeper was here and is dead: its lock is free.
    pub fn keeper_is_gone(&self) -> bool {
        let lock = std::fs::File::open(self.lock_file());
        let try_shared = rustix::fs::FlockOperation::NonBlockingLockShared;
        lock.is_ok_and(|lock| rustix::fs::flock(&lock, try_shared).is_ok())
    }

    /// Makes the directories that are missing, for this user only.
    pub fn create(&self) -> Result<(), HomeError> {
        for path in [&self.state, &self.run, &self.logs, &self.runs()] {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|source| HomeError::Create { path: path.clone(), source })?;
        }
        Ok(())
    }
}

#[expect(unsafe_code, reason = "there is no safe wrapper for getpwuid_r in rustix")]
fn passwd_home(uid: u32) -> Option<PathBuf> {
    let mut buffer: Vec<libc::c_char> = vec![0; 16_384];
    let mut entry = std::mem::MaybeUninit::<libc::passwd>::uninit();
    let mut found = std::ptr::null_mut();
    // SAFETY: every pointer is valid for the call and the length is the buffer's own.
    let code = unsafe {
        libc::getpwuid_r(uid, entry.as_mut_ptr(), buffer.as_mut_ptr(), buffer.len(), &raw mut found)
    };
    if code != 0 || found.is_null() {
        return None;
    }
    // SAFETY: `found` points to `entry`, which the call filled; its strings lie in `buffer`.
    let dir = unsafe { CStr::from_ptr((*found).pw_dir) };
    let dir = PathBuf::from(OsString::from_vec(dir.to_bytes().to_vec()));
    dir.is_absolute().then_some(dir)
}
