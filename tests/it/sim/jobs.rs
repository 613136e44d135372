//! Jobs: once for each revision, by a schedule, or when asked; and times over clock changes.

use eco::{
    model::{
        App, AppKey, AppState, Cron, ExitStatus, Kind, Limit, LimitThen, Overlap, RestartWhen,
        RunId, Schedule,
    },
    reconcile::{self, Look, Verdict},
};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    fixtures::{app, argv, desired, edited, key, ms, spec},
    keeper::Nature,
    world::World,
};

fn report() -> AppKey {
    key("shop", "report")
}

fn job(overlap: Option<Overlap>) -> App {
    edited(&app(spec()), |spec| {
        spec.instances = 1;
        spec.kind = Kind::Job;
        spec.restart.policy = RestartWhen::Never;
        spec.schedule = overlap.map(|overlap| Schedule {
            cron: cron("0 3 * * *", None),
            overlap,
            catch_up: false,
        });
    })
}

fn world(overlap: Option<Overlap>) -> World {
    let mut world = World::new(desired([(report(), job(overlap))]), 1);
    world.drive_all();
    world
}

fn lasting(millis: u64, code: i32) -> Nature {
    Nature { life: Some((ms(millis), ExitStatus::Code(code))), ..Nature::GOOD }
}

fn settle(world: &mut World, millis: u64) {
    world.run_until(world.now.after(ms(millis)));
}

fn starts(world: &World) -> usize {
    world.keeper.processes.len()
}

fn state(world: &World) -> AppState {
    let found = world.desired.app(&report()).unwrap();
    reconcile::status(&report(), found, world.observed.apps.get(&report()), world.now).state
}

#[test]
fn a_job_runs_once_for_each_revision() {
    let mut world = world(None);
    settle(&mut world, 200);
    assert_eq!(state(&world), AppState::Converging);
    settle(&mut world, 10_000);
    assert_eq!((starts(&world), state(&world)), (1, AppState::Done));
    world.edit(&report(), |spec| spec.tags = ["edge".to_owned()].into());
    world.change(&report(), |app, _| app.stopped = true);
    world.change(&report(), |app, _| app.stopped = false);
    world.die(100);
    settle(&mut world, 10_000);
    assert_eq!((starts(&world), state(&world)), (1, AppState::Done));
    world.edit(&report(), |spec| spec.command = argv(&["v2"]));
    settle(&mut world, 10_000);
    assert_eq!((starts(&world), state(&world)), (2, AppState::Done));
}

#[test]
fn a_job_that_completed_does_not_run_again_after_a_boot() {
    let mut world = world(None);
    settle(&mut world, 10_000);
    // No exit is remembered over a boot; that it was good is.
    world.journal.exits.clear();
    world.die(100);
    settle(&mut world, 10_000);
    assert_eq!((starts(&world), state(&world)), (1, AppState::Done));
}

#[test]
fn the_work_of_a_job_is_not_cut_off_by_a_change() {
    let mut world = world(None);
    world.natures.push_back(lasting(5_000, 0));
    world.edit(&report(), |spec| spec.command = argv(&["v2"]));
    settle(&mut world, 1_000);
    world.edit(&report(), |spec| spec.command = argv(&["v3"]));
    settle(&mut world, 10_000);
    assert!(world.log.iter().all(|line| !line.contains("stop")), "{:#?}", world.log);
    assert_eq!(state(&world), AppState::Done);
}

#[test]
fn a_scheduled_job_waits_for_its_time() {
    let mut world = world(Some(Overlap::Skip));
    settle(&mut world, 10_000);
    assert_eq!((starts(&world), state(&world)), (0, AppState::Done));
    let app = world.desired.app(&report()).unwrap();
    let observed = world.observed.apps.get(&report());
    let verdict = reconcile::verdict(&report(), app, observed, world.now, world.now);
    assert_eq!(verdict, Verdict::Settled);
    assert!(world.ask(&report(), None));
    settle(&mut world, 200);
    assert_eq!((starts(&world), state(&world)), (1, AppState::Ready));
    settle(&mut world, 10_000);
    assert_eq!((starts(&world), state(&world)), (1, AppState::Done));
}

#[test]
fn runs_that_would_overlap_are_skipped_queued_or_replaced() {
    let run = |overlap| {
        let mut world = world(Some(overlap));
        world.natures.push_back(lasting(5_000, 0));
        world.ask(&report(), None);
        settle(&mut world, 1_000);
        let taken: Vec<bool> = (0..2).map(|_| world.ask(&report(), None)).collect();
        settle(&mut world, 20_000);
        (taken, world.log.iter().map(|line| line[7..].to_owned()).collect::<Vec<_>>())
    };
    let (taken, log) = run(Overlap::Skip);
    assert_eq!(taken, [false, false], "{log:?}");
    let (taken, log) = run(Overlap::Queue);
    assert_eq!(taken, [true, false]);
    assert_eq!(log.iter().filter(|line| line.starts_with("start")).count(), 2, "{log:?}");
    assert!(log.iter().all(|line| !line.starts_with("stop")), "{log:?}");
    let (taken, log) = run(Overlap::Replace);
    assert_eq!(taken, [true, true]);
    assert!(log.iter().any(|line| line.contains("(it is to run again)")), "{log:?}");
    assert_eq!(log.iter().filter(|line| line.starts_with("start")).count(), 2, "{log:?}");
}

