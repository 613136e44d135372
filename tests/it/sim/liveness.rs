//! What becomes of runs that no longer live.

use std::time::Duration;

use eco::{
    model::{
        AppState, ExitStatus, History, LimitThen, LivePolicy, LiveProbe, RestartWhen, RunId,
        Sharing, Time, UnfitReason,
    },
    reconcile,
};
use proptest::prelude::*;

use super::{
    fixtures::{app, at, desired, key, limit, live, ms, share, spec},
    keeper::{Nature, Rest},
    properties::{config, touched},
    world::World,
};

const HANGS: Nature = Nature { hangs: Some(Duration::from_secs(20)), ..Nature::GOOD };
const SWELLS: Nature = Nature { swells: Some(Duration::from_secs(20)), ..Nature::GOOD };
const TOO_BIG: Nature = Nature { swells: Some(Duration::ZERO), ..Nature::GOOD };
const NEVER_LIVES: Nature = Nature { hangs: Some(Duration::ZERO), ..Nature::GOOD };

/// A world of one app whose first processes are as said, 15 s after its start.
fn world(
    natures: impl IntoIterator<Item = Nature>,
    edit: impl FnOnce(&mut eco::model::AppSpec),
) -> World {
    let mut spec = spec();
    spec.live = Some(live(1_000, 3));
    edit(&mut spec);
    let mut world = World::new(desired([(key("shop", "web"), app(spec))]), 1);
    world.natures.extend(natures);
    world.drive_all();
    world.run_until(at(15_000));
    world.log.clear();
    world
}

fn shares(spec: &mut eco::model::AppSpec) {
    share(spec);
    spec.instances = 1;
}

fn state(world: &World) -> AppState {
    let key = key("shop", "web");
    let app = world.desired.app(&key).unwrap();
    reconcile::status(&key, app, world.observed.apps.get(&key), world.now).state
}

fn history(world: &World) -> &History {
    &world.observed.apps[&key("shop", "web")].history[&0]
}

#[test]
fn where_a_port_is_shared_another_one_serves_first() {
    let mut world = world([HANGS], shares);
    world.run_until(at(24_050));
    assert_eq!(state(&world), AppState::Degraded);
    world.run_until(at(60_000));
    insta::assert_snapshot!(world.log.join("\n"));
    assert_eq!(state(&world), AppState::Ready);
    let exit = history(&world).exits[0];
    assert!(!exit.requested && exit.unfit.unwrap().why == UnfitReason::NotLive);
    assert_eq!(history(&world).restarts, 1);
}

#[test]
fn elsewhere_it_is_restarted() {
    let mut world = world([HANGS], |spec| spec.instances = 1);
    world.run_until(at(60_000));
    insta::assert_snapshot!(world.log.join("\n"));
    assert_eq!(history(&world).restarts, 1);
}

#[test]
fn one_that_ignores_the_signal_is_killed() {
    let stuck = Nature { term: None, drains: None, ..HANGS };
    let mut world = world([stuck], shares);
    world.run_until(at(60_000));
    insta::assert_snapshot!(world.log.join("\n"));
}

#[test]
fn what_never_lives_becomes_a_crash_loop() {
    let natures = std::iter::repeat_n(NEVER_LIVES, 100);
    let mut world = world(natures, |spec| {
        shares(spec);
        spec.restart.limit = Some(limit(3, 60_000, LimitThen::Slow));
    });
    world.run_until(at(60_000));
    assert_eq!(state(&world), AppState::CrashLooping);
}

#[test]
fn what_is_not_to_be_tried_again_does_not_go_on() {
    let mut world = world([NEVER_LIVES, NEVER_LIVES], |spec| {
        shares(spec);
        spec.restart.limit = Some(limit(2, 60_000, LimitThen::Stop));
    });
    world.run_until(at(60_000));
    assert_eq!(state(&world), AppState::Failed);
    assert!(world.keeper.processes.values().all(|process| !process.is_alive()));
}

#[test]
fn a_policy_that_never_restarts_holds() {
    let mut world = world([HANGS], |spec| {
        shares(spec);
        spec.restart.policy = RestartWhen::Never;
    });
    world.run_until(at(60_000));
    assert_eq!(state(&world), AppState::Failed);
}

