//! The controller's side of the channel to the keeper.
//!
//! Requests are queued and never block; the queue is emptied while [`Keeper::next`] or
//! [`Keeper::flush`] is awaited. What comes back is translated into the model's nouns.

mod translate;

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::SocketAddr,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixListener,
    },
};

use tokio::io::{Interest, unix::AsyncFd};

use crate::{
    model::{
        AppKey, Cohort, CohortGroup, KillScope, ListenPolicy, Pass, RunId, RunRecord, RunState,
        Signal, SpawnFailure, Time,
    },
    protocol::{
        Blocking, CHANNEL_FD, Closing, DeclaredPort, Event, LISTENER_FD, MAX_COHORTS, MAX_TAG,
        Message, Ports, Request, Scope, Sink, SpawnSpec, VERSION, inherited, receive, send,
        write_sealed,
    },
};

/// The channel to the keeper.
#[derive(Debug)]
pub struct Keeper {
    channel: AsyncFd<OwnedFd>,
    outgoing: VecDeque<Outgoing>,
    seq: u64,
}

/// A request that waits to be sent. The memfd of a spawn is made only when it is sent, so that a
/// long queue holds no descriptors.
#[derive(Debug)]
struct Outgoing {
    bytes: Vec<u8>,
    sealed: Option<Vec<u8>>,
    program: Option<OwnedFd>,
}

/// Output of a run that could not be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// How much, in all.
    pub bytes: u64,
    /// The system's error number for the last of it.
    pub errno: i32,
}

/// What the keeper tells.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, on its way")]
pub enum KeeperEvent {
    /// Answer to [`Keeper::hello`].
    Hello {
        /// The agreed version of the protocol.
        version: u16,
        /// Process id of the keeper.
        keeper_pid: u32,
        /// Process id of the recorder; `None` while none runs.
        recorder_pid: Option<u32>,
        /// When the keeper started.
        started: Time,
    },
    /// The state of a run, new or changed.
    Record {
        /// The run.
        record: RunRecord,
        /// Whether all its output is in the log.
        drained: bool,
        /// Output that could not be written.
        dropped: Dropped,
        /// What its first process used, once it ended.
        used: Option<Used>,
    },
    /// The keeper has a run whose tag says nothing to this controller.
    Foreign {
        /// The run.
        run: RunId,
        /// Its first process; 0 before there is one.
        pid: u32,
        /// How far it has come.
        state: RunState,
    },
    /// Every record was sent that a hello or a list asked for.
    ListEnd,
    /// A spawn was refused: there is no record of the run.
    Refused {
        /// The run.
        run: RunId,
        /// Why.
        failure: SpawnFailure,
    },
    /// Another request was refused, mostly because the run is over already.
    Declined {
        /// The run.
        run: RunId,
        /// Kind of the request, one of [`crate::protocol::kind`].
        request: u16,
        /// The system's error number.
        errno: i32,
    },
    /// The program that was to take the keeper's place does not.
    UpgradeRefused {
        /// `ENOEXEC` if it cannot be executed, `EBADMSG` if it cannot read the keeper's state, `ENODATA`
        /// if it cannot read what the controller keeps, or why else.
        errno: i32,
    },
    /// How many connections a run has.
    Connections {
        /// The run.
        run: RunId,
        /// Open ones, without those closed now.
        open: u32,
        /// Closed now.
        closed: u32,
        /// Waiting in its cohort's sockets to be accepted.
        queued: u32,
    },
    /// The keeper has sockets of a cohort.
    Cohort {
        /// The cohort.
        cohort: Cohort,
        /// Its group: which app it is of.
        group: CohortGroup,
    },
    /// Connections wait for a cohort and none is taken, or again one is.
    Queue(QueueSeen),
    /// What an agent inside a process of a run says.
    Said {
        /// The run.
        run: RunId,
        /// The process.
        pid: u32,
        /// Its message.
        bytes: Vec<u8>,
    },
    /// Parts of a run's log were removed because the disk is full.
    Removed {
        /// The run.
        run: RunId,
        /// Bytes, since the keeper knows the run.
        bytes: u64,
    },
    /// The processes of a run; answers [`Keeper::members`].
    Members {
        /// The run.
        run: RunId,
        /// Its processes, and those that may be its.
        found: Vec<Found>,
    },
    /// Another recorder runs, or none.
    Recorder {
        /// Its process id.
        pid: Option<u32>,
        /// How many were started after the first.
        restarts: u32,
    },
}

