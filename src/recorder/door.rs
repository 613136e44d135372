//! Where the next keeper finds the recorder when its own is dead.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{SocketFlags, accept_with, sockopt::socket_peercred},
    time::{ClockId, clock_gettime},
};

use super::store::Store;
use crate::protocol::{Blocking, Message, ToRecorder, receive};

/// So long a next keeper is waited for though no pipe is left: the sockets held may be needed.
const LINGER: Duration = Duration::from_secs(5);
/// How long whoever connects may take to say what it wants.
const FIRST_WORD: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// The socket in the keeper's directory.
#[derive(Debug)]
pub(super) struct Door {
    socket: OwnedFd,
}

impl Door {
    /// Takes the socket over from the keeper that made it. Listening again makes this process the
    /// one whose credentials are shown to those who connect.
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        rustix::net::listen(&socket, 4)?;
        Ok(Self { socket })
    }

    /// Waits for the next keeper while there is something to record, and a little longer; `None`
    /// if there is nothing and nobody came.
    pub(super) fn wait(&self, store: &Store) -> Option<OwnedFd> {
        let until = monotonic().saturating_add(LINGER);
        loop {
            let left = until.saturating_sub(monotonic());
            let records = store.has_pipes();
            if !records && left.is_zero() {
                return None;
            }
            let patience = if records { None } else { Timespec::try_from(left).ok() };
            let empty = store.empty();
            let mut fds = [
                PollFd::new(&self.socket, PollFlags::IN),
                PollFd::from_borrowed_fd(empty, PollFlags::IN),
            ];
            match poll(&mut fds, patience.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => return None,
            }
            let [came, ended] = fds.each_ref().map(|fd| !fd.revents().is_empty());
            if ended {
                store.take_empty();
            }
            if came && let Some(keeper) = self.accept() {
                return Some(keeper);
            }
        }
    }

    /// Lets somebody in who is the same user and says what a keeper says.
    fn accept(&self) -> Option<OwnedFd> {
        let keeper = accept_with(&self.socket, SocketFlags::CLOEXEC).ok()?;
        let peer = socket_peercred(&keeper).ok()?;
        if peer.uid != rustix::process::geteuid() {
            return None;
        }
        let fd = keeper.as_fd();
        let said = poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&FIRST_WORD));
        if said != Ok(1) {
            return None;
        }
        let packet = receive(&keeper, Blocking::Never).ok()?;
        let message = Message::<ToRecorder>::decode(&packet.bytes).ok()?;
        if message.body != ToRecorder::TakeOver {
            return None;
        }
        if let Some(output) = packet.descriptors.first() {
            rustix::stdio::dup2_stdout(output).ok();
        }
        Some(keeper)
    }
}

fn monotonic() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}
