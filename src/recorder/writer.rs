//! One writer thread: reads the pipes whose logs are on its file system and appends to them.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
};

use rustix::{
    event::{
        EventfdFlags,
        epoll::{self, CreateFlags, EventData, EventFlags},
        eventfd,
    },
    io::Errno,
    time::{ClockId, clock_gettime},
};

use super::{
    alarm::Alarm,
    log::Log,
    output::{Key, Output, Shared},
    pack::Packer,
    report::Reports,
    room::Removable,
    stall::{Pipe, Progress, WaitingPipes, Watch},
};
use crate::protocol::{FromRecorder, Sink};

/// One reading, and what at most is lost when a recorder is killed.
const READING: usize = 64 << 10;
/// So many readings of one pipe are made before the next pipe's turn.
const TURN: usize = 16;
/// What a pipe is enlarged to once it was found full over a whole turn: fewer changes between
/// the app and the recorder. Not at once for all, since pipes of one user share a quota.
const HOT_PIPE: usize = 256 << 10;
const WAKE: u64 = 0;
const ALARM: u64 = 1;

/// What a writer is told.
#[derive(Debug)]
pub(super) enum Order {
    /// Read this pipe.
    Open { pipe: Arc<Pipe>, sink: Sink },
    /// From now on the run's streams go there, written by another thread if one is named.
    Sink { run: u64, sink: Sink, to: Option<Arc<Inbox>> },
    /// Write what the pipes hold, then end.
    Drain,
    /// End once every pipe is at its end.
    Finish,
    /// End at once: somebody else goes on with the pipes.
    Leave,
}

impl Order {
    /// The same order for another writer; only those that end a writer are for all.
    pub(super) fn clone_ending(&self) -> Self {
        match self {
            Self::Drain => Self::Drain,
            Self::Leave => Self::Leave,
            Self::Finish | Self::Open { .. } | Self::Sink { .. } => Self::Finish,
        }
    }
}

/// Orders that wait for a writer.
#[derive(Debug)]
pub(super) struct Inbox {
    orders: Mutex<Vec<Order>>,
    wake: OwnedFd,
    /// What the writer lets others know.
    pub(super) progress: Arc<Progress>,
}

impl Inbox {
    pub(super) fn new() -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { orders: Mutex::new(Vec::new()), wake, progress: Arc::default() })
    }

    /// Adds an order and wakes the writer.
    pub(super) fn put(&self, order: Order) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).push(order);
        rustix::io::write(&self.wake, &1_u64.to_ne_bytes()).ok();
    }

    fn take(&self) -> Vec<Order> {
        let mut count = [0; 8];
        rustix::io::read(&self.wake, &mut count).ok();
        std::mem::take(&mut *self.orders.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl WaitingPipes for Inbox {
    fn each(&self, look: &mut dyn FnMut(&Pipe)) {
        for order in self.orders.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            match order {
                Order::Open { pipe, .. } => look(pipe),
                Order::Sink { .. } | Order::Drain | Order::Finish | Order::Leave => {}
            }
        }
    }
}

/// One pipe being read.
pub(super) struct Source {
    pub(super) pipe: Arc<Pipe>,
    pub(super) key: Key,
    /// Bytes dropped and not reported yet, and the error number of the last.
    pub(super) dropped: (u64, i32),
    pub(super) reported_at: u64,
    /// Whether its pipe was enlarged, or could not be.
    grown: bool,
}

/// What a turn of reading a pipe came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It holds nothing more now.
    Empty,
    /// It may hold more.
    More,
    /// Nobody can write to it any more.
    Ended,
}

/// When the thread ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Never,
    WhenDrained,
    WhenAllEnded,
    AtOnce,
}

/// The state of one writer thread.
pub(super) struct Writer {
    pub(super) inbox: Arc<Inbox>,
    pub(super) reports: Reports,
    watch: Arc<Watch>,
    poll: OwnedFd,
    pub(super) sources: BTreeMap<u64, Source>,
    next_source: u64,
    pub(super) outputs: HashMap<Key, Shared>,
    pub(super) removable: Removable,
    alarm: Alarm,
    packer: Packer,
    pub(super) buffer: Vec<u8>,
    ending: Ending,
}