/// However a controller dies around a time that is due, the job runs once for it.
#[test]
fn a_job_that_was_asked_runs_exactly_once_whenever_the_controller_dies() {
    for effects in 0..6 {
        for down in [0, 300, 3_000] {
            let mut world = world(Some(Overlap::Queue));
            settle(&mut world, 1_000);
            world.doom(effects, down);
            assert!(world.ask(&report(), None));
            settle(&mut world, 20_000);
            world.die(100);
            settle(&mut world, 20_000);
            assert_eq!(starts(&world), 1, "after {effects} effects: {:#?}", world.log);
        }
    }
}

#[test]
fn who_asked_a_job_is_told_how_it_ended() {
    let mut world = world(Some(Overlap::Skip));
    world.natures.push_back(lasting(2_000, 4));
    world.ask(&report(), None);
    let told = |world: &World, after| {
        let app = world.desired.app(&report()).unwrap();
        let observed = world.observed.apps.get(&report());
        reconcile::verdict_of_asked(&report(), app, observed, (after, world.now))
    };
    settle(&mut world, 1_000);
    assert!(matches!(told(&world, RunId(0)), Verdict::Converging { .. }));
    settle(&mut world, 5_000);
    assert_eq!((told(&world, RunId(0)), state(&world)), (Verdict::Failed, AppState::Failed));
    world.ask(&report(), None);
    settle(&mut world, 5_000);
    assert_eq!((told(&world, RunId(1)), state(&world)), (Verdict::Settled, AppState::Done));
}

/// Asks the job to run, and gives how that stands just after it began, and how it ended.
fn asked_again(world: &mut World) -> (Verdict, AppState, Verdict) {
    let before = world.observed.last_run;
    world.ask(&report(), None);
    let told = |world: &World| {
        let app = world.desired.app(&report()).unwrap();
        let observed = world.observed.apps.get(&report());
        reconcile::verdict_of_asked(&report(), app, observed, (before, world.now))
    };
    settle(world, 200);
    let (begun, meanwhile) = (told(world), state(world));
    settle(world, 800);
    (begun, meanwhile, told(world))
}

#[test]
fn a_job_that_ends_well_again_and_again_is_in_no_loop() {
    for policy in [RestartWhen::Never, RestartWhen::OnFailure] {
        let mut world = world(Some(Overlap::Skip));
        world.edit(&report(), |spec| spec.restart.policy = policy);
        for _ in 0..25 {
            world.natures.push_back(lasting(500, 0));
            let (begun, meanwhile, ended) = asked_again(&mut world);
            assert_eq!(begun, Verdict::Converging { wake_at: None });
            assert_ne!(meanwhile, AppState::CrashLooping);
            assert_eq!((ended, state(&world)), (Verdict::Settled, AppState::Done));
        }
    }
}

#[test]
fn who_asks_a_job_that_had_failed_before_is_told_of_this_run() {
    let mut world = world(Some(Overlap::Skip));
    for _ in 0..25 {
        world.natures.push_back(lasting(500, 4));
        let (begun, meanwhile, ended) = asked_again(&mut world);
        assert_eq!(begun, Verdict::Converging { wake_at: None });
        assert_ne!(meanwhile, AppState::CrashLooping);
        assert_eq!((ended, state(&world)), (Verdict::Failed, AppState::Failed));
    }
    world.natures.push_back(lasting(500, 0));
    assert_eq!(asked_again(&mut world).2, Verdict::Settled);
    // Given up after three tries, then asked again.
    world.edit(&report(), |spec| {
        spec.restart.policy = RestartWhen::OnFailure;
        spec.restart.backoff = None;
        spec.restart.limit = Some(Limit { failures: 3, within: ms(60_000), then: LimitThen::Stop });
    });
    world.natures.extend([lasting(50, 4), lasting(50, 4), lasting(50, 4)]);
    assert_eq!((asked_again(&mut world).2, state(&world)), (Verdict::Failed, AppState::Failed));
    world.natures.push_back(lasting(500, 0));
    let (begun, _, ended) = asked_again(&mut world);
    assert_eq!((begun, ended), (Verdict::Converging { wake_at: None }, Verdict::Settled));
}

fn cron(expression: &str, timezone: Option<&str>) -> Cron {
    Cron { expression: expression.to_owned(), timezone: timezone.map(str::to_owned) }
}

