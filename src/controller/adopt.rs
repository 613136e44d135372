//! A controller's start: takes up the state on disk and the runs the keeper holds, so that nobody
//! notices that the former one is gone.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use tokio::sync::mpsc;

use super::{
    alerts::Alerts,
    calls::Internal,
    dashboard::Dashboard,
    drains::Drains,
    events::Told,
    exec_probes::ExecProbes,
    execute,
    jobs::Schedules,
    left_behind::Left,
    metrics::Metrics,
    order::Ties,
    projects::Meta,
    queues::Queues,
    results::Open,
    seen::AllSeen,
    state::{Ending, State},
    stop_commands::Stoppers,
    timers::Timers,
    traffic::Traffic,
};
use crate::{
    api::EventType,
    host::{
        cgroup::Cgroups,
        clock,
        follow::Follower,
        home::Home,
        keeper::{Keeper, KeeperEvent, QueueSeen},
        marker,
        probe::Probes,
        source_watch::SourceWatcher,
        store::{Events, Journal, Recovered, Store, StoreFault, StoredProject, StoredResult},
        wall_timer::WallTimer,
    },
    model::{AppKey, Cohort, CohortGroup, Desired, Generation, Observed, RunRecord, RunState},
    reconcile::{self, Journaled},
};

impl State {
    /// The state as the disk and the keeper have it.
    ///
    /// # Errors
    /// The keeper is gone.
    pub(super) async fn recover(
        home: Home,
        mut keeper: Keeper,
        internal: mpsc::UnboundedSender<Internal>,
    ) -> io::Result<Self> {
        let (store, stored, faults) = Store::open(&home);
        let (journal, recovered) = Journal::open(&home);
        let events = Events::open(&home);
        let held = Held::of(&mut keeper).await?;
        let mut state = Self {
            cgroups: held.cgroups(&home),
            left: Left::default(),
            desired: Desired::default(),
            observed: Observed::default(),
            metas: BTreeMap::new(),
            faults: Vec::new(),
            floors: BTreeMap::new(),
            keeper,
            keeper_pid: held.keeper_pid,
            recorder_pid: held.recorder_pid,
            store,
            journal,
            events,
            follower: Follower::new(),
            sources: SourceWatcher::new(),
            dirty: BTreeSet::new(),
            touched: BTreeSet::new(),
            timers: Timers::new(),
            ties: Ties::new(),
            schedules: Schedules::new(recovered.looked.clone(), WallTimer::new()?),
            undrained: BTreeMap::new(),
            ends: Vec::new(),
            over: Vec::new(),
            failed: BTreeMap::new(),
            dropped: BTreeMap::new(),
            removed: BTreeMap::new(),
            probes: Probes::new(),
            asked_runs: BTreeMap::new(),
            watched_runs: BTreeMap::new(),
            next_memory_look: None,
            queues: Queues::default(),
            metrics: Metrics::default(),
            traffic: Traffic::default(),
            alerts: Alerts::read(&home),
            dashboard: Dashboard::default(),
            seen: AllSeen::new(),
            exec_probes: ExecProbes::new(),
            stoppers: Stoppers::new(),
            log_from: BTreeMap::new(),
            drains: Drains::new(),
            unsaved: BTreeMap::new(),
            caller: None,
            steps: BTreeMap::new(),
            open: Open::new(),
            waiters: Vec::new(),
            listeners: Vec::new(),
            upgrading: None,
            ending: ending(&home),
            internal,
            home,
        };
        state.take_all((stored, faults), recovered, held);
        Ok(state)
    }

    fn take_all(
        &mut self,
        (stored, faults): (Vec<StoredProject>, Vec<StoreFault>),
        recovered: Recovered,
        held: Held,
    ) {
        self.take_projects(stored);
        self.report(faults);
        self.take_up(recovered, held.records);
        self.take_sockets(held.cohorts, held.queues);
        self.resume();
    }

    fn take_sockets(&mut self, cohorts: Vec<(Cohort, CohortGroup)>, queues: Vec<QueueSeen>) {
        for (cohort, group) in cohorts {
            self.on_cohort(cohort, group);
        }
        for seen in queues {
            self.on_queue(seen);
        }
    }

    fn take_projects(&mut self, stored: Vec<StoredProject>) {
        for project in stored {
            self.metas.insert(project.name.clone(), Meta::stored(&project));
            let (name, result) = (project.name, project.result);
            self.desired.projects.insert(name.clone(), project.project);
            match result {
                StoredResult::Open | StoredResult::Unknown => self.await_result(&name),
                StoredResult::Converged | StoredResult::RolledBack => {}
            }
        }
    }

    fn report(&mut self, faults: Vec<StoreFault>) {
        for fault in faults {
            if let StoreFault::Unreadable { project, newest } = &fault {
                self.floors.insert(project.clone(), Generation(newest.0.saturating_add(1)));
            }
            let text = fault.to_string();
            self.tell(Told::eco(EventType::Eco, text.clone()));
            self.faults.push(text);
        }
    }

