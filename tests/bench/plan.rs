//! How long the core takes to plan and to compare, at 10,000 instances and for a single event.
//!
//! Prints the figures. The limits asserted are far above them: they find a cost of the wrong order,
//! not a slow machine.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark reads the clock, prints and may panic"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    hint::black_box,
    path::PathBuf,
    time::{Duration, Instant},
};

use eco::{
    model::{
        Action, App, AppKey, AppName, AppSpec, Artifacts, Backoff, Cohort, Command, Desired,
        EnvValue, Event, Exit, ExitStatus, Generation, KillScope, Kind, Limit, LimitThen,
        ListenPolicy, ListenPort, LogPolicy, Observed, OnFailure, Pass, Project, ReadyPolicy,
        RestartPolicy, RestartWhen, RolloutPolicy, RunRecord, RunState, RunTag, Share, ShareBy,
        Signal, StopPolicy, Template, Time,
    },
    reconcile,
};

/// How many events make one measurement.
const ROUNDS: u32 = 1_000;

const MUST: Duration = Duration::from_millis(50);

fn spec(instances: u32) -> AppSpec {
    let set = |number: u32| EnvValue::Set(Template::literal(&format!("value {number}")));
    AppSpec {
        command: Command::Argv(vec![Template::literal("node"), Template::literal("server.js")]),
        cwd: PathBuf::from("/srv/app"),
        instances,
        env: (0..10).map(|number| (format!("NAME_{number}"), set(number))).collect(),
        inherited: BTreeMap::new(),
        inherit_env: vec!["PATH".to_owned()],
        inherited_epoch: 0,
        restart: RestartPolicy {
            policy: RestartWhen::Always,
            backoff: Some(Backoff {
                initial: Duration::from_millis(100),
                factor: 2.0,
                max: Duration::from_secs(30),
                jitter: 0.1,
                reset_after: Duration::from_secs(10),
            }),
            limit: Some(Limit {
                failures: 10,
                within: Duration::from_secs(60),
                then: LimitThen::Slow,
            }),
            stop_exit_codes: Vec::new(),
            cron: None,
            max_memory: None,
        },
        stop: StopPolicy {
            command: None,
            signal: Signal::TERM,
            timeout: Duration::from_secs(10),
            kill: KillScope::Group,
            drain: StopPolicy::default_drain(),
            message: None,
            close: false,
        },
        rollout: RolloutPolicy {
            min_ready: Duration::from_secs(1),
            max_surge: RolloutPolicy::no_surge(),
            max_unavailable: RolloutPolicy::one_by_one(),
            deadline: RolloutPolicy::default_deadline(),
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

fn desired(apps: u32, instances: u32) -> Desired {
    let spec = spec(instances);
    let revision = reconcile::revision(&spec);
    let app = App::new(spec, revision);
    let apps = (0..apps).map(|number| (format!("app-{number}").parse().unwrap(), app.clone()));
    let project = Project { generation: Generation(1), apps: apps.collect() };
    Desired { projects: BTreeMap::from([("bench".parse().unwrap(), project)]) }
}

/// Starts everything and lets it run.
fn all_running(desired: &Desired) -> Observed {
    let mut observed = Observed::default();
    let plan = reconcile::plan(desired, &observed, Time::default());
    for action in &plan.actions {
        let run = reconcile::issue(&mut observed, action, Time::default()).unwrap();
        let Action::Start { id, revision, generation, cohort } = action else { unreachable!() };
        let record = RunRecord {
            started: Some(Time::default()),
            exited: None,
            cohort: *cohort,
            ..RunRecord::new(
                run,
                RunTag::new(id.clone(), *revision, *generation),
                1,
                RunState::Running,
            )
        };
        reconcile::observe(&mut observed, &Event::Record(record), Time::default());
        let ready = Event::Ready { run, at: Time::default() };
        reconcile::observe(&mut observed, &ready, Time::default());
    }
    observed
}

/// Every instance has failed as often as is remembered, and waits.
fn all_failing(desired: &Desired) -> Observed {
    let mut observed = Observed::default();
    for (key, app) in desired.apps() {
        for index in 0..app.wanted() {
            for number in 0..128 {
                let exit = Exit {
                    run: eco::model::RunId(number + 1),
                    revision: app.revision,
                    generation: Generation(1),
                    started: Time(Duration::from_secs(number)),
                    ended: Time(Duration::from_secs(number + 1)),
                    status: ExitStatus::Code(1),
                    failure: None,
                    ready: Some(Time(Duration::from_secs(number))),
                    requested: false,
                    not_ready: false,
                    unfit: None,
                    cohort: Cohort::NONE,
                };
                reconcile::remember(&mut observed, &key.instance(index), exit);
            }
        }
    }
    observed
}

/// The median of several runs.
fn median<T>(mut work: impl FnMut() -> T) -> Duration {
    let mut times: Vec<Duration> = (0..9)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed()
        })
        .collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn edited(apps: &BTreeMap<AppName, App>) -> BTreeMap<AppName, App> {
    let edit = |app: &App| {
        let mut spec = AppSpec::clone(&app.spec);
        spec.cwd = PathBuf::from("/srv/other");
        let revision = reconcile::revision(&spec);
        App::new(spec, revision)
    };
    apps.iter().map(|(name, app)| (name.clone(), edit(app))).collect()
}

/// The same apps sharing a port each, and what is known of them half way through a change: every
/// instance has a former run, every other one a new one beside it.
fn half_way(apps: u32, instances: u32) -> (Desired, Observed) {
    let mut desired = desired(apps, instances);
    let share = |app: &mut App| {
        let mut spec = AppSpec::clone(&app.spec);
        spec.listen = Some(ListenPolicy {
            ports: vec![ListenPort { host: None, port: 8080 }],
            queue: Duration::from_secs(60),
            close_idle: true,
            pass: Pass::Inject,
            share: ShareBy::Queue,
        });
        (spec.rollout.max_surge, spec.rollout.max_unavailable) =
            (Share::Percent(50), Share::Count(0));
        *app = App { good: true, ..App::new(spec.clone(), reconcile::revision(&spec)) };
    };
    for project in desired.projects.values_mut() {
        project.apps.values_mut().for_each(share);
    }
    let mut observed = all_running(&desired);
    for project in desired.projects.values_mut() {
        for app in project.apps.values_mut() {
            let mut spec = AppSpec::clone(&app.spec);
            spec.cwd = PathBuf::from("/srv/other");
            let former = app.to_former(Generation(2));
            *app = App { former, ..App::new(spec.clone(), reconcile::revision(&spec)) };
        }
    }
    let plan = reconcile::plan(&desired, &observed, Time::default());
    for action in &plan.actions {
        reconcile::issue(&mut observed, action, Time::default());
    }
    (desired, observed)
}

fn whole(apps: u32, instances: u32) {
    let desired = desired(apps, instances);
    let old = desired.projects.values().next().unwrap().apps.clone();
    let new = edited(&old);
    let running = all_running(&desired);
    let failing = all_failing(&desired);
    let mut changed = desired.clone();
    changed.projects.values_mut().for_each(|project| project.apps.clone_from(&new));
    let now = Time(Duration::from_secs(128));
    let plan = |desired, observed| median(|| reconcile::plan(desired, observed, now));
    let empty = Observed::default();
    let (changing, beside) = half_way(apps, instances);
    let figures = [
        ("plan, all to be started", plan(&desired, &empty)),
        ("plan, all running", plan(&desired, &running)),
        ("plan, all to be replaced", plan(&changed, &running)),
        ("plan, all failing, 128 exits each", plan(&desired, &failing)),
        ("plan, half way through a change", plan(&changing, &beside)),
        ("diff, nothing changed", median(|| reconcile::diff(&old, &old.clone()))),
        ("diff, all changed", median(|| reconcile::diff(&old, &new))),
    ];
    println!("{apps} apps of {instances} instances");
    for (what, time) in figures {
        println!("  {what:<36} {:>9.3} ms", time.as_secs_f64() * 1e3);
        assert!(time < MUST * 4, "{what} takes {time:?}");
    }
    let [_, running, replaced, _, _, _, diff] = figures.map(|(_, time)| time);
    println!(
        "  plan + diff, the must is 50 ms       {:>9.3} ms",
        (replaced.max(running) + diff).as_secs_f64() * 1e3
    );
}

/// One event and the plan that follows, among so many apps of ten instances.
fn event(apps: u32) -> Duration {
    let desired = desired(apps, 10);
    let mut observed = all_running(&desired);
    let project = desired.projects.keys().next().unwrap().clone();
    let key = AppKey { project, app: "app-0".parse().unwrap() };
    let app = desired.app(&key).unwrap();
    let run = *observed.apps[&key].runs.keys().next().unwrap();
    let tag = RunTag::new(key.instance(0), app.revision, Generation(1));
    let record = |state| RunRecord {
        started: None,
        exited: None,
        ..RunRecord::new(run, tag.clone(), 1, state)
    };
    let late = Event::Record(record(RunState::Launching));
    let time = median(|| {
        for _ in 0..ROUNDS {
            black_box(reconcile::observe(&mut observed, &late, Time::default()));
            let plan = reconcile::plan_app(
                &key,
                Generation(1),
                Some(app),
                observed.apps.get(&key),
                Time::default(),
            );
            black_box(plan);
        }
    });
    time / ROUNDS
}

fn main() {
    whole(1_000, 10);
    whole(10_000, 1);
    whole(1, 10_000);
    println!("one event and its plan, in an app of 10 instances");
    let times = [10, 100, 1_000, 10_000].map(|apps| {
        let time = event(apps);
        println!("  among {apps:>6} apps {:>9.3} µs", time.as_secs_f64() * 1e6);
        time
    });
    let [few, .., many] = times;
    assert!(
        many < few * 20 + Duration::from_micros(50),
        "the cost of an event grows with the apps"
    );
}
