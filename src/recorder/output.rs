//! Where bytes go: a file, a log service, eco's own standard output, or nowhere.

use std::path::PathBuf;

use super::{
    lines::Lines,
    log::{Log, Unwritten},
    shown::Shown,
};
use crate::protocol::{Destination, Sink, Stream};

/// What tells outputs apart. All that go to one file share it; whoever goes to a service has lines of
/// its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    File(PathBuf),
    Run(u64, Stream),
}

/// Where bytes go.
#[derive(Debug)]
pub(super) enum Output {
    File(Box<Log>),
    Lines(Box<Lines>),
    Shown(Box<Shown>),
    Nowhere,
}

/// An output and how many streams go to it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) output: Output,
    pub(super) users: usize,
}

impl Key {
    /// Of a stream of a run.
    pub(super) fn of(run: u64, stream: Stream, sink: &Sink) -> Self {
        match sink.to {
            Destination::File => Self::File(sink.log(stream)),
            Destination::Output(_)
            | Destination::Nowhere
            | Destination::Journal
            | Destination::Syslog => Self::Run(run, stream),
        }
    }
}

impl Output {
    pub(super) fn new(sink: &Sink, stream: Stream) -> Self {
        match sink.to {
            Destination::Output(form) => Self::Shown(Box::new(Shown::new(form, sink, stream))),
            Destination::File => Self::File(Box::new(Log::new(sink, stream))),
            Destination::Nowhere => Self::Nowhere,
            Destination::Journal | Destination::Syslog => {
                Self::Lines(Box::new(Lines::new(sink, stream)))
            }
        }
    }

    /// Takes a reading of `run` made at `time` (realtime ns).
    pub(super) fn append(&mut self, run: u64, bytes: &[u8], time: u64) -> Result<(), Unwritten> {
        match self {
            Self::File(log) => log.append(run, bytes, time),
            Self::Lines(lines) => lines.append(bytes, time),
            Self::Shown(shown) => shown.append(bytes, time),
            Self::Nowhere => Ok(()),
        }
    }

    /// Writes what it still has to.
    pub(super) fn flush(&mut self) {
        match self {
            Self::File(log) => log.flush(),
            Self::Lines(_) | Self::Shown(_) | Self::Nowhere => {}
        }
    }

    /// Nothing more will come.
    pub(super) fn finish(&mut self) {
        match self {
            Self::File(log) => log.flush(),
            Self::Lines(lines) => lines.finish(),
            Self::Shown(shown) => shown.finish(),
            Self::Nowhere => {}
        }
    }
}
