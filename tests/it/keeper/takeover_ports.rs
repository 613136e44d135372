//! Shared ports outlive the keeper: connections go on, calls that wait are answered by the next one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use eco::protocol::{Lost, Request, Sharing};
use rustix::process::{Signal, kill_process};

use super::{
    ports::{get, shares},
    world::{World, lives, until},
};
use crate::harness::free_port;

/// Clients that ask a port again and again, each time over a connection of its own.
struct Clients {
    over: Arc<AtomicBool>,
    /// Of each client.
    answers: Vec<Arc<AtomicU64>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Clients {
    fn of(port: u16) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let answers: Vec<_> = (0..3).map(|_| Arc::new(AtomicU64::new(0))).collect();
        let client = |answers: &Arc<AtomicU64>| {
            let (over, answers) = (Arc::clone(&over), Arc::clone(answers));
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    get(port).unwrap();
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let threads = answers.iter().map(client).collect();
        Self { over, answers, threads }
    }

    fn go_on(&self) {
        let count = || self.answers.iter().map(|it| it.load(Ordering::Relaxed));
        let before: Vec<u64> = count().collect();
        // Whatever each of them was waiting for is answered, and more.
        until("answers", || count().zip(&before).all(|(now, before)| before + 5 < now));
    }

    /// None of them failed.
    fn end(self) {
        self.go_on();
        self.over.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

fn all_from(world: &World, run: u64, port: u16) {
    let pid = world.records[&run].pid.to_string();
    (0..30).for_each(|_| assert_eq!(get(port).unwrap(), pid));
}

fn both_answer(world: &World, runs: [u64; 2], port: u16) {
    for run in runs {
        let pid = world.records[&run].pid.to_string();
        until("both answer", || get(port).unwrap() == pid);
    }
}

/// Everything that is done with shared ports works under the next keeper as under the former.
fn rollout_goes_on(world: &mut World, port: u16, clients: &Clients) {
    // The next of the same cohort gets the same socket.
    world.share(1, &[port]);
    world.start_server(3, 1, port);
    assert_eq!(world.wait_listening(3, port).sharing, Sharing::Injected);
    both_answer(world, [1, 3], port);
    // A next cohort gets nothing until it is steered to.
    world.share(2, &[port]);
    world.start_server(4, 2, port);
    world.wait_listening(4, port);
    let fourth = world.records[&4].pid.to_string();
    (0..30).for_each(|_| assert_ne!(get(port).unwrap(), fourth));
    world.weigh(&[(2, 1)]);
    all_from(world, 4, port);
    world.ask(0, Request::Retire { cohort: 1 });
    world.settle();
    clients.go_on();
    for run in [1, 3] {
        world.kill(run);
    }
    all_from(world, 4, port);
}

#[test]
fn shared_ports_outlive_the_keeper() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    world.start_server(1, 1, port);
    world.wait_listening(1, port);
    let clients = Clients::of(port);
    world.kill_keeper();
    clients.go_on();
    world.next_keeper(None);
    let record = world.wait_listening(1, port);
    assert_eq!((record.lost, record.adopted), (Lost::default(), true));
    assert_eq!(world.cohorts.last(), Some(&1));
    rollout_goes_on(&mut world, port, &clients);
    world.kill_keeper();
    world.next_keeper(None);
    // The order in which the kernel has them is still known.
    world.share(5, &[port]);
    world.start_server(5, 5, port);
    world.wait_listening(5, port);
    all_from(&world, 4, port);
    world.weigh(&[(5, 1)]);
    all_from(&world, 5, port);
    clients.end();
    for run in [4, 5] {
        world.kill(run);
    }
    world.quit();
}

#[test]
fn two_cohorts_are_steered_as_before_by_the_next_keeper() {
    let mut world = World::new();
    let port = free_port();
    for run in [1, 2, 3] {
        world.share(run, &[port]);
        world.start_server(run, run, port);
        world.wait_listening(run, port);
    }
    // The last takes the first one's place in the kernel.
    world.weigh(&[(3, 1)]);
    world.ask(0, Request::Retire { cohort: 1 });
    world.kill(1);
    all_from(&world, 3, port);
    let clients = Clients::of(port);
    world.kill_keeper();
    world.next_keeper(None);
    for run in [2, 3] {
        world.wait_listening(run, port);
    }
    all_from(&world, 3, port);
    world.weigh(&[(2, 1)]);
    all_from(&world, 2, port);
    world.weigh(&[(3, 1)]);
    all_from(&world, 3, port);
    world.ask(0, Request::Retire { cohort: 2 });
    world.kill(2);
    all_from(&world, 3, port);
    clients.end();
    world.kill(3);
    // Nobody runs: who connects waits, also over the death of the keeper.
    let waiting = thread::spawn(move || get(port).unwrap());
    world.share(3, &[port]);
    world.kill_keeper();
    world.next_keeper(None);
    world.share(3, &[port]);
    world.start_server(6, 3, port);
    let pid = world.wait_listening(6, port).pid.to_string();
    assert_eq!(waiting.join().unwrap(), pid);
    world.kill(6);
    world.quit();
}

#[test]
fn a_call_waits_for_the_next_keeper() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    // It binds only once it is told to, at its standard output's other end: by a signal.
    let code = format!(
        "import signal; print('started 1', flush=True); signal.sigwait([signal.SIGUSR1])\n{}",
        super::ports::SERVER
    );
    let code = format!("import signal; signal.pthread_sigmask(0, [signal.SIGUSR1])\n{code}");
    world.start_python(1, 1, &code, &[&port.to_string()]);
    world.said(1, "started ");
    let pid = super::world::pid(world.wait_running(1).pid);
    world.kill_keeper();
    kill_process(pid, Signal::USR1).unwrap();
    let waits = || {
        std::fs::read_to_string(format!("/proc/{}/syscall", pid.as_raw_nonzero()))
            .is_ok_and(|text| text.starts_with(&format!("{} ", libc::SYS_bind)))
    };
    until("its call", waits);
    world.next_keeper(None);
    assert!(shares(&world.wait_listening(1, port), port));
    all_from(&world, 1, port);
    world.kill(1);
    world.quit();
}

/// A keeper dies while it answers calls: before and after each step of it. Builds without debug
/// assertions have no such points.
#[cfg(debug_assertions)]
#[test]
fn a_call_that_was_being_answered_is_answered() {
    let mut world = World::new();
    let steps = ["taken", "done", "noted", "answered"];
    let points = ["bind", "listen"].map(|call| steps.map(|step| format!("{call} {step}")));
    // Alone in its cohort, then with a socket that is there already.
    for (round, point) in (1..).zip(points.concat()) {
        let port = free_port();
        world.share(round, &[port]);
        for run in [2 * round, 2 * round + 1] {
            let path = world.run_dir().join("keeper-crash-at");
            std::fs::write(&path, &point).unwrap();
            world.start_server(run, round, port);
            until(&format!("the keeper's death where {point}"), || !lives(world.keeper()));
            assert!(!path.exists());
            world.kill_keeper();
            world.next_keeper(None);
            let record = world.wait_listening(run, port);
            assert_eq!(record.lost, Lost::default(), "{point}");
            assert_eq!(record.bind_failure.errno, 0, "{point}");
        }
        both_answer(&world, [2 * round, 2 * round + 1], port);
        for run in [2 * round, 2 * round + 1] {
            world.kill(run);
        }
        world.ask(0, Request::Retire { cohort: round });
    }
    world.quit();
}

fn all_three_die(world: &mut World) {
    world.kill_keeper();
    let recorder = world.recorder;
    kill_process(recorder, Signal::KILL).unwrap();
    until("the recorder's end", || !lives(recorder));
}

#[test]
fn with_nobody_left_sockets_are_taken_from_the_processes() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    world.start_server(1, 1, port);
    world.wait_listening(1, port);
    let clients = Clients::of(port);
    all_three_die(&mut world);
    clients.go_on();
    world.next_keeper(None);
    let record = world.wait_listening(1, port);
    // Its later binds are nobody's to answer; its socket is shared as before.
    assert!(record.lost.seccomp && !record.lost.sockets, "{record:?}");
    rollout_goes_on(&mut world, port, &clients);
    clients.end();
    world.kill(4);
    world.quit();
}

#[test]
fn where_nothing_can_be_taken_from_processes_apps_serve_on_and_can_be_replaced() {
    let mut world = World::under(Some("no-getfd"));
    let port = free_port();
    world.share(1, &[port]);
    world.start_server(1, 1, port);
    world.wait_listening(1, port);
    let clients = Clients::of(port);
    all_three_die(&mut world);
    clients.go_on();
    world.next_keeper(Some("no-getfd"));
    let record = world.wait_listening(1, port);
    assert!(record.lost.seccomp && record.lost.sockets, "{record:?}");
    // A next cohort stands beside the socket nobody holds, and connections are steered to it.
    world.share(2, &[port]);
    world.start_server(2, 2, port);
    world.wait_listening(2, port);
    all_from(&world, 1, port);
    world.weigh(&[(2, 1)]);
    all_from(&world, 2, port);
    clients.go_on();
    world.kill(1);
    all_from(&world, 2, port);
    world.share(3, &[port]);
    world.start_server(3, 3, port);
    world.wait_listening(3, port);
    all_from(&world, 2, port);
    world.weigh(&[(3, 1)]);
    all_from(&world, 3, port);
    clients.end();
    for run in [2, 3] {
        world.kill(run);
    }
    world.quit();
}
