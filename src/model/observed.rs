//! Observed state: what is known of the world. `reconcile::observe` folds events into it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    event::{ExitStatus, SpawnFailure},
    health::{Stuck, Unfit},
    id::{AppKey, Cohort, Generation, Revision, RunId},
    order::Neighbours,
    reason::StopReason,
    time::Time,
};

/// What is known of every run and what became of earlier ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// By app. An app nobody desires any more stays here while it has runs.
    pub apps: BTreeMap<AppKey, AppObserved>,
    /// Which app a run belongs to, so that an event finds it without a search.
    pub owners: BTreeMap<RunId, AppKey>,
    /// The highest run id ever given or seen.
    pub last_run: RunId,
}

impl Observed {
    /// A run that is not gone, and the app it is of.
    pub fn run(&self, run: RunId) -> Option<(&AppKey, &Run)> {
        let key = self.owners.get(&run)?;
        Some((key, self.apps.get(key)?.runs.get(&run)?))
    }
}

impl AppObserved {
    /// How the binds of its runs are answered; of several ways the worst.
    pub fn sharing(&self) -> Sharing {
        self.runs.values().map(|run| run.sockets.sharing).max().unwrap_or_default()
    }
}

/// What is known of one app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppObserved {
    /// Runs that are not gone.
    pub runs: BTreeMap<RunId, Run>,
    /// What became of earlier runs, by instance index.
    pub history: BTreeMap<u32, History>,
    /// The cohorts that may have sockets, and since when each has had no run.
    pub cohorts: BTreeMap<Cohort, Option<Time>>,
    /// How new connections were last asked to be divided; `None` if nobody knows.
    pub steering: Option<BTreeMap<Cohort, u32>>,
    /// That a job was last asked to run.
    pub asked: Option<Asked>,
    /// What its neighbours let it do.
    pub neighbours: Neighbours,
}

/// That a job was asked to run, by its schedule or by an operator. It has been done once there is
/// a run that is later than `after`, ended or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The latest run of any app when it was asked.
    pub after: RunId,
    /// Whether a run that goes on is stopped for it.
    pub replace: bool,
    /// What the caller made up to know its request by, if one asked; 0 otherwise.
    #[serde(default)]
    pub token: u64,
}

/// One incarnation of an instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Which instance of the app.
    pub index: u32,
    /// With which revision it was started,
    pub revision: Revision,
    /// and in which generation.
    pub generation: Generation,
    /// With whom it shares listening sockets.
    pub cohort: Cohort,
    /// What the keeper saw of its sockets.
    pub sockets: Sockets,
    /// Whether it said that it is ready.
    pub says_ready: bool,
    /// Until when it asked for more time to become ready.
    pub extended_to: Option<Time>,
    /// Whether it says that it reads its files again.
    pub reloading: bool,
    /// It was asked to do so, and may say until then that it does.
    pub reload_until: Option<Time>,
    /// When it last said that it lives.
    pub watchdog: Option<Time>,
    /// Within which time it was told, at its start, to say so again and again.
    pub watched: Option<Duration>,
    /// Set once it was found not fit to go on.
    pub unfit: Option<Unfit>,
    /// Set while connections wait for it and its cohort, and none has been taken for long.
    pub stuck: Option<Stuck>,
    /// Process id of the first process; 0 before there is one.
    pub pid: u32,
    /// When its start was asked for.
    pub asked: Time,
    /// When this controller found it, if an earlier one had asked for it.
    pub adopted: Option<Time>,
    /// How far it has come by itself.
    pub phase: Phase,
    /// Set once it was asked to stop; independent of how far it has come.
    pub stopping: Option<Stopping>,
}

