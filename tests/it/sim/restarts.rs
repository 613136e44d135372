//! Restart rules one by one: back-off, reset, window, policy, spawn failures.

use std::time::Duration;

use eco::{
    model::{
        Action, App, Cohort, ExitStatus, Generation, Hold, InstanceId, LimitThen, Observed, Plan,
        RestartWhen, RunId, SpawnFailure, SpawnStep, StopReason, Stopping,
    },
    reconcile,
};

use super::fixtures::{app, at, backoff, crash, edited, key, limit, ms, remembered, spec};

/// An app of one instance.
fn single(edit: impl FnOnce(&mut eco::model::AppSpec)) -> App {
    edited(&app(spec()), |spec| {
        spec.instances = 1;
        edit(spec);
    })
}

fn id() -> InstanceId {
    key("shop", "web").instance(0)
}

fn plan_at(app: &App, observed: &Observed, millis: u64) -> Plan {
    let app_observed = observed.apps.get(&id().key);
    reconcile::plan_app(&id().key, Generation(1), Some(app), app_observed, at(millis))
}

/// How long after its last exit the instance is started, with `count` crashes in a row, each after
/// 10 ms; `None` if it is not.
fn wait_after(app: &App, count: u64) -> Option<Duration> {
    let exits = (1..=count).map(|run| crash(app, run, run * 1_000_000, run * 1_000_000 + 10));
    let observed = remembered(&id(), exits);
    let end = count * 1_000_000 + 10;
    let plan = plan_at(app, &observed, end);
    if plan.actions.is_empty() { Some(plan.wake_at?.since(at(end))) } else { Some(ms(0)) }
}

#[test]
fn waits_grow_up_to_the_maximum() {
    let app = single(|_| ());
    let waits: Vec<_> = (1..=8).map(|count| wait_after(&app, count).unwrap().as_millis()).collect();
    assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    assert_eq!(wait_after(&app, 128), Some(ms(5_000)));
}

#[test]
fn odd_backoffs_are_obeyed() {
    let zero = single(|spec| spec.restart.backoff.as_mut().unwrap().initial = ms(0));
    assert_eq!(wait_after(&zero, 50), Some(ms(0)));
    let none = single(|spec| spec.restart.backoff = None);
    assert_eq!(wait_after(&none, 50), Some(ms(0)));
    let even = single(|spec| spec.restart.backoff.as_mut().unwrap().factor = 1.0);
    assert_eq!(wait_after(&even, 50), Some(ms(100)));
    let steep = single(|spec| spec.restart.backoff.as_mut().unwrap().factor = 1e300);
    assert_eq!(wait_after(&steep, 3), Some(ms(5_000)));
}

#[test]
fn jitter_varies_by_run_within_its_share() {
    let app = single(|spec| {
        let backoff = spec.restart.backoff.as_mut().unwrap();
        (backoff.jitter, backoff.factor) = (0.5, 1.0);
    });
    let waits: Vec<_> = (1..=100).map(|count| wait_after(&app, count).unwrap()).collect();
    assert!(waits.iter().all(|wait| (ms(50)..=ms(150)).contains(wait)), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait < ms(70)) && waits.iter().any(|wait| ms(130) < *wait));
    assert_eq!(wait_after(&app, 7), wait_after(&app, 7));
    let capped = single(|spec| {
        let backoff = spec.restart.backoff.as_mut().unwrap();
        (backoff.jitter, backoff.initial) = (1.0, ms(5_000));
    });
    assert!((1..=100).all(|count| wait_after(&capped, count).unwrap() <= ms(5_000)));
}

#[test]
fn a_stable_run_starts_the_series_anew() {
    let app = single(|_| ());
    let wait = |last_run: u64| {
        let crashes = (1..=5).map(|run| crash(&app, run, run * 1_000, run * 1_000 + 10));
        let last = crash(&app, 6, 10_000, 10_000 + last_run);
        let observed = remembered(&id(), crashes.chain([last]));
        plan_at(&app, &observed, 10_000 + last_run).wake_at.unwrap().since(at(10_000 + last_run))
    };
    assert_eq!(wait(9_999), ms(3_200));
    assert_eq!(wait(10_000), ms(100));
}

