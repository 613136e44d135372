//! Queues of connections from which nothing is taken: whose they are, and what is shown of them.

use std::time::Duration;

use eco::{
    model::{AppSpec, AppState, Event, Hold, Phase, Stuck, Time},
    reconcile::{self, QueueWatch},
};

use super::{
    fixtures::{app, at, desired, key, share, spec},
    world::World,
};

fn world(edit: impl FnOnce(&mut AppSpec)) -> World {
    let mut spec = spec();
    share(&mut spec);
    spec.instances = 2;
    edit(&mut spec);
    let mut world = World::new(desired([(key("shop", "web"), app(spec))]), 1);
    world.drive_all();
    world.run_until(at(15_000));
    world
}

fn watch(world: &World, since: Time) -> Option<QueueWatch> {
    let key = key("shop", "web");
    let observed = &world.observed.apps[&key];
    let cohort = observed.runs.values().next().unwrap().cohort;
    reconcile::queue_watch(world.desired.app(&key).unwrap(), Some(observed), (cohort, None), since)
}

fn queue(world: &mut World, port: u16, waiting: u32) {
    let key = key("shop", "web");
    let cohort = world.observed.apps[&key].runs.values().next().unwrap().cohort;
    let address = ([127, 0, 0, 1], port).into();
    let since = at(3_000);
    let stuck = (waiting != 0).then_some(Stuck { address, waiting, since });
    let event = Event::Queue { key, cohort, of: None, address, stuck };
    reconcile::observe(&mut world.observed, &event, world.now);
}

fn status(world: &World) -> reconcile::AppStatus {
    let key = key("shop", "web");
    let app = world.desired.app(&key).unwrap();
    reconcile::status(&key, app, world.observed.apps.get(&key), world.now)
}

#[test]
fn it_counts_from_when_all_who_could_take_something_were_ready() {
    let world = world(|_| {});
    let runs = &world.observed.apps[&key("shop", "web")].runs;
    let ready = runs.values().map(|run| match run.phase {
        Phase::Ready { since, .. } => since,
        Phase::Launching | Phase::Starting { .. } | Phase::Exited { .. } => panic!("not ready"),
    });
    let last = ready.max().unwrap();
    let early = watch(&world, Time::default()).unwrap();
    assert_eq!((early.from, early.runs.len()), (last, 2));
    assert_eq!(watch(&world, at(9_000)).unwrap().from, at(9_000));
}

#[test]
fn who_is_replaced_for_it_says_so_in_its_file() {
    let told = watch(&world(|_| {}), at(9_000)).unwrap();
    assert!(!told.replaces && told.within == Duration::from_secs(10));
    let world = world(|spec| spec.accepts_within = Some(Duration::from_secs(3)));
    let replaced = watch(&world, at(9_000)).unwrap();
    assert!(replaced.replaces && replaced.within == Duration::from_secs(3));
}

#[test]
fn nobody_is_awaited_before_and_after_its_time() {
    let mut world = world(|_| {});
    world.change(&key("shop", "web"), |app, _| app.stopped = true);
    world.drive_all();
    assert_eq!(watch(&world, at(9_000)), None);
}

#[test]
fn connections_that_wait_are_shown_until_they_are_taken() {
    let mut world = world(|_| {});
    assert_eq!(status(&world).state, AppState::Ready);
    queue(&mut world, 3000, 37);
    let found = status(&world);
    assert_eq!(found.state, AppState::Degraded);
    assert!(matches!(found.hold, Some(Hold::Stuck { .. })));
    assert_eq!(
        found.hold.unwrap().to_string(),
        "37 connections wait at 127.0.0.1:3000 and no instance has taken one for 12s"
    );
    // Another queue of theirs is another matter.
    queue(&mut world, 3001, 0);
    assert_eq!(status(&world).state, AppState::Degraded);
    queue(&mut world, 3000, 0);
    assert_eq!(status(&world).state, AppState::Ready);
}
