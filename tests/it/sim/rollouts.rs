//! Changes, line by line: how they come in, fail, are undone, taken back and superseded.

use eco::{
    model::{
        AppKey, AppSpec, AppState, ExitStatus, Hold, LimitThen, OnFailure, Phase, ReadyProbe,
        RestartWhen, Share, Sharing, SpawnFailure, SpawnStep,
    },
    reconcile::{self, AppStatus},
};

use super::{
    fixtures::{app, desired, edited, key, limit, ms, share, spec},
    keeper::Nature,
    properties::touched,
    world::World,
};

pub(super) fn web() -> AppKey {
    key("shop", "web")
}

/// A world of one app with so many instances that share a port, all good.
pub(super) fn sharing(instances: u32, edit: impl FnOnce(&mut AppSpec)) -> World {
    let app = edited(&app(spec()), |spec| {
        share(spec);
        spec.instances = instances;
        edit(spec);
    });
    let mut world = World::new(desired([(web(), app)]), 1);
    world.drive_all();
    world.run_until(world.now.after(ms(4_000)));
    world.log.clear();
    world
}

pub(super) fn told(world: &mut World, millis: u64) -> String {
    world.run_until(world.now.after(ms(millis)));
    world.log.join("\n")
}

fn status(world: &World) -> AppStatus {
    let app = world.desired.app(&web()).unwrap();
    reconcile::status(&web(), app, world.observed.apps.get(&web()), world.now)
}

/// The state and the words of the most serious hold.
fn words(world: &World) -> (AppState, String) {
    let status = status(world);
    (status.state, status.hold.map(|hold| hold.to_string()).unwrap_or_default())
}

pub(super) fn release(version: &str) -> impl FnOnce(&mut AppSpec) + use<> {
    let cwd = format!("/srv/{version}").into();
    move |spec| spec.cwd = cwd
}

pub(super) fn crashing(millis: u64) -> Nature {
    Nature { life: Some((ms(millis), ExitStatus::Code(1))), ..Nature::GOOD }
}

fn mute() -> Nature {
    Nature { listens: None, ..Nature::GOOD }
}

/// The runs that serve now.
pub(super) fn serving(world: &World) -> usize {
    let runs = world.observed.apps[&web()].runs.values();
    runs.filter(|run| matches!(run.phase, Phase::Ready { .. }) && run.stopping.is_none()).count()
}

