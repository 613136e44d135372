//! Connections of a run: counted, closed when idle, and no new ones for a run that is on its way
//! out; with Node, which is told nothing.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use eco::protocol::{Closing, Request, Scope};
use rustix::process::Signal;

use super::world::{World, until};
use crate::harness::{free_port, program};

/// Says its process id; holds `/hold` until SIGUSR2. It never closes a connection by itself.
const SERVER: &str = r"
const held = [];
process.on('SIGUSR2', () => held.splice(0).forEach(answer => answer.end('late')));
const server = require('http').createServer((request, answer) => {
    if (request.url === '/hold') held.push(answer);
    else answer.end(String(process.pid));
});
server.keepAliveTimeout = 0;
server.listen(Number(process.argv[1]), '127.0.0.1', () => console.log('listening', process.pid));
";

struct Client(TcpStream);

impl Client {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self(stream)
    }

    fn ask(&mut self, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.0.write_all(request.as_bytes()).unwrap();
    }

    fn answer(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).expect("a length");
        let length = length.split("\r\n").next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }

    fn get(&mut self) -> u32 {
        self.ask("/");
        self.answer().parse().unwrap()
    }

    /// Waits until the other side ends the connection, which it does without a reset.
    fn assert_ends(&mut self) {
        assert_eq!(self.0.read(&mut [0; 8]).unwrap(), 0);
    }
}

impl World {
    fn start_node(&mut self, run: u64, cohort: u64, port: u16) -> u32 {
        let node = program("node");
        let argv = [node.to_str().unwrap(), "-e", SERVER, &port.to_string()];
        let spec = self.program(run, cohort, &argv);
        self.spawn_spec(run, &spec);
        self.said(run, "listening ").as_raw_nonzero().get().unsigned_abs()
    }

    /// Open, closed and queued connections of a run.
    fn connections(&mut self, run: u64, quiet_ms: u32, between: bool) -> (u32, u32, u32) {
        let before = self.counts.len();
        self.ask(run, Request::Connections(Closing { quiet_ms, between }));
        self.wait("a count", |world| before < world.counts.len());
        self.counts[before]
    }

    fn end(mut self, runs: &[u64]) {
        for run in runs {
            self.signal(*run, Signal::KILL, Scope::Group);
            self.wait_gone(*run);
            assert_eq!(self.connections(*run, 1, true).0, 0);
        }
        self.quit();
    }
}

#[test]
fn idle_connections_end_and_busy_ones_do_not() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    let leader = world.start_node(1, 1, port);
    assert_eq!(world.connections(1, 1, true), (0, 0, 0));
    let mut idle: Vec<_> = (0..4).map(|_| Client::connect(port)).collect();
    for (rounds, client) in idle.iter_mut().enumerate() {
        (0..rounds).for_each(|_| assert_eq!(client.get(), leader));
    }
    let mut busy = Client::connect(port);
    busy.get();
    // Right after an answer: the system's clock does not tell it from a request answered.
    busy.ask("/hold");
    let mut closed = 0;
    while closed < 4 {
        closed += world.connections(1, 50, false).1;
    }
    assert_eq!(closed, 4);
    idle.iter_mut().for_each(Client::assert_ends);
    for between in [false, true] {
        assert_eq!(world.connections(1, 1, between), (1, 0, 0));
    }
    world.signal(1, Signal::USR2, Scope::Leader);
    assert_eq!(busy.answer(), "late");
    // It may not be known to have carried two requests: then only quiet closes it.
    while world.connections(1, 1, true).0 != 0 {}
    busy.assert_ends();
    world.end(&[1]);
}

#[test]
fn a_quiesced_run_keeps_its_connections_and_gets_no_more() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    let old = world.start_node(1, 1, port);
    let mut kept = Client::connect(port);
    assert_eq!(kept.get(), old);
    let new = world.start_node(2, 1, port);
    world.ask(1, Request::Quiesce);
    world.settle();
    for _ in 0..40 {
        assert_eq!(Client::connect(port).get(), new);
    }
    assert_eq!(kept.get(), old);
    world.signal(2, Signal::STOP, Scope::Leader);
    let stat = format!("/proc/{new}/stat");
    until("it stops", || std::fs::read_to_string(&stat).unwrap().contains(") T "));
    // Nobody accepts now.
    let mut waiting = Client::connect(port);
    waiting.ask("/");
    while world.connections(1, 0, false) != (1, 0, 1) {}
    world.signal(2, Signal::CONT, Scope::Leader);
    assert_eq!(waiting.answer(), new.to_string());
    assert_eq!(world.refused, []);
    world.end(&[1, 2]);
}

#[test]
fn a_run_without_shared_ports_has_no_connections() {
    let mut world = World::new();
    world.spawn(1, &["sleep"]);
    assert_eq!(world.connections(1, 1, true), (0, 0, 0));
    assert_eq!(world.connections(99, 1, true), (0, 0, 0));
    world.ask(1, Request::Quiesce);
    world.settle();
    assert_eq!(world.refused, []);
    world.end(&[1]);
}
