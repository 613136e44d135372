//! The words for how an app is doing, and the verdict for who waits.

use eco::{
    model::{AppState, ExitStatus, InstancePhase, LimitThen, RestartWhen, SpawnFailure, SpawnStep},
    reconcile::{self, AppStatus, Verdict},
};

use super::{
    fixtures::{app, at, desired, edited, key, limit, ms, spec},
    keeper::Nature,
    world::World,
};

/// A world of one app of one instance whose first runs are like this, just started.
fn world_with(natures: &[Nature], edit: impl FnOnce(&mut eco::model::AppSpec)) -> World {
    let app = edited(&app(spec()), |spec| {
        spec.instances = 1;
        edit(spec);
    });
    let mut world = World::new(desired([(key("shop", "web"), app)]), 1);
    world.natures.extend(natures.iter().cloned());
    world.drive_all();
    world
}

fn dying(millis: u64, code: i32) -> Nature {
    Nature { life: Some((ms(millis), ExitStatus::Code(code))), ..Nature::GOOD }
}

fn status(world: &World) -> AppStatus {
    let key = key("shop", "web");
    let app = world.desired.app(&key).unwrap();
    reconcile::status(&key, app, world.observed.apps.get(&key), world.now)
}

/// What is told to a command that waits since the world began.
fn verdict(world: &World) -> Verdict {
    let key = key("shop", "web");
    let app = world.desired.app(&key).unwrap();
    reconcile::verdict(&key, app, world.observed.apps.get(&key), at(1_000), world.now)
}

/// State, phase of the only instance, code of its hold, verdict.
fn seen(world: &World) -> (AppState, Option<InstancePhase>, &'static str, Verdict) {
    let status = status(world);
    assert!(status.instances.len() <= 1);
    let phase = status.instances.first().map(|it| it.phase);
    let hold = status.hold.map_or("", |hold| hold.code());
    (status.state, phase, hold, verdict(world))
}

fn converging(wake: u64) -> Verdict {
    Verdict::Converging { wake_at: Some(at(wake)) }
}

#[test]
fn a_good_app_settles_after_min_ready() {
    let mut world = world_with(&[], |_| ());
    let idle = Verdict::Converging { wake_at: None };
    let starting = Some(InstancePhase::Starting);
    assert_eq!(seen(&world), (AppState::Converging, starting, "starting", idle));
    world.run_until(at(1_500));
    let ready = Some(InstancePhase::Ready);
    assert_eq!(seen(&world), (AppState::Converging, ready, "settling", converging(2_003)));
    world.run_until(at(2_003));
    assert_eq!(seen(&world), (AppState::Ready, ready, "", Verdict::Settled));
    world.change(&key("shop", "web"), |app, _| app.stopped = true);
    let stopping = Some(InstancePhase::Stopping);
    assert_eq!(seen(&world), (AppState::Converging, stopping, "stopping", converging(4_003)));
    world.run_until(at(3_000));
    assert_eq!(seen(&world), (AppState::Stopped, None, "", Verdict::Settled));
}

#[test]
fn an_early_exit_fails_and_a_later_one_does_not() {
    let mut world = world_with(&[dying(200, 1)], |_| ());
    world.run_until(at(1_250));
    let waiting = Some(InstancePhase::Waiting);
    assert_eq!(seen(&world), (AppState::Degraded, waiting, "backoff", Verdict::Failed));
    // It recovers: then that is the truth.
    world.run_until(at(9_000));
    assert_eq!(seen(&world).3, Verdict::Settled);
    let mut world = world_with(&[dying(1_500, 1)], |_| ());
    world.run_until(at(2_550));
    assert_eq!(seen(&world), (AppState::Degraded, waiting, "backoff", converging(2_603)));
}

#[test]
fn what_cannot_be_executed_fails() {
    let failure = Some(SpawnFailure { step: SpawnStep::Exec, errno: 2 });
    let mut world = world_with(&[Nature { failure, ..Nature::GOOD }], |_| ());
    world.run_until(at(1_050));
    let waiting = Some(InstancePhase::Waiting);
    assert_eq!(seen(&world), (AppState::Degraded, waiting, "spawn_failed", Verdict::Failed));
    let hold = status(&world).hold.unwrap().to_string();
    assert!(hold.starts_with("cannot execute its command: no such file"), "{hold}");
}