fn utc(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The times at which a schedule is due in Berlin from a day on.
fn due_in_berlin(expression: &str, from: &str, count: usize) -> Vec<String> {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let mut after = from.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone.clone()).unwrap();
    let mut times = Vec::new();
    for _ in 0..count {
        let cron = cron(expression, Some("Europe/Berlin"));
        let due = reconcile::next_due(&cron, &zone, after.timestamp()).unwrap();
        after = due.to_zoned(zone.clone());
        times.push(after.strftime("%m-%d %H:%M %Z").to_string());
    }
    times
}

#[test]
fn half_past_two_does_not_exist_in_spring_and_comes_twice_in_autumn() {
    assert_eq!(
        due_in_berlin("30 2 * * *", "2026-03-28 00:00", 3),
        ["03-28 02:30 CET", "03-29 03:00 CEST", "03-30 02:30 CEST"]
    );
    assert_eq!(
        due_in_berlin("30 2 * * *", "2026-10-24 00:00", 3),
        ["10-24 02:30 CEST", "10-25 02:30 CEST", "10-26 02:30 CET"]
    );
    // What is due every so often is due so in real time.
    assert_eq!(
        due_in_berlin("0 * * * *", "2026-03-29 00:30", 3),
        ["03-29 01:00 CET", "03-29 03:00 CEST", "03-29 04:00 CEST"]
    );
    assert_eq!(
        due_in_berlin("0 * * * *", "2026-10-25 01:30", 4),
        ["10-25 02:00 CEST", "10-25 02:00 CET", "10-25 03:00 CET", "10-25 04:00 CET"]
    );
}

#[test]
fn words_and_seconds_are_read() {
    let next = |expression| {
        let at = utc("2026-03-04T05:06:07Z");
        reconcile::next_due(&cron(expression, None), &TimeZone::UTC, at).unwrap().to_string()
    };
    assert_eq!(next("@hourly"), "2026-03-04T06:00:00Z");
    assert_eq!(next("@daily"), "2026-03-05T00:00:00Z");
    assert_eq!(next("@weekly"), "2026-03-08T00:00:00Z");
    assert_eq!(next("*/15 * * * mon-fri"), "2026-03-04T05:15:00Z");
    assert_eq!(next("*/10 * * * * *"), "2026-03-04T05:06:10Z");
}

/// Lets time go by as the wall clock shows it, and gives the times at which a daily job ran.
fn played(clock: &[(&str, Option<bool>)]) -> Vec<String> {
    let daily = cron("0 3 * * *", None);
    let mut seen_to = utc(clock[0].0);
    let mut ran = Vec::new();
    for (now, down) in &clock[1..] {
        let now = utc(now);
        let next = |after| reconcile::next_due(&daily, &TimeZone::UTC, after);
        match reconcile::look((seen_to, now), *down, next) {
            Look::Due => {
                ran.push(now.to_string());
                seen_to = now;
            }
            Look::Missed(_) | Look::Anew => seen_to = now,
            Look::Wait(_) => {}
        }
    }
    ran
}

#[test]
fn a_clock_that_is_set_makes_nothing_run_twice_or_never() {
    // Forward over the time it is due: once.
    let forward = ["2026-03-04T02:00:00Z", "2026-03-04T05:00:00Z", "2026-03-04T05:01:00Z"];
    assert_eq!(played(&forward.map(|it| (it, None))), ["2026-03-04T05:00:00Z"]);
    // Back over it by an hour: not again.
    let back = [
        "2026-03-04T02:00:00Z",
        "2026-03-04T03:00:00Z",
        "2026-03-04T02:10:00Z",
        "2026-03-04T03:00:00Z",
        "2026-03-05T03:00:00Z",
    ];
    assert_eq!(
        played(&back.map(|it| (it, None))),
        ["2026-03-04T03:00:00Z", "2026-03-05T03:00:00Z"]
    );
    // A clock that was a week ahead and was set right: no week without a run.
    let week = ["2026-03-11T02:00:00Z", "2026-03-04T02:00:00Z", "2026-03-04T03:00:00Z"];
    assert_eq!(played(&week.map(|it| (it, None))), ["2026-03-04T03:00:00Z"]);
}

#[test]
fn what_was_due_while_eco_was_down_runs_only_if_it_is_to_catch_up() {
    let at = |down| {
        let clock = [
            ("2026-03-01T02:00:00Z", None),
            ("2026-03-04T08:00:00Z", Some(down)),
            ("2026-03-04T08:00:01Z", None),
        ];
        played(&clock)
    };
    assert_eq!(at(false), Vec::<String>::new());
    assert_eq!(at(true), ["2026-03-04T08:00:00Z"]);
    // A controller that is killed just then was not down.
    let killed = [("2026-03-04T02:59:59Z", None), ("2026-03-04T03:00:04Z", Some(false))];
    assert_eq!(played(&killed), ["2026-03-04T03:00:04Z"]);
}
