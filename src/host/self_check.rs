//! What this machine lets eco do, found out by trying. Nothing of eco needs to run for it, and
//! nothing is left behind.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::{
    fs::{Access, access, inotify, statvfs},
    process::{Resource, getrlimit},
};

use super::{clock, home::Home};
pub use crate::protocol::SelfTest;

/// Has the keeper's code try what port sharing needs, in a process of its own.
#[expect(clippy::disallowed_methods, reason = "what is tried must not touch this process")]
pub fn ports() -> io::Result<SelfTest> {
    let output = Command::new("/proc/self/exe")
        .arg("__selftest")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    SelfTest::parse(&text).ok_or_else(|| io::Error::other("the self test ended without a word"))
}

/// How many descriptors a process may have open at most; `None` for no limit.
pub fn open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// Whether this user can watch one more file.
pub fn watch() -> io::Result<()> {
    let watcher = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    inotify::add_watch(&watcher, "/", inotify::WatchFlags::ATTRIB)?;
    Ok(())
}

/// How many files and directories this user may watch, as far as the system tells.
pub fn watches() -> Option<u64> {
    let text = fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok()?;
    text.trim().parse().ok()
}

/// Whether the system hands connections that wait at a socket which is given up to another one of
/// the same port.
pub fn hands_over() -> bool {
    let text = fs::read_to_string("/proc/sys/net/ipv4/tcp_migrate_req").unwrap_or_default();
    text.trim() == "1"
}

/// Where eco's things are or would be: for each directory it, or the first one above it that exists.
fn places(home: &Home) -> [&Path; 3] {
    [&home.state, &home.run, &home.logs]
        .map(|dir| dir.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("/")))
}

/// The least room that is left for eco's things, and where, in bytes.
pub fn room(home: &Home) -> io::Result<(PathBuf, u64)> {
    let mut least: Option<(PathBuf, u64)> = None;
    for dir in places(home) {
        let found = statvfs(dir)?;
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        if least.as_ref().is_none_or(|(_, known)| free < *known) {
            least = Some((dir.to_owned(), free));
        }
    }
    least.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Whether the clock tells a time from before this program was written to the disk.
pub fn clock_is_behind() -> bool {
    let program = std::env::current_exe().and_then(fs::metadata);
    let written = program.and_then(|found| found.modified());
    written.is_ok_and(|written| clock::wall() < written)
}

/// Whether the state of eco can be written: for each directory, or the first one above it that
/// exists.
pub fn home(home: &Home) -> io::Result<()> {
    for nearest in places(home) {
        access(nearest, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
            let error = io::Error::from(error);
            io::Error::new(error.kind(), format!("{}: {error}", nearest.display()))
        })?;
        if !nearest.is_dir() {
            return Err(io::Error::other(format!("{} is no directory", nearest.display())));
        }
    }
    Ok(())
}
