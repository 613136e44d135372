//! The recorder: reads what apps write and appends it to their log files, raw, with an index beside
//! each. It decides nothing; the keeper gives it the pipes and says where they go.
//!
//! One thread listens to the keeper; one writer thread for each file system does the rest, so that
//! a slow disk holds up only the apps that log to it. A reading that cannot be written (no space, an
//! I/O error, a directory that is gone) is dropped and counted, and the next one is tried again.
//! When the keeper dies the recorder goes on until every pipe is at its end.
//!
//! Not done yet: a write that is stuck for over 5 s holds up its file system's thread for as long as
//! it is stuck, and apps wait once their pipe is full; rotation and compression.

mod index;
mod log;
mod report;
mod writer;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt as _, MetadataExt as _},
    },
    path::Path,
    process::ExitCode,
    sync::Arc,
    thread,
};

use self::{
    report::Reports,
    writer::{Inbox, Order, Writer},
};
use crate::protocol::{
    Blocking, CHANNEL_FD, Message, Sink, Stream, ToRecorder, inherited, receive,
};

/// Runs the recorder; its channel to the keeper is descriptor 3.
pub fn main(_: impl Iterator<Item = OsString>) -> ExitCode {
    rustix::thread::set_name(c"eco-recorder").ok();
    match inherited(CHANNEL_FD) {
        Ok(channel) => Recorder::new(channel).run(),
        Err(_) => ExitCode::from(2),
    }
}

/// The thread that listens to the keeper.
struct Recorder {
    channel: Arc<OwnedFd>,
    /// By the number of the file system; `None` for directories that cannot be looked at.
    writers: BTreeMap<Option<u64>, WriterHandle>,
    /// Which writer has a run.
    placed: BTreeMap<u64, Option<u64>>,
}

struct WriterHandle {
    inbox: Arc<Inbox>,
    thread: thread::JoinHandle<()>,
}

impl Recorder {
    fn new(channel: OwnedFd) -> Self {
        Self { channel: Arc::new(channel), writers: BTreeMap::new(), placed: BTreeMap::new() }
    }

    fn run(mut self) -> ExitCode {
        let last = loop {
            match receive(&self.channel, Blocking::Wait) {
                Ok(packet) if packet.bytes.is_empty() => break Order::Finish,
                Err(_) => break Order::Finish,
                Ok(packet) => {
                    let Ok(message) = Message::<ToRecorder>::decode(&packet.bytes) else {
                        continue;
                    };
                    match message.body {
                        ToRecorder::Open { streams, sink } => {
                            self.open(message.run, &streams, packet.descriptors, &sink);
                        }
                        ToRecorder::Sink(sink) => self.change_sink(message.run, sink),
                        ToRecorder::Quit => break Order::Drain,
                    }
                }
            }
        };
        for writer in self.writers.values() {
            writer.inbox.put(last.clone_ending());
        }
        for (_, writer) in self.writers {
            drop(writer.thread.join());
        }
        ExitCode::SUCCESS
    }

    fn open(&mut self, run: u64, streams: &[Stream], pipes: Vec<OwnedFd>, sink: &Sink) {
        let place = file_system(&sink.dir);
        let Ok(inbox) = self.writer(place) else { return };
        self.placed.insert(run, place);
        for (stream, pipe) in streams.iter().copied().zip(pipes) {
            inbox.put(Order::Open { run, stream, pipe, sink: sink.clone() });
        }
    }

    fn change_sink(&mut self, run: u64, sink: Sink) {
        let Some(from) = self.placed.get(&run).copied() else { return };
        let place = file_system(&sink.dir);
        let Ok(to) = self.writer(place) else { return };
        let Ok(inbox) = self.writer(from) else { return };
        self.placed.insert(run, place);
        let to = (place != from).then_some(to);
        inbox.put(Order::Sink { run, sink, to });
    }

    /// The writer of a file system, started when it is first needed.
    fn writer(&mut self, place: Option<u64>) -> io::Result<Arc<Inbox>> {
        if let Some(writer) = self.writers.get(&place) {
            return Ok(Arc::clone(&writer.inbox));
        }
        let inbox = Arc::new(Inbox::new()?);
        let writer = Writer::new(Arc::clone(&inbox), Reports::new(Arc::clone(&self.channel)))?;
        let thread =
            thread::Builder::new().name("eco-writer".to_owned()).spawn(move || writer.run())?;
        self.writers.insert(place, WriterHandle { inbox: Arc::clone(&inbox), thread });
        Ok(inbox)
    }
}

/// The number of the file system a directory is on. The directory is made if it is missing.
fn file_system(dir: &Path) -> Option<u64> {
    std::fs::metadata(dir)
        .or_else(|_| make_directory(dir).and_then(|()| std::fs::metadata(dir)))
        .map(|found| found.dev())
        .ok()
}

/// Makes a directory, and the ones above it, for this user only.
fn make_directory(dir: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}
