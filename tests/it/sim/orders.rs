//! The order of apps: nobody starts before what it depends on, nobody stops before those that depend
//! on it, and everything comes to an end all the same.

use std::collections::BTreeMap;

use eco::{
    model::{
        Action, App, AppKey, AppState, Condition, Dependency, ExitStatus, Hold, InstanceId, Kind,
        ReadyProbe, RestartWhen, StopReason,
    },
    reconcile::{self, Verdict},
};
use proptest::{collection::vec, prelude::*};

use super::{
    fixtures::{app, argv, desired, edited, key, ms, spec},
    keeper::{Nature, Process},
    properties::{config, touched},
    schedules::start,
    world::World,
};

/// Checks an action at the moment it is decided, by what the fake processes really did.
pub(crate) fn check_action(world: &World, action: &Action) {
    match action {
        Action::Start { id, .. } => check_start(world, id),
        Action::Stop { id, reason, .. }
        | Action::StopByCommand { id, reason, .. }
        | Action::Drain { id, reason, .. } => {
            if matches!(reason, StopReason::Removed | StopReason::Stopped) {
                check_stop(world, &id.key);
            }
        }
        Action::Steer { .. }
        | Action::Retire { .. }
        | Action::RollBack { .. }
        | Action::Complete { .. }
        | Action::Kill { .. } => {}
    }
}

fn processes<'w>(world: &'w World, key: &AppKey) -> impl Iterator<Item = &'w Process> {
    world.keeper.processes.values().filter(move |process| process.tag.id.key == *key)
}

fn is_current(app: &App, process: &Process) -> bool {
    process.tag.revision == app.revision
        && app.fresh_from(process.tag.id.index) <= process.tag.generation
}

/// Whether an instance has ended by itself since it was last changed, restarted or tried anew: then
/// it is started again whatever the others do.
fn is_again(world: &World, app: &App, id: &InstanceId) -> bool {
    let history = world.observed.apps.get(&id.key).and_then(|it| it.history.get(&id.index));
    let last = history.and_then(|history| history.exits.back());
    last.is_some_and(|exit| {
        exit.revision == app.revision
            && app.counts_from(id.index) <= exit.generation
            && !exit.requested
    })
}

fn check_start(world: &World, id: &InstanceId) {
    let app = world.desired.app(&id.key).unwrap();
    if is_again(world, app, id) {
        return;
    }
    for (name, dependency) in &app.spec.depends_on {
        let other = AppKey { project: id.key.project.clone(), app: name.clone() };
        let found = world.desired.app(&other);
        let on = found.unwrap_or_else(|| panic!("{id} is started without {name}"));
        assert!(on.wanted() != 0, "{id} is started though {name} is off");
        for index in 0..on.wanted() {
            let mut runs = processes(world, &other)
                .filter(|process| process.tag.id.index == index && is_current(on, process));
            let met = match dependency.is {
                _ if on.spec.is_job() && on.good => true,
                Condition::Started => runs.any(|process| process.executed.is_some()),
                Condition::Ready if on.spec.ready.probe == ReadyProbe::Started => {
                    runs.any(|process| process.executed.is_some())
                }
                Condition::Ready => runs.any(|process| process.answering),
                Condition::Completed => runs.any(|process| {
                    process.ended.is_some_and(|(status, _)| status == ExitStatus::Code(0))
                }),
            };
            let is = dependency.is.word();
            assert!(met, "{id} is started before {name}/{index} is {is}: {:#?}", world.log);
        }
    }
}

fn check_stop(world: &World, key: &AppKey) {
    for (other, app) in world.desired.apps() {
        let depends = other.project == key.project && app.spec.depends_on.contains_key(&key.app);
        if depends && app.wanted() == 0 {
            let lives = processes(world, &other).any(Process::is_alive);
            assert!(!lives, "{key} is stopped before {other}: {:#?}", world.log);
        }
    }
}

fn after(is: Condition) -> Dependency {
    Dependency { is, restart_with: false }
}

fn on(names: &[(&str, Condition)]) -> BTreeMap<eco::model::AppName, Dependency> {
    names.iter().map(|(name, is)| (name.parse().unwrap(), after(*is))).collect()
}

fn single() -> App {
    edited(&app(spec()), |spec| spec.instances = 1)
}

fn job() -> App {
    edited(&single(), |spec| {
        spec.kind = Kind::Job;
        spec.restart.policy = RestartWhen::Never;
    })
}

fn needing(app: &App, names: &[(&str, Condition)]) -> App {
    edited(app, |spec| spec.depends_on = on(names))
}

/// A database, a migration that needs it, a site that needs both.
fn shop() -> World {
    let db = edited(&single(), |spec| spec.ready.probe = ReadyProbe::Notify);
    let migrate = needing(&job(), &[("db", Condition::Ready)]);
    let needs = [("migrate", Condition::Completed), ("db", Condition::Ready)];
    let web = needing(&single(), &needs);
    World::new(desired([(k("db"), db), (k("migrate"), migrate), (k("web"), web)]), 1)
}

