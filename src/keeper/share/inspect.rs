//! Looking into a process that waits for an answer: its descriptors.

use std::{
    fs,
    os::fd::{OwnedFd, RawFd},
};

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};

use crate::keeper::members::{self, Held};

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    /// Its id, which is that of its first thread.
    pub(super) pid: Pid,
    pidfd: OwnedFd,
}

/// What there is to see of a socket of a process.
#[derive(Debug)]
pub(super) enum Seen {
    /// The socket itself.
    Socket(OwnedFd),
    /// Not the socket, because the system does not allow it.
    Blind,
    /// No socket, or no process.
    Nothing,
}

/// What speaks against putting another socket in the place of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ties {
    /// The process waits for its events with `epoll`, which would be lost.
    watched: bool,
    /// The process has it a second time.
    twice: bool,
}

impl Ties {
    pub(super) fn is_tied(self) -> bool {
        self.watched || self.twice
    }
}

impl Process {
    /// The process of a thread.
    pub(super) fn of(thread: Pid) -> Option<Self> {
        match pidfd_open(thread, PidfdFlags::empty()) {
            Ok(pidfd) => Some(Self { pid: thread, pidfd }),
            // Not the first thread of its process.
            Err(Errno::INVAL | Errno::NOENT) => {
                let status = fs::read_to_string(format!("/proc/{}/status", number(thread))).ok()?;
                let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
                let pid = Pid::from_raw(line.trim().parse().ok()?)?;
                Some(Self { pid, pidfd: pidfd_open(pid, PidfdFlags::empty()).ok()? })
            }
            Err(_) => None,
        }
    }

    /// A socket of it.
    pub(super) fn socket(&self, fd: RawFd) -> Seen {
        match pidfd_getfd(&self.pidfd, fd, PidfdGetfdFlags::empty()) {
            Ok(socket) => Seen::Socket(socket),
            Err(Errno::PERM | Errno::NOSYS) => Seen::Blind,
            Err(_) => Seen::Nothing,
        }
    }

    /// The inode of a socket of it, which needs no access to the socket.
    pub(super) fn inode(&self, fd: RawFd) -> Option<u64> {
        let target = fs::read_link(format!("/proc/{}/fd/{fd}", number(self.pid))).ok()?;
        match members::what(target.as_os_str())? {
            Held::Socket(inode) => Some(inode),
            Held::Epoll => None,
        }
    }

    /// The name of a socket's protocol, such as `TCPv6`, which needs no access to the socket.
    pub(super) fn protocol(&self, fd: RawFd) -> Option<String> {
        let path = format!("/proc/{}/fd/{fd}", number(self.pid));
        let mut name = [0; 64];
        let length = rustix::fs::getxattr(path, c"system.sockprotoname", &mut name).ok()?;
        let name = std::str::from_utf8(name.get(..length)?).ok()?;
        Some(name.trim_end_matches('\0').to_owned())
    }

    /// The flags of a descriptor of it, as in `open`, with `O_CLOEXEC`.
    pub(super) fn flags(&self, fd: RawFd) -> u32 {
        let path = format!("/proc/{}/fdinfo/{fd}", number(self.pid));
        let text = fs::read_to_string(path).unwrap_or_default();
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
        flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).unwrap_or_default()
    }

    /// What speaks against putting another socket in the place of `fd`.
    pub(super) fn ties(&self, fd: RawFd) -> Ties {
        let inode = self.inode(fd);
        let mut ties = Ties::default();
        for (number, held) in members::held(self.pid) {
            match held {
                Held::Epoll => ties.watched |= self.watches(number, fd),
                Held::Socket(other) => ties.twice |= number != fd && Some(other) == inode,
            }
        }
        ties
    }

    fn watches(&self, epoll: RawFd, fd: RawFd) -> bool {
        let path = format!("/proc/{}/fdinfo/{epoll}", number(self.pid));
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .filter_map(|line| line.strip_prefix("tfd:")?.split_ascii_whitespace().next())
            .any(|watched| watched.parse() == Ok(fd))
    }
}

/// Whether a process has the socket of this inode.
pub(super) fn holds(process: Pid, inode: u64) -> bool {
    members::held(process).iter().any(|(_, held)| *held == Held::Socket(inode))
}

fn number(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}
