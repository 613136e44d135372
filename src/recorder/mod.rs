//! The recorder: reads what apps write and appends it to their log files, raw, with an index beside
//! each; or sends it line by line to a log service, or shows it where eco runs in the foreground. It decides nothing; the keeper gives it the pipes and says where they go.
//!
//! One thread listens to the keeper; one writer thread for each file system does the rest, so that
//! a slow disk holds up only the apps that log to it. A reading that cannot be written (no space, an
//! I/O error, a directory that is gone) is dropped and counted, and the next one is tried again.
//! A file that is long or old enough is put aside under a number of its own; see `log` and `parts`.
//! When the keeper dies the recorder goes on until every pipe is at its end. It holds duplicates of
//! the keeper's descriptors that cannot be made again, for the next one to take over (`store`).
//! While a write hangs, what the apps of that file system write is dropped and counted; see `stall`.

mod alarm;
mod begun;
mod door;
#[doc(hidden)]
pub mod fuzzing;
mod index;
mod lines;
mod log;
mod output;
mod pack;
mod parts;
mod places;
mod report;
mod room;
mod runs;
mod shown;
mod stall;
mod store;
mod writer;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    os::fd::OwnedFd,
    path::Path,
    process::ExitCode,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use self::{
    door::Door,
    places::{Place, Places},
    report::Reports,
    stall::{Pipe, Watch},
    store::Store,
    writer::{Inbox, Order, Writer},
};
use crate::protocol::{
    Blocking, CHANNEL_FD, Compression, Destination, LISTENER_FD, Message, Received, Sink, Stream,
    ToRecorder, has_output, inherited, receive,
};

/// So many runs are not worth looking for those that have ended.
const FEW: usize = 64;
/// How often it is looked at whether the writers have ended.
const LAST_LOOK: Duration = Duration::from_millis(5);

/// Compresses a part of a log, as the recorder does with those it put aside.
pub fn pack_part(log: &Path, number: u64, how: Compression) -> io::Result<()> {
    let part = parts::Part::of(log, number).ok_or(io::ErrorKind::InvalidInput)?;
    pack::pack(&part, how)
}

/// Runs the recorder; its channel to the keeper is descriptor 3, and descriptor 4 listens for the
/// next keeper.
pub fn main(_: impl Iterator<Item = OsString>) -> ExitCode {
    rustix::thread::set_name(c"eco-recorder").ok();
    match inherited(CHANNEL_FD).and_then(Store::new) {
        Ok(store) => Recorder::new(store).run(),
        Err(_) => ExitCode::from(2),
    }
}

/// The thread that listens to the keeper.
struct Recorder {
    store: Arc<Store>,
    /// Without one, nobody can take over.
    door: Option<Door>,
    places: Places,
    writers: BTreeMap<Place, WriterHandle>,
    /// Which writer has a run.
    placed: BTreeMap<u64, Place>,
    /// With more of them, those are forgotten that have ended.
    most_placed: usize,
    watch: Arc<Watch>,
}

struct WriterHandle {
    inbox: Arc<Inbox>,
    thread: thread::JoinHandle<()>,
}

impl WriterHandle {
    /// Waits until the writer has ended; if it was told to end soon, not for a write that hangs.
    fn wait(self, last: &Order) {
        let (nobody, pause) = (Mutex::new(()), Condvar::new());
        let is_patient = matches!(last, Order::Finish);
        while !self.thread.is_finished() && (is_patient || !self.inbox.progress.hangs()) {
            let guard = nobody.lock().unwrap_or_else(PoisonError::into_inner);
            drop(pause.wait_timeout(guard, LAST_LOOK));
        }
    }
}

impl Recorder {
    fn new(store: Store) -> Self {
        let door = inherited(LISTENER_FD).and_then(Door::new).ok();
        let store = Arc::new(store);
        let watch = Watch::start(Reports::new(Arc::clone(&store)));
        Self {
            store,
            door,
            places: Places::default(),
            writers: BTreeMap::new(),
            placed: BTreeMap::new(),
            most_placed: FEW,
            watch,
        }
    }