#[test]
fn a_program_that_did_its_work_is_done() {
    let mut world = world_with(&[dying(200, 0)], |spec| spec.restart.policy = RestartWhen::Never);
    world.run_until(at(1_300));
    let done = Some(InstancePhase::Done);
    assert_eq!(seen(&world), (AppState::Done, done, "not_restarted", Verdict::Settled));
    let mut world = world_with(&[dying(200, 3)], |spec| spec.restart.policy = RestartWhen::Never);
    world.run_until(at(1_300));
    let failed = Some(InstancePhase::Failed);
    assert_eq!(seen(&world), (AppState::Failed, failed, "not_restarted", Verdict::Failed));
    let mut world = world_with(&[dying(200, 3)], |spec| spec.restart.stop_exit_codes = vec![3]);
    world.run_until(at(1_300));
    assert_eq!(seen(&world), (AppState::Done, done, "not_restarted", Verdict::Settled));
}

#[test]
fn a_crash_loop_shows_until_a_run_lasts() {
    let crashes = vec![dying(10, 1); 3];
    let loops = |then| {
        move |spec: &mut eco::model::AppSpec| spec.restart.limit = Some(limit(3, 20_000, then))
    };
    let mut world = world_with(&crashes, loops(LimitThen::Slow));
    world.run_until(at(3_000));
    let waiting = Some(InstancePhase::Waiting);
    let looping = AppState::CrashLooping;
    assert_eq!(seen(&world), (looping, waiting, "crash_looping", Verdict::Failed));
    world.run_until(at(20_000));
    let ready = Some(InstancePhase::Ready);
    assert_eq!(seen(&world), (looping, ready, "settling", Verdict::Failed));
    world.run_until(at(30_000));
    assert_eq!(seen(&world), (AppState::Ready, ready, "", Verdict::Settled));
    assert_eq!(status(&world).instances[0].restarts, 3);

    let mut world = world_with(&crashes, loops(LimitThen::Stop));
    world.run_until(at(60_000));
    let failed = Some(InstancePhase::Failed);
    assert_eq!(seen(&world), (AppState::Failed, failed, "gave_up", Verdict::Failed));
}

#[test]
fn an_app_without_instances_is_off() {
    let mut world = world_with(&[], |spec| spec.instances = 0);
    world.run_until(at(5_000));
    assert_eq!(seen(&world), (AppState::Off, None, "", Verdict::Settled));
}

#[test]
fn in_a_replacement_the_old_run_and_the_missing_one_are_told_apart() {
    let mut world = world_with(&[Nature { term: None, ..Nature::GOOD }], |_| ());
    world.run_until(at(3_000));
    world.edit(&key("shop", "web"), |spec| spec.cwd = "/new".into());
    world.run_until(at(3_500));
    let status = status(&world);
    let phases: Vec<_> = status.instances.iter().map(|it| (it.id.index, it.phase)).collect();
    assert_eq!(phases, [(0, InstancePhase::Waiting), (0, InstancePhase::Stopping)]);
    let hold = status.hold.unwrap().to_string();
    assert_eq!(hold, "stopping (its revision changed); SIGKILL in 1.5s");
    assert_eq!((status.state, status.wanted, status.ready), (AppState::Converging, 1, 0));
}

#[test]
fn failures_before_something_was_asked_are_not_held_against_it() {
    let mut world = world_with(&[dying(200, 1)], |_| ());
    world.run_until(at(1_250));
    let key = key("shop", "web");
    let (app, observed) = (world.desired.app(&key).unwrap(), world.observed.apps.get(&key));
    let told = |asked| reconcile::verdict(&key, app, observed, at(asked), world.now);
    assert_eq!(told(1_203), Verdict::Failed);
    assert_eq!(told(1_204), converging(1_303));
}
