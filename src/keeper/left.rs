//! What an earlier keeper left with its recorder, which lives on.

use std::{
    collections::BTreeMap,
    io,
    os::fd::{AsFd as _, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
        sockopt::socket_peercred,
    },
    process::{Pid, PidfdFlags, geteuid, pidfd_open},
};

use super::sys;
use crate::protocol::{Blocking, FromRecorder, Kept, Message, Of, ToRecorder, receive, send};

/// How long the recorder may take to hand everything over, in ns. One that is stopped is given up.
const PATIENCE: u64 = 5_000_000_000;

/// A recorder that some other keeper has started.
#[derive(Debug)]
pub(super) struct Heir {
    pub(super) channel: OwnedFd,
    pub(super) pid: Pid,
    pub(super) process: OwnedFd,
}

/// Descriptors, and whose they are.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) recorder: Option<Heir>,
    pub(super) kept: BTreeMap<(Of, u64), Vec<(Kept, OwnedFd)>>,
}

fn path(run_dir: &Path) -> PathBuf {
    run_dir.join("recorder.sock")
}

/// A socket at which a recorder waits for the next keeper. It takes the place of a former one.
pub(super) fn door(run_dir: &Path) -> io::Result<OwnedFd> {
    let draft = run_dir.join("recorder.new");
    drop(std::fs::remove_file(&draft));
    let socket = seqpacket()?;
    bind(&socket, &SocketAddrUnix::new(&draft)?)?;
    listen(&socket, 4)?;
    std::fs::rename(&draft, path(run_dir))?;
    Ok(socket)
}

/// The recorder has ended and leaves nothing to anybody.
pub(super) fn close_door(run_dir: &Path) {
    drop(std::fs::remove_file(path(run_dir)));
}

fn seqpacket() -> io::Result<OwnedFd> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    Ok(socket_with(family, kind, SocketFlags::CLOEXEC, None)?)
}

impl Left {
    /// Asks the recorder of a dead keeper for everything. Nothing if there is none.
    pub(super) fn ask(run_dir: &Path) -> Self {
        let mut left = Self::default();
        let Ok(heir) = find(run_dir) else { return left };
        if left.take_over(&heir.channel).is_ok() {
            left.recorder = Some(heir);
        } else {
            // Two recorders of one pipe would mix its output up.
            drop(sys::signal_pidfd(&heir.process, libc::SIGKILL));
        }
        left
    }

    fn take_over(&mut self, channel: &OwnedFd) -> io::Result<()> {
        let deadline = sys::now().saturating_add(PATIENCE);
        let word = Message { seq: 0, run: 0, body: ToRecorder::TakeOver }.encode()?;
        // What the recorder shows has to come out where this keeper's own output does.
        send(channel, &word, &[io::stdout().as_fd()], Blocking::Never)?;
        loop {
            let left = deadline.saturating_sub(sys::now());
            let patience = std::time::Duration::from_nanos(left);
            let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
            let fd = channel.as_fd();
            if poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&patience))? == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let packet = receive(channel, Blocking::Never)?;
            if packet.bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let message = Message::<FromRecorder>::decode(&packet.bytes)?;
            match message.body {
                FromRecorder::Held { of, kinds } => {
                    let held = kinds.into_iter().zip(packet.descriptors);
                    self.kept.entry((of, message.run)).or_default().extend(held);
                }
                FromRecorder::AllHeld => return Ok(()),
                FromRecorder::Closed { .. }
                | FromRecorder::Dropped { .. }
                | FromRecorder::Removed { .. } => {}
            }
        }
    }

    /// Takes a descriptor out.
    pub(super) fn take(&mut self, of: Of, id: u64, kind: Kept) -> Option<OwnedFd> {
        let held = self.kept.get_mut(&(of, id))?;
        let at = held.iter().position(|(known, _)| *known == kind)?;
        Some(held.swap_remove(at).1)
    }

    /// Takes out all descriptors of a kind, by whose they are.
    pub(super) fn take_all(&mut self, of: Of, kind: Kept) -> BTreeMap<u64, OwnedFd> {
        let ids: Vec<u64> =
            self.kept.keys().filter(|(known, _)| *known == of).map(|(_, id)| *id).collect();
        ids.into_iter().filter_map(|id| Some((id, self.take(of, id, kind)?))).collect()
    }
}

fn find(run_dir: &Path) -> io::Result<Heir> {
    let channel = seqpacket()?;
    connect(&channel, &SocketAddrUnix::new(path(run_dir))?)?;
    let peer = socket_peercred(&channel)?;
    if peer.uid != geteuid() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let process = pidfd_open(peer.pid, PidfdFlags::empty())?;
    Ok(Heir { channel, pid: peer.pid, process })
}
