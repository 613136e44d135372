//! Every state of a run with everything that can happen: nothing runs backwards, nobody runs twice.

use std::time::Duration;

use eco::{
    model::{
        Action, AppKey, Asked, Cohort, Event, ExitStatus, Generation, Notify, Observed, Phase,
        Plan, RunId, RunRecord, RunState, RunTag, SpawnFailure, SpawnStep, Stuck, Time, Unfit,
        UnfitReason,
    },
    reconcile,
};

use super::{
    fixtures::{app, at, desired, edited, key, live, share, spec},
    keeper::Nature,
    world::World,
};

fn web() -> AppKey {
    key("shop", "web")
}

/// A world with one instance that has been driven so far.
fn world(nature: Nature, millis: u64) -> World {
    let app = edited(&app(spec()), |spec| {
        share(spec);
        spec.instances = 1;
        spec.live = Some(live(1_000, 3));
    });
    let mut world = World::new(desired([(web(), app)]), 1);
    world.natures.push_back(nature);
    world.drive_all();
    world.run_until(at(1_000 + millis));
    world
}

/// Each state in which a run can be.
fn worlds() -> Vec<(&'static str, World)> {
    let slow = Nature { launch: Duration::from_secs(100), ..Nature::GOOD };
    let silent = Nature { listens: None, ..Nature::GOOD };
    let stubborn = Nature { term: None, drains: None, ..Nature::GOOD };
    let rest = Some(super::keeper::Rest { term: None });
    let life = Some((Duration::from_millis(200), ExitStatus::Code(1)));
    let left = Nature { life, leftover: rest, ..Nature::GOOD };
    let dead = Nature { life, ..Nature::GOOD };
    let stop = |mut world: World| {
        world.change(&web(), |app, _| app.stopped = true);
        world.drive_all();
        world
    };
    let draining = stop(world(stubborn.clone(), 2_000));
    let mut stopping = stop(world(stubborn.clone(), 2_000));
    stopping.run_until(stopping.now.after(Duration::from_millis(3_100)));
    let mut killed = stop(world(stubborn, 2_000));
    killed.run_until(killed.now.after(Duration::from_millis(5_001)));
    vec![
        ("launching", world(slow.clone(), 10)),
        ("starting", world(silent.clone(), 100)),
        ("ready", world(Nature::GOOD, 2_000)),
        ("exited, others live", world(left, 250)),
        ("gone", world(dead, 205)),
        ("launching, stopped", stop(world(slow, 10))),
        ("starting, stopped", stop(world(silent, 100))),
        ("draining", draining),
        ("stopping", stopping),
        ("killed", killed),
    ]
}

/// Everything that can happen, about a run that is there, one that is over and one nobody knows.
fn events(world: &World) -> Vec<Event> {
    let app = world.desired.app(&web()).unwrap();
    let (now, address) = (world.now, ([127, 0, 0, 1], 8080).into());
    let failure = SpawnFailure { step: SpawnStep::Exec, errno: 2 };
    let states = [
        RunState::Launching,
        RunState::Failed(failure),
        RunState::Running,
        RunState::Exited(ExitStatus::Code(0)),
        RunState::Exited(ExitStatus::Unknown),
        RunState::Gone(ExitStatus::Code(1)),
    ];
    let tag = RunTag::new(web().instance(0), app.revision, generation(world));
    let said = [Notify::default(), Notify { ready: true, reloading: true, ..Notify::default() }];
    let mut events = Vec::new();
    for run in [RunId(1), RunId(2), RunId(999)] {
        for state in &states {
            for notify in &said {
                let mut record = RunRecord::new(run, tag.clone(), 4242, state.clone());
                (record.started, record.exited) = (Some(at(1_001)), Some(now));
                record.notify = notify.clone();
                events.push(Event::Record(record));
            }
        }
        let why = [UnfitReason::NotLive, UnfitReason::OverMemory];
        let unfits = why.map(|why| Unfit { why, at: now, well: None });
        events.extend(unfits.map(|unfit| Event::Unfit { run, unfit }));
        events.push(Event::Refused { run, failure });
        events.push(Event::Ready { run, at: now });
        // Late, and of a time to come.
        events.push(Event::Ready { run, at: Time::default() });
        events.push(Event::Ready { run, at: now.after(Duration::from_secs(3_600)) });
        events.push(Event::Drained { run });
        events.push(Event::Reload { run, until: now });
        events.push(Event::Asked {
            key: web(),
            asked: Asked { after: run, replace: true, token: 1 },
        });
    }
    for cohort in [Cohort(1), Cohort(77)] {
        events.push(Event::Cohort { key: web(), cohort });
        for stuck in [None, Some(Stuck { address, waiting: 3, since: now })] {
            events.push(Event::Queue { key: web(), cohort, of: None, address, stuck });
        }
    }
    events
}

