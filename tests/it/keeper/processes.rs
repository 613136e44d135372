//! Groups, sessions and signals: when a run has exited, and when it is gone.

use eco::protocol::{Request, Scope, State};
use rustix::process::{Signal, kill_process};

use super::world::{World, lives, parent, pid, until};

#[test]
fn a_leftover_group_keeps_a_run_from_being_gone() {
    let mut world = World::new();
    world.spawn(1, &["fork-and-exit"]);
    let child = world.said(1, "child");
    let record = world.wait_state(1, |record| record.state == State::Exited);
    assert!(lives(child) && !record.drained);
    world.signal(1, Signal::TERM, Scope::Leader);
    assert_eq!(world.wait_refused().2, libc::ESRCH);
    world.signal(1, Signal::TERM, Scope::Group);
    world.wait_gone(1);
    assert!(!lives(child));
    world.quit();
}

#[test]
fn another_group_of_the_session_belongs_to_the_run() {
    let mut world = World::new();
    world.spawn(1, &["group-child"]);
    let child = world.said(1, "started");
    world.wait_state(1, |record| record.state == State::Exited);
    assert!(lives(child));
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    assert!(!lives(child));
    world.quit();
}

#[test]
fn who_made_a_session_of_its_own_ends_with_its_run() {
    let mut world = World::new();
    world.spawn(1, &["setsid-child"]);
    let child = world.said(1, "started");
    world.wait_running(1);
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    assert!(!lives(child));
    until("the orphan is reaped", || rustix::process::test_kill_process(child).is_err());
    world.quit();
}

#[test]
fn a_daemon_ends_with_its_run_and_with_no_other() {
    let mut world = World::new();
    for run in [1, 2] {
        world.spawn(run, &["daemon"]);
    }
    let daemons = [1, 2].map(|run| world.said(run, "started"));
    for run in [1, 2] {
        world.wait_running(run);
    }
    until("they are the keeper's children", || {
        daemons.iter().all(|pid| parent(*pid) == Some(world.keeper()))
    });
    world.ask(1, Request::Members);
    world.wait("the members", |world| world.members.len() == 2);
    assert!(world.members.iter().all(|it| it.proved && it.name == b"naughty"));
    world.signal(1, Signal::TERM, Scope::Group);
    world.wait_gone(1);
    assert!(!lives(daemons[0]) && lives(daemons[1]));
    world.signal(2, Signal::KILL, Scope::Group);
    world.wait_gone(2);
    assert!(!lives(daemons[1]));
    world.quit();
}

#[test]
fn a_daemon_of_a_run_that_was_taken_over_ends_with_it() {
    let mut world = World::new();
    world.spawn(1, &["daemon"]);
    let daemon = world.said(1, "started");
    world.wait_running(1);
    world.kill_keeper();
    world.next_keeper(None);
    world.wait_running(1);
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    assert!(!lives(daemon));
    world.quit();
}

#[test]
fn who_denies_every_bond_is_named_and_left_alone() {
    let mut world = World::new();
    world.spawn(1, &["daemon", "no-env"]);
    let daemon = world.said(1, "started");
    world.wait_running(1);
    until("it is the keeper's child", || parent(daemon) == Some(world.keeper()));
    world.ask(1, Request::Members);
    world.wait("the members", |world| world.members.len() == 2);
    let found = world.members.iter().find(|it| !it.proved).unwrap();
    assert_eq!(pid(found.pid), daemon);
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_state(1, |record| record.state == State::Gone);
    assert!(lives(daemon), "what is not proved is not signalled");
    kill_process(daemon, Signal::KILL).unwrap();
    world.wait_gone(1);
    until("it is reaped", || rustix::process::test_kill_process(daemon).is_err());
    world.quit();
}

#[test]
fn those_who_fork_for_ever_are_killed_to_the_last() {
    let mut world = World::new();
    world.spawn(1, &["fork-for-ever"]);
    world.said(1, "started");
    world.wait_running(1);
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    world.quit();
}

#[test]
fn a_signal_goes_to_the_leader_or_to_all() {
    let mut world = World::new();
    world.spawn(1, &["ignore-term"]);
    world.said(1, "started");
    world.wait_running(1);
    world.signal(1, Signal::TERM, Scope::Group);
    world.signal(1, Signal::KILL, Scope::Group);
    assert_eq!(libc::WTERMSIG(world.wait_gone(1).wait_status), 9);

    // A leader that waits for its child, as a wrapper script does.
    let mut spec = world.spec(2, &[]);
    spec.argv = ["sh", "-c", "sleep 1000 & echo child $!; wait"].map(Into::into).into();
    world.spawn_spec(2, &spec);
    let child = world.said(2, "child");
    world.signal(2, Signal::TERM, Scope::Leader);
    world.wait_state(2, |record| record.state == State::Exited);
    assert!(lives(child));
    world.signal(2, Signal::TERM, Scope::Group);
    world.wait_gone(2);

    world.spawn(3, &["term-after", "10"]);
    world.said(3, "started");
    world.signal(3, Signal::TERM, Scope::Group);
    assert_eq!(world.wait_gone(3).wait_status, 0);
    world.quit();
}

#[test]
fn three_hundred_start_and_stop() {
    let mut world = World::new();
    for run in 1..=300 {
        let mut spec = world.spec(run, &[]);
        spec.argv = ["sleep", "1000"].map(Into::into).into();
        world.spawn_spec(run, &spec);
    }
    world.wait("all run", |world| {
        world.records.len() == 300
            && world.records.values().all(|record| record.state == State::Running)
    });
    for run in 1..=300 {
        world.signal(run, Signal::TERM, Scope::Group);
    }
    world.wait("all are gone", |world| {
        world.records.values().all(|record| record.state == State::Gone && record.drained)
    });
    assert!(world.records.values().all(|record| !lives(pid(record.pid))));
    world.quit();
}

/// Waits until keeper and recorder make no system call for two seconds.
pub(crate) fn come_to_rest(world: &World) {
    let watched = [world.keeper(), world.recorder].map(|pid| pid.as_raw_nonzero().get());
    // A process that makes a system call and waits again has switched to another.
    let switches = || {
        let mut found = Vec::new();
        for pid in watched {
            for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
                let status = task.unwrap().path().join("status");
                let text = std::fs::read_to_string(status).unwrap();
                let line = text.lines().find(|line| line.starts_with("voluntary")).unwrap();
                found.push(line.to_owned());
            }
        }
        found
    };
    // What the starts began has to come to rest first.
    let mut calm = switches();
    until("two seconds of calm", || {
        std::thread::sleep(std::time::Duration::from_secs(2));
        let before = std::mem::replace(&mut calm, switches());
        before == calm
    });
}

#[test]
fn idle_processes_make_no_system_call() {
    let mut world = World::new();
    for run in 1..=5 {
        world.spawn(run, &["sleep"]);
        world.said(run, "started");
        world.wait_running(run);
    }
    come_to_rest(&world);
    for run in 1..=5 {
        world.signal(run, Signal::KILL, Scope::Group);
        world.wait_gone(run);
    }
    world.quit();
}
