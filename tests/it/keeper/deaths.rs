//! The controller or the recorder is killed or stopped, and no app notices.

use eco::protocol::{Scope, State, Stream};
use rustix::process::{Signal, kill_process};

use super::{
    output::offsets,
    world::{World, lives, pid, until},
};

const LINE: usize = 64;

/// What a reader of a flood finds: how many lines are missing or torn, at how many places.
fn gaps(bytes: &[u8], lines: usize) -> (usize, usize) {
    let text = String::from_utf8_lossy(bytes);
    let mut next = 0;
    let (mut missing, mut places) = (0, 0);
    for line in text.lines() {
        let number = (line.len() == LINE - 1)
            .then(|| line.strip_prefix("line ")?.get(..10)?.parse::<usize>().ok())
            .flatten();
        let Some(number) = number else { continue };
        assert!(next <= number, "line {number} comes after line {next}");
        if number != next {
            places += 1;
            missing += number - next;
        }
        next = number + 1;
    }
    (missing + lines - next, places)
}

#[test]
fn exits_without_a_controller_arrive_later() {
    let mut world = World::new();
    world.spawn(1, &["sleep"]);
    world.spawn(2, &["exit", "4"]);
    let first = world.wait_running(1);
    let controller = world.controller();
    kill_process(controller, Signal::STOP).unwrap();
    world.spawn(3, &["sleep"]);
    world.kill_controller();
    world.greet();
    assert_ne!(world.controller(), controller);
    let record = world.wait_gone(2);
    assert_eq!(libc::WEXITSTATUS(record.wait_status), 4);
    // What the dead one still asked for was done before the next one came.
    assert_eq!(world.records[&1].pid, first.pid);
    world.wait_running(3);
    for run in [1, 3] {
        world.signal(run, Signal::KILL, Scope::Group);
        world.wait_gone(run);
    }
    world.quit();
}

#[test]
fn a_controller_that_does_not_listen_holds_up_nobody() {
    let mut world = World::new();
    world.spawn(1, &["lines", "100000", "1"]);
    world.wait_running(1);
    // 200 runs that write and end: more records than the socket takes, read by nobody.
    for run in 2..=201 {
        let mut spec = world.spec(run, &[]);
        spec.argv = ["sh", "-c", "echo done"].map(Into::into).into();
        world.spawn_spec(run, &spec);
    }
    for run in 2..=201 {
        until("its output", || world.out_text(run) == "done\n");
    }
    let lines = world.out_text(1).lines().count();
    until("apps log on", || lines + 10 < world.out_text(1).lines().count());
    world.wait("every record", |world| {
        let over = |run: &u64| world.records.get(run).is_some_and(|it| it.state == State::Gone);
        (2..=201).all(|run| over(&run))
    });
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    world.quit();
}

#[test]
fn a_dead_recorder_costs_one_reading_at_most() {
    const BYTES: usize = 64 << 20;
    const KILLS: usize = 10;
    let mut world = World::new();
    world.spawn(1, &["flood", &BYTES.to_string(), "stay"]);
    world.spawn(2, &["lines", "1000000", "1"]);
    let leader = world.wait_running(1).pid;
    for _ in 0..KILLS {
        let before = world.out(1).len();
        until("output", || world.out(1).len() != before || before + LINE >= BYTES - (1 << 20));
        world.kill_recorder();
    }
    let last = format!("line {:010}", BYTES / LINE - 1);
    until("the last line", || {
        let bytes = world.out(1);
        let tail = &bytes[bytes.len().saturating_sub(LINE)..];
        String::from_utf8_lossy(tail).starts_with(&last)
    });
    let (missing, places) = gaps(&world.out(1), BYTES / LINE);
    assert!(places <= KILLS, "{places} gaps");
    assert!(missing <= KILLS * ((64 << 10) / LINE + 2), "{missing} lines are missing");
    offsets(&world, 1);
    let lines = world.out_text(2).lines().count();
    until("the slow one goes on", || lines < world.out_text(2).lines().count());
    assert!(lives(pid(leader)));
    for run in [1, 2] {
        assert_eq!(world.records[&run].state, State::Running);
        world.signal(run, Signal::KILL, Scope::Group);
        world.wait_gone(run);
    }
    world.quit();
}

#[test]
fn a_dead_controller_costs_no_byte() {
    const BYTES: usize = 64 << 20;
    let mut world = World::new();
    world.spawn(1, &["flood", &BYTES.to_string(), "stay"]);
    let leader = world.wait_running(1).pid;
    for _ in 0..8 {
        world.kill_controller();
        world.greet();
        assert_eq!(world.records[&1].pid, leader);
    }
    until("every byte", || world.out(1).len() == BYTES);
    assert_eq!(gaps(&world.out(1), BYTES / LINE), (0, 0));
    offsets(&world, 1);
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    world.quit();
}

#[test]
fn a_dead_keeper_leaves_apps_and_logging_alone() {
    let mut world = World::new();
    world.spawn(1, &["lines", "1000000", "1"]);
    let leader = pid(world.wait_running(1).pid);
    let recorder = world.recorder;
    kill_process(world.keeper(), Signal::KILL).unwrap();
    let lines = world.out_text(1).lines().count();
    until("logging goes on", || lines + 20 < world.out_text(1).lines().count());
    assert!(world.log(1, Stream::Out).exists() && lives(leader));
    kill_process(leader, Signal::KILL).unwrap();
    until("the recorder ends with the last pipe", || !lives(recorder));
}
