//! What the keeper knows of a run, as it tells the controller and writes it to disk.

use super::{
    MAX_TAG,
    spawn::Step,
    wire::{Malformed, Reader, Writer},
};

const MAX_PORTS: usize = 16;
const MAX_STATUS: usize = 256;

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Forked, program not executed yet.
    #[default]
    Launching,
    /// The program could not be executed.
    Failed {
        /// The step that failed.
        step: Step,
        /// The system's error number.
        errno: i32,
    },
    /// The program runs.
    Running,
    /// The first process ended; others of its group or session may live.
    Exited,
    /// Nothing of it is left.
    Gone,
}

/// A port on which the run listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// The port's number.
    pub port: u16,
    /// Address family, as in `sockaddr`.
    pub family: u16,
    /// Whether it is shared with the cohort; else it is not among the declared ones.
    pub shared: bool,
}

/// How the binds of a run are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// By the system alone: it has no cohort.
    #[default]
    None,
    /// By the keeper.
    Injected,
    /// By the keeper, which may not look into the process.
    InjectedBlind,
    /// The sockets are open from the start.
    Fds,
    /// By the system alone, because it does not let the keeper answer.
    Unavailable,
}

impl Sharing {
    fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Injected => 1,
            Self::InjectedBlind => 2,
            Self::Fds => 3,
            Self::Unavailable => 4,
        }
    }

    fn from_number(number: u8) -> Result<Self, Malformed> {
        match number {
            0 => Ok(Self::None),
            1 => Ok(Self::Injected),
            2 => Ok(Self::InjectedBlind),
            3 => Ok(Self::Fds),
            4 => Ok(Self::Unavailable),
            5.. => Err(Malformed::Value),
        }
    }
}

/// A bind that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BindFailure {
    /// The port.
    pub port: u16,
    /// The system's error number; 0 if none failed.
    pub errno: i32,
}

/// What the run said about itself at its notify socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// It is ready.
    pub ready: bool,
    /// It is reloading.
    pub reloading: bool,
    /// It is stopping.
    pub stopping: bool,
    /// When it last said that it lives, in ns of `CLOCK_MONOTONIC`; 0 is never.
    pub watchdog: u64,
    /// Until when it asked for more time, in ns of `CLOCK_MONOTONIC`; 0 if it did not.
    pub extend: u64,
    /// What it does, in words; at most 256 bytes are sent.
    pub status: Vec<u8>,
}

/// What is no longer known or no longer works for this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Its later binds cannot be answered.
    pub seccomp: bool,
    /// Its listening sockets are held by nobody else.
    pub sockets: bool,
    /// Nobody saw how it ended.
    pub exit_code: bool,
}

/// What the keeper knows of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// What the controller said it is; at most [`MAX_TAG`] bytes.
    pub tag: Vec<u8>,
    /// Which instances share its sockets; 0 is none.
    pub cohort: u64,
    /// Process id of the first process.
    pub pid: u32,
    /// When that process was made, in clock ticks since boot: with the pid it is unmistakable.
    pub start_ticks: u64,
    /// How far it has come.
    pub state: State,
    /// Wait status of the first process, once it ended.
    pub wait_status: i32,
    /// User time of the first process, in µs, once it ended.
    pub user_us: u64,
    /// System time of the first process, in µs, once it ended.
    pub system_us: u64,
    /// Largest resident memory of the first process, in KiB, once it ended.
    pub max_rss_kib: u64,
    /// When its program was executed, in ns of `CLOCK_MONOTONIC`; 0 is not yet.
    pub started: u64,
    /// When its first process ended, likewise.
    pub exited: u64,
    /// When nothing was left of it, likewise.
    pub gone: u64,
    /// Whether all its output was read to the end.
    pub drained: bool,
    /// Whether it was taken over from an earlier keeper.
    pub adopted: bool,
    /// What is no longer known of it.
    pub lost: Lost,
    /// Bytes of output that could not be written and were dropped.
    pub dropped: u64,
    /// The system's error number for the last of them; 0 if none were dropped.
    pub dropped_errno: i32,
    /// Where it listens; at most 16 are sent.
    pub ports: Vec<Port>,
    /// How its binds are answered.
    pub sharing: Sharing,
    /// The last bind of it that failed.
    pub bind_failure: BindFailure,
    /// What it said about itself.
    pub notify: Notify,
}

