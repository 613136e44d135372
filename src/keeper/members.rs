//! The processes of a run, and what they hold open, as `/proc` tells it.

use std::{collections::HashSet, ffi::OsStr, fs, os::unix::ffi::OsStrExt as _};

use rustix::process::Pid;

use super::{event_loop::Keeper, proc, run::Run, sys};
use crate::protocol::State;

/// A descriptor of another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// A socket, with its inode.
    Socket(u64),
    /// An `epoll` instance.
    Epoll,
}

impl Keeper {
    /// The processes of a run: its first process and what descends from it, and the others of its
    /// session with what descends from them.
    pub(super) fn members(&self, run: &Run) -> HashSet<Pid> {
        let mut found = HashSet::new();
        if run.record.state == State::Gone {
            return found;
        }
        if run.has_leader() {
            add_family(run.leader, &mut found);
        }
        for pid in self.orphans(run) {
            add_family(pid, &mut found);
        }
        found
    }

    /// The processes of a run's session that came to the keeper when their parents ended: its
    /// children that are nobody's first process. Those of a run that was taken over come to somebody
    /// else, and are looked for everywhere.
    pub(super) fn orphans(&self, run: &Run) -> Vec<Pid> {
        if run.record.adopted {
            return others_of(run);
        }
        let others = proc::children().into_iter().filter(|pid| !self.leaders.contains_key(pid));
        others.filter(|pid| sys::session(*pid) == Some(run.leader)).collect()
    }
}

/// The living processes of a run's session and group without its first one. The number of that one
/// is given out anew only once nobody has it any more: then nothing of the run is left.
pub(super) fn others_of(run: &Run) -> Vec<Pid> {
    let found = proc::stat(run.record.pid);
    if found.is_some_and(|stat| stat.start_ticks != run.record.start_ticks) {
        return Vec::new();
    }
    let all = proc::of_session(run.leader).into_iter();
    all.filter(|pid| *pid != run.leader).collect()
}

/// Adds a process and its descendants.
pub(super) fn add_family(first: Pid, found: &mut HashSet<Pid>) {
    let mut next = vec![first];
    while let Some(pid) = next.pop() {
        if found.insert(pid) {
            next.extend(children(pid));
        }
    }
}

/// The children of a process; each is a child of the thread that made it.
fn children(pid: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())) else {
        return Vec::new();
    };
    let lists = threads.flatten().filter_map(|thread| {
        fs::read_to_string(thread.path().join("children")).ok().filter(|text| !text.is_empty())
    });
    let read = |text: String| -> Vec<Pid> {
        let words = text.split_ascii_whitespace();
        words.filter_map(|word| Pid::from_raw(word.parse().ok()?)).collect()
    };
    lists.flat_map(read).collect()
}

/// The sockets and `epoll` instances a process holds, by their numbers in it. Nothing if it ended
/// or may not be looked into.
pub(super) fn held(pid: Pid) -> Vec<(i32, Held)> {
    let Ok(entries) = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let (Some(number), Some(held)) = (number, what(target.as_os_str())) else { continue };
        found.push((number, held));
    }
    found
}

/// What a link below `fd` leads to, if it is one of these.
pub(super) fn what(target: &OsStr) -> Option<Held> {
    let target = target.as_bytes();
    if target == b"anon_inode:[eventpoll]" {
        return Some(Held::Epoll);
    }
    let inode = target.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    Some(Held::Socket(std::str::from_utf8(inode).ok()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;

    use super::*;

    #[test]
    fn links_are_read() {
        assert_eq!(what(OsStr::new("socket:[123]")), Some(Held::Socket(123)));
        assert_eq!(what(OsStr::new("anon_inode:[eventpoll]")), Some(Held::Epoll));
        assert_eq!(what(OsStr::new("anon_inode:[eventfd]")), None);
        assert_eq!(what(OsStr::new("socket:[x]")), None);
        assert_eq!(what(OsStr::new("/tmp/socket:[1]")), None);
    }

    #[test]
    fn a_process_holds_its_sockets() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let inode = rustix::fs::fstat(&socket).unwrap().st_ino;
        let found = held(rustix::process::getpid());
        assert!(found.contains(&(socket.as_raw_fd(), Held::Socket(inode))));
    }
}