    fn run(mut self) -> ExitCode {
        let last = loop {
            let Some(keeper) = self.store.keeper() else {
                if self.next_keeper() {
                    continue;
                }
                break Order::Finish;
            };
            match receive(&*keeper, Blocking::Wait) {
                Ok(packet) if packet.bytes.is_empty() => self.store.hang_up(),
                Err(_) => self.store.hang_up(),
                Ok(packet) => {
                    if let Some(last) = self.take(packet) {
                        break last;
                    }
                }
            }
        };
        for writer in self.writers.values() {
            writer.inbox.put(last.clone_ending());
        }
        for (_, writer) in self.writers {
            writer.wait(&last);
        }
        ExitCode::SUCCESS
    }

    /// Waits for the next keeper and gives it everything; `false` if there is none to wait for.
    fn next_keeper(&self) -> bool {
        let came = self.door.as_ref().and_then(|door| door.wait(&self.store));
        // One that dies while it is given everything leaves the way free for another.
        came.map(|keeper| self.store.hand_over(keeper).ok()).is_some()
    }

    /// Does what the keeper asks for; gives the order that ends the writers if it asks for an end.
    fn take(&mut self, packet: Received) -> Option<Order> {
        let message = Message::<ToRecorder>::decode(&packet.bytes).ok()?;
        match message.body {
            ToRecorder::Open { streams, sink } => {
                self.open(message.run, &streams, packet.descriptors, &as_it_can_be(sink));
            }
            ToRecorder::Sink(sink) => self.change_sink(message.run, as_it_can_be(sink)),
            ToRecorder::Keep { of, kinds } => {
                self.store.keep(of, message.run, &kinds, packet.descriptors);
            }
            ToRecorder::Quit => return Some(Order::Drain),
            ToRecorder::Leave => return Some(Order::Leave),
            // Said once, at the door.
            ToRecorder::TakeOver => {}
        }
        None
    }

    fn open(&mut self, run: u64, streams: &[Stream], pipes: Vec<OwnedFd>, sink: &Sink) {
        let place = self.places.of(sink);
        let Ok(inbox) = self.writer(&place) else { return };
        self.forget_ended();
        self.placed.insert(run, place);
        for (stream, end) in streams.iter().copied().zip(pipes) {
            self.store.open(run, stream, &end);
            let pipe = Arc::new(Pipe { run, stream, end });
            inbox.put(Order::Open { pipe, sink: sink.clone() });
        }
    }

    /// Forgets runs that nobody reads any more; seldom, since all are looked at.
    fn forget_ended(&mut self) {
        if self.placed.len() < self.most_placed {
            return;
        }
        self.placed.retain(|run, _| self.store.reads(*run));
        self.most_placed = self.placed.len().saturating_mul(2).max(FEW);
    }

    fn change_sink(&mut self, run: u64, sink: Sink) {
        let Some(from) = self.placed.get(&run).cloned() else { return };
        let place = self.places.of(&sink);
        let Ok(to) = self.writer(&place) else { return };
        let Ok(inbox) = self.writer(&from) else { return };
        let to = (place != from).then_some(to);
        self.placed.insert(run, place);
        inbox.put(Order::Sink { run, sink, to });
    }

    /// The writer of a file system, started when it is first needed.
    fn writer(&mut self, place: &Place) -> io::Result<Arc<Inbox>> {
        if let Some(writer) = self.writers.get(place) {
            return Ok(Arc::clone(&writer.inbox));
        }
        let inbox = Arc::new(Inbox::new()?);
        let reports = Reports::new(Arc::clone(&self.store));
        let writer = Writer::new(Arc::clone(&inbox), reports, Arc::clone(&self.watch))?;
        let waiting: Arc<Inbox> = Arc::clone(&inbox);
        self.watch.add(&inbox.progress, waiting);
        let thread =
            thread::Builder::new().name("eco-writer".to_owned()).spawn(move || writer.run())?;
        self.writers.insert(place.clone(), WriterHandle { inbox: Arc::clone(&inbox), thread });
        Ok(inbox)
    }
}

/// The sink, with files in the place of a standard output that leads nowhere.
fn as_it_can_be(sink: Sink) -> Sink {
    match sink.to {
        Destination::Output(_) if !has_output() => Sink { to: Destination::File, ..sink },
        Destination::File
        | Destination::Nowhere
        | Destination::Journal
        | Destination::Syslog
        | Destination::Output(_) => sink,
    }
}
