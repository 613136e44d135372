//! The keeper's own two children, controller and recorder: started, and started again when they
//! die, with growing waits.

use std::{
    ffi::{CString, OsString},
    io,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::ffi::OsStringExt as _,
    },
};

use rustix::{
    event::epoll::{self, EventData, EventFlags},
    process::{Pid, Rlimit},
};

use super::{
    Program,
    child::{self, RoleStart},
    image::Strings,
    left::Heir,
    sys,
};
use crate::protocol::pair;

const FIRST_WAIT: u64 = 10_000_000;
const LONGEST_WAIT: u64 = 5_000_000_000;
/// A child that lived this long starts the waits anew.
const LIVED: u64 = 10_000_000_000;

/// How a role is started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// The first wait before it is started again, in ns; longer ones follow.
    pub(super) first_wait: u64,
    pub(super) ignores_end: bool,
    /// What its channel is called in the event loop.
    pub(super) token: u64,
}

/// What a role gets besides its channel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gifts<'a> {
    pub(super) log: Option<BorrowedFd<'a>>,
    pub(super) listener: Option<BorrowedFd<'a>>,
    pub(super) open_files: Rlimit,
}

/// One of the keeper's own children.
#[derive(Debug)]
pub(super) struct Role {
    exe: OwnedFd,
    argv: Strings,
    envp: Strings,
    manner: Manner,
    pub(super) pid: Option<Pid>,
    /// The process, if it is another keeper's child.
    pub(super) foreign: Option<OwnedFd>,
    pub(super) channel: Option<OwnedFd>,
    interest: EventFlags,
    started: u64,
    wait: u64,
    /// When it is started again, in ns; set while none runs and one should.
    pub(super) restart_at: Option<u64>,
    /// How often it was started.
    pub(super) starts: u32,
}

impl Role {
    /// A role that is to be started at once.
    pub(super) fn new(program: Program, manner: Manner) -> Self {
        Self {
            exe: program.exe,
            argv: Strings::new(program.argv),
            envp: Strings::new(own_environment()),
            manner,
            pid: None,
            foreign: None,
            channel: None,
            interest: EventFlags::empty(),
            started: 0,
            wait: manner.first_wait,
            restart_at: Some(0),
            starts: 0,
        }
    }

    /// Its process id, 0 while none runs.
    pub(super) fn pid_number(&self) -> u32 {
        self.pid.map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs())
    }

    /// Starts it, or sets when to try again.
    pub(super) fn start(&mut self, poll: &OwnedFd, gifts: &Gifts<'_>) {
        self.restart_at = None;
        self.started = sys::now();
        if self.try_start(poll, gifts).is_ok() {
            self.starts = self.starts.saturating_add(1);
        } else {
            self.set_restart();
        }
    }

    fn try_start(&mut self, poll: &OwnedFd, gifts: &Gifts<'_>) -> io::Result<()> {
        let (ours, theirs) = pair()?;
        let interest = EventFlags::IN;
        epoll::add(poll, &ours, EventData::new_u64(self.manner.token), interest)?;
        let started = child::fork_role(&RoleStart {
            exe: self.exe.as_fd(),
            argv: &self.argv,
            envp: &self.envp,
            descriptors: [gifts.log, Some(theirs.as_fd()), gifts.listener],
            ignores_end: self.manner.ignores_end,
            open_files: gifts.open_files,
        });
        match started {
            Ok(pid) => {
                self.pid = Some(pid);
                self.channel = Some(ours);
                self.interest = interest;
                Ok(())
            }
            Err(error) => {
                epoll::delete(poll, &ours).ok();
                Err(error)
            }
        }
    }

    /// Goes on with one that another keeper has started.
    pub(super) fn take(&mut self, heir: Heir, poll: &OwnedFd) -> io::Result<()> {
        let Heir { channel, pid, process } = heir;
        self.starts = 1;
        self.go_on(poll, pid, Some(channel), Some(process))
    }

    /// Goes on with one that runs.
    pub(super) fn go_on(
        &mut self,
        poll: &OwnedFd,
        pid: Pid,
        channel: Option<OwnedFd>,
        foreign: Option<OwnedFd>,
    ) -> io::Result<()> {
        if let Some(channel) = &channel {
            let data = EventData::new_u64(self.manner.token);
            epoll::add(poll, channel, data, EventFlags::IN)?;
            self.interest = EventFlags::IN;
        }
        (self.pid, self.foreign, self.channel) = (Some(pid), foreign, channel);
        (self.restart_at, self.started) = (None, sys::now());
        Ok(())
    }

    /// Ends it without asking.
    pub(super) fn kill(&self) {
        match (&self.foreign, self.pid) {
            (Some(process), _) => drop(sys::signal_pidfd(process, libc::SIGKILL)),
            (None, Some(pid)) => drop(sys::signal_process(pid, libc::SIGKILL)),
            (None, None) => {}
        }
    }

    /// It was reaped, and its channel was read to the end.
    pub(super) fn ended(&mut self, poll: &OwnedFd) {
        self.pid = None;
        self.foreign = None;
        self.hang_up(poll);
        self.set_restart();
    }

    /// Closes the channel.
    pub(super) fn hang_up(&mut self, poll: &OwnedFd) {
        if let Some(channel) = self.channel.take() {
            epoll::delete(poll, &channel).ok();
        }
    }

    fn set_restart(&mut self) {
        let now = sys::now();
        if LIVED <= now.saturating_sub(self.started) {
            self.wait = self.manner.first_wait;
        }
        self.restart_at = Some(now.saturating_add(self.wait));
        self.wait = self.wait.saturating_mul(2).clamp(FIRST_WAIT, LONGEST_WAIT);
    }

    /// Listens for what matters now: packets unless the keeper has to catch up first, and room for
    /// packets while some wait to be sent.
    pub(super) fn listen_for(&mut self, poll: &OwnedFd, packets: bool, room: bool) {
        let Some(channel) = &self.channel else { return };
        let mut wanted = EventFlags::empty();
        wanted.set(EventFlags::IN, packets);
        wanted.set(EventFlags::OUT, room);
        let data = EventData::new_u64(self.manner.token);
        if wanted != self.interest && epoll::modify(poll, channel, data, wanted).is_ok() {
            self.interest = wanted;
        }
    }
}

/// The environment this process was given, which its own children get unchanged.
pub(super) fn own_environment() -> Vec<CString> {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            let mut text: OsString = name;
            text.push("=");
            text.push(value.as_os_str());
            CString::new(text.into_vec()).ok()
        })
        .collect()
}
