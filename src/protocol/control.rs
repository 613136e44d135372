//! What controller and keeper say to each other.

use super::{
    member::{self, Member},
    message::Body,
    ports::{Closing, MAX_COHORTS, Ports, Queue},
    record::Record,
    said::Said,
    sink::Sink,
    spawn::Step,
    wire::{Malformed, Reader, Writer},
};

/// Numbers of the kinds of messages. The ones not used yet are kept for what they are named after.
pub mod kind {
    /// Request: agree on a version, then send every record.
    pub const HELLO: u16 = 1;
    /// Request: start a run.
    pub const SPAWN: u16 = 2;
    /// Request: signal a run.
    pub const SIGNAL: u16 = 3;
    /// Request: drop a run's record.
    pub const FORGET: u16 = 4;
    /// Request: send every record again.
    pub const LIST: u16 = 5;
    /// Request: change where a run's output goes.
    pub const SINK: u16 = 6;
    /// Request: end.
    pub const QUIT: u16 = 7;
    /// Request: the ports a cohort shares.
    pub const PORTS: u16 = 8;
    /// Request of a later part: the sockets of a cohort.
    pub const SOCKETS: u16 = 9;
    /// Request: give a cohort's sockets up.
    pub const RETIRE: u16 = 10;
    /// Request of a later part: a descriptor out of a run's process.
    pub const GETFD: u16 = 11;
    /// Request: replace the keeper's program.
    pub const UPGRADE: u16 = 12;
    /// Request: divide new connections among cohorts.
    pub const STEER: u16 = 13;
    /// Request: let a run accept no more connections.
    pub const QUIESCE: u16 = 14;
    /// Request: count a run's connections and close idle ones.
    pub const CONNECTIONS: u16 = 15;
    /// Request: who is of a run.
    pub const MEMBERS: u16 = 30;
    /// Event: who is of a run.
    pub const MEMBERS_ANSWER: u16 = 130;
    /// Event: the agreed version.
    pub const HELLO_ANSWER: u16 = 101;
    /// Event: the state of a run.
    pub const RECORD: u16 = 102;
    /// Event: every record asked for was sent.
    pub const LIST_END: u16 = 103;
    /// Event: a request was not done.
    pub const REFUSED: u16 = 104;
    /// Event: another recorder runs.
    pub const RECORDER: u16 = 105;
    /// Event: how many connections a run has.
    pub const CONNECTIONS_ANSWER: u16 = 108;
    /// Event: there are sockets of a cohort.
    pub const COHORT: u16 = 109;
    /// Event: parts of a run's log were removed.
    pub const REMOVED: u16 = 110;
    /// Event: a queue nothing is taken from, or again something.
    pub const QUEUE: u16 = 111;
    /// Event: what a run's agent says.
    pub const SAID: u16 = 112;
    /// Event of a later part: the sockets asked for.
    pub const SOCKETS_ANSWER: u16 = 106;
    /// Event of a later part: the descriptor asked for.
    pub const GETFD_ANSWER: u16 = 107;
}

/// Whom a signal goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The first process of the run.
    Leader,
    /// Every process of the run's group, and of its session as far as the keeper is their parent.
    Group,
}

/// What the controller asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Agree on a version between these two, then send every record.
    Hello {
        /// The oldest version spoken.
        min: u16,
        /// The newest version spoken.
        max: u16,
    },
    /// Start the run; its [`super::SpawnSpec`] is in the memfd that comes along.
    Spawn {
        /// Which instances share its sockets; 0 is none.
        cohort: u64,
    },
    /// Signal the run.
    Signal {
        /// Number of the signal.
        signal: i32,
        /// Whom it goes to.
        to: Scope,
    },
    /// Drop the record of a run that is gone or failed.
    Forget,
    /// Send every record again.
    List,
    /// From now on the run's output goes there.
    Sink(Sink),
    /// End.
    Quit {
        /// Whether the recorder goes on.
        leave: bool,
    },
    /// The ports a cohort shares; before its first run is started. Repeating it does no harm.
    Ports(Ports),
    /// Divide new connections among the cohorts of a group by these weights (cohort, weight), at
    /// most [`MAX_COHORTS`]. One that is not named gets none. With no weight at all nothing changes.
    Steer {
        /// The group.
        group: u64,
        /// Cohorts and their weights.
        weights: Vec<(u64, u32)>,
    },
    /// Give a cohort's sockets up: who connects from now on is refused. While runs of it live, what
    /// waits in the sockets is still accepted; they are shut down after that. It may come back
    /// later.
    Retire {
        /// The cohort.
        cohort: u64,
    },
    /// Let the processes of the run accept no more connections on shared sockets, as far as they
    /// wait for them with `epoll`. It cannot be taken back.
    Quiesce,
    /// Count the run's connections on shared ports, and close those that are idle.
    Connections(Closing),
    /// Tell which processes are the run's, and which are of some run, nobody knows which.
    Members,
    /// Have the program that comes along take the keeper's place. If it is refused, all goes on as
    /// before; if not, its hello is the answer.
    Upgrade,
    /// A kind of a later part, refused by this build.
    Later(u16),
}