impl State {
    fn write(self, out: &mut Writer) {
        let (number, step, errno) = match self {
            Self::Launching => (0, 0, 0),
            Self::Failed { step, errno } => (1, step.number(), errno),
            Self::Running => (2, 0, 0),
            Self::Exited => (3, 0, 0),
            Self::Gone => (4, 0, 0),
        };
        out.u8(number);
        out.u8(step);
        out.i32(errno);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (number, step, errno) = (from.u8()?, from.u8()?, from.i32()?);
        match number {
            0 => Ok(Self::Launching),
            1 => Ok(Self::Failed { step: Step::from_number(step)?, errno }),
            2 => Ok(Self::Running),
            3 => Ok(Self::Exited),
            4 => Ok(Self::Gone),
            5.. => Err(Malformed::Value),
        }
    }
}

impl Record {
    const DRAINED: u16 = 1;
    const ADOPTED: u16 = 1 << 1;
    const LOST_SECCOMP: u16 = 1 << 2;
    const LOST_SOCKETS: u16 = 1 << 3;
    const LOST_EXIT_CODE: u16 = 1 << 4;
    const READY: u16 = 1 << 5;
    const RELOADING: u16 = 1 << 6;
    const STOPPING: u16 = 1 << 7;

    fn flags(&self) -> u16 {
        [
            (self.drained, Self::DRAINED),
            (self.adopted, Self::ADOPTED),
            (self.lost.seccomp, Self::LOST_SECCOMP),
            (self.lost.sockets, Self::LOST_SOCKETS),
            (self.lost.exit_code, Self::LOST_EXIT_CODE),
            (self.notify.ready, Self::READY),
            (self.notify.reloading, Self::RELOADING),
            (self.notify.stopping, Self::STOPPING),
        ]
        .into_iter()
        .fold(0, |flags, (set, bit)| if set { flags | bit } else { flags })
    }

    /// Appends its fields.
    pub(super) fn write(&self, out: &mut Writer) {
        self.state.write(out);
        out.u16(self.flags());
        out.u32(self.pid);
        out.i32(self.wait_status);
        for number in [
            self.start_ticks,
            self.cohort,
            self.user_us,
            self.system_us,
            self.max_rss_kib,
            self.started,
            self.exited,
            self.gone,
            self.dropped,
            self.notify.watchdog,
            self.notify.extend,
        ] {
            out.u64(number);
        }
        out.u8(self.sharing.number());
        out.u16(self.bind_failure.port);
        out.i32(self.bind_failure.errno);
        out.i32(self.dropped_errno);
        out.count(self.ports.len().min(MAX_PORTS));
        for port in self.ports.iter().take(MAX_PORTS) {
            out.u16(port.port);
            out.u16(port.family);
            out.u8(u8::from(port.shared));
        }
        out.bytes(self.notify.status.get(..MAX_STATUS).unwrap_or(&self.notify.status));
        out.bytes(self.tag.get(..MAX_TAG).unwrap_or(&self.tag));
    }

    /// Takes its fields.
    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::read_fields(from, true)
    }

    /// Takes the fields it had in the first version.
    pub(super) fn read_first(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::read_fields(from, false)
    }

    fn read_fields(from: &mut Reader<'_>, with_errno: bool) -> Result<Self, Malformed> {
        let state = State::read(from)?;
        let flags = from.u16()?;
        let has = |bit| flags & bit != 0;
        let mut record = Self {
            state,
            pid: from.u32()?,
            wait_status: from.i32()?,
            start_ticks: from.u64()?,
            cohort: from.u64()?,
            user_us: from.u64()?,
            system_us: from.u64()?,
            max_rss_kib: from.u64()?,
            started: from.u64()?,
            exited: from.u64()?,
            gone: from.u64()?,
            dropped: from.u64()?,
            drained: has(Self::DRAINED),
            adopted: has(Self::ADOPTED),
            lost: Lost {
                seccomp: has(Self::LOST_SECCOMP),
                sockets: has(Self::LOST_SOCKETS),
                exit_code: has(Self::LOST_EXIT_CODE),
            },
            notify: Notify {
                ready: has(Self::READY),
                reloading: has(Self::RELOADING),
                stopping: has(Self::STOPPING),
                watchdog: from.u64()?,
                extend: from.u64()?,
                status: Vec::new(),
            },
            ports: Vec::new(),
            sharing: Sharing::from_number(from.u8()?)?,
            bind_failure: BindFailure { port: from.u16()?, errno: from.i32()? },
            dropped_errno: if with_errno { from.i32()? } else { 0 },
            tag: Vec::new(),
        };
        let ports = from.count(5)?;
        if MAX_PORTS < ports {
            return Err(Malformed::Long);
        }
        for _ in 0..ports {
            let (port, family) = (from.u16()?, from.u16()?);
            record.ports.push(Port { port, family, shared: from.flag()? });
        }
        record.notify.status = from.bytes(MAX_STATUS)?.to_vec();
        record.tag = from.bytes(MAX_TAG)?.to_vec();
        Ok(record)
    }
}