/// The hold of an instance whose runs ended so.
fn hold_after(app: &App, runs: &[(u64, u64)]) -> Option<Hold> {
    let exits = (1_u64..).zip(runs).map(|(run, (from, to))| crash(app, run, *from, *to));
    let end = runs.last().unwrap().1;
    plan_at(app, &remembered(&id(), exits), end).holds.pop().map(|(_, hold)| hold)
}

fn is_looping(hold: Option<&Hold>) -> bool {
    matches!(hold, Some(Hold::CrashLooping { .. }))
}

#[test]
fn too_many_failures_within_the_window_are_a_crash_loop() {
    let app = single(|spec| {
        spec.restart.limit = Some(limit(3, 10_000, LimitThen::Slow));
        spec.restart.backoff.as_mut().unwrap().reset_after = ms(4_000);
    });
    let looping = |runs: &[(u64, u64)]| is_looping(hold_after(&app, runs).as_ref());
    assert!(!looping(&[(0, 1_000), (1_000, 2_000)]));
    assert!(looping(&[(0, 1_000), (1_000, 2_000), (2_000, 3_000)]));
    // The window slides: it does not matter when it began.
    assert!(looping(&[(0, 1_000), (50_000, 51_000), (51_000, 52_000), (52_000, 53_000)]));
    // Failures of runs that were stable enough to reset the back-off count as well.
    assert!(looping(&[(0, 50_000), (50_000, 54_500), (54_500, 59_000)]));
    assert!(!looping(&[(0, 50_000), (50_000, 54_500), (54_500, 60_000)]));
    // It goes on until a run lasts as long as the window.
    let crashes = [(0, 1), (1, 2), (2, 3)];
    assert!(looping(&[&crashes[..], &[(100_000, 109_999)]].concat()));
    assert!(!looping(&[&crashes[..], &[(100_000, 110_000)]].concat()));
}

#[test]
fn a_crash_loop_is_tried_slowly_or_not_at_all() {
    let crashes = [(0, 1), (1, 2), (2, 3)];
    let slow = single(|spec| spec.restart.limit = Some(limit(3, 10_000, LimitThen::Slow)));
    let Some(Hold::CrashLooping { failures, wait, .. }) = hold_after(&slow, &crashes) else {
        panic!("no crash loop");
    };
    assert_eq!((failures, wait), (3, ms(5_000)));
    let bare = edited(&slow, |spec| spec.restart.backoff = None);
    let Some(Hold::CrashLooping { wait, .. }) = hold_after(&bare, &crashes) else {
        panic!("no crash loop");
    };
    assert_eq!(wait, ms(30_000));
    let stop = single(|spec| spec.restart.limit = Some(limit(3, 10_000, LimitThen::Stop)));
    let held = hold_after(&stop, &crashes);
    assert!(matches!(held, Some(Hold::GaveUp { failures: 3, .. })), "{held:?}");
}

#[test]
fn a_start_by_hand_forgets_failures_and_another_revision_does_too() {
    let app = single(|spec| spec.restart.limit = Some(limit(1, 10_000, LimitThen::Stop)));
    let observed = remembered(&id(), [crash(&app, 1, 0, 10)]);
    assert_eq!(plan_at(&app, &observed, 10).actions, []);
    let retried = App { retry_after: Generation(2), ..app.clone() };
    assert_eq!(plan_at(&retried, &observed, 10).actions.len(), 1);
    let restarted = App { restart_after: Generation(2), ..app.clone() };
    assert_eq!(plan_at(&restarted, &observed, 10).actions.len(), 1);
    let other = edited(&app, |spec| spec.cwd = "/other".into());
    assert_eq!(plan_at(&other, &observed, 10).actions.len(), 1);
    // Back again after a run of the other one.
    let there_and_back = remembered(&id(), [crash(&app, 1, 0, 10), crash(&other, 2, 10, 20)]);
    assert_eq!(plan_at(&app, &there_and_back, 20).actions.len(), 1);
}