/// What the keeper tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Answer to hello.
    Hello {
        /// The version to speak.
        version: u16,
        /// Process id of the keeper.
        keeper: u32,
        /// Process id of the recorder; 0 while none runs.
        recorder: u32,
        /// When the keeper started, in ns of `CLOCK_MONOTONIC`.
        started: u64,
    },
    /// The state of a run.
    Record(Box<Record>),
    /// Every record asked for by this hello or list was sent.
    ListEnd,
    /// The request was not done.
    Refused {
        /// Kind of the request.
        request: u16,
        /// How far a spawn came.
        step: Step,
        /// The system's error number.
        errno: i32,
    },
    /// How many connections the run has; answer to [`Request::Connections`].
    Connections {
        /// Open ones, without those closed now.
        open: u32,
        /// Closed now.
        closed: u32,
        /// Waiting in its cohort's sockets to be accepted.
        queued: u32,
    },
    /// There are sockets of a cohort. Told with the records after hello and list.
    Cohort {
        /// The cohort.
        cohort: u64,
        /// Its group.
        group: u64,
    },
    /// The processes of the run; answer to [`Request::Members`].
    Members(Vec<Member>),
    /// Another recorder runs.
    Recorder {
        /// Its process id; 0 while none runs.
        pid: u32,
        /// How many were started after the first.
        restarts: u32,
    },
    /// Parts of the run's log were removed because the disk is full.
    Removed {
        /// Bytes, in all.
        bytes: u64,
    },
    /// Nothing is taken from a queue, or again something. Of a socket that only one run has, that
    /// run's.
    Queue(Queue),
    /// What an agent inside a process of the run says, as it came. Not state: what is not told when it
    /// comes never is.
    Said(Said),
}

impl Body for Request {
    fn kind(&self) -> u16 {
        match self {
            Self::Hello { .. } => kind::HELLO,
            Self::Spawn { .. } => kind::SPAWN,
            Self::Signal { .. } => kind::SIGNAL,
            Self::Forget => kind::FORGET,
            Self::List => kind::LIST,
            Self::Sink(_) => kind::SINK,
            Self::Quit { .. } => kind::QUIT,
            Self::Ports(_) => kind::PORTS,
            Self::Steer { .. } => kind::STEER,
            Self::Retire { .. } => kind::RETIRE,
            Self::Quiesce => kind::QUIESCE,
            Self::Connections(_) => kind::CONNECTIONS,
            Self::Upgrade => kind::UPGRADE,
            Self::Members => kind::MEMBERS,
            Self::Later(kind) => *kind,
        }
    }

    fn any_version(kind: u16) -> bool {
        kind == kind::HELLO
    }

    fn write(&self, out: &mut Writer) {
        match self {
            Self::Hello { min, max } => {
                out.u16(*min);
                out.u16(*max);
            }
            Self::Spawn { cohort } | Self::Retire { cohort } => out.u64(*cohort),
            Self::Signal { signal, to } => {
                out.i32(*signal);
                out.u8(match to {
                    Scope::Leader => 0,
                    Scope::Group => 1,
                });
            }
            Self::Sink(sink) => sink.write(out),
            Self::Quit { leave } => out.u8(u8::from(*leave)),
            Self::Ports(ports) => ports.write(out),
            Self::Steer { group, weights } => {
                out.u64(*group);
                out.count(weights.len());
                for (cohort, weight) in weights {
                    out.u64(*cohort);
                    out.u32(*weight);
                }
            }
            Self::Connections(closing) => {
                out.u32(closing.quiet_ms);
                out.u8(u8::from(closing.between));
            }
            Self::Forget
            | Self::List
            | Self::Quiesce
            | Self::Members
            | Self::Upgrade
            | Self::Later(_) => {}
        }
    }