fn k(app: &str) -> AppKey {
    key("shop", app)
}

fn state(world: &World, app: &str) -> AppState {
    let found = world.desired.app(&k(app)).unwrap();
    reconcile::status(&k(app), found, world.observed.apps.get(&k(app)), world.now).state
}

fn hold(world: &World, app: &str) -> Option<Hold> {
    let found = world.desired.app(&k(app)).unwrap();
    reconcile::status(&k(app), found, world.observed.apps.get(&k(app)), world.now).hold
}

fn verdict(world: &World, app: &str) -> Verdict {
    let found = world.desired.app(&k(app)).unwrap();
    let observed = world.observed.apps.get(&k(app));
    reconcile::verdict(&k(app), found, observed, eco::model::Time::default(), world.now)
}

/// What `eco stop all` does: one change.
fn stop_all(world: &mut World) {
    for app in world.desired.projects.get_mut(&k("db").project).unwrap().apps.values_mut() {
        app.stopped = true;
    }
    world.drive_all();
}

fn settle(world: &mut World, millis: u64) {
    world.run_until(world.now.after(ms(millis)));
}

#[test]
fn apps_start_in_waves_and_stop_in_reverse() {
    let mut world = shop();
    world.drive_all();
    settle(&mut world, 10_000);
    stop_all(&mut world);
    settle(&mut world, 10_000);
    insta::assert_snapshot!(world.log.join("\n"));
}

#[test]
fn who_waits_says_for_what() {
    let mut world = shop();
    world.natures.push_back(Nature { answers: Some(ms(2_000)), ..Nature::GOOD });
    world.drive_all();
    settle(&mut world, 1_000);
    let words = |world: &World, app: &str| hold(world, app).unwrap().to_string();
    assert_eq!(words(&world, "migrate"), "waits for `db` to be ready");
    assert_eq!(state(&world, "web"), AppState::Converging);
    assert!(matches!(verdict(&world, "web"), Verdict::Converging { .. }));
    settle(&mut world, 10_000);
    assert_eq!((state(&world, "web"), state(&world, "migrate")), (AppState::Ready, AppState::Done));
}

#[test]
fn a_dependency_that_restarts_restarts_nobody() {
    let mut world = shop();
    world.drive_all();
    settle(&mut world, 10_000);
    let lines = world.log.len();
    world.restart(&k("db"), None, false);
    world.strike(0);
    settle(&mut world, 20_000);
    let other = world.log[lines..].iter().filter(|line| touched(&[(*line).clone()]) != 0);
    assert!(other.clone().all(|line| line.contains("db/0")), "{:#?}", other.collect::<Vec<_>>());
}

#[test]
fn a_job_that_fails_leaves_those_that_depend_on_it_as_they_are() {
    let mut world = shop();
    world.drive_all();
    settle(&mut world, 10_000);
    let lines = world.log.len();
    world
        .natures
        .push_back(Nature { life: Some((ms(3_000), ExitStatus::Code(3))), ..Nature::GOOD });
    for app in ["migrate", "web"] {
        world.edit(&k(app), |spec| spec.command = argv(&["v2"]));
    }
    settle(&mut world, 30_000);
    assert!(world.log[lines..].iter().all(|line| !line.contains("web/0")), "{:#?}", world.log);
    let undone = |world: &World, app: &str| {
        world.desired.app(&k(app)).unwrap().rolled_back.clone().map(|it| it.reason)
    };
    assert_eq!(undone(&world, "migrate").unwrap(), "ended after 3s with exit code 3");
    assert_eq!(
        undone(&world, "web").unwrap(),
        "it depends on `migrate`, which failed: ended after 3s with exit code 3"
    );
    assert_eq!((state(&world, "web"), state(&world, "migrate")), (AppState::Ready, AppState::Done));
    // Both come in once the job succeeds.
    for app in ["migrate", "web"] {
        world.edit(&k(app), |spec| spec.command = argv(&["v2"]));
    }
    settle(&mut world, 30_000);
    assert!(world.desired.app(&k("web")).unwrap().rolled_back.is_none());
    assert_eq!((state(&world, "web"), state(&world, "migrate")), (AppState::Ready, AppState::Done));
}

#[test]
fn what_waits_for_something_that_does_not_run_is_told_so() {
    let mut world = shop();
    world.change(&k("db"), |app, _| app.stopped = true);
    world.drive_all();
    settle(&mut world, 10_000);
    let words = hold(&world, "migrate").unwrap().to_string();
    assert_eq!(words, "it depends on `db`, which is stopped by an operator");
    assert_eq!(
        (verdict(&world, "migrate"), verdict(&world, "web")),
        (Verdict::Failed, Verdict::Failed)
    );
    start(&mut world, &k("db"));
    settle(&mut world, 10_000);
    assert_eq!(state(&world, "web"), AppState::Ready);
    world.desired.projects.get_mut(&k("db").project).unwrap().apps.remove(&k("db").app);
    start(&mut world, &k("web"));
    world.restart(&k("web"), None, false);
    settle(&mut world, 10_000);
    let words = hold(&world, "web").unwrap().to_string();
    assert_eq!(words, "it depends on `db`, which is not applied");
}

