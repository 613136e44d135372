//! Having the recorder hold every descriptor that cannot be made again, so that the next keeper gets
//! them when this one dies. What is held is state, not a queue: a run or socket whose descriptors
//! changed is told once, as it is when the recorder's socket takes it.

use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd as _, BorrowedFd},
};

use super::event_loop::Keeper;
use crate::protocol::{Blocking, Kept, Message, Of, ToRecorder, send};

/// What is to be told.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    changed: BTreeSet<(Of, u64)>,
    /// The sockets the recorder was told to hold.
    sockets: BTreeSet<u64>,
}

impl Keeping {
    /// Whether something waits to be told.
    pub(super) fn has_news(&self) -> bool {
        !self.changed.is_empty()
    }
}

impl Keeper {
    /// The descriptors of a run or socket changed.
    pub(super) fn keep(&mut self, of: Of, id: u64) {
        self.keeping.changed.insert((of, id));
    }

    /// A new recorder holds nothing yet.
    pub(super) fn keep_all(&mut self) {
        self.keeping = Keeping::default();
        self.keep(Of::Keeper, 0);
        let runs: Vec<u64> = self.runs.keys().copied().collect();
        for run in runs {
            self.keep(Of::Run, run);
        }
        self.keep_sockets();
    }

    /// The sockets that are shared may have changed.
    pub(super) fn keep_sockets(&mut self) {
        let now = self.share.inodes();
        let changed: Vec<u64> = now.symmetric_difference(&self.keeping.sockets).copied().collect();
        for inode in changed {
            self.keep(Of::Socket, inode);
        }
        self.keeping.sockets = now;
    }

    /// Sends what the recorder's socket takes.
    pub(super) fn deliver_kept(&mut self) {
        while let Some((of, id)) = self.keeping.changed.first().copied() {
            match self.send_kept(of, id) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.raw_os_error() == Some(libc::ETOOMANYREFS) => return,
                Ok(()) | Err(_) => drop(self.keeping.changed.remove(&(of, id))),
            }
        }
    }

    fn send_kept(&self, of: Of, id: u64) -> io::Result<()> {
        let Some(channel) = &self.recorder.channel else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let (kinds, descriptors): (Vec<Kept>, Vec<BorrowedFd<'_>>) =
            self.kept(of, id).into_iter().unzip();
        let bytes = Message { seq: 0, run: id, body: ToRecorder::Keep { of, kinds } }.encode()?;
        send(channel, &bytes, &descriptors, Blocking::Never)
    }

    /// What is to be held of a run or socket; nothing once it is over.
    pub(super) fn kept(&self, of: Of, id: u64) -> Vec<(Kept, BorrowedFd<'_>)> {
        match of {
            Of::Keeper => vec![(Kept::Slate, self.slate.as_fd())],
            Of::Socket => {
                let socket = self.share.socket(id);
                socket.map(|socket| (Kept::Socket, socket)).into_iter().collect()
            }
            Of::Run => {
                let Some(run) = self.runs.get(&id) else { return Vec::new() };
                let process = run.pidfd.as_ref().map(|fd| (Kept::Process, fd.as_fd()));
                let status = run.status.as_ref().map(|fd| (Kept::Status, fd.as_fd()));
                let filter = self.share.filter(id).map(|fd| (Kept::Filter, fd));
                let notify = self.notify_sockets.of(id).map(|fd| (Kept::Notify, fd));
                [process, status, filter, notify].into_iter().flatten().collect()
            }
        }
    }
}