impl Writer {
    pub(super) fn new(inbox: Arc<Inbox>, reports: Reports, watch: Arc<Watch>) -> io::Result<Self> {
        let poll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&poll, &inbox.wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        Ok(Self {
            inbox,
            reports,
            watch,
            poll,
            sources: BTreeMap::new(),
            next_source: ALARM.saturating_add(1),
            outputs: HashMap::new(),
            removable: Removable::default(),
            alarm: Alarm::default(),
            packer: Packer::default(),
            buffer: vec![0; READING],
            ending: Ending::Never,
        })
    }

    /// Runs until there is nothing more to record.
    pub(super) fn run(mut self) {
        let mut events = Vec::with_capacity(64);
        while !(self.ending == Ending::WhenAllEnded && self.sources.is_empty()) {
            events.clear();
            let buffer = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&self.poll, buffer, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
            self.watch.active();
            for event in &events {
                match event.data.u64() {
                    WAKE => self.take_orders(),
                    ALARM => self.put_old_aside(),
                    source => self.turn(source),
                }
            }
            match self.ending {
                Ending::Never | Ending::WhenAllEnded => {}
                Ending::WhenDrained => return self.drain(),
                Ending::AtOnce => {
                    // What was read is written at the end of each turn, but for lines without an end.
                    return self.outputs.values_mut().for_each(|shared| shared.output.finish());
                }
            }
        }
    }

    fn take_orders(&mut self) {
        for order in self.inbox.take() {
            match order {
                Order::Open { pipe, sink } => self.open(pipe, &sink),
                Order::Sink { run, sink, to } => self.change_sink(run, &sink, to.as_deref()),
                Order::Drain => self.ending = Ending::WhenDrained,
                Order::Finish => self.ending = Ending::WhenAllEnded,
                Order::Leave => self.ending = Ending::AtOnce,
            }
        }
    }

    fn open(&mut self, pipe: Arc<Pipe>, sink: &Sink) {
        let id = self.next_source;
        self.next_source = id.saturating_add(1);
        let key = self.use_output(&pipe, sink);
        // If it cannot be waited for, it is never read: the keeper still holds it, and the next
        // recorder gets it.
        epoll::add(&self.poll, &pipe.end, EventData::new_u64(id), EventFlags::IN).ok();
        self.inbox.progress.add(id, Arc::clone(&pipe));
        self.await_age(&key);
        let source = Source { pipe, key, dropped: (0, 0), reported_at: 0, grown: false };
        self.sources.insert(id, source);
    }

    fn change_sink(&mut self, run: u64, sink: &Sink, to: Option<&Inbox>) {
        let matching = self.sources.iter().filter(|(_, source)| source.pipe.run == run);
        let ids: Vec<u64> = matching.map(|(id, _)| *id).collect();
        for id in ids {
            let Some(Source { pipe, .. }) = self.remove(id) else { continue };
            match to {
                Some(inbox) => inbox.put(Order::Open { pipe, sink: sink.clone() }),
                None => self.open(pipe, sink),
            }
        }
    }

    /// Where a stream goes, shared by all that go to the same file.
    fn use_output(&mut self, pipe: &Pipe, sink: &Sink) -> Key {
        let key = Key::of(pipe.run, pipe.stream, sink);
        let made = || Shared { output: Output::new(sink, pipe.stream), users: 0 };
        let shared = self.outputs.entry(key.clone()).or_insert_with(made);
        if let Output::File(log) = &mut shared.output {
            log.set_rotation(sink.rotation);
        }
        shared.users = shared.users.saturating_add(1);
        key
    }