#[test]
fn one_that_ends_with_0_when_it_is_stopped_has_failed_all_the_same() {
    let mut world = world([HANGS], |spec| {
        shares(spec);
        spec.restart.policy = RestartWhen::OnFailure;
        spec.restart.stop_exit_codes = vec![15];
    });
    world.run_until(at(60_000));
    assert_eq!(state(&world), AppState::Ready);
}

#[test]
fn without_the_key_nobody_asks_and_what_was_found_counts_no_more() {
    let mut world = world([HANGS], |spec| {
        shares(spec);
        spec.restart.backoff.as_mut().unwrap().initial = ms(5_000);
    });
    world.run_until(at(24_500));
    let unfit = |line: &&String| line.contains("unfit");
    assert_eq!(world.log.iter().filter(unfit).count(), 1);
    world.edit(&key("shop", "web"), |spec| spec.live = None);
    world.run_until(at(120_000));
    assert_eq!(touched(&world.log), 0, "{:#?}", world.log);
    assert_eq!(state(&world), AppState::Ready);
}

#[test]
fn a_controller_that_dies_meanwhile_goes_on_with_it() {
    let mut world = world([HANGS], |spec| {
        shares(spec);
        spec.restart.backoff.as_mut().unwrap().initial = ms(5_000);
    });
    world.run_until(at(24_500));
    world.die(1_000);
    world.run_until(at(60_000));
    insta::assert_snapshot!(world.log.join("\n"));
    assert_eq!(history(&world).restarts, 1);
}

#[test]
fn a_release_that_does_not_live_is_undone() {
    let mut world = world([Nature::GOOD], |spec| {
        shares(spec);
        spec.rollout.min_ready = ms(10_000);
    });
    world.run_until(at(30_000));
    world.log.clear();
    world.natures.push_back(NEVER_LIVES);
    world.edit(&key("shop", "web"), |spec| spec.command = super::fixtures::argv(&["node", "2"]));
    world.run_until(at(60_000));
    insta::assert_snapshot!(world.log.join("\n"));
}

#[test]
fn where_ports_cannot_be_shared_it_is_not_waited_for() {
    let mut world = World::new(desired([]), 1);
    world.sharing = Sharing::Unavailable;
    let mut it = spec();
    shares(&mut it);
    it.live = Some(live(1_000, 3));
    world.desired = desired([(key("shop", "web"), app(it))]);
    world.natures.push_back(HANGS);
    world.drive_all();
    world.run_until(at(60_000));
    insta::assert_snapshot!(world.log.join("\n"));
}

/// What a run that says by itself that it lives, or not, is found to be.
#[test]
fn silence_counts_from_the_last_word() {
    let key = key("shop", "web");
    let mut world = world([Nature::GOOD], |spec| {
        spec.instances = 1;
        let quiet = LivePolicy { probe: LiveProbe::Notify, ..live(1_000, 3) };
        spec.live = Some(LivePolicy { start_period: ms(500), ..quiet });
    });
    let found = |world: &World| {
        let app = world.desired.app(&key).unwrap();
        reconcile::liveness(app, world.observed.apps.get(&key), world.now)[0].1
    };
    // Who was not told at its start is not held to it.
    assert_eq!(found(&world), reconcile::Liveness::Awaited);
    let ready = world.now;
    let run = |world: &mut World, edit: &dyn Fn(&mut eco::model::Run)| {
        edit(world.observed.apps.get_mut(&key).unwrap().runs.get_mut(&RunId(1)).unwrap());
    };
    run(&mut world, &|run| {
        run.watched = Some(ms(1_000));
        let eco::model::Phase::Ready { since, .. } = &mut run.phase else { panic!("ready") };
        *since = ready;
    });
    let at = |millis| Time(ready.0 + ms(millis));
    world.now = at(3_499);
    assert_eq!(found(&world), reconcile::Liveness::Awaited);
    world.now = at(3_500);
    assert!(matches!(found(&world), reconcile::Liveness::Silent(it) if it.well.is_none()));
    run(&mut world, &|run| run.watchdog = Some(at(3_000)));
    world.now = at(5_999);
    assert_eq!(found(&world), reconcile::Liveness::Awaited);
    world.now = at(6_000);
    let reconcile::Liveness::Silent(unfit) = found(&world) else { panic!("it is silent") };
    assert_eq!((unfit.at, unfit.well), (at(6_000), Some(at(3_000))));
}

