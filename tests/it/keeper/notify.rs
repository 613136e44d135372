//! What runs say about themselves at their notify sockets.

use std::os::unix::net::UnixDatagram;

use eco::protocol::{Request, Scope, notify_path};
use rustix::process::Signal;

use super::world::{World, until};

/// Starts a run with a notify socket that says these words at the socket of a run.
fn spawn(world: &mut World, run: u64, at: u64, words: &[&str]) {
    let mut spec = world.spec(run, &[&["notify"], words].concat());
    spec.notify = true;
    let path = notify_path(&world.run_dir(), at);
    spec.env.push(("NOTIFY_SOCKET".into(), path.into()));
    world.spawn_spec(run, &spec);
}

fn end(mut world: World, runs: &[u64]) {
    for run in runs {
        world.signal(*run, Signal::KILL, Scope::Group);
        world.wait_gone(*run);
        assert!(!notify_path(&world.run_dir(), *run).exists());
    }
    world.quit();
}

#[test]
fn what_a_run_says_is_in_its_record() {
    let mut world = World::new();
    let words = [
        "READY=1\nSTATUS=up",
        "RELOADING=1\nMONOTONIC_USEC=1",
        "READY=1\nSTATUS=up again\nMAINPID=1",
        "EXTEND_TIMEOUT_USEC=5000000",
        "FDSTORE=1",
        "WATCHDOG=1",
        "BARRIER=1",
        "STOPPING=1",
    ];
    spawn(&mut world, 1, 1, &words);
    let notify = world.wait_state(1, |record| record.notify.stopping).notify;
    assert!(notify.ready && !notify.reloading);
    assert_eq!(notify.status, b"up again");
    // The barrier was let through, or the last word would not have been said.
    world.said(1, "barrier ");
    let asked = notify.extend.checked_sub(5_000_000_000).unwrap();
    assert!(0 < asked && asked <= notify.watchdog);
    end(world, &[1]);
}

#[test]
fn a_run_hears_its_own_processes_only() {
    let mut world = World::new();
    spawn(&mut world, 1, 1, &["child:STATUS=from a child", "READY=1"]);
    // A child's word may come after the child, when nobody knows whose it was.
    world.wait_state(1, |record| record.notify.ready);
    let path = notify_path(&world.run_dir(), 1);
    let outsider = UnixDatagram::unbound().unwrap();
    outsider.send_to(b"STOPPING=1", &path).unwrap();
    spawn(&mut world, 2, 1, &["STOPPING=1", "BARRIER=1"]);
    until("the barrier", || world.out_text(2).contains("barrier"));
    world.ask(0, Request::List);
    let lists = world.list_ends;
    world.wait("every record", |world| lists < world.list_ends);
    assert!(!world.records[&1].notify.stopping && !world.records[&2].notify.stopping);
    end(world, &[1, 2]);
}

#[test]
fn last_words_are_heard() {
    let mut world = World::new();
    spawn(&mut world, 1, 1, &["STATUS=no database", "exit"]);
    assert_eq!(world.wait_gone(1).notify.status, b"no database");
    assert!(!notify_path(&world.run_dir(), 1).exists());
    world.quit();
}

#[test]
fn one_that_never_stops_talking_holds_up_nobody() {
    let mut world = World::new();
    spawn(&mut world, 1, 1, &["flood"]);
    world.wait_state(1, |record| !record.notify.status.is_empty());
    for run in 2..=11 {
        world.spawn(run, &["exit", "3"]);
    }
    for run in 2..=11 {
        assert_eq!(libc::WEXITSTATUS(world.wait_gone(run).wait_status), 3);
    }
    end(world, &[1]);
}

#[test]
fn a_run_that_cannot_be_executed_leaves_no_socket() {
    let mut world = World::new();
    let mut spec = world.spec(1, &[]);
    spec.argv[0] = "/no/such/program".into();
    spec.notify = true;
    world.spawn_spec(1, &spec);
    world.wait_state(1, |record| record.exited != 0);
    let path = notify_path(&world.run_dir(), 1);
    until("the socket is removed", || !path.exists());
    world.quit();
}
