//! Why what is not as desired is not, and how runs ended, in words.

use std::{fmt, time::Duration};

use super::{
    event::{ExitStatus, SpawnFailure, SpawnStep},
    health::{Stuck, UnfitReason},
    id::{AppName, Revision},
    observed::{Exit, Sockets},
    order::Awaited,
    reason::{RolloutFailure, StopReason},
    time::{Time, human_duration},
};

/// Why an instance is not as desired.
#[derive(Clone, Debug, PartialEq)]
pub enum Hold {
    /// It failed and waits before the next try.
    Backoff {
        /// How the last run ended.
        last: LastExit,
        /// Failures in a row.
        failures: u32,
        /// Time left.
        wait: Duration,
    },
    /// It failed too often and is tried slowly.
    CrashLooping {
        /// How the last run ended.
        last: LastExit,
        /// Failures in a row.
        failures: u32,
        /// Time left.
        wait: Duration,
    },
    /// It failed too often and is not tried again.
    GaveUp {
        /// How the last run ended.
        last: LastExit,
        /// Failures in a row.
        failures: u32,
    },
    /// Its policy says to leave it after this exit.
    NotRestarted {
        /// How the last run ended.
        last: LastExit,
    },
    /// It was asked to stop and has not ended yet.
    Stopping {
        /// Why.
        reason: StopReason,
        /// Time until SIGKILL; `None` once that was sent.
        kill_in: Option<Duration>,
    },
    /// It waits until its former run has ended, or all former runs have.
    Replacing,
    /// Its program is being executed.
    Starting,
    /// It runs, but is not ready yet.
    NotReady {
        /// Time until it counts as failed.
        wait: Duration,
        /// What is known of its sockets.
        sockets: Sockets,
        /// The ports it is expected to listen on, if that is what it is waited for; 0 is any.
        expected: Vec<u16>,
    },
    /// It runs, but has not been ready for `min_ready` yet.
    Settling {
        /// Time left.
        wait: Duration,
        /// Whether no other instance is replaced before that.
        canary: bool,
    },
    /// It gets no new connections, and its open ones are given time to end.
    Draining {
        /// Why.
        reason: StopReason,
        /// Time until it is asked to stop all the same.
        wait: Duration,
    },
    /// It is of a former revision, or to be restarted, and is replaced when its turn comes.
    Outdated,
    /// It is not fit to go on, and is replaced.
    Unfit {
        /// What is wrong with it.
        why: UnfitReason,
        /// Time until its replacement is started; zero once it is.
        wait: Duration,
    },
    /// It is ready, but takes none of the connections that wait for it and its cohort.
    Stuck {
        /// What waits.
        stuck: Stuck,
        /// When this is said.
        now: Time,
    },
    /// It is ready, and reads its own files again.
    Reloading,
    /// It runs and is ready, but eco died meanwhile, and nobody answers its binds any more.
    Unanswered,
    /// It is not started, or not replaced, before another app has come to something.
    Awaits(Awaited),
    /// It is to stop after those that depend on it.
    StopsAfter(Vec<AppName>),
    /// A job that has not ended yet.
    JobRuns,
    /// The change failed and goes no further (`on_failure: pause`).
    Paused(RolloutFailure),
    /// The change failed and was undone.
    RolledBack {
        /// The revision that failed.
        revision: Revision,
        /// Which instance of it, and how.
        failure: RolloutFailure,
    },
}

/// How the last run ended, in the words of a hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastExit {
    /// How it ended.
    pub status: ExitStatus,
    /// Set if its program could not be executed.
    pub failure: Option<SpawnFailure>,
    /// Whether eco ended it because it had not become ready in time.
    pub not_ready: bool,
    /// Set if it had failed before it ended: it was found not fit to go on.
    pub unfit: Option<UnfitReason>,
    /// How long it had run until it ended or failed.
    pub ran: Duration,
}

impl LastExit {
    /// The end of a run, as a hold tells of it.
    pub fn of(exit: &Exit) -> Self {
        Self {
            status: exit.status,
            failure: exit.failure,
            not_ready: exit.not_ready,
            unfit: exit.failed_while_up().map(|unfit| unfit.why),
            ran: exit.over().since(exit.started),
        }
    }
}

impl fmt::Display for LastExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ran = human_duration(self.ran);
        match (self.failure, self.unfit) {
            (Some(failure), _) => write!(f, "{failure}"),
            (None, Some(why)) => write!(f, "{why} after {ran}"),
            (None, None) if self.not_ready => {
                write!(f, "not ready after {ran}, and ended with {}", self.status)
            }
            (None, None) => write!(f, "ended after {ran} with {}", self.status),
        }
    }
}