    /// Takes a source out: reports what was dropped and closes its output if nobody else has it.
    fn remove(&mut self, id: u64) -> Option<Source> {
        let source = self.sources.remove(&id)?;
        // The keeper holds the same pipe, so closing it here would not end the waiting.
        epoll::delete(&self.poll, &source.pipe.end).ok();
        self.inbox.progress.remove(id);
        if let Some(shared) = self.outputs.get_mut(&source.key) {
            self.inbox.progress.begin();
            shared.output.finish();
            self.inbox.progress.end();
            shared.users = shared.users.saturating_sub(1);
            if shared.users == 0 {
                self.outputs.remove(&source.key);
            }
        }
        Some(source)
    }

    /// Reads a pipe and writes what it held; closes it if it ended.
    fn turn(&mut self, id: u64) {
        let turn = self.read_and_write(id);
        if turn == Turn::Ended
            && let Some(source) = self.remove(id)
        {
            let Source { pipe, dropped: (dropped, errno), .. } = source;
            let report = FromRecorder::Closed { stream: pipe.stream, dropped, errno };
            self.reports.tell(pipe.run, report);
        }
    }

    fn read_and_write(&mut self, id: u64) -> Turn {
        let Some(source) = self.sources.get_mut(&id) else { return Turn::Empty };
        let Some(Shared { output, .. }) = self.outputs.get_mut(&source.key) else {
            return Turn::Empty;
        };
        let progress = &self.inbox.progress;
        let mut turn = Turn::More;
        let mut full = true;
        let mut failed = None;
        for _ in 0..TURN {
            let count = match rustix::io::read(&source.pipe.end, self.buffer.as_mut_slice()) {
                Ok(0) => {
                    turn = Turn::Ended;
                    break;
                }
                Ok(count) => count,
                Err(Errno::INTR) => continue,
                Err(_) => {
                    turn = Turn::Empty;
                    break;
                }
            };
            full &= count == READING;
            let bytes = self.buffer.get(..count).unwrap_or_default();
            progress.begin();
            if let Err(unwritten) = output.append(source.pipe.run, bytes, realtime()) {
                failed = Some((unwritten, count));
                break;
            }
        }
        output.flush();
        if let Output::File(log) = output {
            pack_parts(&mut self.packer, log);
            self.alarm.set(&self.poll, ALARM, log.old_at());
        }
        if turn == Turn::More && full && !source.grown {
            source.grown = true;
            rustix::pipe::fcntl_setpipe_size(&source.pipe.end, HOT_PIPE).ok();
        }
        if let Some((unwritten, count)) = failed {
            self.insist(id, unwritten, count);
        }
        self.inbox.progress.end();
        turn
    }

    /// A file that was there before may be old enough already, or become so though nothing comes.
    fn await_age(&mut self, key: &Key) {
        let Some(Shared { output: Output::File(log), .. }) = self.outputs.get_mut(key) else {
            return;
        };
        self.inbox.progress.begin();
        log.look_for_age(realtime());
        self.inbox.progress.end();
        self.alarm.set(&self.poll, ALARM, log.old_at());
    }

    /// Puts files aside in which nothing was written since they became old enough.
    fn put_old_aside(&mut self) {
        self.alarm.rang();
        let now = realtime();
        let mut next = None;
        for Shared { output, .. } in self.outputs.values_mut() {
            let Output::File(log) = output else { continue };
            self.inbox.progress.begin();
            log.put_aside_if_old(now);
            self.inbox.progress.end();
            pack_parts(&mut self.packer, log);
            next = [next, log.old_at()].into_iter().flatten().min();
        }
        self.alarm.set(&self.poll, ALARM, next);
    }

    /// Writes what the pipes hold.
    fn drain(&mut self) {
        let ids: Vec<u64> = self.sources.keys().copied().collect();
        for id in ids {
            while self.read_and_write(id) == Turn::More {}
        }
    }
}

/// Has parts compressed that were put aside.
fn pack_parts(packer: &mut Packer, log: &mut Log) {
    let (parts, compression) = log.take_plain_parts();
    for part in parts {
        packer.pack(part, compression);
    }
}

/// Now, in ns since 1970.
pub(super) fn realtime() -> u64 {
    let time = clock_gettime(ClockId::Realtime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}
