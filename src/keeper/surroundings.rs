//! What a new process is put into before its program is executed: its control group, limits,
//! priority and user. Laid out before the fork; in the child nothing here allocates, locks or
//! panics.
#![expect(unsafe_code, reason = "runs between fork and exec; these calls concern one thread only")]

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{Mode, OFlags},
    process::{Pid, Rlimit},
};

use crate::protocol::{Ids, Limit, SpawnSpec, Step};

const UMASK: u32 = 0o022;
const VERSION_3: u32 = 0x2008_0522;

/// What failed, and the system's error number.
type Failure = (Step, i32);

/// What a fork is to who returns from it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Forked {
    /// The new process.
    Child {
        /// Whether it was born in its control group.
        in_group: bool,
    },
    /// The one that made it.
    Parent(Pid),
}

/// What a new process is put into.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// The directory of its control group.
    group: Option<OwnedFd>,
    limits: Vec<Limit>,
    umask: u32,
    nice: Option<i32>,
    /// What is written to its `oom_score_adj`.
    oom_score_adj: Option<String>,
    ids: Option<Ids>,
    /// What it finds at [`NOTIFY_FD`](crate::protocol::NOTIFY_FD).
    pub(super) notify: Option<OwnedFd>,
}

impl Surroundings {
    /// Those of a spec. `open_files` is for who sets no limit of its own.
    ///
    /// # Errors
    /// The control group is not there.
    pub(super) fn new(spec: &SpawnSpec, open_files: Rlimit) -> io::Result<Self> {
        let number = |value: Option<u64>| value.unwrap_or(libc::RLIM_INFINITY);
        let nofile = Limit {
            resource: libc::RLIMIT_NOFILE,
            soft: number(open_files.current),
            hard: number(open_files.maximum),
        };
        let is_set = spec.limits.iter().any(|limit| limit.resource == nofile.resource);
        let usual = (!is_set).then_some(nofile);
        Ok(Self {
            group: spec.cgroup.as_deref().map(open_group).transpose()?,
            limits: usual.into_iter().chain(spec.limits.iter().copied()).collect(),
            umask: spec.umask.unwrap_or(UMASK),
            nice: spec.nice,
            oom_score_adj: spec.oom_score_adj.map(|score| score.to_string()),
            ids: spec.ids.clone(),
            notify: None,
        })
    }