#[test]
fn policies_decide_which_exits_are_followed_by_a_start() {
    let starts = |policy: RestartWhen, status: ExitStatus| {
        let app = single(|spec| {
            spec.restart.policy = policy;
            spec.restart.stop_exit_codes = vec![42];
        });
        let exit = eco::model::Exit { status, ..crash(&app, 1, 0, 10) };
        let plan = plan_at(&app, &remembered(&id(), [exit]), 60_000);
        plan.actions.iter().any(|action| matches!(action, Action::Start { .. }))
    };
    let code = ExitStatus::Code;
    let killed = ExitStatus::Signal(eco::model::Signal::KILL);
    for (policy, expected) in [
        (RestartWhen::Always, [true, true, false, true, true]),
        (RestartWhen::OnFailure, [false, true, false, true, true]),
        (RestartWhen::Never, [false; 5]),
    ] {
        let statuses = [code(0), code(1), code(42), killed, ExitStatus::Unknown];
        assert_eq!(statuses.map(|status| starts(policy, status)), expected, "{policy:?}");
    }
}

#[test]
fn an_exit_that_was_asked_for_is_no_failure() {
    let app = single(|_| ());
    let asked = eco::model::Exit { requested: true, ..crash(&app, 5, 4_000, 4_010) };
    let observed = remembered(
        &id(),
        (1..5).map(|run| crash(&app, run, run * 100, run * 100 + 10)).chain([asked]),
    );
    assert_eq!(plan_at(&app, &observed, 4_010).actions.len(), 1);
    // It neither adds to the series that goes on afterwards, nor ends it.
    let mut observed = observed;
    reconcile::remember(&mut observed, &id(), crash(&app, 6, 5_000, 5_010));
    assert_eq!(plan_at(&app, &observed, 5_010).wake_at, Some(at(5_010 + 1_600)));
}

#[test]
fn a_failed_spawn_is_a_failure_like_any_other() {
    let app = single(|_| ());
    let mut observed = Observed::default();
    let failure = SpawnFailure { step: SpawnStep::Exec, errno: 2 };
    for (millis, wait) in [(1_000, 100), (1_100, 200), (1_300, 400)] {
        let plan = plan_at(&app, &observed, millis);
        let run = reconcile::issue(&mut observed, &plan.actions[0], at(millis)).unwrap();
        let event = eco::model::Event::Refused { run, failure };
        let seen = reconcile::observe(&mut observed, &event, at(millis));
        assert_eq!(seen.retired.unwrap().1.failure, Some(failure));
        let plan = plan_at(&app, &observed, millis);
        assert_eq!(plan.wake_at, Some(at(millis + wait)));
        assert_eq!(plan.holds[0].1.code(), "spawn_failed");
    }
    let never = single(|spec| spec.restart.policy = RestartWhen::Never);
    assert_eq!(plan_at(&never, &observed, 90_000).actions, []);
}

#[test]
fn an_edited_policy_holds_for_a_wait_under_way() {
    let app = single(|spec| spec.restart.backoff.as_mut().unwrap().initial = ms(4_000));
    let observed = remembered(&id(), [crash(&app, 1, 0, 10)]);
    assert_eq!(plan_at(&app, &observed, 500).wake_at, Some(at(4_010)));
    let quick = edited(&app, |spec| spec.restart.backoff = Some(backoff()));
    assert_eq!(plan_at(&quick, &observed, 500).actions.len(), 1);
}