fn generation(world: &World) -> Generation {
    world.desired.projects[&web().project].generation
}

fn plan(world: &World, observed: &Observed) -> Plan {
    let app = world.desired.app(&web());
    reconcile::plan_app(&web(), generation(world), app, observed.apps.get(&web()), world.now)
}

/// How far a run has come; only ever more.
fn rank(phase: Phase) -> u8 {
    match phase {
        Phase::Launching => 0,
        Phase::Starting { .. } => 1,
        Phase::Ready { .. } => 2,
        Phase::Exited { .. } => 3,
    }
}

fn check(what: &str, world: &World, before: &Observed, after: &Observed) {
    let runs = |observed: &Observed| {
        observed.apps.get(&web()).map(|app| app.runs.clone()).unwrap_or_default()
    };
    let (before, after_runs) = (runs(before), runs(after));
    for (id, run) in &before {
        let Some(now) = after_runs.get(id) else { continue };
        assert!(rank(run.phase) <= rank(now.phase), "{what}: {:?}, {:?}", run.phase, now.phase);
        assert!(run.stopping.is_none() || now.stopping.is_some(), "{what}: a stop is forgotten");
    }
    let plan = plan(world, after);
    let starts = plan.actions.iter().filter(|action| matches!(action, Action::Start { .. }));
    let starts = starts.count();
    assert!(starts <= 1, "{what}: started {starts} times");
    let in_the_way = after_runs.values().filter(|run| run.unfit.is_none()).count();
    assert!(starts == 0 || in_the_way == 0, "{what}: started beside one that lives");
}

#[test]
fn every_state_takes_every_event() {
    let mut pairs = 0;
    for (state, world) in worlds() {
        for event in events(&world) {
            let what = format!("{state}, {event:?}");
            let mut observed = world.observed.clone();
            reconcile::observe(&mut observed, &event, world.now);
            check(&what, &world, &world.observed, &observed);
            // The same again changes nothing.
            let once = observed.clone();
            reconcile::observe(&mut observed, &event, world.now);
            assert_eq!(once, observed, "{what}: twice");
            // Any other after it.
            for next in events(&world) {
                let mut both = once.clone();
                reconcile::observe(&mut both, &next, world.now);
                check(&format!("{what}, then {next:?}"), &world, &once, &both);
                pairs += 1;
            }
        }
    }
    assert!(30_000 < pairs, "{pairs}");
}

#[test]
fn a_start_under_way_is_not_begun_twice() {
    for (state, world) in worlds() {
        let plan = plan(&world, &world.observed);
        assert_eq!(plan.actions, [], "{state}: all that is to be done is asked for");
    }
}

#[test]
fn taken_out_and_put_back_is_as_before() {
    for pause in [0, 10, 5_000, 60_000] {
        let mut world = world(Nature::GOOD, 3_000);
        let revision = world.desired.app(&web()).unwrap().revision;
        world.change(&web(), |app, _| app.removed = true);
        world.drive_all();
        world.run_until(world.now.after(Duration::from_millis(pause)));
        world.change(&web(), |app, _| app.removed = false);
        world.drive_all();
        world.run_until(world.now.after(Duration::from_secs(30)));
        let observed = &world.observed.apps[&web()];
        assert_eq!(observed.runs.len(), 1, "after {pause} ms");
        let run = observed.runs.values().next().unwrap();
        assert_eq!(run.revision, revision);
        assert!(run.stopping.is_none() && matches!(run.phase, Phase::Ready { .. }));
        assert_eq!(observed.history.get(&0).map_or(0, |history| history.restarts), 0);
    }
}
