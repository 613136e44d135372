//! Ports that the runs of a cohort share: who gets connections, and what becomes of them when runs,
//! cohorts and other programs come and go.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use eco::protocol::{
    BindFailure, DeclaredPort, Ports, Record, Request, Scope, Sharing, SpawnSpec, Step,
};
use rustix::process::Signal;

use super::world::{World, until};
use crate::harness::{free_port, installed};

/// A server that says its process id to everyone who connects.
pub(crate) const SERVER: &str = r"
import os, socket, sys
s = socket.socket()
s.bind((sys.argv[2] if 2 < len(sys.argv) else '127.0.0.1', int(sys.argv[1])))
s.listen(5)
print('listening', os.getpid(), flush=True)
while True:
    c, _ = s.accept()
    c.recv(65536)
    c.sendall(b'HTTP/1.0 200 OK\r\n\r\n%d' % os.getpid())
    c.close()
";

pub(crate) fn python() -> PathBuf {
    installed("tests/.cache/venv/bin/python3")
}

/// The body of an answer, asked for over a connection of its own.
pub(crate) fn get_from(address: impl Into<IpAddr>, port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect(SocketAddr::new(address.into(), port))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
        _ => Err(io::Error::other(format!("no answer: {answer:?}"))),
    }
}

pub(crate) fn get(port: u16) -> io::Result<String> {
    get_from(Ipv4Addr::LOCALHOST, port)
}

impl World {
    /// Waits until the keeper has done everything asked for.
    pub(crate) fn settle(&mut self) {
        let before = self.list_ends;
        self.ask(0, Request::List);
        self.wait("the list", |world| world.list_ends != before);
    }

    /// Declares what a cohort of group 1 shares; nothing is every port.
    pub(crate) fn share(&mut self, cohort: u64, ports: &[u16]) {
        let ports = ports.iter().map(|port| DeclaredPort { host: None, port: *port }).collect();
        self.ask(0, Request::Ports(Ports { cohort, group: 1, ports, fds: false }));
    }

    pub(crate) fn program(&self, run: u64, cohort: u64, argv: &[&str]) -> SpawnSpec {
        SpawnSpec {
            cohort,
            argv: argv.iter().map(Into::into).collect(),
            env: vec![("PATH".into(), std::env::var_os("PATH").unwrap())],
            ..self.spec(run, &[])
        }
    }

    /// Starts a Python program.
    pub(crate) fn start_python(&mut self, run: u64, cohort: u64, code: &str, given: &[&str]) {
        let python = python();
        let argv: Vec<&str> = [python.to_str().unwrap(), "-c", code]
            .into_iter()
            .chain(given.iter().copied())
            .collect();
        let spec = self.program(run, cohort, &argv);
        self.spawn_spec(run, &spec);
    }

    pub(crate) fn start_server(&mut self, run: u64, cohort: u64, port: u16) {
        self.start_python(run, cohort, SERVER, &[&port.to_string()]);
    }

    /// Waits until a run listens at a shared port.
    pub(crate) fn wait_listening(&mut self, run: u64, port: u16) -> Record {
        self.wait_state(run, |record| shares(record, port))
    }

    pub(crate) fn kill(&mut self, run: u64) {
        self.signal(run, Signal::KILL, Scope::Group);
        self.wait_gone(run);
    }

    pub(crate) fn weigh(&mut self, weights: &[(u64, u32)]) {
        self.ask(0, Request::Steer { group: 1, weights: weights.to_vec() });
        self.settle();
    }
}

pub(crate) fn shares(record: &Record, port: u16) -> bool {
    record.ports.iter().any(|known| known.port == port && known.shared)
}

fn pid_of(record: &Record) -> String {
    record.pid.to_string()
}

