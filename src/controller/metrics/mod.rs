//! Metrics: where projects have them offered, and the numbers when somebody asks. Nothing is
//! measured before.

mod http;
mod work;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    endpoints::Endpoints,
    events::Told,
    projects::Meta,
    report::{self, Look},
    state::State,
    usage::Usages,
};
use crate::{
    api::{
        AppMetrics, ChangeReply, EventType, JobMetrics, MetricsReply, MetricsState, OwnProcess,
        ProjectMetrics, RunMetrics,
    },
    host::{clock, stats},
    model::{App, AppKey, Effect, MetricsPolicy, Phase, ProjectName, Run, RunId, Time},
};

use http::Scrapers;

/// The most that each run was seen to have computed, in seconds: what a child has computed that
/// nobody waits for is lost with it, and a counter must not go down.
type ProcessorTimes = BTreeMap<RunId, f64>;

/// Where metrics are offered, and who asks for them.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) endpoints: Endpoints,
    pub(super) scrapers: Scrapers,
    computed: ProcessorTimes,
    /// What runs used when somebody looked last.
    pub(super) usages: Usages,
}

/// What an edit of `metrics` changes. It holds at once.
pub(super) fn changes(
    before: Option<&MetricsPolicy>,
    after: Option<&MetricsPolicy>,
) -> Vec<ChangeReply> {
    let listen = |it: Option<&MetricsPolicy>| it.map(|it| it.listen.to_string());
    let expose = |it: Option<&MetricsPolicy>| it.filter(|it| it.expose).map(|_| "true".to_owned());
    let fields = [
        ("metrics.listen", listen(before), listen(after)),
        ("metrics.expose", expose(before), expose(after)),
    ];
    let changed = fields.into_iter().filter(|(_, old, new)| old != new);
    let reply = |(field, old, new): (&str, Option<String>, Option<String>)| ChangeReply {
        app: String::new(),
        field: field.to_owned(),
        old,
        new,
        effect: Effect::Live,
        masked: false,
    };
    changed.map(reply).collect()
}

impl State {
    /// Listens where projects say so and nowhere else, and tells if that cannot be.
    pub(super) fn settle_endpoints(&mut self) {
        let living = self.metas.values().filter(|meta| !meta.ending);
        let wanted: BTreeSet<SocketAddr> =
            living.filter_map(|meta| Some(meta.metrics?.listen)).collect();
        for news in self.metrics.endpoints.settle(&wanted, clock::now()) {
            let projects: Vec<ProjectName> = self.offered_at(news.address).cloned().collect();
            for name in projects {
                let text = match &news.fault {
                    Some(why) => format!("metrics are not offered: {why}"),
                    None => format!("metrics are offered at http://{}/metrics", news.address),
                };
                // What is well from the start is no news.
                if news.fault.is_some() || news.is_mended {
                    self.tell(Told::about(EventType::Eco, &name, text));
                }
            }
        }
    }

    /// The projects whose metrics are offered at an address.
    fn offered_at(&self, address: SocketAddr) -> impl Iterator<Item = &ProjectName> {
        let here = move |meta: &Meta| meta.metrics.is_some_and(|it| it.listen == address);
        self.metas.iter().filter(move |(_, meta)| here(meta)).map(|(name, _)| name)
    }

    /// [`Self::settle_endpoints`], and what could not be had before is tried at once.
    pub(super) fn settle_endpoints_now(&mut self) {
        self.metrics.endpoints.hurry(clock::now());
        self.settle_endpoints();
    }

    /// Where a project's metrics are offered, and why they are not.
    pub(super) fn metrics_state(&self, meta: &Meta) -> Option<MetricsState> {
        let policy = meta.metrics?;
        let error = self.metrics.endpoints.fault(&policy.listen).map(str::to_owned);
        Some(MetricsState { listen: policy.listen.to_string(), error })
    }

    /// What to say of that where somebody applies.
    pub(super) fn metrics_notes(&self, name: &ProjectName) -> Option<String> {
        let why = self.metrics_state(self.metas.get(name)?)?.error?;
        Some(format!("metrics are not offered: {why}; eco goes on trying"))
    }