#[test]
fn restarts_count_the_same_after_a_controller_restart() {
    let app = single(|_| ());
    let asked = eco::model::Exit { requested: true, ..crash(&app, 3, 30, 40) };
    let exits = [crash(&app, 1, 0, 10), crash(&app, 2, 20, 30), asked, crash(&app, 4, 50, 60)];
    let observed = remembered(&id(), exits);
    let restarts = |observed: &Observed| observed.apps[&id().key].history[&0].restarts;
    // Runs 2 and 3 followed a crash; run 4 followed a stop.
    assert_eq!(restarts(&observed), 2);
    let mut started = observed;
    let (revision, generation) = (app.revision, Generation(1));
    let start = Action::Start { id: id(), revision, generation, cohort: Cohort::NONE };
    assert_eq!(reconcile::issue(&mut started, &start, at(100)), Some(RunId(5)));
    assert_eq!(restarts(&started), 3);
    let record = eco::model::RunRecord {
        started: Some(at(101)),
        exited: None,
        ..eco::model::RunRecord::new(
            RunId(5),
            eco::model::RunTag::new(id(), app.revision, Generation(1)),
            7,
            eco::model::RunState::Running,
        )
    };
    let mut anew = remembered(&id(), exits);
    reconcile::adopt(&mut anew, &record, None, at(500));
    assert_eq!(restarts(&anew), 3);
    // Remembered or adopted twice counts once.
    reconcile::remember(&mut anew, &id(), exits[1]);
    reconcile::adopt(&mut anew, &record, None, at(500));
    assert_eq!(restarts(&anew), 3);
    assert_eq!(anew.apps[&id().key].history[&0].exits.len(), 4);
}

#[test]
fn an_adopted_run_that_is_gone_is_one_exit() {
    let app = single(|_| ());
    let record = |state| eco::model::RunRecord {
        started: Some(at(100)),
        exited: Some(at(300)),
        ..eco::model::RunRecord::new(
            RunId(9),
            eco::model::RunTag::new(id(), app.revision, Generation(1)),
            7,
            state,
        )
    };
    let gone = record(eco::model::RunState::Gone(ExitStatus::Code(0)));
    let mut observed = Observed::default();
    let (_, exit) = reconcile::adopt(&mut observed, &gone, None, at(900)).retired.unwrap();
    assert_eq!((exit.started, exit.ended, exit.requested), (at(100), at(300), false));
    assert_eq!(reconcile::adopt(&mut observed, &gone, None, at(900)).retired, None);
    let late = record(eco::model::RunState::Running);
    assert_eq!(reconcile::adopt(&mut observed, &late, None, at(900)).app, None);
    assert!(observed.apps[&id().key].runs.is_empty());
    assert_eq!(observed.last_run, RunId(9));

    let stopping = |since, reason| {
        Some(Stopping {
            since: at(since),
            reason,
            killed: None,
            group: true,
            draining: false,
            drained: false,
            command: None,
        })
    };
    let requested = |stopping| {
        let mut observed = Observed::default();
        reconcile::adopt(&mut observed, &gone, stopping, at(900)).retired.unwrap().1.requested
    };
    assert!(requested(stopping(200, StopReason::Stopped)));
    // It had ended by itself before it was asked to.
    assert!(!requested(stopping(301, StopReason::Stopped)));
    assert!(!requested(stopping(300, StopReason::Leftover)));
}

#[test]
fn of_two_runs_of_one_instance_the_newest_good_one_stays() {
    let app = single(|_| ());
    let old = single(|spec| spec.cwd = "/old".into());
    let mut observed = Observed::default();
    for (run, revision) in [(1, app.revision), (2, app.revision), (3, old.revision)] {
        let record = eco::model::RunRecord {
            started: Some(at(100)),
            exited: None,
            ..eco::model::RunRecord::new(
                RunId(run),
                eco::model::RunTag::new(id(), revision, Generation(1)),
                7,
                eco::model::RunState::Running,
            )
        };
        reconcile::adopt(&mut observed, &record, None, at(900));
    }
    let stops = |plan: Plan| -> Vec<(u64, StopReason)> {
        let stop = |action: &Action| match action {
            Action::Stop { run, reason, .. } => (run.0, *reason),
            Action::Start { .. }
            | Action::Drain { .. }
            | Action::StopByCommand { .. }
            | Action::Steer { .. }
            | Action::Retire { .. }
            | Action::RollBack { .. }
            | Action::Complete { .. }
            | Action::Kill { .. } => panic!("{action:?}"),
        };
        plan.actions.iter().map(stop).collect()
    };
    let plan = plan_at(&app, &observed, 1_000);
    assert_eq!(stops(plan), [(1, StopReason::Duplicate), (3, StopReason::Changed)]);
}