/// The ends of an instance that were failures of its live probe, as far as they are known.
fn found_dead(world: &World) -> Vec<Time> {
    let mut found: Vec<Time> = world.journal.unfit.values().map(|unfit| unfit.at).collect();
    found.sort_unstable();
    found
}

proptest! {
    #![proptest_config(config(256))]

    /// A probe that always fails never makes more restarts in the window of the limit than the limit
    /// has failures, and never are there more than two runs.
    #[test]
    fn a_probe_that_always_fails_makes_no_fast_loop(
        failures in 1_u32..5,
        within in 2_000_u64..20_000,
        (interval, tries) in (50_u64..1_500, 1_u32..4),
        (initial, shared) in (0_u64..400, any::<bool>()),
        min_ready in 0_u64..2_000,
        seed: u64,
    ) {
        let mut spec = spec();
        if shared {
            share(&mut spec);
        }
        spec.instances = 1;
        spec.live = Some(live(interval, tries));
        spec.rollout.min_ready = ms(min_ready);
        spec.restart.limit = Some(limit(failures, within, LimitThen::Slow));
        let backoff = spec.restart.backoff.as_mut().unwrap();
        (backoff.initial, backoff.max) = (ms(initial), ms(30_000));
        let mut world = World::new(desired([(key("shop", "web"), app(spec))]), seed);
        world.natures.extend(std::iter::repeat_n(NEVER_LIVES, 4_000));
        world.drive_all();
        world.run_until(at(400_000));
        let found = found_dead(&world);
        prop_assert!(!found.is_empty());
        let failures = failures as usize;
        for window in found.windows(failures + 1) {
            let apart = window[failures].since(window[0]);
            prop_assert!(ms(within) <= apart, "{:?}", found);
        }
        let alive = world.keeper.processes.values().filter(|process| process.is_alive());
        prop_assert!(alive.count() <= 2);
    }
}

#[test]
fn its_end_is_told_as_what_it_was() {
    let mut world = world([HANGS], |spec| spec.instances = 1);
    world.run_until(at(60_000));
    let exit = history(&world).exits[0];
    assert_eq!(exit.status, ExitStatus::Signal(eco::model::Signal::TERM));
    let words = eco::model::LastExit::of(&exit).to_string();
    assert_eq!(words, "its live probe failed after 23s");
}

fn heavy(spec: &mut eco::model::AppSpec) {
    spec.live = None;
    spec.restart.max_memory = Some(300 << 20);
}

#[test]
fn one_that_uses_too_much_memory_is_replaced_and_that_is_no_failure() {
    let mut world = world([SWELLS], |spec| {
        shares(spec);
        heavy(spec);
    });
    world.run_until(at(60_000));
    insta::assert_snapshot!(world.log.join("\n"));
    assert_eq!(history(&world).restarts, 0);
    assert!(history(&world).exits[0].requested);
    assert_eq!(state(&world), AppState::Ready);
}

/// One that ends by itself before its turn has come has failed as any other: what it leaves behind
/// ends first, and then its wait counts.
#[test]
fn one_that_ends_before_it_is_replaced_waits_as_after_any_failure() {
    let ends = Nature {
        life: Some((ms(20_500), ExitStatus::Code(1))),
        leftover: Some(Rest { term: Some(ms(500)) }),
        ..SWELLS
    };
    let mut world = world([SWELLS, ends], |spec| {
        share(spec);
        heavy(spec);
        spec.restart.backoff.as_mut().unwrap().initial = ms(3_000);
    });
    world.run_until(at(60_000));
    insta::assert_snapshot!(world.log.join("\n"));
    assert_eq!(world.observed.apps[&key("shop", "web")].history[&1].restarts, 1);
    assert_eq!(state(&world), AppState::Ready);
}

/// It is replaced at once, then at most once in each longest wait.
#[test]
fn one_that_uses_too_much_from_its_start_is_seldom_replaced() {
    for shared in [false, true] {
        let mut world = world(std::iter::repeat_n(TOO_BIG, 100), |spec| {
            if shared {
                share(spec);
            }
            spec.instances = 1;
            heavy(spec);
        });
        world.run_until(at(120_000));
        let found = found_dead(&world);
        assert!(10 < found.len(), "{found:?}");
        let longest = ms(5_000);
        assert!(found.windows(2).all(|it| longest <= it[1].since(it[0])), "{found:?}");
        assert_eq!(state(&world), AppState::Ready);
    }
}
