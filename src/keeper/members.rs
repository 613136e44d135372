//! The processes of a run, and what they hold open, as `/proc` tells it.

use std::{collections::HashSet, ffi::OsStr, fs, os::unix::ffi::OsStrExt as _, path::Path};

use rustix::process::Pid;

use super::{cgroup::Cgroup, event_loop::Keeper, proc, run::Run, sys};
use crate::protocol::State;

/// A descriptor of another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// A socket, with its inode.
    Socket(u64),
    /// An `epoll` instance.
    Epoll,
}

/// The variable by which the processes of a run are known wherever they went.
pub(super) const MARK: &str = "ECO_RUN";

/// What tells the runs of one keeper in this boot from all others.
#[derive(Clone, Debug)]
pub(super) struct Mark(u64);

impl Mark {
    pub(super) fn new(run_dir: &Path, boot_id: &[u8]) -> Self {
        // FNV-1a: it has to differ, not to be secret.
        let bytes = run_dir.as_os_str().as_bytes().iter().chain(boot_id);
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// The value of the variable for a run.
    pub(super) fn of(&self, run: u64) -> String {
        format!("{run}@{:016x}", self.0)
    }

    /// Whether a process that somebody holds has the mark of a run.
    pub(super) fn is_of(&self, pid: Pid, run: &Run) -> bool {
        let number = number(pid);
        proc::start_ticks(number).is_some_and(|start| self.is_on(number, start, run))
    }

    /// Whether a process was started with the mark of a run, and not before that run.
    fn is_on(&self, pid: u32, start_ticks: u64, run: &Run) -> bool {
        run.record.start_ticks <= start_ticks
            && proc::variable(pid, MARK).is_some_and(|value| value == self.of(run.id).as_bytes())
    }
}

/// A child of the keeper that is no run's first process: it came here when its parent ended, so it
/// is of some run.
#[derive(Debug)]
pub(super) struct Stray {
    pub(super) pid: Pid,
    session: Option<Pid>,
    start_ticks: u64,
    mark: Option<Vec<u8>>,
}

impl Stray {
    fn look(pid: Pid) -> Self {
        let number = number(pid);
        let start_ticks = proc::start_ticks(number).unwrap_or_default();
        Self { pid, session: sys::session(pid), start_ticks, mark: proc::variable(number, MARK) }
    }

    /// Whether it is proved to be of this run: by its session, or by the mark in its environment.
    pub(super) fn is_of(&self, run: &Run, mark: &Mark) -> bool {
        let marked = || {
            let value = mark.of(run.id);
            self.mark.as_ref().is_some_and(|found| *found == value.as_bytes())
        };
        self.session == Some(run.leader) || (run.record.start_ticks <= self.start_ticks && marked())
    }
}

impl Keeper {
    /// The processes of a run: its first process and what descends from it, the others of its
    /// session or with its mark and what descends from them, and those of its control group.
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
        found.extend(run.cgroup.iter().flat_map(Cgroup::processes));
        found
    }

    /// The processes of a run that came to the keeper when their parents ended. Those of a run that
    /// was taken over come to somebody else, and are looked for everywhere.
    pub(super) fn orphans(&self, run: &Run) -> Vec<Pid> {
        if run.record.adopted {
            return others_of(run, &self.mark);
        }
        let strays = self.strays().into_iter().filter(|stray| stray.is_of(run, &self.mark));
        strays.map(|stray| stray.pid).collect()
    }

    /// The keeper's children that are nobody's first process, nor its own.
    pub(super) fn strays(&self) -> Vec<Stray> {
        let own = [self.controller.pid, self.recorder.pid, self.checking()];
        let others = proc::children().into_iter().filter(|pid| !self.leaders.contains_key(pid));
        others.filter(|pid| !own.contains(&Some(*pid))).map(Stray::look).collect()
    }

    /// The strays of which nobody can say whose they are. They are never signalled.
    pub(super) fn unproved(&self) -> Vec<Pid> {
        let mut strays = self.strays();
        strays.retain(|stray| stray.start_ticks != 0);
        strays.retain(|stray| !self.runs.values().any(|run| stray.is_of(run, &self.mark)));
        let groups = self.runs.values().filter_map(|run| run.cgroup.as_ref());
        let grouped: HashSet<Pid> = if strays.is_empty() {
            HashSet::new()
        } else {
            groups.flat_map(Cgroup::processes).collect()
        };
        strays.retain(|stray| !grouped.contains(&stray.pid));
        strays.into_iter().map(|stray| stray.pid).collect()
    }
}

/// The living processes of a run's session and group, or with its mark, without its first one. The
/// number of that one is given out anew only once no session or group has it any more.
pub(super) fn others_of(run: &Run, mark: &Mark) -> Vec<Pid> {
    let first = proc::stat(run.record.pid);
    let is_anew = first.is_some_and(|stat| stat.start_ticks != run.record.start_ticks);
    let leader = run.leader.as_raw_nonzero().get();
    let is_of = |pid: u32| {
        let Some(stat) = proc::stat(pid).filter(|stat| !stat.zombie) else { return false };
        let kin = !is_anew && (stat.session == leader || stat.group == leader);
        kin || mark.is_on(pid, stat.start_ticks, run)
    };
    let found = proc::all().into_iter().filter(|pid| *pid != run.record.pid && is_of(*pid));
    found.filter_map(sys::pid).collect()
}

fn number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
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