/// What the keeper saw of a queue of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSeen {
    /// Whose it is.
    pub cohort: Cohort,
    /// The only run that takes from it, if it does not share its socket.
    pub of: Option<RunId>,
    /// Where its socket listens.
    pub address: SocketAddr,
    /// So many connections wait.
    pub waiting: u32,
    /// So many may.
    pub room: u32,
    /// Since when none was taken; `None` if they are.
    pub since: Option<Time>,
}

/// A process that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub pid: u32,
    /// What it calls itself.
    pub name: String,
    /// Whether it is proved to be of the run; else it is of some run, nobody knows which.
    pub proved: bool,
}

/// What a process used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// User time, in µs.
    pub user_us: u64,
    /// System time, in µs.
    pub system_us: u64,
    /// Largest resident memory, in KiB.
    pub max_rss_kib: u64,
}

impl Keeper {
    /// Takes what the keeper gave this process: the channel, and the socket of the API. Has to be
    /// called within a tokio runtime.
    pub fn inherited() -> io::Result<(Self, UnixListener)> {
        let channel = inherited(CHANNEL_FD)?;
        let listener = UnixListener::from(inherited(LISTENER_FD)?);
        listener.local_addr()?;
        listener.set_nonblocking(true)?;
        Ok((Self::new(channel)?, listener))
    }

    /// Speaks over an open channel. Has to be called within a tokio runtime.
    #[expect(unsafe_code, reason = "tokio cannot know what a descriptor's owner does with it")]
    pub fn new(channel: OwnedFd) -> io::Result<Self> {
        // SAFETY: an `OwnedFd` has the same descriptor for as long as it lives, and it lives in
        // the `AsyncFd`.
        let channel = unsafe { AsyncFd::register(channel) }?;
        Ok(Self { channel, outgoing: VecDeque::new(), seq: 0 })
    }

    /// Agrees on a version and asks for every record. Comes before anything else.
    pub fn hello(&mut self) -> io::Result<()> {
        self.request(RunId(0), &Request::Hello { min: VERSION, max: VERSION })
    }

    /// Asks for every record again.
    pub fn list(&mut self) -> io::Result<()> {
        self.request(RunId(0), &Request::List)
    }