#[test]
fn a_circle_that_no_file_has_binds_nobody() {
    let one = needing(&single(), &[("two", Condition::Ready)]);
    let two = needing(&single(), &[("one", Condition::Ready)]);
    let desired = desired([(k("one"), one), (k("two"), two)]);
    let observed = eco::model::Observed::default();
    for app in ["one", "two"] {
        let found = reconcile::look_around(&desired, &observed, &k(app), ms_time());
        assert_eq!(found, eco::model::Neighbours::default());
    }
}

fn ms_time() -> eco::model::Time {
    eco::model::Time(ms(1))
}

/// The apps of a graph by number: each depends on some of those before it.
type Graph = Vec<(u8, Vec<(usize, u8)>)>;

fn graph() -> impl Strategy<Value = Graph> {
    vec((0..4_u8, vec((0..6_usize, 0..3_u8), 0..3)), 2..7)
}

fn name(number: usize) -> String {
    format!("app{number}")
}

fn world_of(graph: &Graph, seed: u64) -> World {
    let mut apps = Vec::new();
    for (number, (kind, ties)) in graph.iter().enumerate() {
        let base = match kind {
            0 => job(),
            1 => edited(&single(), |spec| spec.ready.probe = ReadyProbe::Notify),
            2 => app(spec()),
            _ => single(),
        };
        let ties = ties.iter().filter(|(other, _)| *other < number).map(|(other, is)| {
            let is = match (graph[*other].0, is) {
                (_, 0) => Condition::Started,
                (0, _) => Condition::Completed,
                (_, _) => Condition::Ready,
            };
            (name(*other).parse().unwrap(), after(is))
        });
        let ties: BTreeMap<_, _> = ties.collect();
        apps.push((k(&name(number)), edited(&base, |spec| spec.depends_on = ties)));
    }
    let mut world = World::new(desired(apps), seed);
    world.calm = false;
    world.drive_all();
    world
}

#[derive(Clone, Debug)]
enum Deed {
    Edit(u8),
    Stop,
    Start,
    Restart,
    Ask,
    Strike(usize),
    Doom(u64, u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => (0..3_u8).prop_map(Deed::Edit),
        2 => Just(Deed::Stop),
        2 => Just(Deed::Start),
        1 => Just(Deed::Restart),
        1 => Just(Deed::Ask),
        2 => any::<usize>().prop_map(Deed::Strike),
        2 => (0..6_u64, 100..2_000_u64).prop_map(|(effects, down)| Deed::Doom(effects, down)),
    ]
}

fn play(world: &mut World, count: usize, steps: &[(u64, usize, Deed)]) {
    for (pause, which, deed) in steps {
        settle(world, *pause);
        let key = k(&name(which % count));
        match deed {
            Deed::Edit(version) => {
                world.edit(&key, |spec| spec.command = argv(&[&format!("v{version}")]));
            }
            Deed::Stop => world.change(&key, |app, _| app.stopped = true),
            Deed::Start => start(world, &key),
            Deed::Restart if !world.desired.app(&key).unwrap().spec.is_job() => {
                world.restart(&key, None, false);
            }
            Deed::Ask if world.desired.app(&key).unwrap().spec.is_job() => {
                world.ask(&key, None);
            }
            Deed::Restart | Deed::Ask => {}
            Deed::Strike(choice) => world.strike(*choice),
            Deed::Doom(effects, down) => world.doom(*effects, *down),
        }
    }
}

proptest! {
    #![proptest_config(config(512))]

    /// Whatever happens, no app starts before its dependencies (the world checks each start and
    /// stop); once faults end every app comes up, and when all are to stop all do.
    #[test]
    fn every_graph_comes_up_and_goes_down(
        graph in graph(),
        steps in vec((0..3_000_u64, 0..6_usize, deed()), 0..20),
        seed: u64,
    ) {
        let mut world = world_of(&graph, seed);
        play(&mut world, graph.len(), &steps);
        world.calm = true;
        settle(&mut world, 60_000);
        let names: Vec<String> = (0..graph.len()).map(name).collect();
        for name in &names {
            world.edit(&k(name), |_| ());
            start(&mut world, &k(name));
        }
        settle(&mut world, 120_000);
        for name in &names {
            prop_assert_eq!(verdict(&world, name), Verdict::Settled, "{}: {:#?}", name, world.log);
        }
        stop_all(&mut world);
        settle(&mut world, 60_000);
        prop_assert!(world.keeper.processes.values().all(|process| !process.is_alive()));
    }
}
