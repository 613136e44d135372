//! What keeper and recorder say to each other.

use super::{
    keeping::{self, Kept, Of},
    message::Body,
    sink::{Sink, Stream},
    wire::{Malformed, Reader, Writer},
};

/// What the keeper tells the recorder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToRecorder {
    /// Record the run: the read ends of these streams come along, in this order.
    Open {
        /// Which streams, in order; one or both.
        streams: Vec<Stream>,
        /// Where they go.
        sink: Sink,
    },
    /// From now on the run's streams go there.
    Sink(Sink),
    /// Write what the pipes hold, then end.
    Quit,
    /// Hold these, which come along, in the place of all that were held of the run or socket whose
    /// number is the message's; none is to let go.
    Keep {
        /// Whose they are.
        of: Of,
        /// What they are, in order.
        kinds: Vec<Kept>,
    },
    /// End without reading any more: the pipes are the next recorder's.
    Leave,
    /// First word of a new keeper, whose predecessor is dead: hand over everything. Its standard
    /// output comes along.
    TakeOver,
}

/// What the recorder tells the keeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromRecorder {
    /// The stream was read to its end.
    Closed {
        /// The stream.
        stream: Stream,
        /// Bytes dropped since the last time any were reported.
        dropped: u64,
        /// The system's error number for the last of them.
        errno: i32,
    },
    /// Bytes of the stream could not be written.
    Dropped {
        /// The stream.
        stream: Stream,
        /// How many, since the last time any were reported.
        bytes: u64,
        /// The system's error number for the last of them.
        errno: i32,
    },
    /// Answer to [`ToRecorder::TakeOver`], one of many: these come along.
    Held {
        /// Whose they are; the message's number says which one's.
        of: Of,
        /// What they are, in order.
        kinds: Vec<Kept>,
    },
    /// Everything was handed over.
    AllHeld,
    /// A part of the run's log was removed because the disk is full.
    Removed {
        /// Bytes of its files.
        bytes: u64,
    },
}

impl Body for ToRecorder {
    fn kind(&self) -> u16 {
        match self {
            Self::Open { .. } => 201,
            Self::Sink(_) => 202,
            Self::Quit => 203,
            Self::Keep { .. } => 204,
            Self::TakeOver => 205,
            Self::Leave => 206,
        }
    }

    fn any_version(_: u16) -> bool {
        false
    }

    fn write(&self, out: &mut Writer) {
        match self {
            Self::Open { streams, sink } => {
                out.count(streams.len());
                for stream in streams {
                    out.u8(stream.number());
                }
                sink.write(out);
            }
            Self::Sink(sink) => sink.write(out),
            Self::Keep { of, kinds } => keeping::write(out, *of, kinds),
            Self::Quit | Self::TakeOver | Self::Leave => {}
        }
    }

    fn read(kind: u16, from: &mut Reader<'_>) -> Result<Self, Malformed> {
        match kind {
            201 => {
                let count = from.count(1)?;
                let streams = (0..count)
                    .map(|_| Stream::from_number(from.u8()?))
                    .collect::<Result<Vec<_>, _>>()?;
                if 2 < streams.len() {
                    return Err(Malformed::Value);
                }
                Ok(Self::Open { streams, sink: Sink::read(from)? })
            }
            202 => Ok(Self::Sink(Sink::read(from)?)),
            203 => Ok(Self::Quit),
            204 => keeping::read(from).map(|(of, kinds)| Self::Keep { of, kinds }),
            205 => Ok(Self::TakeOver),
            206 => Ok(Self::Leave),
            other => Err(Malformed::Kind(other)),
        }
    }
}

impl Body for FromRecorder {
    fn kind(&self) -> u16 {
        match self {
            Self::Closed { .. } => 301,
            Self::Dropped { .. } => 302,
            Self::Held { .. } => 303,
            Self::AllHeld => 304,
            Self::Removed { .. } => 305,
        }
    }

    fn any_version(_: u16) -> bool {
        false
    }

    fn write(&self, out: &mut Writer) {
        match self {
            Self::Closed { stream, dropped: bytes, errno }
            | Self::Dropped { stream, bytes, errno } => {
                out.u8(stream.number());
                out.u64(*bytes);
                out.i32(*errno);
            }
            Self::Held { of, kinds } => keeping::write(out, *of, kinds),
            Self::AllHeld => {}
            Self::Removed { bytes } => out.u64(*bytes),
        }
    }

    fn read(kind: u16, from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let read = |from: &mut Reader<'_>| {
            Ok((Stream::from_number(from.u8()?)?, from.u64()?, from.i32()?))
        };
        match kind {
            301 => {
                read(from).map(|(stream, dropped, errno)| Self::Closed { stream, dropped, errno })
            }
            302 => read(from).map(|(stream, bytes, errno)| Self::Dropped { stream, bytes, errno }),
            303 => keeping::read(from).map(|(of, kinds)| Self::Held { of, kinds }),
            304 => Ok(Self::AllHeld),
            305 => from.u64().map(|bytes| Self::Removed { bytes }),
            other => Err(Malformed::Kind(other)),
        }
    }
}