impl Run {
    /// A run whose start is being asked for.
    pub fn asked(
        index: u32,
        (revision, generation, cohort): (Revision, Generation, Cohort),
        now: Time,
    ) -> Self {
        Self {
            index,
            revision,
            generation,
            cohort,
            sockets: Sockets::default(),
            says_ready: false,
            extended_to: None,
            reloading: false,
            reload_until: None,
            watchdog: None,
            watched: None,
            unfit: None,
            stuck: None,
            pid: 0,
            asked: now,
            adopted: None,
            phase: Phase::Launching,
            stopping: None,
        }
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Asked for; the program is not executed yet.
    Launching,
    /// The program runs, but is not ready yet.
    Starting {
        /// When the program was executed.
        started: Time,
    },
    /// The program runs and is ready. It stays so: readiness is never taken back.
    Ready {
        /// When the program was executed.
        started: Time,
        /// Since when it is ready.
        since: Time,
    },
    /// The first process ended; others of the group live.
    Exited {
        /// How it ended.
        status: ExitStatus,
        /// When the program had been executed.
        started: Time,
        /// When it had become ready.
        ready: Option<Time>,
        /// When it ended.
        at: Time,
    },
}

/// That and why a run was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    /// When the first signal was sent.
    pub since: Time,
    /// Why.
    pub reason: StopReason,
    /// When SIGKILL was sent.
    pub killed: Option<Time>,
    /// Whether the whole group got the first signal; with `kill: main` that follows once the first
    /// process has ended.
    #[serde(default)]
    pub group: bool,
    /// Whether its open requests are given time to end: no signal was sent yet.
    #[serde(default)]
    pub draining: bool,
    /// Whether it has no open requests left.
    #[serde(default)]
    pub drained: bool,
    /// How far the command is that stops it, if it is asked by one and no signal was sent.
    #[serde(default)]
    pub command: Option<StopCommand>,
}

/// How far the command is that is run to stop a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopCommand {
    /// It is run, or about to be.
    Running,
    /// It has succeeded; what it was to stop may take its time.
    Done,
    /// It has failed: the signal is sent instead.
    Failed,
}

/// What the keeper saw of a run's sockets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sockets {
    /// Ports it listens on and shares with its cohort.
    pub shared: Vec<u16>,
    /// Ports it listens on that are not among those of its `listen`.
    pub elsewhere: Vec<u16>,
    /// The last port it could not bind, and the system's error number.
    pub refused: Option<(u16, i32)>,
    /// How its binds are answered.
    pub sharing: Sharing,
    /// Whether nobody answers its binds any more: it was taken over without the means for that.
    pub unanswered: bool,
}

/// How the binds of a run are answered.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// By the system alone: the app has no `listen`.
    #[default]
    None,
    /// By the keeper.
    Injected,
    /// By the keeper, which may not look into the process: options set before `bind` are not
    /// copied and idle connections not closed.
    InjectedBlind,
    /// The sockets are open from the start.
    Fds,
    /// By the system alone, because it does not let the keeper answer.
    Unavailable,
}

/// What became of the earlier runs of one instance: facts only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// How often it was started again, with the same revision, after an exit nobody asked for: the
    /// number of its runs, ended or not, whose predecessor was of their revision and ended so.
    pub restarts: u64,
    /// The latest exits, in the order of their runs; at most [`History::KEPT`].
    pub exits: VecDeque<Exit>,
}

impl History {
    /// How many exits are kept; more than the largest `limit.failures`.
    pub const KEPT: usize = 128;
}

/// The end of one run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// The run that ended.
    pub run: RunId,
    /// Its revision,
    pub revision: Revision,
    /// and generation.
    pub generation: Generation,
    /// When its program had been executed; for a failed start, when it was asked for.
    pub started: Time,
    /// When its first process ended.
    pub ended: Time,
    /// How it ended.
    pub status: ExitStatus,
    /// Set if its program could not be executed at all.
    pub failure: Option<SpawnFailure>,
    /// When it had become ready.
    #[serde(default)]
    pub ready: Option<Time>,
    /// Whether eco had asked it to stop: then it is no failure.
    pub requested: bool,
    /// Whether it was asked to because it had not become ready in time: then it is one.
    #[serde(default)]
    pub not_ready: bool,
    /// Set if it was replaced because it was not fit to go on.
    #[serde(default)]
    pub unfit: Option<Unfit>,
    /// With whom it shared listening sockets; what an earlier version wrote down does not say so.
    #[serde(default)]
    pub cohort: Cohort,
}

