//! Disks that hang: a write that takes over 5 s holds up nobody but the thread that is in it.
//!
//! Each writer says when it began to write. One thread looks at that once a second while anybody
//! writes, and not at all while nobody does. Where a write hangs it reads the writer's pipes in its
//! place and drops what they hold, so that apps do not wait for ever; what was dropped is reported.
//! Once the write returns, the writer goes on as before.

use std::{
    collections::BTreeMap,
    os::fd::OwnedFd,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::{
    io::Errno,
    time::{ClockId, clock_gettime},
};

use super::report::Reports;
use crate::protocol::{FromRecorder, Stream};

/// A write that takes longer hangs.
const PATIENCE: u64 = 5_000_000_000;
/// How often writers are looked at while they write.
const LOOK: Duration = Duration::from_secs(1);
/// How often the pipes of a writer that hangs are read when they are empty.
const READ: Duration = Duration::from_millis(20);
/// How often drops are reported, in ns.
const REPORT: u64 = 1_000_000_000;
const BUFFER: usize = 64 << 10;

/// A pipe, for whoever reads it.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) run: u64,
    pub(super) stream: Stream,
    pub(super) end: OwnedFd,
}

/// What a writer lets others know.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Since when it is in one write, in ns of the monotonic clock; 0 if it is in none.
    since: AtomicU64,
    /// Whether somebody else may be reading its pipes.
    is_replaced: AtomicBool,
    /// Held by who reads the pipes in its place.
    reading: Mutex<()>,
    pipes: Mutex<BTreeMap<u64, Arc<Pipe>>>,
}

impl Progress {
    /// It begins a write.
    pub(super) fn begin(&self) {
        self.since.store(monotonic(), Ordering::SeqCst);
    }

    /// It is in no write any more. Waits until nobody else reads its pipes.
    pub(super) fn end(&self) {
        self.since.store(0, Ordering::SeqCst);
        if self.is_replaced.swap(false, Ordering::SeqCst) {
            drop(lock(&self.reading));
        }
    }

    /// It reads this pipe from now on.
    pub(super) fn add(&self, id: u64, pipe: Arc<Pipe>) {
        lock(&self.pipes).insert(id, pipe);
    }

    /// It reads this pipe no longer.
    pub(super) fn remove(&self, id: u64) {
        lock(&self.pipes).remove(&id);
    }

    /// Whether it is in a write that takes too long.
    pub(super) fn hangs(&self) -> bool {
        let since = self.since.load(Ordering::SeqCst);
        since != 0 && PATIENCE <= monotonic().saturating_sub(since)
    }

    fn is_writing(&self) -> bool {
        self.since.load(Ordering::SeqCst) != 0
    }
}

/// A writer, as the watch knows it.
#[derive(Debug)]
struct Watched {
    progress: Arc<Progress>,
    /// Pipes that were given to the writer, but which it does not know yet.
    waiting: Arc<dyn WaitingPipes>,
    /// Whether somebody reads in its place.
    is_replaced: Arc<AtomicBool>,
}

/// Pipes that wait for a writer.
pub(super) trait WaitingPipes: std::fmt::Debug + Send + Sync {
    /// Looks at each of them.
    fn each(&self, look: &mut dyn FnMut(&Pipe));
}

/// Looks after all writers.
#[derive(Debug)]
pub(super) struct Watch {
    writers: Mutex<Vec<Watched>>,
    /// Somebody has written since the last look.
    is_active: AtomicBool,
    turn: Mutex<()>,
    wake: Condvar,
    reports: Reports,
}

impl Watch {
    /// Begins to look after writers.
    pub(super) fn start(reports: Reports) -> Arc<Self> {
        let watch = Arc::new(Self {
            writers: Mutex::default(),
            is_active: AtomicBool::new(false),
            turn: Mutex::default(),
            wake: Condvar::new(),
            reports,
        });
        let own = Arc::clone(&watch);
        // Without the thread, a disk that hangs holds up its apps.
        drop(thread::Builder::new().name("eco-watch".to_owned()).spawn(move || own.run()));
        watch
    }

