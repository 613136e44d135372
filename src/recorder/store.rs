//! What the recorder holds for the keeper, and the way to it. When the keeper is dead, all of it is
//! handed to the next one.
//!
//! Bounded by what the keeper holds itself: it says for every run and socket what is to be held.

use std::{
    collections::BTreeMap,
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::event::{EventfdFlags, Timespec, eventfd, poll};

use crate::protocol::{Blocking, FromRecorder, Kept, Message, Of, Stream, send};

/// How long to wait before descriptors are sent again while too many are on their way.
const AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// Everything held, shared by all threads.
#[derive(Debug)]
pub(super) struct Store {
    inner: Mutex<Inner>,
    /// Readable once the last pipe has ended.
    empty: OwnedFd,
}

#[derive(Debug, Default)]
struct Inner {
    keeper: Option<Arc<OwnedFd>>,
    kept: BTreeMap<(Of, u64), Vec<(Kept, OwnedFd)>>,
    /// Duplicates of what the writers read, by run.
    pipes: BTreeMap<u64, Vec<(Stream, OwnedFd)>>,
}

impl Store {
    pub(super) fn new(keeper: OwnedFd) -> io::Result<Self> {
        let empty = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let inner = Inner { keeper: Some(Arc::new(keeper)), ..Inner::default() };
        Ok(Self { inner: Mutex::new(inner), empty })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The channel to the keeper; `None` while there is none.
    pub(super) fn keeper(&self) -> Option<Arc<OwnedFd>> {
        self.lock().keeper.clone()
    }

    /// The keeper is dead.
    pub(super) fn hang_up(&self) {
        self.lock().keeper = None;
    }

    /// Whether a pipe is being read.
    pub(super) fn has_pipes(&self) -> bool {
        !self.lock().pipes.is_empty()
    }

    /// Whether a pipe of this run is being read.
    pub(super) fn reads(&self, run: u64) -> bool {
        self.lock().pipes.contains_key(&run)
    }

    /// What becomes readable when the last pipe has ended.
    pub(super) fn empty(&self) -> BorrowedFd<'_> {
        self.empty.as_fd()
    }

    /// Notes that this was seen.
    pub(super) fn take_empty(&self) {
        rustix::io::read(&self.empty, &mut [0; 8]).ok();
    }

    /// A pipe is going to be read. If it cannot be held twice, the next keeper finds it elsewhere.
    pub(super) fn open(&self, run: u64, stream: Stream, pipe: &OwnedFd) {
        let Ok(copy) = pipe.try_clone() else { return };
        let mut inner = self.lock();
        let pipes = inner.pipes.entry(run).or_default();
        pipes.retain(|(known, _)| *known != stream);
        pipes.push((stream, copy));
    }

    /// Holds these, and nothing else, of a run or socket.
    pub(super) fn keep(&self, of: Of, id: u64, kinds: &[Kept], descriptors: Vec<OwnedFd>) {
        let kept: Vec<_> = kinds.iter().copied().zip(descriptors).collect();
        let mut inner = self.lock();
        if kept.is_empty() {
            inner.kept.remove(&(of, id));
        } else {
            inner.kept.insert((of, id), kept);
        }
    }

    /// Tells the keeper something about a run. One that is dead needs no report: its successor is
    /// told by what is held and what is not.
    pub(super) fn tell(&self, run: u64, body: FromRecorder) {
        let keeper = {
            let mut inner = self.lock();
            if let FromRecorder::Closed { stream, .. } = &body {
                inner.closed(run, *stream);
                if inner.pipes.is_empty() {
                    rustix::io::write(&self.empty, &1_u64.to_ne_bytes()).ok();
                }
            }
            inner.keeper.clone()
        };
        if let (Some(keeper), Ok(bytes)) = (keeper, (Message { seq: 0, run, body }).encode()) {
            drop(send(&*keeper, &bytes, &[], Blocking::Wait));
        }
    }

    /// Gives a new keeper everything, then reports to it. Nobody reports meanwhile, so that no pipe
    /// ends between being handed over and being told to have ended.
    pub(super) fn hand_over(&self, keeper: OwnedFd) -> io::Result<()> {
        let mut inner = self.lock();
        let keeper = Arc::new(keeper);
        for ((of, id), kept) in &inner.kept {
            let (kinds, ends) = kept.iter().map(|(kind, fd)| (*kind, fd.as_fd())).unzip();
            give(&keeper, *id, FromRecorder::Held { of: *of, kinds }, &ends)?;
        }
        for (run, pipes) in &inner.pipes {
            let each = pipes.iter().map(|(stream, fd)| (Kept::Pipe(*stream), fd.as_fd()));
            let (kinds, ends) = each.unzip();
            give(&keeper, *run, FromRecorder::Held { of: Of::Run, kinds }, &ends)?;
        }
        give(&keeper, 0, FromRecorder::AllHeld, &Vec::new())?;
        inner.keeper = Some(keeper);
        Ok(())
    }
}

impl Inner {
    fn closed(&mut self, run: u64, stream: Stream) {
        if let Some(pipes) = self.pipes.get_mut(&run) {
            pipes.retain(|(known, _)| *known != stream);
            if pipes.is_empty() {
                self.pipes.remove(&run);
            }
        }
    }
}

fn give(
    keeper: &OwnedFd,
    run: u64,
    body: FromRecorder,
    descriptors: &Vec<BorrowedFd<'_>>,
) -> io::Result<()> {
    let bytes = Message { seq: 0, run, body }.encode()?;
    loop {
        match send(keeper, &bytes, descriptors, Blocking::Wait) {
            // The system limits descriptors on their way: the keeper has to take some first.
            Err(error) if error.raw_os_error() == Some(libc::ETOOMANYREFS) => {
                poll(&mut [], Some(&AGAIN)).ok();
            }
            done => return done,
        }
    }
}
