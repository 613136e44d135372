//! Specs, keys and times to test with.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use eco::{
    model::{
        App, AppKey, AppSpec, Artifacts, Backoff, Cohort, Command, Desired, Exit, ExitStatus,
        Generation, InstanceId, KillScope, Kind, Limit, LimitThen, ListenPolicy, ListenPort,
        LivePolicy, LiveProbe, LogPolicy, Observed, OnFailure, Pass, Project, ReadyPolicy,
        ReadyProbe, RestartPolicy, RestartWhen, RolloutPolicy, RunId, Share, ShareBy, Signal,
        StopPolicy, Template, Time,
    },
    reconcile,
};

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// So many milliseconds since boot.
pub(crate) fn at(millis: u64) -> Time {
    Time(ms(millis))
}

pub(crate) fn key(project: &str, app: &str) -> AppKey {
    AppKey { project: project.parse().unwrap(), app: app.parse().unwrap() }
}

pub(crate) fn backoff() -> Backoff {
    Backoff { initial: ms(100), factor: 2.0, max: ms(5_000), jitter: 0.0, reset_after: ms(10_000) }
}

pub(crate) fn limit(failures: u32, within: u64, then: LimitThen) -> Limit {
    Limit { failures, within: ms(within), then }
}

/// A command that is asked every so many milliseconds and may fail so many times in a row.
pub(crate) fn live(interval: u64, failures: u32) -> LivePolicy {
    LivePolicy {
        probe: LiveProbe::Exec(argv(&["check"])),
        interval: ms(interval),
        timeout: ms(200),
        failures,
        start_period: Duration::ZERO,
    }
}

pub(crate) fn argv(words: &[&str]) -> Command {
    Command::Argv(words.iter().map(|word| Template::from_escaped((*word).to_owned())).collect())
}

/// A spec with every part filled, two instances, back-off without jitter, and no limit.
pub(crate) fn spec() -> AppSpec {
    AppSpec {
        command: argv(&["node", "server.js"]),
        cwd: PathBuf::from("/srv/web"),
        instances: 2,
        env: BTreeMap::new(),
        inherited: BTreeMap::new(),
        inherit_env: vec!["PATH".to_owned()],
        inherited_epoch: 0,
        restart: RestartPolicy {
            policy: RestartWhen::Always,
            backoff: Some(backoff()),
            limit: None,
            stop_exit_codes: Vec::new(),
            cron: None,
            max_memory: None,
        },
        stop: StopPolicy {
            command: None,
            signal: Signal::TERM,
            timeout: ms(2_000),
            kill: KillScope::Group,
            drain: ms(3_000),
            message: None,
            close: false,
        },
        rollout: RolloutPolicy {
            min_ready: ms(1_000),
            max_surge: RolloutPolicy::no_surge(),
            max_unavailable: RolloutPolicy::one_by_one(),
            deadline: ms(5_000),
            on_failure: OnFailure::Rollback,
            canary: None,
        },
        listen: None,
        ready: ReadyPolicy::default(),
        live: None,
        accepts_within: None,
        reload: None,
        watch: None,
        artifacts: Artifacts::default(),
        observe: eco::model::Observe::Off,
        tags: BTreeSet::new(),
        logs: LogPolicy::default(),
        kind: Kind::Service,
        schedule: None,
        depends_on: BTreeMap::new(),
        process: eco::model::ProcessPolicy::default(),
        alerts: Vec::new(),
    }
}

/// Lets the instances of a spec share a port, and replaces them without one missing.
pub(crate) fn share(spec: &mut AppSpec) {
    spec.listen = Some(ListenPolicy {
        ports: vec![ListenPort { host: None, port: 8080 }],
        queue: ms(6_000),
        close_idle: true,
        pass: Pass::Inject,
        share: ShareBy::Queue,
    });
    spec.ready.probe = ReadyProbe::Listen;
    (spec.rollout.max_surge, spec.rollout.max_unavailable) = (Share::Count(1), Share::Count(0));
}

pub(crate) fn app(spec: AppSpec) -> App {
    let revision = reconcile::revision(&spec);
    App::new(spec, revision)
}

/// The app with its spec changed and its revision fitting again.
pub(crate) fn edited(app: &App, edit: impl FnOnce(&mut AppSpec)) -> App {
    let mut spec = AppSpec::clone(&app.spec);
    edit(&mut spec);
    let revision = reconcile::revision(&spec);
    App { spec: Arc::new(spec), revision, ..app.clone() }
}

pub(crate) fn desired(apps: impl IntoIterator<Item = (AppKey, App)>) -> Desired {
    let mut desired = Desired::default();
    for (key, app) in apps {
        let project = desired
            .projects
            .entry(key.project)
            .or_insert_with(|| Project { generation: Generation(1), apps: BTreeMap::new() });
        project.apps.insert(key.app, app);
    }
    desired
}

/// An exit with code 1 nobody asked for, of generation 1.
pub(crate) fn crash(app: &App, run: u64, started: u64, ended: u64) -> Exit {
    Exit {
        run: RunId(run),
        revision: app.revision,
        generation: Generation(1),
        started: at(started),
        ended: at(ended),
        status: ExitStatus::Code(1),
        failure: None,
        ready: Some(at(started)),
        requested: false,
        not_ready: false,
        unfit: None,
        cohort: Cohort::NONE,
    }
}

/// What a controller knows that remembers these exits of one instance, and nothing else.
pub(crate) fn remembered(id: &InstanceId, exits: impl IntoIterator<Item = Exit>) -> Observed {
    let mut observed = Observed::default();
    for exit in exits {
        reconcile::remember(&mut observed, id, exit);
    }
    observed
}
