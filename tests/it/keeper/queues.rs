//! Queues of connections that nobody takes: told once nothing is taken from one, and once something
//! is again.

use std::net::{Ipv4Addr, TcpStream};

use eco::protocol::{Record, Request, Scope};
use rustix::process::Signal;

use super::{
    ports::get,
    processes::come_to_rest,
    world::{World, until},
};
use crate::harness::free_port;

fn connect(port: u16) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap()
}

fn is_stopped(record: &Record) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", record.pid)).unwrap();
    stat.rsplit(')').next().unwrap().starts_with(" T")
}

/// Two runs that listen at a port and are stopped, so that they accept nothing.
fn stopped(world: &mut World) -> u16 {
    let port = free_port();
    world.share(1, &[port]);
    for run in [1, 2] {
        world.start_server(run, 1, port);
        world.wait_listening(run, port);
    }
    for run in [1, 2] {
        world.signal(run, Signal::STOP, Scope::Group);
    }
    // One that is about to stop may still accept one.
    until("both are stopped", || [1, 2].iter().all(|run| is_stopped(&world.records[run])));
    port
}

/// How many wait in the queue of cohort 1 as told; 0 if something is taken from it.
fn waiting(world: &World) -> u32 {
    world.queues.get(&(1, 0)).filter(|queue| queue.since != 0).map_or(0, |queue| queue.waiting)
}

#[test]
fn who_is_not_accepted_is_told_until_somebody_is() {
    let mut world = World::new();
    let port = stopped(&mut world);
    let first = [connect(port), connect(port)];
    world.wait("two that wait", |world| waiting(world) == 2);
    let queue = world.queues[&(1, 0)];
    assert_eq!(queue.address.port(), port);
    assert!(2 < queue.room);
    // Whether they go away or others come, nobody is taken.
    drop(first);
    let third = connect(port);
    world.wait("three", |world| waiting(world) == 3);
    assert_eq!(world.queues[&(1, 0)].since, queue.since);
    // The next controller is told too.
    world.kill_controller();
    world.queues.clear();
    world.greet();
    assert_eq!(world.queues[&(1, 0)].since, queue.since);
    for run in [1, 2] {
        world.signal(run, Signal::CONT, Scope::Group);
    }
    world.wait("an empty queue", |world| world.queues[&(1, 0)].since == 0);
    drop(third);
    assert!(get(port).is_ok());
    come_to_rest(&world);
    world.quit();
}

#[test]
fn one_that_works_beside_others_that_do_not_is_enough() {
    let mut world = World::new();
    let port = stopped(&mut world);
    let waits = connect(port);
    world.wait("one that waits", |world| waiting(world) == 1);
    world.signal(2, Signal::CONT, Scope::Group);
    world.wait("an empty queue", |world| waiting(world) == 0);
    drop(waits);
    for _ in 0..50 {
        assert!(get(port).is_ok());
    }
    world.quit();
}

/// Takes one connection in each second.
const SLOW: &str = r"
import socket, sys, time
s = socket.socket()
s.bind(('127.0.0.1', int(sys.argv[1])))
s.listen(50)
print('listening', flush=True)
while True:
    c, _ = s.accept()
    c.close()
    time.sleep(1)
";

#[test]
fn a_queue_that_stays_as_long_while_some_are_taken_is_none() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    world.start_python(1, 1, SLOW, &[&port.to_string()]);
    world.wait_listening(1, port);
    // As many come as are taken: the length tells nothing.
    let mut clients: Vec<TcpStream> = (0..5).map(|_| connect(port)).collect();
    let mut taken = 0;
    until("eight that were taken", || {
        clients.retain_mut(|client| {
            client.set_nonblocking(true).unwrap();
            let open = rustix::net::recv(&*client, &mut [0; 1][..], rustix::net::RecvFlags::PEEK);
            open.is_err_and(|error| error == rustix::io::Errno::AGAIN)
        });
        taken += 5 - clients.len();
        clients.extend((clients.len()..5).map(|_| connect(port)));
        8 < taken
    });
    world.settle();
    assert!(world.queues.values().all(|queue| queue.since == 0), "{:?}", world.queues);
    world.quit();
}

#[test]
fn the_next_keeper_looks_too() {
    let mut world = World::new();
    let port = stopped(&mut world);
    let waits = connect(port);
    world.kill_keeper();
    world.queues.clear();
    world.next_keeper(None);
    world.wait("one that waits", |world| waiting(world) == 1);
    // Who is given up is refused, and waits no longer.
    world.ask(0, Request::Retire { cohort: 1 });
    world.wait("no queue", |world| waiting(world) == 0);
    drop(waits);
    world.quit();
}