#[test]
fn two_runs_share_a_port_and_the_queue_outlives_them() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    world.share(1, &[port]);
    world.start_server(1, 1, port);
    let first = pid_of(&world.wait_listening(1, port));
    world.start_server(2, 1, port);
    let record = world.wait_listening(2, port);
    assert_eq!(record.sharing, Sharing::Injected);
    let second = pid_of(&record);
    for pid in [&first, &second] {
        until("both answer", || get(port).unwrap() == *pid);
    }
    world.kill(1);
    assert_eq!(get(port).unwrap(), second);
    world.kill(2);
    // Nobody runs: who connects now waits for the next run.
    let waiting = thread::spawn(move || get(port).unwrap());
    until("a connection waits", || queued(port));
    world.start_server(3, 1, port);
    let third = pid_of(&world.wait_listening(3, port));
    assert_eq!(waiting.join().unwrap(), third);
    world.kill(3);
    world.quit();
    assert_eq!(get(port).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

/// Whether a connection to the port is established.
fn queued(port: u16) -> bool {
    let text = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    text.lines().any(|line| line.contains(&format!(":{port:04X} ")) && line.contains(" 01 "))
}

#[test]
fn connections_are_steered_at_once_and_none_is_refused() {
    let mut world = World::new();
    let port = free_port();
    for cohort in [1, 2] {
        world.share(cohort, &[port]);
        world.start_server(cohort, cohort, port);
        world.wait_listening(cohort, port);
    }
    let pids = [1, 2].map(|run| pid_of(&world.records[&run]));
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                let mut answers = 0;
                while !over.load(Ordering::Relaxed) {
                    get(port).unwrap();
                    answers += 1;
                }
                answers
            })
        })
        .collect();
    let all_from = |pid: &str| (0..50).for_each(|_| assert_eq!(get(port).unwrap(), pid));
    all_from(&pids[0]);
    for _ in 0..5 {
        world.weigh(&[(2, 1)]);
        all_from(&pids[1]);
        world.weigh(&[(1, 7), (2, 0)]);
        all_from(&pids[0]);
        // No weight, or one for nobody: as before.
        world.weigh(&[]);
        world.weigh(&[(9, 1)]);
        all_from(&pids[0]);
    }
    world.weigh(&[(1, 1), (2, 1)]);
    for pid in &pids {
        until("both answer", || get(port).unwrap() == *pid);
    }
    world.weigh(&[(2, 1)]);
    // What came before that is answered; then the old one is of no use to anyone.
    all_from(&pids[1]);
    over.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(0 < client.join().unwrap());
    }
    world.ask(0, Request::Retire { cohort: 1 });
    world.settle();
    all_from(&pids[1]);
    world.kill(1);
    world.kill(2);
    world.quit();
}

#[test]
fn a_new_cohort_gets_nothing_until_it_is_steered_to() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    world.start_server(1, 1, port);
    let old = pid_of(&world.wait_listening(1, port));
    let over = Arc::new(AtomicBool::new(false));
    let client = thread::spawn({
        let over = Arc::clone(&over);
        move || {
            let mut answers = Vec::new();
            while !over.load(Ordering::Relaxed) {
                answers.push(get(port).unwrap());
            }
            answers
        }
    });
    for cohort in 2..6 {
        world.share(cohort, &[port]);
        world.start_server(cohort, cohort, port);
        world.wait_listening(cohort, port);
    }
    for cohort in [3, 2, 5] {
        world.ask(0, Request::Retire { cohort });
        world.settle();
    }
    over.store(true, Ordering::Relaxed);
    let answers = client.join().unwrap();
    assert!(!answers.is_empty() && answers.iter().all(|answer| *answer == old));
    // With the old one gone, the other one left gets everything.
    world.ask(0, Request::Retire { cohort: 1 });
    world.settle();
    let last = pid_of(&world.records[&4]);
    (0..20).for_each(|_| assert_eq!(get(port).unwrap(), last));
    (1..6).for_each(|run| world.kill(run));
    world.quit();
}