    /// What became of earlier runs, then the runs that are: in this order, so that an exit that
    /// is in both counts once.
    fn take_up(&mut self, recovered: Recovered, records: Vec<(RunRecord, bool)>) {
        let now = clock::now();
        for (id, count) in &recovered.earlier {
            let app = self.observed.apps.entry(id.key.clone()).or_default();
            app.history.entry(id.index).or_default().restarts = *count;
        }
        for (id, exit) in recovered.exits {
            reconcile::remember(&mut self.observed, &id, exit);
        }
        for run in recovered.stops.keys() {
            reconcile::reserve(&mut self.observed, *run);
        }
        for (key, asked) in recovered.asked {
            self.observe(&reconcile::asked(&key, asked));
        }
        self.report(recovered.faults);
        let mut stopping = Vec::new();
        for (record, drained) in records {
            if record.tag.stops {
                reconcile::reserve(&mut self.observed, record.run);
                stopping.push((record, drained));
                continue;
            }
            if let Some(number) = record.tag.alert {
                reconcile::reserve(&mut self.observed, record.run);
                self.on_alert_command(&record, number, drained);
                continue;
            }
            if record.tag.probe_of.is_some() {
                reconcile::reserve(&mut self.observed, record.run);
                self.on_exec_probe(&record, drained);
                continue;
            }
            self.note_log_from(&record);
            let stopping = recovered.stops.get(&record.run).copied();
            let (run, key) = (record.run, record.tag.id.key.clone());
            let over = match record.state {
                RunState::Failed(_) | RunState::Gone(_) => true,
                RunState::Launching | RunState::Running | RunState::Exited(_) => false,
            };
            let ready = recovered.ready.get(&record.run).copied();
            let unfit = recovered.unfit.get(&record.run).copied();
            let journaled = Journaled { stopping, ready, unfit };
            let observation = reconcile::adopt(&mut self.observed, &record, journaled, now);
            if let Some((id, exit)) = observation.retired {
                self.ends.push((id, exit));
            }
            if over {
                self.over.push((run, key, drained));
            }
        }
        // Once it is known what they stop.
        for (record, drained) in stopping {
            self.on_stop_command(&record, drained);
        }
    }

    /// Starts what goes on by itself: plans, watches, following, sinks changed meanwhile.
    fn resume(&mut self) {
        if self.ending == Some(Ending::StopApps) {
            self.stop_everything();
        }
        self.resume_stop_commands();
        self.resume_alerts();
        let names: Vec<_> = self.desired.projects.keys().cloned().collect();
        for name in names {
            self.touch_project(&name);
            self.resume_drains_of(&name);
            self.follow_file(&name);
            self.watch_sources(&name);
            // Edits made while no controller ran.
            self.reload(&name);
        }
        self.send_sinks(|_| true);
    }

    /// Tells the recorder, by the keeper, where the output of live runs goes now.
    pub(super) fn send_sinks(&mut self, meant: impl Fn(&AppKey) -> bool) {
        for (key, observed) in self.observed.apps.iter().filter(|(key, _)| meant(key)) {
            let Some(app) = self.desired.app(key) else { continue };
            for (run, found) in &observed.runs {
                let sink = execute::sink(&self.home, &key.instance(found.index), app);
                if let Err(error) = self.keeper.sink(*run, &sink) {
                    tracing::warn!(%error, "cannot reach the keeper");
                }
            }
        }
    }
}

/// What the keeper holds when it is first asked.
#[derive(Debug, Default)]
struct Held {
    keeper_pid: u32,
    recorder_pid: u32,
    records: Vec<(RunRecord, bool)>,
    cohorts: Vec<(Cohort, CohortGroup)>,
    queues: Vec<QueueSeen>,
}

impl Held {
    /// Where control groups are made, without those of runs that are no more.
    fn cgroups(&self, home: &Home) -> Cgroups {
        let family = [self.keeper_pid, self.recorder_pid, std::process::id()];
        let cgroups = Cgroups::prepare(home, &family);
        let runs: BTreeSet<_> = self.records.iter().map(|(record, _)| record.run).collect();
        cgroups.remove_others(|run| runs.contains(&run));
        cgroups
    }

    async fn of(keeper: &mut Keeper) -> io::Result<Self> {
        keeper.hello()?;
        let mut held = Self::default();
        loop {
            match keeper.next().await? {
                KeeperEvent::Hello { keeper_pid, recorder_pid, .. } => {
                    held.keeper_pid = keeper_pid;
                    held.recorder_pid = recorder_pid.unwrap_or_default();
                }
                KeeperEvent::Record { record, drained, .. } => held.records.push((record, drained)),
                KeeperEvent::Recorder { pid, .. } => held.recorder_pid = pid.unwrap_or_default(),
                KeeperEvent::Cohort { cohort, group } => held.cohorts.push((cohort, group)),
                KeeperEvent::Queue(seen) => held.queues.push(seen),
                KeeperEvent::Refused { .. }
                | KeeperEvent::Declined { .. }
                | KeeperEvent::UpgradeRefused { .. }
                | KeeperEvent::Removed { .. }
                | KeeperEvent::Said { .. }
                | KeeperEvent::Members { .. }
                | KeeperEvent::Connections { .. } => {}
                KeeperEvent::Foreign { run, .. } => {
                    tracing::warn!(run = run.0, "a run of the keeper has an unreadable tag");
                }
                KeeperEvent::ListEnd => return Ok(held),
            }
        }
    }
}

/// Whether eco was asked to end before this controller began.
fn ending(home: &Home) -> Option<Ending> {
    marker::read(home).map(|leave| if leave { Ending::LeaveApps } else { Ending::StopApps })
}