impl fmt::Display for SpawnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = std::io::Error::from_raw_os_error(self.errno).to_string();
        let error = error.split(" (os error").next().unwrap_or_default().to_lowercase();
        let what = match self.step {
            SpawnStep::Environment => "cannot read a file named in its env",
            SpawnStep::Preload => "cannot write what is loaded into Node programs",
            SpawnStep::Prepare => "cannot prepare its pipes",
            SpawnStep::Fork => "cannot create a process",
            SpawnStep::Session => "cannot make a session",
            SpawnStep::Cgroup => "cannot enter its control group",
            SpawnStep::Limits => "cannot set its limits",
            SpawnStep::User => "cannot become its user",
            SpawnStep::Cwd => "cannot enter its cwd",
            SpawnStep::Exec => "cannot execute its command",
        };
        // ENOENT: the system itself knows numbers only, so it is the name that was not found.
        if self.step == SpawnStep::User && self.errno == 2 {
            return write!(f, "{what}: its user or group is not there any more");
        }
        write!(f, "{what}: {error}")?;
        // ENOEXEC, the one that puzzles people: the kernel does not know what to do with the file.
        if self.step == SpawnStep::Exec && self.errno == 8 {
            write!(f, " (a script needs a first line such as `#!/bin/sh`)")?;
        }
        Ok(())
    }
}

impl Hold {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Backoff { last, .. } if last.failure.is_some() => "spawn_failed",
            Self::Backoff { .. } => "backoff",
            Self::CrashLooping { .. } => "crash_looping",
            Self::GaveUp { .. } => "gave_up",
            Self::NotRestarted { .. } => "not_restarted",
            Self::Stopping { .. } => "stopping",
            Self::Replacing => "replacing",
            Self::Starting => "starting",
            Self::NotReady { .. } => "not_ready",
            Self::Settling { .. } => "settling",
            Self::Draining { .. } => "draining",
            Self::Outdated => "outdated",
            Self::Unfit { why: UnfitReason::NotLive, .. } => "not_live",
            Self::Unfit { why: UnfitReason::OverMemory, .. } => "over_memory",
            Self::Stuck { .. } => "stuck",
            Self::Reloading => "reloading",
            Self::Unanswered => "unanswered",
            Self::Awaits(awaited) if awaited.outlook.is_hopeless() => "dependency_failed",
            Self::Awaits(_) => "awaits",
            Self::StopsAfter(_) => "stops_after",
            Self::JobRuns => "job_runs",
            Self::Paused(_) => "paused",
            Self::RolledBack { .. } => "rolled_back",
        }
    }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times in a row") }
}

fn depending(apps: &[AppName]) -> String {
    let names: Vec<_> = apps.iter().map(ToString::to_string).collect();
    let verb = if apps.len() == 1 { "which depends" } else { "which depend" };
    format!("{}, {verb} on it", names.join(", "))
}

fn unfit(f: &mut fmt::Formatter<'_>, why: UnfitReason, wait: Duration) -> fmt::Result {
    if wait.is_zero() {
        return write!(f, "{why}; it is being replaced");
    }
    write!(f, "{why}; its replacement starts in {}", human_duration(wait))
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backoff { last, failures, wait } => write!(
                f,
                "{last}; failed {}, next try in {}",
                times(*failures),
                human_duration(*wait)
            ),
            Self::CrashLooping { last, failures, wait } => write!(
                f,
                "crash-looping: {last}; failed {}, next try in {}",
                times(*failures),
                human_duration(*wait)
            ),
            Self::GaveUp { last, failures } => {
                write!(f, "given up: {last}; failed {}", times(*failures))
            }
            Self::NotRestarted { last } => write!(f, "{last}; not restarted"),
            Self::Stopping { reason, kill_in: Some(wait) } => {
                write!(f, "stopping ({reason}); SIGKILL in {}", human_duration(*wait))
            }
            Self::Stopping { reason, kill_in: None } => {
                write!(f, "stopping ({reason}); SIGKILL was sent")
            }
            Self::Replacing => write!(f, "waits until the former run has ended"),
            Self::Starting => write!(f, "its program is being executed"),
            Self::Settling { wait, canary: false } => {
                write!(f, "has to stay up for another {}", human_duration(*wait))
            }
            Self::Settling { wait, canary: true } => write!(
                f,
                "as the canary it has to stay up for another {} before others are replaced",
                human_duration(*wait)
            ),
            Self::NotReady { wait, sockets, expected } => {
                let why = sockets.explain(expected).map(|why| format!("; {why}"));
                let why = why.unwrap_or_default();
                write!(f, "not ready yet{why}; given up in {}", human_duration(*wait))
            }
            Self::Draining { reason, wait } => write!(
                f,
                "draining ({reason}): its open requests may end; asked to stop in {} at the latest",
                human_duration(*wait)
            ),
            Self::Outdated => write!(f, "from before the change; replaced when its turn comes"),
            Self::Unfit { why, wait } => unfit(f, *why, *wait),
            Self::Stuck { stuck, now } => write!(f, "{}", stuck.words(*now)),
            Self::Reloading => write!(f, "reads its files again (RELOADING=1)"),
            Self::Unanswered => write!(f, "adopted: replace to restore port sharing"),
            Self::Awaits(awaited) => write!(f, "{awaited}"),
            Self::StopsAfter(apps) => write!(f, "stops after {}", depending(apps)),
            Self::JobRuns => write!(f, "the job runs"),
            Self::Paused(failure) => {
                write!(f, "paused: {failure}; nothing more is replaced until the file changes")
            }
            Self::RolledBack { revision, failure } => {
                write!(f, "rolled back: revision {revision} failed: {failure}")
            }
        }
    }
}
