//! How long requests and probes take: windows of time for each app and run, in bounded memory.
//!
//! Nothing is stored for an app or a run of which nothing was measured. What is stored lives in this
//! process alone: the next controller begins with empty windows, and says since when it counts.
//! `app` and `run` are the look-ups; each gives the windows of a [`Series`].

mod agent;
mod counts;
mod node;
mod series;

use std::{collections::BTreeMap, time::Duration};

pub(super) use self::series::{BOUNDS, Series, Totals, Window, real};
use self::{agent::Said, counts::Counts, node::Loops};
use super::{backlog::Backlog, state::State};
use crate::{
    api::{InstanceReply, NodeReply, TrafficReply, TrafficSource, WindowReply},
    host::{clock, probe::Try},
    model::{AppKey, InstanceId, RunId, Time},
};

/// All that was measured.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Requests, also of runs that are over.
    apps: BTreeMap<AppKey, Series>,
    runs: BTreeMap<RunId, OfRun>,
    /// Since counting began, whatever run of it there was.
    totals: BTreeMap<InstanceId, OfInstance>,
    /// How shared ports stand.
    pub(super) backlog: Backlog,
}

#[derive(Debug, Default)]
struct OfRun {
    requests: Option<Series>,
    probes: Option<Series>,
    loops: Option<Loops>,
}

/// What metrics tell of an instance.
#[derive(Clone, Debug, Default)]
pub(super) struct OfInstance {
    /// Its requests, if an agent tells of them.
    pub(super) requests: Option<Totals>,
    /// Its probes.
    pub(super) probes: Option<Totals>,
}

impl Traffic {
    /// A probe of a run took so long.
    pub(super) fn probed(
        &mut self,
        (id, run): (&InstanceId, RunId),
        (took, failed): (Duration, bool),
        now: Time,
    ) {
        let one = series::one(took, failed);
        let known = self.runs.entry(run).or_default();
        known.probes.get_or_insert_with(|| Series::new(now)).add(&one, now);
        let totals = self.totals_of(id).probes.get_or_insert_with(|| Totals::new(now));
        totals.add(&one, counts::micros_of(took).into());
    }

    /// The agent in a process of a run has said something; what cannot be read is passed over.
    pub(super) fn heard(
        &mut self,
        (id, run): (&InstanceId, RunId),
        (pid, message): (u32, &[u8]),
        now: Time,
    ) {
        let Some(said) = agent::read(message) else { return };
        let known = self.runs.entry(run).or_default();
        known.loops.get_or_insert_with(|| Loops::new(now)).hear(pid, &said, now);
        known.requests.get_or_insert_with(|| Series::new(now)).add(&said.requests, now);
        let Said { requests, sum_micros, .. } = said;
        self.count(id, &requests, sum_micros, now);
    }

    fn count(&mut self, id: &InstanceId, requests: &Counts, sum_micros: u64, now: Time) {
        if !self.apps.contains_key(&id.key) {
            self.apps.insert(id.key.clone(), Series::new(now));
        }
        if let Some(app) = self.apps.get_mut(&id.key) {
            app.add(requests, now);
        }
        let totals = self.totals_of(id).requests.get_or_insert_with(|| Totals::new(now));
        totals.add(requests, sum_micros);
    }

    fn totals_of(&mut self, id: &InstanceId) -> &mut OfInstance {
        // Most are known: no copy of the name for those.
        if !self.totals.contains_key(id) {
            self.totals.insert(id.clone(), OfInstance::default());
        }
        self.totals.entry(id.clone()).or_default()
    }

    /// A run is over.
    pub(super) fn forget_run(&mut self, run: RunId) {
        self.runs.remove(&run);
    }

    /// An app is taken away.
    pub(super) fn forget_app(&mut self, key: &AppKey) {
        self.apps.remove(key);
        self.totals.retain(|id, _| id.key != *key);
    }

    /// The requests of an app, those of its former runs among them; `None` if nobody tells of them.
    pub(super) fn app(&self, key: &AppKey) -> Option<&Series> {
        self.apps.get(key)
    }

    /// The requests of a run.
    pub(super) fn run(&self, run: RunId) -> Option<&Series> {
        self.runs.get(&run)?.requests.as_ref()
    }

    /// The probes of a run.
    pub(super) fn probes(&self, run: RunId) -> Option<&Series> {
        self.runs.get(&run)?.probes.as_ref()
    }

    /// What its agents say of a run of a Node program.
    pub(super) fn node(&self, run: RunId, now: Time) -> Option<NodeReply> {
        Some(self.runs.get(&run)?.loops.as_ref()?.reply(now))
    }

    /// What was measured of an instance since counting began.
    pub(super) fn totals(&self, id: &InstanceId) -> Option<&OfInstance> {
        self.totals.get(id)
    }
}

/// A series as it is told.
pub(super) fn reply(series: &Series, source: TrafficSource, now: Time) -> TrafficReply {
    TrafficReply { source, windows: series.windows(now).iter().map(window_reply).collect() }
}

fn window_reply(window: &Window) -> WindowReply {
    let counts = &window.counts;
    let percentile = |percent| counts.percentile(percent).map(|time| time.as_secs_f64());
    WindowReply {
        seconds: u32::try_from(window.length.as_secs()).unwrap_or(u32::MAX),
        requests: counts.total(),
        rate: window.rate(),
        failed: counts.failed(),
        aborted: counts.aborted(),
        p50: percentile(50),
        p90: percentile(90),
        p99: percentile(99),
        max: counts.longest().map(|time| time.as_secs_f64()),
    }
}

impl State {
    /// Counts the probes that ended since the loop turned last.
    pub(super) fn count_tries(&mut self) {
        for Try { run, at, took, failed } in self.probes.take_tries() {
            let Some((key, found)) = self.observed.run(run) else { continue };
            self.traffic.probed((&key.instance(found.index), run), (took, failed), at);
        }
    }

    /// What an agent inside a process of a run says.
    pub(super) fn hear_agent(&mut self, run: RunId, said: (u32, &[u8])) {
        let Some((key, found)) = self.observed.run(run) else { return };
        self.traffic.heard((&key.instance(found.index), run), said, clock::now());
    }

    /// Adds to the reply about an instance what was measured of its run.
    pub(super) fn measured(
        &self,
        run: Option<RunId>,
        now: Time,
        into: InstanceReply,
    ) -> InstanceReply {
        let Some(run) = run else { return into };
        let told = |series: &Series, source| reply(series, source, now);
        InstanceReply {
            traffic: self.traffic.run(run).map(|it| told(it, TrafficSource::Agent)),
            probes: self.traffic.probes(run).map(|it| told(it, TrafficSource::Probe)),
            node: self.traffic.node(run, now),
            ..into
        }
    }
}