#[test]
fn four_are_replaced_one_beside_the_others() {
    let mut world = sharing(4, |_| ());
    world.edit(&web(), release("b"));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn the_only_one_is_replaced_without_a_gap() {
    let mut world = sharing(1, |_| ());
    world.edit(&web(), release("b"));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn a_quarter_beside_and_a_quarter_missing() {
    let mut world = sharing(4, |spec| {
        spec.rollout.max_surge = Share::Percent(25);
        spec.rollout.max_unavailable = Share::Percent(25);
    });
    world.edit(&web(), release("b"));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn a_restart_is_a_rollout() {
    let mut world = sharing(2, |_| ());
    world.restart(&web(), None, false);
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn a_hurried_restart_stops_at_once_and_the_next_one_does_not() {
    let mut world = sharing(2, |_| ());
    world.restart(&web(), Some(1), true);
    world.run_until(world.now.after(ms(5_000)));
    world.restart(&web(), None, true);
    world.run_until(world.now.after(ms(5_000)));
    world.restart(&web(), Some(0), true);
    world.run_until(world.now.after(ms(5_000)));
    // Instance 1 is older than a hurried restart, but not stale by it.
    world.restart(&web(), None, false);
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn a_release_that_crashes_is_undone() {
    let mut world = sharing(2, |_| ());
    world.natures.push_back(crashing(500));
    world.edit(&web(), release("b"));
    insta::assert_snapshot!(told(&mut world, 20_000));
    let (state, words) = words(&world);
    assert_eq!(state, AppState::Ready);
    assert!(words.ends_with("instance 0: ended after 500ms with exit code 1"), "{words}");
}

/// It crashes a moment after it was good, and again.
#[test]
fn a_release_that_goes_on_crashing_is_undone() {
    let mut world = sharing(2, |spec| spec.rollout.min_ready = ms(1_000));
    world.natures.extend((0..4).map(|_| crashing(1_500)));
    world.edit(&web(), release("b"));
    world.run_until(world.now.after(ms(60_000)));
    let (state, words) = words(&world);
    assert_eq!(state, AppState::Ready);
    assert!(words.contains("ended after 1.5s with exit code 1, twice in a row"), "{words}");
    assert_eq!(serving(&world), 2);
}

#[test]
fn a_release_that_never_listens_is_undone() {
    let mut world = sharing(2, |_| ());
    world.natures.push_back(mute());
    world.edit(&web(), release("b"));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn a_release_that_listens_elsewhere_is_undone_and_says_where() {
    let mut world = sharing(1, |_| ());
    world.natures.push_back(Nature { elsewhere: true, ..Nature::GOOD });
    world.edit(&web(), release("b"));
    world.run_until(world.now.after(ms(20_000)));
    let (_, words) = words(&world);
    let reason = "instance 0: not ready after 5s; it listens on port 8081, not on port 8080";
    assert!(words.ends_with(reason), "{words}");
}

#[test]
fn a_release_that_cannot_be_executed_is_undone() {
    let mut world = sharing(1, |_| ());
    let failure = Some(SpawnFailure { step: SpawnStep::Exec, errno: 2 });
    world.natures.push_back(Nature { failure, ..Nature::GOOD });
    world.edit(&web(), release("b"));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn a_restart_that_fails_leaves_the_others_alone() {
    let mut world = sharing(3, |spec| spec.rollout.max_surge = Share::Count(2));
    world.natures.extend([crashing(10), mute()]);
    world.restart(&web(), None, false);
    // The second one, of the same revision, has not failed yet; it is the one that goes.
    insta::assert_snapshot!(told(&mut world, 20_000));
    assert_eq!(serving(&world), 3);
}

#[test]
fn a_change_that_fails_can_wait_for_a_person() {
    let mut world = sharing(2, |spec| spec.rollout.on_failure = OnFailure::Pause);
    world.natures.extend([crashing(500), crashing(600), crashing(5_000)]);
    world.edit(&web(), release("b"));
    world.run_until(world.now.after(ms(5_000)));
    let (state, words) = words(&world);
    assert_eq!(state, AppState::Failed);
    let reason = "paused: instance 0: ended after 600ms with exit code 1; nothing more";
    assert!(words.starts_with(reason), "{words}");
    assert_eq!(serving(&world), 3);
    // It is tried again by its policy; nothing else is touched until there is something new.
    world.run_until(world.now.after(ms(20_000)));
    world.edit(&web(), release("c"));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn a_change_that_is_taken_back_touches_nothing_former() {
    let mut world = sharing(2, |_| ());
    let before = world.desired.app(&web()).unwrap().spec.clone();
    world.edit(&web(), release("b"));
    world.run_until(world.now.after(ms(500)));
    world.edit(&web(), |spec| *spec = AppSpec::clone(&before));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn a_newer_change_takes_the_place_of_one_under_way() {
    let mut world = sharing(2, |_| ());
    world.edit(&web(), release("b"));
    world.run_until(world.now.after(ms(1_500)));
    world.edit(&web(), release("c"));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn edits_without_end_take_nothing_down() {
    for probe_first in [false, true] {
        let mut world = sharing(1, |spec| {
            if probe_first {
                spec.ready.probe = ReadyProbe::Log("up".to_owned());
            }
        });
        for version in 0..50 {
            world.edit(&web(), release(&version.to_string()));
            for _ in 0..4 {
                world.run_until(world.now.after(ms(50)));
                assert!(0 < serving(&world), "{:#?}", world.log);
            }
        }
        world.run_until(world.now.after(ms(20_000)));
        assert_eq!(words(&world), (AppState::Ready, String::new()));
    }
}

#[test]
fn sharing_begins_and_ends_with_a_gap() {
    let mut world = sharing(2, |spec| spec.listen = None);
    world.edit(&web(), share);
    world.run_until(world.now.after(ms(5_000)));
    world.edit(&web(), |spec| spec.listen = None);
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn where_ports_cannot_be_shared_the_former_stops_first() {
    let mut world = sharing(0, |_| ());
    world.sharing = Sharing::Unavailable;
    world.edit(&web(), |spec| spec.instances = 2);
    world.run_until(world.now.after(ms(3_000)));
    world.log.clear();
    world.edit(&web(), release("b"));
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn surplus_instances_are_drained() {
    let mut world = sharing(4, |_| ());
    world.edit(&web(), |spec| spec.instances = 1);
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn requests_that_never_end_are_waited_for_until_the_deadline() {
    let mut world = sharing(0, |_| ());
    world.natures.push_back(Nature { drains: None, ..Nature::GOOD });
    world.edit(&web(), |spec| spec.instances = 1);
    world.run_until(world.now.after(ms(3_000)));
    world.log.clear();
    world.edit(&web(), release("b"));
    world.run_until(world.now.after(ms(2_000)));
    let draining =
        status(&world).instances.iter().any(|it| matches!(it.hold, Some(Hold::Draining { .. })));
    assert!(draining);
    world.die(500);
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn those_who_wait_for_a_crash_loop_are_sent_away_after_a_while() {
    let mut world = sharing(0, |_| ());
    world.natures.push_back(Nature::GOOD);
    world.natures.extend(vec![crashing(10); 4]);
    world.edit(&web(), |spec| {
        spec.instances = 1;
        spec.restart.backoff.as_mut().unwrap().max = ms(20_000);
        spec.restart.limit = Some(limit(3, 10_000, LimitThen::Slow));
    });
    world.run_until(world.now.after(ms(2_000)));
    world.strike(0);
    insta::assert_snapshot!(told(&mut world, 60_000));
}

#[test]
fn a_former_cohort_waits_for_its_successor() {
    let mut world = sharing(1, |_| ());
    world.natures.push_back(Nature { listens: Some(ms(2_000)), ..Nature::GOOD });
    world.edit(&web(), release("b"));
    world.run_until(world.now.after(ms(100)));
    // The only one that serves dies: nobody is sent away while the next one comes.
    world.strike(0);
    insta::assert_snapshot!(told(&mut world, 20_000));
}

#[test]
fn an_exit_that_nobody_saw_coming_is_not_early() {
    let mut world = sharing(1, |spec| {
        spec.listen = None;
        spec.ready.probe = ReadyProbe::Started;
        spec.restart.policy = RestartWhen::OnFailure;
    });
    world.natures.push_back(Nature { launch: ms(300), ..crashing(8_000) });
    world.edit(&web(), release("b"));
    world.run_until(world.now.after(ms(200)));
    // The controller sleeps while the new run starts, serves, and ends.
    world.die(20_000);
    let lines = world.log.len();
    world.run_until(world.now.after(ms(40_000)));
    let undone = world.log[lines..].iter().any(|line| line.contains("roll back"));
    assert!(!undone, "{:#?}", world.log);
    // It is started again, and then the former one stops.
    assert_eq!(touched(&world.log[lines..]), 2);
}

#[test]
fn a_run_that_says_that_it_is_ready_is_heard() {
    let mut world = sharing(1, |spec| spec.ready.probe = ReadyProbe::Notify);
    assert_eq!(words(&world), (AppState::Ready, String::new()));
    world.natures.push_back(Nature { answers: None, ..Nature::GOOD });
    world.edit(&web(), release("b"));
    world.run_until(world.now.after(ms(20_000)));
    let (_, words) = words(&world);
    assert!(words.ends_with("instance 0: not ready after 5s"), "{words}");
}

/// A restart is undone while `ready` asked for less than before: since when its runs are ready would not
/// be known to the next controller if that was not written down.
#[test]
fn what_is_ready_stays_so_when_less_was_asked_for_meanwhile() {
    let mut world = sharing(2, |spec| {
        (spec.rollout.max_surge, spec.rollout.max_unavailable) = (Share::Count(0), Share::Count(2));
    });
    world.natures.extend([Nature { listens: Some(ms(2_000)), ..Nature::GOOD }, crashing(500)]);
    world.restart(&web(), None, false);
    world.run_until(world.now.after(ms(400)));
    world.edit(&web(), |spec| spec.ready.probe = ReadyProbe::Started);
    world.run_until(world.now.after(ms(4_000)));
    assert_eq!(world.desired.app(&web()).unwrap().spec.ready.probe, ReadyProbe::Listen);
    let before = status(&world);
    world.die(0);
    world.run_until(world.now);
    assert_eq!(status(&world), before);
}
