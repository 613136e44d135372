//! Everything that can change what is observed.

use std::{fmt, net::SocketAddr};

use serde::{Deserialize, Serialize};

use super::{
    health::{Stuck, Unfit},
    id::{AppKey, Cohort, RunId, RunTag},
    observed::{Asked, Sockets},
    signal::Signal,
    time::Time,
};

/// One thing that happened. The list is closed: nothing else changes `Observed`.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The keeper's record of a run is new or changed. It is state, not a message: applying one
    /// twice, or an older one late, changes nothing.
    Record(RunRecord),
    /// The keeper refused a spawn before there was a record.
    Refused {
        /// The run that was asked for.
        run: RunId,
        /// Why.
        failure: SpawnFailure,
    },
    /// A run was found to be ready.
    Ready {
        /// The run.
        run: RunId,
        /// When.
        at: Time,
    },
    /// A draining run has no open requests left.
    Drained {
        /// The run.
        run: RunId,
    },
    /// The command that was run to stop a run has ended.
    StopCommand {
        /// The run it was to stop.
        run: RunId,
        /// Whether it did so well.
        succeeded: bool,
    },
    /// A run was found not fit to go on.
    Unfit {
        /// The run.
        run: RunId,
        /// What was found, and when.
        unfit: Unfit,
    },
    /// Connections wait for the runs of a cohort and none is taken, or again one is.
    Queue {
        /// The app.
        key: AppKey,
        /// The runs' cohort.
        cohort: Cohort,
        /// The only run that takes them, if it does not share its socket.
        of: Option<RunId>,
        /// Where they wait.
        address: SocketAddr,
        /// Set if none is taken.
        stuck: Option<Stuck>,
    },
    /// A run was asked to read its files again.
    Reload {
        /// The run.
        run: RunId,
        /// Until when it may say that it does.
        until: Time,
    },
    /// The keeper has sockets of a cohort.
    Cohort {
        /// The app.
        key: AppKey,
        /// Its cohort.
        cohort: Cohort,
    },
    /// A job is asked to run.
    Asked {
        /// The job.
        key: AppKey,
        /// Since when, and how.
        asked: Asked,
    },
}

/// What the keeper knows of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// The run.
    pub run: RunId,
    /// What the controller said it is.
    pub tag: RunTag,
    /// Process id of the first process; 0 before there is one.
    pub pid: u32,
    /// How far it has come.
    pub state: RunState,
    /// When its program was executed.
    pub started: Option<Time>,
    /// When its first process ended.
    pub exited: Option<Time>,
    /// With whom it shares listening sockets.
    pub cohort: Cohort,
    /// What the keeper saw of its sockets.
    pub sockets: Sockets,
    /// What it said about itself.
    pub notify: Notify,
}

impl RunRecord {
    /// A record without times, of a run that shares nothing.
    pub fn new(run: RunId, tag: RunTag, pid: u32, state: RunState) -> Self {
        Self {
            run,
            tag,
            pid,
            state,
            started: None,
            exited: None,
            cohort: Cohort::NONE,
            sockets: Sockets::default(),
            notify: Notify::default(),
        }
    }
}

/// What a run said about itself at its notify socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// It is ready.
    pub ready: bool,
    /// It is reloading.
    pub reloading: bool,
    /// It is stopping.
    pub stopping: bool,
    /// Until when it asked for more time.
    pub extended_to: Option<Time>,
    /// When it last said that it lives.
    pub watchdog: Option<Time>,
    /// What it does, in words.
    pub status: String,
}

/// How far a run has come. Only ever moves down this list, but that `Failed` follows `Launching`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Forked, program not executed yet.
    Launching,
    /// The program could not be executed. There is no process.
    Failed(SpawnFailure),
    /// The program runs.
    Running,
    /// The first process ended; others of its group may live.
    Exited(ExitStatus),
    /// No process of the group is left.
    Gone(ExitStatus),
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitStatus {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(Signal),
    /// Nobody was there to see it.
    Unknown,
}

impl ExitStatus {
    /// Whether this is what a program that did its work says.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "{signal}"),
            Self::Unknown => write!(f, "unknown exit status"),
        }
    }
}

/// Why a program could not be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpawnFailure {
    /// The step that failed.
    pub step: SpawnStep,
    /// The system's error number.
    pub errno: i32,
}

/// The steps of a spawn, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpawnStep {
    /// Reading an env value from its file, before anything is forked.
    Environment,
    /// Putting what is loaded into Node programs where they find it.
    Preload,
    /// Making pipes and the run's record.
    Prepare,
    /// Creating the process.
    Fork,
    /// Making a session of its own.
    Session,
    /// Entering the control group.
    Cgroup,
    /// Setting resource limits.
    Limits,
    /// Becoming another user.
    User,
    /// Entering the working directory.
    Cwd,
    /// Executing the program.
    Exec,
}