    /// The numbers for one address.
    pub(super) fn measure(&mut self, address: SocketAddr) -> MetricsReply {
        let look = Look { now: clock::now(), memory: true };
        let offered: BTreeSet<ProjectName> = self.offered_at(address).cloned().collect();
        self.look_at_usage(|key| offered.contains(&key.project));
        let mut computed = ProcessorTimes::new();
        let projects = self.offered_at(address).filter_map(|name| {
            let project = self.desired.projects.get(name)?;
            let apps = project.apps.iter().map(|(app_name, app)| {
                let key = AppKey { project: name.clone(), app: app_name.clone() };
                self.measure_app(&key, app, look, &mut computed)
            });
            Some(ProjectMetrics { project: name.to_string(), apps: apps.collect() })
        });
        let projects = projects.collect();
        self.metrics.computed.retain(|run, _| self.observed.owners.contains_key(run));
        self.metrics.computed.extend(computed);
        MetricsReply {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            processes: self.own_processes(),
            projects,
        }
    }

    fn own_processes(&self) -> Vec<OwnProcess> {
        let pids = [
            ("keeper", self.keeper_pid),
            ("recorder", self.recorder_pid),
            ("controller", std::process::id()),
        ];
        let process = |(role, pid): (&str, u32)| OwnProcess {
            role: role.to_owned(),
            memory: stats::resident_bytes(pid),
            cpu_seconds: stats::process_cpu(pid).map(|time| time.as_secs_f64()),
        };
        pids.into_iter().filter(|(_, pid)| *pid != 0).map(process).collect()
    }

    fn measure_app(
        &self,
        key: &AppKey,
        app: &App,
        look: Look,
        computed: &mut ProcessorTimes,
    ) -> AppMetrics {
        let mut latest: BTreeMap<u32, (RunId, &Run)> = BTreeMap::new();
        for (run_id, run) in self.observed.apps.get(key).into_iter().flat_map(|it| &it.runs) {
            latest.insert(run.index, (*run_id, run));
        }
        let runs = latest.into_iter().filter_map(|(index, (run_id, run))| {
            let (started, lives) = executed(run)?;
            let now = stats::tree_cpu(run.pid).filter(|_| lives && run.pid != 0);
            let most = self.metrics.computed.get(&run_id).copied();
            let cpu_seconds = match (now.map(|time| time.as_secs_f64()), most) {
                (Some(now), Some(most)) => Some(now.max(most)),
                (Some(now), None) => Some(now),
                (None, most) => most,
            };
            computed.extend(cpu_seconds.map(|seconds| (run_id, seconds)));
            Some(RunMetrics { index, started: since_1970(clock::wall_of(started)), cpu_seconds })
        });
        AppMetrics {
            runs: runs.collect(),
            rolled_back: app.rolled_back.is_some(),
            work: self.measure_work(key, app),
            job: app.spec.is_job().then(|| self.measure_job(key)),
            status: report::app_reply(self, key, app, look),
        }
    }

    fn measure_job(&self, key: &AppKey) -> JobMetrics {
        let history = self.observed.apps.get(key).and_then(|it| it.history.get(&0));
        let exits = || history.into_iter().flat_map(|history| history.exits.iter().rev());
        let succeeded = exits().find(|exit| exit.status.is_success() && exit.failure.is_none());
        let ended = |time: Time| since_1970(clock::wall_of(time));
        let wanted = self.desired.app(key).is_some_and(|app| app.wanted() != 0);
        JobMetrics {
            last_success: succeeded.map(|exit| ended(exit.ended)),
            last_duration: exits().next().map(|exit| exit.ended.since(exit.started).as_secs_f64()),
            next: self
                .schedules
                .next(key)
                .filter(|_| wanted)
                .map(|due| since_1970(SystemTime::from(due))),
        }
    }
}

/// When the program of a run was executed, and whether it runs still.
fn executed(run: &Run) -> Option<(Time, bool)> {
    match run.phase {
        Phase::Launching => None,
        Phase::Starting { started } | Phase::Ready { started, .. } => Some((started, true)),
        Phase::Exited { started, .. } => Some((started, false)),
    }
}

fn since_1970(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map(|time| time.as_secs_f64()).unwrap_or_default()
}
