//! All the controller knows and holds. One owner, no locks: everything that changes it runs in
//! the one loop of `drive`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    alerts::Alerts, calls::Internal, dashboard::Dashboard, drains::Drains, dropped::AllDropped,
    evidence::Failed, exec_probes::ExecProbes, jobs::Schedules, left_behind::Left,
    liveness::WatchedRuns, metrics::Metrics, order::Ties, projects::Meta, queues::Queues,
    results::Open, seen::AllSeen, stop_commands::Stoppers, timers::Timers, traffic::Traffic,
    wait::Waiter,
};
use crate::{
    api::{DaemonUpgradeReply, EventReply, EventType},
    host::{
        cgroup::Cgroups,
        follow::Follower,
        home::Home,
        keeper::Keeper,
        probe::Probes,
        source_watch::SourceWatcher,
        store::{Events, Journal, Store},
    },
    model::{
        AppKey, Desired, Exit, Generation, InstanceId, Observed, Operator, ProjectName, RunId, Time,
    },
    reconcile::Step,
};

/// How long a finished run's output may take to reach its log before nobody waits for it.
pub(super) const DRAIN_PATIENCE: Duration = Duration::from_secs(2);

/// All the controller knows and holds.
#[derive(Debug)]
pub(super) struct State {
    pub(super) home: Home,
    /// What should be.
    pub(super) desired: Desired,
    /// What is.
    pub(super) observed: Observed,
    /// What is kept of each project beside its desired state.
    pub(super) metas: BTreeMap<ProjectName, Meta>,
    /// State files that could not be read, in words.
    pub(super) faults: Vec<String>,
    /// The first generation a project may get whose stored state is unreadable.
    pub(super) floors: BTreeMap<ProjectName, Generation>,

    pub(super) keeper: Keeper,
    pub(super) keeper_pid: u32,
    pub(super) recorder_pid: u32,
    pub(super) store: Store,
    pub(super) journal: Journal,
    pub(super) events: Events,
    pub(super) follower: Follower,
    pub(super) sources: SourceWatcher,

    /// Apps whose plan may have changed.
    pub(super) dirty: BTreeSet<AppKey>,
    /// Apps whose waiters have to be told.
    pub(super) touched: BTreeSet<AppKey>,
    /// When to plan an app again if nothing happens before.
    pub(super) timers: Timers<AppKey>,
    /// Who waits for whom.
    pub(super) ties: Ties,
    /// What is due when.
    pub(super) schedules: Schedules,
    /// Where control groups are made.
    pub(super) cgroups: Cgroups,
    /// What runs have left behind.
    pub(super) left: Left,
    /// Runs that are gone, but whose output may not have reached the log yet.
    pub(super) undrained: BTreeMap<RunId, (AppKey, Time)>,
    /// Ends of runs that are to be journalled once what follows from them was asked for.
    pub(super) ends: Vec<(InstanceId, Exit)>,
    /// Runs that failed and whose last words were not told yet.
    pub(super) failed: BTreeMap<RunId, Failed>,
    /// Output that was dropped.
    pub(super) dropped: AllDropped,
    /// What was told of parts of logs that were removed because the disk is full: of which run, and
    /// how many bytes.
    pub(super) removed: BTreeMap<InstanceId, (RunId, u64)>,
    /// Runs that are over, and whether their output is in the log: to be let go after that.
    pub(super) over: Vec<(RunId, AppKey, bool)>,
    /// Asks runs whether they are ready.
    pub(super) probes: Probes,
    /// The runs that are asked, and what they are runs of.
    pub(super) asked_runs: BTreeMap<RunId, AppKey>,
    /// The runs that are asked whether they live.
    pub(super) watched_runs: WatchedRuns,
    /// When to look at memory next; `None` while no app asks for that.
    pub(super) next_memory_look: Option<Time>,
    /// Queues of connections from which nothing is taken.
    pub(super) queues: Queues,
    /// Where metrics are offered, and who asks for them.
    pub(super) metrics: Metrics,
    /// How long requests and probes take.
    pub(super) traffic: Traffic,
    /// Alerts that are not quiet.
    pub(super) alerts: Alerts,
    /// Where the page for browsers is offered, and who looks at it.
    pub(super) dashboard: Dashboard,
    /// What was seen of instances that have not become ready.
    pub(super) seen: AllSeen,
    /// The commands by which they are asked.
    pub(super) exec_probes: ExecProbes,
    /// The commands that stop runs.
    pub(super) stoppers: Stoppers,
    /// Where the output of runs begins whose readiness is told there.
    pub(super) log_from: BTreeMap<RunId, [u64; 2]>,
    /// Runs whose open requests are given time to end.
    pub(super) drains: Drains,
    /// Projects whose apps were found good, and when to write that down.
    pub(super) unsaved: BTreeMap<ProjectName, Time>,
    /// Whose call is being answered just now.
    pub(super) caller: Option<Operator>,
    /// How far changes have come of which somebody was told.
    pub(super) steps: BTreeMap<AppKey, Option<Step>>,
    /// What the present states ask for and is not there yet.
    pub(super) open: Open,
    pub(super) waiters: Vec<Waiter>,
    /// Callers that follow the events.
    pub(super) listeners: Vec<Listener>,
    /// The caller who has asked for another program in eco's place.
    pub(super) upgrading: Option<mpsc::UnboundedSender<DaemonUpgradeReply>>,
    /// Set once eco itself is asked to end.
    pub(super) ending: Option<Ending>,
    /// Where work done elsewhere hands in its result.
    pub(super) internal: mpsc::UnboundedSender<Internal>,
}

/// A caller that follows the events of some projects.
#[derive(Debug)]
pub(super) struct Listener {
    /// `None` is every project, also one that is still to come.
    pub(super) projects: Option<Vec<ProjectName>>,
    pub(super) apps: Option<BTreeSet<AppKey>>,
    /// Only of these kinds; empty is all.
    pub(super) types: Vec<EventType>,
    pub(super) lines: mpsc::Sender<EventReply>,
}

/// That eco itself was asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// After every app has stopped.
    StopApps,
    /// At once; the apps go on.
    LeaveApps,
    /// At once, and only the controller: the next one is of another program.
    Upgraded,
}

impl State {
    /// Marks an app to be planned again, and its waiters to be told.
    pub(super) fn touch(&mut self, key: &AppKey) {
        self.dirty.insert(key.clone());
        self.touched.insert(key.clone());
        self.touch_neighbours(key);
    }

    /// Marks every app of a project.
    pub(super) fn touch_project(&mut self, name: &ProjectName) {
        let apps = self.desired.projects.get(name).into_iter().flat_map(|project| &project.apps);
        let keys: Vec<_> =
            apps.map(|(app, _)| AppKey { project: name.clone(), app: app.clone() }).collect();
        for key in keys {
            self.touch(&key);
        }
    }

    /// The generation a project is at.
    pub(super) fn generation(&self, name: &ProjectName) -> Generation {
        self.desired.projects.get(name).map(|project| project.generation).unwrap_or_default()
    }
}