    /// Starts a run. Fails when the spec cannot be sent at all; everything later is told by events.
    pub fn spawn(&mut self, run: RunId, spec: &SpawnSpec) -> io::Result<()> {
        if MAX_TAG < spec.tag.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the tag is too long"));
        }
        let content = spec.encode();
        SpawnSpec::decode(spec.cohort, &content)?;
        self.queue(run, &Request::Spawn { cohort: spec.cohort }, Some(content))
    }

    /// Signals a run.
    pub fn signal(&mut self, run: RunId, signal: Signal, scope: KillScope) -> io::Result<()> {
        let to = match scope {
            KillScope::Group => Scope::Group,
            KillScope::Main => Scope::Leader,
        };
        self.request(run, &Request::Signal { signal: signal.number(), to })
    }

    /// Asks for the processes of a run; [`KeeperEvent::Members`] answers.
    pub fn members(&mut self, run: RunId) -> io::Result<()> {
        self.request(run, &Request::Members)
    }

    /// Drops the record of a run that is gone or failed. Only once everything about it is stored.
    pub fn forget(&mut self, run: RunId) -> io::Result<()> {
        self.request(run, &Request::Forget)
    }

    /// Changes where a run's output goes.
    pub fn sink(&mut self, run: RunId, sink: &Sink) -> io::Result<()> {
        self.request(run, &Request::Sink(sink.clone()))
    }

    /// Declares the ports a cohort shares.
    pub fn ports(&mut self, cohort: Cohort, key: &AppKey, listen: &ListenPolicy) -> io::Result<()> {
        let ports = listen.ports.iter();
        let ports = ports.map(|it| DeclaredPort { host: it.host, port: it.port }).collect();
        let fds = listen.pass == Pass::Fds;
        let group = key.group().0;
        let body = Request::Ports(Ports { cohort: cohort.0, group, ports, fds });
        self.request(RunId(0), &body)
    }

    /// Divides new connections among an app's cohorts.
    pub fn steer(&mut self, key: &AppKey, weights: &BTreeMap<Cohort, u32>) -> io::Result<()> {
        let weights = weights.iter().map(|(cohort, weight)| (cohort.0, *weight));
        let weights = weights.take(MAX_COHORTS).collect();
        self.request(RunId(0), &Request::Steer { group: key.group().0, weights })
    }

    /// Gives a cohort's sockets up: who connects from now on is refused.
    pub fn retire(&mut self, cohort: Cohort) -> io::Result<()> {
        self.request(RunId(0), &Request::Retire { cohort: cohort.0 })
    }

    /// Lets a run accept no more connections on shared sockets, as far as that can be done.
    pub fn quiesce(&mut self, run: RunId) -> io::Result<()> {
        self.request(run, &Request::Quiesce)
    }

    /// Counts a run's connections and closes idle ones; [`KeeperEvent::Connections`] answers.
    pub fn connections(&mut self, run: RunId, closing: Closing) -> io::Result<()> {
        self.request(run, &Request::Connections(closing))
    }

    /// Ends the keeper, which waits for this process to end; with `leave` the recorder goes on.
    pub fn quit(&mut self, leave: bool) -> io::Result<()> {
        self.request(RunId(0), &Request::Quit { leave })
    }

    /// Has a program take the keeper's place. If it does, the keeper says hello; if not,
    /// [`KeeperEvent::UpgradeRefused`] is told.
    pub fn upgrade(&mut self, program: OwnedFd) -> io::Result<()> {
        self.seq = self.seq.saturating_add(1);
        let bytes = Message { seq: self.seq, run: 0, body: Request::Upgrade }.encode()?;
        self.outgoing.push_back(Outgoing { bytes, sealed: None, program: Some(program) });
        self.send_some()
    }

    fn request(&mut self, run: RunId, body: &Request) -> io::Result<()> {
        self.queue(run, body, None)
    }

    fn queue(&mut self, run: RunId, body: &Request, sealed: Option<Vec<u8>>) -> io::Result<()> {
        self.seq = self.seq.saturating_add(1);
        let bytes = Message { seq: self.seq, run: run.0, body: body.clone() }.encode()?;
        self.outgoing.push_back(Outgoing { bytes, sealed, program: None });
        self.send_some()
    }

    /// Sends what the socket takes.
    fn send_some(&mut self) -> io::Result<()> {
        while let Some(outgoing) = self.outgoing.front() {
            let memfd = outgoing.sealed.as_deref().map(write_sealed).transpose()?;
            let along = memfd.iter().chain(&outgoing.program);
            let descriptors: Vec<_> = along.map(|fd| fd.as_fd()).collect();
            let channel = self.channel.get_ref();
            match send(channel, &outgoing.bytes, &descriptors, Blocking::Never) {
                Ok(()) => drop(self.outgoing.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until every queued request was sent.
    pub async fn flush(&mut self) -> io::Result<()> {
        loop {
            self.send_some()?;
            if self.outgoing.is_empty() {
                return Ok(());
            }
            self.channel.ready(Interest::WRITABLE).await?.clear_ready();
        }
    }

    /// The next thing the keeper tells. Nothing is lost when this is dropped while it waits. Fails
    /// with `UnexpectedEof` when the keeper is gone.
    pub async fn next(&mut self) -> io::Result<KeeperEvent> {
        loop {
            self.send_some()?;
            match receive(self.channel.get_ref(), Blocking::Never) {
                Ok(packet) if packet.bytes.is_empty() => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(packet) => {
                    // A kind this build does not know is from a newer keeper, and no harm.
                    if let Ok(message) = Message::<Event>::decode(&packet.bytes) {
                        return Ok(translate::translate(message));
                    }
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            let interest = if self.outgoing.is_empty() {
                Interest::READABLE
            } else {
                Interest::READABLE | Interest::WRITABLE
            };
            // What is ready is tried before the next wait.
            self.channel.ready(interest).await?.clear_ready();
        }
    }
}
