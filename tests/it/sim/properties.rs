//! What holds for every schedule of deeds and faults.

use eco::{
    model::{AppState, Phase, Time},
    reconcile::{self, Verdict},
};
use proptest::{
    prelude::*,
    test_runner::{Config, FileFailurePersistence, RngSeed},
};

use super::{
    fixtures::ms,
    schedules::{calm_down, keys, play, schedule, stormy_world},
    world::World,
};

/// The configuration of every property: cases that failed once are kept beside the tests and tried
/// first from then on.
///
/// The same cases each time, so that a change is not blamed for what is older. Others are tried with
/// `ECO_TEST_SEED=NUMBER`, and so many times as many with `ECO_TEST_TIMES=NUMBER`.
pub(crate) fn config(cases: u32) -> Config {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let seed = number("ECO_TEST_SEED", 20_261_130);
    let times = u32::try_from(number("ECO_TEST_TIMES", 1)).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/sim/regressions.txt");
    Config {
        cases: cases * times,
        max_shrink_iters: 2_000,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(path))),
        ..Config::default()
    }
}

/// Checks that every app is exactly as desired, by the processes themselves.
fn check_converged(world: &World) {
    for (key, app) in world.desired.apps() {
        let living: Vec<_> = world
            .keeper
            .processes
            .values()
            .filter(|process| process.tag.id.key == key && process.is_alive())
            .collect();
        let mut indices: Vec<u32> = living.iter().map(|process| process.tag.id.index).collect();
        indices.sort_unstable();
        let seen = reconcile::status(&key, app, world.observed.apps.get(&key), world.now);
        assert_eq!(indices, (0..app.wanted()).collect::<Vec<_>>(), "{seen:#?}: {:#?}", world.log);
        for process in living {
            let fresh = app.fresh_from(process.tag.id.index) <= process.tag.generation;
            let desired = fresh && process.tag.revision == app.revision;
            assert!(desired, "a former run goes on: {seen:#?}: {:#?}", world.log);
            assert!(process.executed.is_some() && process.ended.is_none());
        }
        let observed = world.observed.apps.get(&key);
        let verdict = reconcile::verdict(&key, app, observed, world.now, world.now);
        assert_eq!(verdict, Verdict::Settled, "{key}");
        assert!(app.good || app.wanted() == 0, "{key} is not good");
    }
}

fn check_nothing_to_do(world: &World) {
    let plan = reconcile::plan(&world.desired, &world.observed, world.now);
    assert_eq!(plan.actions, []);
    assert_eq!(plan.wake_at, None);
    assert_eq!(plan.holds, []);
}

/// What there is to see of the world.
fn picture(world: &World) -> Vec<String> {
    let of = |key: &eco::model::AppKey| {
        let app = world.desired.app(key).expect("it is one of them");
        reconcile::status(key, app, world.observed.apps.get(key), world.now)
    };
    keys().iter().map(|key| format!("{:?}", of(key))).collect()
}

proptest! {
    #![proptest_config(config(1_024))]

    /// The rules of `invariants` hold all the way, and once faults stop everything becomes as desired,
    /// whereupon there is nothing to do, however often the same is applied.
    #[test]
    fn the_world_converges_once_faults_stop(steps in schedule(40), seed: u64) {
        let mut world = stormy_world(seed);
        play(&mut world, &steps);
        calm_down(&mut world);
        check_converged(&world);
        check_nothing_to_do(&world);
        let effects = world.log.len();
        for key in keys() {
            world.change(&key, |_, _| ());
        }
        world.run_until(world.now.after(ms(600_000)));
        prop_assert_eq!(world.log.len(), effects);
    }

    /// A controller that dies at rest comes back to the very same picture: no process is touched, no
    /// count and no wait is lost.
    #[test]
    fn a_new_controller_sees_what_the_old_one_saw(steps in schedule(20), seed: u64) {
        let mut world = stormy_world(seed);
        play(&mut world, &steps);
        // Long enough for a controller that was to die to be back, and records to have come.
        world.calm = true;
        world.run_until(world.now.after(ms(2_100)));
        for _ in 0..2_000 {
            if is_at_rest(&world) {
                break;
            }
            world.run_until(world.now.after(ms(50)));
        }
        assert!(is_at_rest(&world), "no rest: {:#?} {:#?}", world.observed, world.log);
        world.doom(u64::MAX, 0);
        let before = picture(&world);
        let lines = world.log.len();
        world.die(0);
        world.run_until(world.now);
        prop_assert_eq!(picture(&world), before);
        prop_assert_eq!(touched(&world.log[lines..]), 0, "{:?}", &world.log[lines..]);
    }

    /// The same schedule leads to the same actions.
    #[test]
    fn nothing_is_left_to_chance(steps in schedule(12), seed: u64) {
        let log = || {
            let mut world = stormy_world(seed);
            play(&mut world, &steps);
            world.run_until(world.now.after(ms(5_000)));
            world.log
        };
        prop_assert_eq!(log(), log());
    }
}

/// How many lines tell of something done to a process.
pub(crate) fn touched(lines: &[String]) -> usize {
    let words = [" start ", " drain ", " stop ", " kill "];
    lines.iter().filter(|line| words.iter().any(|word| line.contains(word))).count()
}

/// Whether the controller knows all there is to know and nothing is on its way.
fn is_at_rest(world: &World) -> bool {
    let known = world.observed.apps.values().flat_map(|app| app.runs.values());
    let settled = |run: &eco::model::Run| matches!(run.phase, Phase::Ready { .. });
    let living = world.keeper.processes.values().filter(|process| process.is_alive());
    let living: Vec<bool> = living.map(|process| process.ended.is_none()).collect();
    world.is_alive()
        // No record of an end is on its way.
        && living.iter().all(|whole| *whole)
        && known.clone().all(|run| settled(run) && run.stopping.is_none())
        && known.count() == living.len()
        && reconcile::plan(&world.desired, &world.observed, world.now).actions.is_empty()
}

#[test]
fn a_project_that_is_not_desired_is_not_touched() {
    let mut world = stormy_world(1);
    world.calm = true;
    world.run_until(world.now.after(ms(60_000)));
    let project = world.desired.projects.remove(&keys()[0].project).unwrap();
    let lines = world.log.len();
    world.drive_all();
    world.die(100);
    world.run_until(world.now.after(ms(60_000)));
    assert_eq!(touched(&world.log[lines..]), 0, "{:#?}", &world.log[lines..]);
    world.desired.projects.insert(keys()[0].project.clone(), project);
    let lines = world.log.len();
    world.drive_all();
    assert_eq!(touched(&world.log[lines..]), 0);
    for (key, app) in world.desired.apps() {
        let status = reconcile::status(&key, app, world.observed.apps.get(&key), world.now);
        assert_eq!(status.state, AppState::Ready);
    }
    assert!(Time::default() < world.now);
}