#[test]
fn retired_sockets_refuse_and_the_cohort_may_come_back() {
    let mut world = World::new();
    let port = free_port();
    world.share(7, &[port]);
    world.start_server(1, 7, port);
    world.wait_listening(1, port);
    world.cohorts.clear();
    world.settle();
    assert_eq!(world.cohorts, [7]);
    world.kill_controller();
    world.cohorts.clear();
    world.greet();
    assert_eq!(world.cohorts, [7]);

    world.ask(0, Request::Retire { cohort: 7 });
    world.ask(0, Request::Retire { cohort: 7 });
    world.cohorts.clear();
    world.settle();
    assert!(world.cohorts.is_empty());
    assert_eq!(get(port).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    // Unknown again: its runs are let alone.
    world.start_python(2, 7, "import time; time.sleep(3600)", &[]);
    assert_eq!(world.wait_running(2).sharing, Sharing::None);
    world.kill(1);
    world.share(7, &[port]);
    world.start_server(3, 7, port);
    let pid = pid_of(&world.wait_listening(3, port));
    assert_eq!(get(port).unwrap(), pid);
    world.kill(2);
    world.kill(3);
    world.quit();
}

#[test]
fn a_port_that_others_have_is_in_use() {
    let mut world = World::new();
    let foreign = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = foreign.local_addr().unwrap().port();
    world.share(1, &[port]);
    world.start_server(1, 1, port);
    let record = world.wait_gone(1);
    assert_eq!(record.bind_failure, BindFailure { port, errno: libc::EADDRINUSE });
    assert!(record.ports.is_empty() && record.wait_status != 0);
    drop(foreign);
    world.start_server(2, 1, port);
    world.wait_listening(2, port);
    // Another app is as foreign as any other program.
    let ports = vec![DeclaredPort { host: None, port }];
    world.ask(0, Request::Ports(Ports { cohort: 2, group: 2, ports, fds: false }));
    world.start_server(3, 2, port);
    let record = world.wait_gone(3);
    assert_eq!(record.bind_failure, BindFailure { port, errno: libc::EADDRINUSE });
    assert_eq!(
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap_err().kind(),
        io::ErrorKind::AddrInUse
    );
    world.kill(2);
    world.quit();
}

#[test]
fn what_is_not_declared_is_not_shared_but_told() {
    let mut world = World::new();
    let (declared, other) = (free_port(), free_port());
    world.share(1, &[declared]);
    world.start_server(1, 1, other);
    let record = world.wait_state(1, |record| !record.ports.is_empty());
    assert!(record.ports[0].port == other && !record.ports[0].shared);
    until("it answers", || get(other).is_ok_and(|pid| pid == pid_of(&record)));

    // Only this address.
    let ports = vec![DeclaredPort { host: Some(Ipv4Addr::LOCALHOST.into()), port: declared }];
    world.ask(0, Request::Ports(Ports { cohort: 2, group: 2, ports, fds: false }));
    world.start_python(2, 2, SERVER, &[&declared.to_string(), "127.0.0.2"]);
    let record = world.wait_state(2, |record| !record.ports.is_empty());
    assert!(!record.ports[0].shared);
    world.start_server(3, 2, declared);
    world.wait_listening(3, declared);
    (1..4).for_each(|run| world.kill(run));
    world.quit();
}

#[test]
fn sockets_can_be_open_from_the_start() {
    const CODE: &str = r"
import os, socket
assert os.environ['LISTEN_FDS'] == '1' and os.environ['LISTEN_PID'] == str(os.getpid())
s = socket.socket(fileno=3)
assert os.listdir('/proc/self/fd') == ['0', '1', '2', '3', '4'], os.listdir('/proc/self/fd')
while True:
    c, _ = s.accept()
    c.recv(65536)
    c.sendall(b'HTTP/1.0 200 OK\r\n\r\n%d' % os.getpid())
    c.close()
";
    let mut world = World::new();
    let foreign = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0))
        .or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)))
        .unwrap();
    let port = foreign.local_addr().unwrap().port();
    let ports = |cohort| {
        let ports = vec![DeclaredPort { host: None, port }];
        Request::Ports(Ports { cohort, group: 1, ports, fds: true })
    };
    world.ask(0, ports(1));
    assert_eq!(world.wait_refused(), (0, Step::Prepare, libc::EADDRINUSE));
    drop(foreign);
    world.ask(0, ports(1));
    world.settle();
    let waiting = thread::spawn(move || get(port).unwrap());
    world.start_python(1, 1, CODE, &[]);
    let record = world.wait_running(1);
    assert_eq!(record.sharing, Sharing::Fds);
    assert!(shares(&record, port));
    assert_eq!(waiting.join().unwrap(), pid_of(&record));
    world.ask(0, ports(2));
    world.start_python(2, 2, CODE, &[]);
    let second = pid_of(&world.wait_running(2));
    (0..20).for_each(|_| assert_eq!(get(port).unwrap(), pid_of(&record)));
    world.weigh(&[(2, 1)]);
    (0..20).for_each(|_| assert_eq!(get(port).unwrap(), second));
    world.kill(1);
    world.kill(2);
    world.quit();
}
