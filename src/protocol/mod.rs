//! What controller, keeper and recorder say to each other: fixed little-endian structs, and how they
//! cross a socket. Nothing here decides or keeps state.
//!
//! A message is one packet of a `SOCK_SEQPACKET` socket, at most [`MAX_MESSAGE`] bytes with at most
//! [`MAX_DESCRIPTORS`] descriptors: a header (version, kind, sequence number, run), then the fields
//! of its kind. What does not fit (the arguments and environment of a spawn) travels in a sealed
//! memfd. Kinds and fields of later parts (port sharing, readiness, adoption) have their numbers
//! already, so that a keeper and a controller of different ages understand each other.

mod channel;
mod control;
mod inherited;
mod keeping;
mod member;
mod message;
mod ports;
mod record;
mod record_file;
mod recording;
mod said;
mod sealed;
mod self_test;
mod sink;
mod spawn;
mod wire;

pub use channel::{Blocking, Received, pair, receive, send};
pub use control::{Event, Request, Scope, kind};
pub use inherited::inherited;
pub use keeping::{Kept, Of};
pub use member::{MAX_MEMBERS, Member};
pub use message::{Body, Message};
pub use ports::{Closing, DeclaredPort, MAX_COHORTS, MAX_DECLARED, Ports, Queue};
pub use record::{BindFailure, Lost, Notify, Port, Record, Sharing, State};
pub use record_file::RecordFile;
pub use recording::{FromRecorder, ToRecorder};
pub use said::{MAX_SAID, Said};
pub use sealed::{read_sealed, write_sealed};
pub use self_test::SelfTest;
pub use sink::{Compression, Destination, Form, Rotation, Sink, Stream, has_output};
pub use spawn::{Ids, Limit, NOTIFY_FD, NOTIFY_FD_VARIABLE, SpawnSpec, Step, notify_path};
pub use wire::{Malformed, Reader, Writer};

/// The version spoken by this build.
pub const VERSION: u16 = 2;

/// The longest message, in bytes.
pub const MAX_MESSAGE: usize = 4096;

/// The most descriptors one message carries.
pub const MAX_DESCRIPTORS: usize = 16;

/// The longest tag of a run, in bytes.
pub const MAX_TAG: usize = 512;

/// The descriptor at which controller and recorder find their channel to the keeper.
pub const CHANNEL_FD: i32 = 3;

/// The descriptor at which the controller finds the API's listening socket.
pub const LISTENER_FD: i32 = 4;