impl Exit {
    /// When it failed, or ended without: a run that was not live had failed before it ended.
    pub fn over(&self) -> Time {
        self.failed_while_up().map_or(self.ended, |unfit| unfit.at.min(self.ended))
    }

    /// What it failed by before it ended.
    pub fn failed_while_up(&self) -> Option<Unfit> {
        self.unfit.filter(|unfit| unfit.why.is_failure())
    }

    /// Whether it counts as a failure: it ended without being asked to, or had failed before that.
    pub fn is_failure(&self) -> bool {
        !self.requested || self.failed_while_up().is_some()
    }
}

impl Sharing {
    /// How the binds are answered, in words; `None` where that is as it should be.
    pub fn lack(self) -> Option<&'static str> {
        match self {
            Self::None | Self::Injected | Self::Fds => None,
            Self::InjectedBlind => Some(
                "ports are shared, but this system lets nobody look into processes: idle \
                 connections are not closed before a stop, and options set before `bind` are lost",
            ),
            Self::Unavailable => Some(
                "ports are not shared: this system does not let `bind` be answered (seccomp user \
                 notification); each instance binds for itself, and a replacement stops the old one \
                 first",
            ),
        }
    }
}

impl Sockets {
    /// Why an app that should listen on `expected` does not count as listening, in words; `None`
    /// if nothing speaks against it. Port 0 is any.
    pub fn explain(&self, expected: &[u16]) -> Option<String> {
        if let Some((port, errno)) = self.refused {
            let error = std::io::Error::from_raw_os_error(errno).to_string();
            let error = error.split(" (os error").next().unwrap_or_default().to_lowercase();
            return Some(format!("it could not bind port {port}: {error}"));
        }
        if expected.contains(&0) {
            return self.shared.is_empty().then(|| "it does not listen on any port".to_owned());
        }
        let missing: Vec<u16> =
            expected.iter().copied().filter(|port| !self.shared.contains(port)).collect();
        match (missing.is_empty(), self.elsewhere.is_empty()) {
            (true, _) => None,
            (false, true) => Some(format!("it does not listen on {}", ports(&missing))),
            (false, false) => Some(format!(
                "it listens on {}, not on {}",
                ports(&self.elsewhere),
                ports(&missing)
            )),
        }
    }
}

fn ports(ports: &[u16]) -> String {
    let word = if ports.len() == 1 { "port" } else { "ports" };
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    format!("{word} {}", ports.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_of_its_ports_is_said() {
        let says = |sockets: Sockets, expected: &[u16]| sockets.explain(expected);
        let none = Sockets::default();
        assert_eq!(says(none.clone(), &[]), None);
        assert_eq!(says(none.clone(), &[80]).unwrap(), "it does not listen on port 80");
        assert_eq!(says(none.clone(), &[0]).unwrap(), "it does not listen on any port");
        let one = Sockets { shared: vec![80], ..none.clone() };
        assert_eq!(says(one.clone(), &[80]), None);
        assert_eq!(says(one.clone(), &[0]), None);
        assert_eq!(says(one, &[80, 81, 82]).unwrap(), "it does not listen on ports 81, 82");
        let other = Sockets { elsewhere: vec![3000], ..none.clone() };
        assert_eq!(says(other, &[80]).unwrap(), "it listens on port 3000, not on port 80");
        let refused = Sockets { refused: Some((80, 98)), ..none };
        assert_eq!(
            says(refused, &[80]).unwrap(),
            "it could not bind port 80: address already in use"
        );
    }
}