    /// Looks after this writer too.
    pub(super) fn add(&self, progress: &Arc<Progress>, waiting: Arc<dyn WaitingPipes>) {
        let progress = Arc::clone(progress);
        let is_replaced = Arc::default();
        lock(&self.writers).push(Watched { progress, waiting, is_replaced });
    }

    /// Somebody is about to write.
    pub(super) fn active(&self) {
        if !self.is_active.load(Ordering::Relaxed) {
            let turn = lock(&self.turn);
            self.is_active.store(true, Ordering::Relaxed);
            self.wake.notify_one();
            drop(turn);
        }
    }

    fn run(&self) {
        let mut turn = lock(&self.turn);
        loop {
            let busy = self.look();
            if !busy {
                let idle = |(): &mut ()| !self.is_active.load(Ordering::Relaxed);
                turn = self.wake.wait_while(turn, idle).unwrap_or_else(PoisonError::into_inner);
            }
            self.is_active.store(false, Ordering::Relaxed);
            // Nobody is woken early: who becomes active in between is seen at the next look.
            let never = |(): &mut ()| true;
            let waited = self.wake.wait_timeout_while(turn, LOOK, never);
            turn = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether somebody is in a write. Those who hang get somebody who reads in their place.
    fn look(&self) -> bool {
        let mut busy = false;
        for writer in lock(&self.writers).iter() {
            busy |= writer.progress.is_writing();
            if writer.progress.hangs() && !writer.is_replaced.swap(true, Ordering::SeqCst) {
                let place = Replacement {
                    progress: Arc::clone(&writer.progress),
                    waiting: Arc::clone(&writer.waiting),
                    is_replaced: Arc::clone(&writer.is_replaced),
                    reports: self.reports.clone(),
                    dropped: BTreeMap::new(),
                };
                let thread = thread::Builder::new().name("eco-dropper".to_owned());
                if thread.spawn(move || place.run()).is_err() {
                    writer.is_replaced.store(false, Ordering::SeqCst);
                }
            }
        }
        busy
    }
}

/// Reads in the place of a writer that hangs.
struct Replacement {
    progress: Arc<Progress>,
    waiting: Arc<dyn WaitingPipes>,
    is_replaced: Arc<AtomicBool>,
    reports: Reports,
    /// What was not reported yet.
    dropped: BTreeMap<(u64, Stream), u64>,
}

impl Replacement {
    fn run(mut self) {
        let mut buffer = vec![0; BUFFER];
        let (nobody, pause) = (Mutex::new(()), Condvar::new());
        let mut reported = 0;
        let (progress, waiting) = (Arc::clone(&self.progress), Arc::clone(&self.waiting));
        loop {
            progress.is_replaced.store(true, Ordering::SeqCst);
            let guard = lock(&progress.reading);
            if !progress.hangs() {
                break;
            }
            let pipes: Vec<Arc<Pipe>> = lock(&progress.pipes).values().cloned().collect();
            let mut any = false;
            for pipe in pipes {
                any |= self.drop_some(&pipe, &mut buffer);
            }
            waiting.each(&mut |pipe| any |= self.drop_some(pipe, &mut buffer));
            drop(guard);
            let now = monotonic();
            if REPORT <= now.saturating_sub(reported) {
                reported = now;
                self.report();
            }
            if !any {
                drop(pause.wait_timeout(lock(&nobody), READ));
            }
        }
        self.report();
        self.is_replaced.store(false, Ordering::SeqCst);
    }

    /// Reads once; whether there was something.
    fn drop_some(&mut self, pipe: &Pipe, buffer: &mut [u8]) -> bool {
        match rustix::io::read(&pipe.end, buffer) {
            Ok(0) => false,
            Ok(count) => {
                let sum = self.dropped.entry((pipe.run, pipe.stream)).or_default();
                *sum = sum.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                true
            }
            Err(error) => error == Errno::INTR,
        }
    }

    fn report(&mut self) {
        for ((run, stream), bytes) in std::mem::take(&mut self.dropped) {
            let errno = libc::ETIMEDOUT;
            self.reports.tell(run, FromRecorder::Dropped { stream, bytes, errno });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Now, in ns; to a few ms, which is all that is needed.
fn monotonic() -> u64 {
    let time = clock_gettime(ClockId::MonotonicCoarse);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos).max(1)
}