    fn read(kind: u16, from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match kind {
            kind::HELLO => Self::Hello { min: from.u16()?, max: from.u16()? },
            kind::SPAWN => Self::Spawn { cohort: from.u64()? },
            kind::SIGNAL => Self::Signal {
                signal: from.i32()?,
                to: if from.flag()? { Scope::Group } else { Scope::Leader },
            },
            kind::FORGET => Self::Forget,
            kind::LIST => Self::List,
            kind::SINK => Self::Sink(Sink::read(from)?),
            kind::QUIT => Self::Quit { leave: from.flag()? },
            kind::PORTS => Self::Ports(Ports::read(from)?),
            kind::STEER => {
                let group = from.u64()?;
                let count = from.count(12)?;
                if MAX_COHORTS < count {
                    return Err(Malformed::Long);
                }
                let weights = (0..count).map(|_| Ok((from.u64()?, from.u32()?)));
                Self::Steer { group, weights: weights.collect::<Result<_, Malformed>>()? }
            }
            kind::RETIRE => Self::Retire { cohort: from.u64()? },
            kind::QUIESCE => Self::Quiesce,
            kind::CONNECTIONS => {
                Self::Connections(Closing { quiet_ms: from.u32()?, between: from.flag()? })
            }
            kind::UPGRADE => Self::Upgrade,
            kind::MEMBERS => Self::Members,
            kind::SOCKETS | kind::GETFD => {
                from.skip();
                Self::Later(kind)
            }
            other => return Err(Malformed::Kind(other)),
        })
    }
}

impl Body for Event {
    fn kind(&self) -> u16 {
        match self {
            Self::Hello { .. } => kind::HELLO_ANSWER,
            Self::Record(_) => kind::RECORD,
            Self::ListEnd => kind::LIST_END,
            Self::Refused { .. } => kind::REFUSED,
            Self::Connections { .. } => kind::CONNECTIONS_ANSWER,
            Self::Cohort { .. } => kind::COHORT,
            Self::Members(_) => kind::MEMBERS_ANSWER,
            Self::Recorder { .. } => kind::RECORDER,
            Self::Removed { .. } => kind::REMOVED,
            Self::Queue(_) => kind::QUEUE,
            Self::Said(_) => kind::SAID,
        }
    }

    fn any_version(kind: u16) -> bool {
        kind == kind::HELLO_ANSWER || kind == kind::REFUSED
    }

    fn write(&self, out: &mut Writer) {
        match self {
            Self::Hello { version, keeper, recorder, started } => {
                out.u16(*version);
                out.u32(*keeper);
                out.u32(*recorder);
                out.u64(*started);
            }
            Self::Record(record) => record.write(out),
            Self::ListEnd => {}
            Self::Refused { request, step, errno } => {
                out.u16(*request);
                out.u8(step.number());
                out.i32(*errno);
            }
            Self::Connections { open, closed, queued } => {
                out.u32(*open);
                out.u32(*closed);
                out.u32(*queued);
            }
            Self::Cohort { cohort, group } => {
                out.u64(*cohort);
                out.u64(*group);
            }
            Self::Members(members) => member::write(members, out),
            Self::Recorder { pid, restarts } => {
                out.u32(*pid);
                out.u32(*restarts);
            }
            Self::Removed { bytes } => out.u64(*bytes),
            Self::Queue(queue) => queue.write(out),
            Self::Said(said) => said.write(out),
        }
    }

    fn read(kind: u16, from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match kind {
            kind::HELLO_ANSWER => Self::Hello {
                version: from.u16()?,
                keeper: from.u32()?,
                recorder: from.u32()?,
                started: from.u64()?,
            },
            kind::RECORD => Self::Record(Box::new(Record::read(from)?)),
            kind::LIST_END => Self::ListEnd,
            kind::REFUSED => Self::Refused {
                request: from.u16()?,
                step: Step::from_number(from.u8()?)?,
                errno: from.i32()?,
            },
            kind::CONNECTIONS_ANSWER => {
                Self::Connections { open: from.u32()?, closed: from.u32()?, queued: from.u32()? }
            }
            kind::COHORT => Self::Cohort { cohort: from.u64()?, group: from.u64()? },
            kind::REMOVED => Self::Removed { bytes: from.u64()? },
            kind::QUEUE => Self::Queue(Queue::read(from)?),
            kind::SAID => Self::Said(Said::read(from)?),
            kind::MEMBERS_ANSWER => Self::Members(member::read(from)?),
            kind::RECORDER => Self::Recorder { pid: from.u32()?, restarts: from.u32()? },
            other => return Err(Malformed::Kind(other)),
        })
    }
}