    /// Makes the process's files over to its user, so that it may open them again by their names:
    /// `/dev/stdout` is opened by many.
    pub(super) fn own(&self, files: [BorrowedFd<'_>; 2]) {
        let Some(ids) = &self.ids else { return };
        for file in files {
            let (user, group) =
                (rustix::fs::Uid::from_raw(ids.uid), rustix::fs::Gid::from_raw(ids.gid));
            rustix::fs::fchown(file, Some(user), Some(group)).ok();
        }
    }

    /// Forks a process, into its control group where the kernel and what guards it allow it (Linux
    /// 5.7): to be moved there costs a process a millisecond, during which no other one may fork.
    pub(super) fn fork(&self) -> io::Result<Forked> {
        let into_group = self.group.as_ref().map(|group| clone_into(group.as_fd()));
        let (pid, in_group) = match into_group {
            Some(pid) if 0 <= pid => (pid, true),
            // Whatever hinders it, a plain fork and the child's entering say what is wrong.
            Some(_) | None => {
                // SAFETY: the keeper has one thread; the child only makes system calls, then execs
                // or exits.
                (unsafe { libc::fork() }, false)
            }
        };
        match pid {
            ..0 => Err(io::Error::last_os_error()),
            0 => Ok(Forked::Child { in_group }),
            pid => {
                Pid::from_raw(pid).map(Forked::Parent).ok_or_else(|| io::ErrorKind::Other.into())
            }
        }
    }

    /// Enters the control group; everything it starts is born there.
    pub(super) fn enter_group(&self) -> Result<(), Failure> {
        let Some(group) = &self.group else { return Ok(()) };
        // SAFETY: the path is a C string and the buffer valid for its length. 0 is the process that
        // writes. The descriptor is closed by exec.
        let written = unsafe {
            let flags = libc::O_WRONLY | libc::O_CLOEXEC;
            let list = libc::openat(group.as_raw_fd(), c"cgroup.procs".as_ptr(), flags);
            libc::write(list, b"0".as_ptr().cast(), 1)
        };
        if written < 0 { Err((Step::Cgroup, errno())) } else { Ok(()) }
    }

    /// Sets the mask, the limits and the priorities: while it may still go beyond a user's. What the
    /// system refuses even so hinders no start; whoever asked is told by the controller.
    pub(super) fn limit(&self) -> Result<(), Failure> {
        // SAFETY: no memory is involved.
        unsafe { libc::umask(self.umask) };
        for limit in &self.limits {
            if set(*limit) < 0 {
                return Err((Step::Limits, errno()));
            }
        }
        if let Some(nice) = self.nice {
            // SAFETY: no memory is involved.
            unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
        }
        if let Some(score) = &self.oom_score_adj {
            write_to(c"/proc/self/oom_score_adj", score.as_bytes());
        }
        Ok(())
    }

    /// Becomes the user: groups first, since only a privileged process may choose them, and no
    /// capability is left.
    pub(super) fn become_user(&self) -> Result<(), Failure> {
        let Some(ids) = &self.ids else { return Ok(()) };
        let (uid, gid) = (ids.uid, ids.gid);
        // The system is asked directly: the C library would have other threads follow, of which
        // there are none, and locks for that.
        // SAFETY: the list of groups is valid for its length; the others involve no memory.
        let done = unsafe {
            libc::syscall(libc::SYS_setgroups, ids.groups.len(), ids.groups.as_ptr()) == 0
                && libc::syscall(libc::SYS_setresgid, gid, gid, gid) == 0
                && libc::syscall(libc::SYS_setresuid, uid, uid, uid) == 0
        };
        if !done || (uid != 0 && drop_capabilities() < 0) {
            return Err((Step::User, errno()));
        }
        Ok(())
    }
}

fn open_group(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// A fork whose child is born in a control group. Negative: not possible.
fn clone_into(group: BorrowedFd<'_>) -> libc::pid_t {
    let number = u64::try_from;
    let args = libc::clone_args {
        flags: 0x2_0000_0000, // CLONE_INTO_CGROUP: libc has it as an int, where it is 0.
        pidfd: 0,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: number(libc::SIGCHLD).unwrap_or_default(),
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: number(group.as_raw_fd()).unwrap_or_default(),
    };
    // SAFETY: the structure has the size that is said. Without a stack of its own the child goes on
    // in a copy of this one, as after a fork. The C library's own preparations are for programs
    // with threads and for what the child does not do: it makes system calls, then execs or exits.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of_val(&args)) };
    libc::pid_t::try_from(pid).unwrap_or(-1)
}

fn errno() -> i32 {
    // SAFETY: the address of this thread's errno is always valid.
    unsafe { *libc::__errno_location() }
}

/// Sets a limit. One beyond what this process may have becomes what it may have: the program is
/// better off with less than not started at all, and whoever asked is told by the controller.
fn set(limit: Limit) -> libc::c_int {
    let wanted = libc::rlimit { rlim_cur: limit.soft, rlim_max: limit.hard };
    let mut has = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointers are valid for their calls.
    unsafe {
        if libc::setrlimit(limit.resource, &raw const wanted) == 0 {
            return 0;
        }
        if errno() != libc::EPERM || libc::getrlimit(limit.resource, &raw mut has) < 0 {
            return -1;
        }
        let most = has.rlim_max;
        let less = libc::rlimit { rlim_cur: limit.soft.min(most), rlim_max: limit.hard.min(most) };
        libc::setrlimit(limit.resource, &raw const less)
    }
}

fn write_to(path: &std::ffi::CStr, text: &[u8]) {
    // SAFETY: the path is a C string and the buffer valid for its length; the descriptor is closed
    // by whoever opened it.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if 0 <= file {
            libc::write(file, text.as_ptr().cast(), text.len());
            libc::close(file);
        }
    }
}

/// Gives up every capability this process has or could pass on; the ambient ones go with them. The
/// bounding set stays, so that `sudo` and `ping` work as in a login.
fn drop_capabilities() -> libc::c_long {
    let header = [VERSION_3, 0];
    let none = [0_u32; 6];
    // SAFETY: header and data have the sizes that this version has.
    unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) }
}
