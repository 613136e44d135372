//! Sockets that are open before the program asks for them: who connects while it starts waits, and
//! a program that wants a socket of its own finds nothing in its way.

use std::{
    net::{IpAddr, Ipv4Addr, TcpStream},
    thread::{self, JoinHandle},
};

use eco::protocol::{DeclaredPort, Ports, Record, Request};

use super::{
    ports::{get, shares},
    world::{World, until},
};
use crate::harness::free_port;

/// Waits until there is the file `go`, so that everybody has connected by then.
const WAIT: &str = "
while not os.path.exists(os.environ['GO']):
    time.sleep(0.01)
";

impl World {
    /// Declares that a cohort of group 1 shares this port of 127.0.0.1.
    fn share_here(&mut self, cohort: u64, port: u16) {
        let ports = vec![DeclaredPort { host: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), port }];
        self.ask(0, Request::Ports(Ports { cohort, group: 1, ports, fds: false }));
    }

    /// Starts a program of a cohort that does this with `PORTS[0]` once it is let.
    fn start_late(&mut self, (run, cohort): (u64, u64), code: &str, port: u16) {
        let go = self.run_dir().join("go");
        let set = format!("os.environ['GO'] = {:?}", go.display().to_string());
        self.start_odd_of(cohort, run, &format!("{set}{WAIT}{code}"), &[&port.to_string()]);
        self.wait_running(run);
    }

    fn let_go(&self) {
        std::fs::write(self.run_dir().join("go"), "").unwrap();
    }
}

fn pid(record: &Record) -> String {
    record.pid.to_string()
}

fn wait_open(port: u16) {
    let connects = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
    until("somebody takes a connection", connects);
}

/// One that connects now and gets its answer later.
fn waiting(port: u16) -> JoinHandle<String> {
    wait_open(port);
    thread::spawn(move || get(port).unwrap())
}

#[test]
fn who_connects_while_the_first_one_starts_waits() {
    const SERVE: &str = r"
s = socket.socket()
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 7)
s.bind(('127.0.0.1', PORTS[0]))
s.listen()
say(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT))
serve(s)
";
    let mut world = World::new();
    let port = free_port();
    world.share_here(1, port);
    world.start_late((1, 1), SERVE, port);
    let one = waiting(port);
    world.let_go();
    let record = world.wait_listening(1, port);
    assert_eq!(one.join().unwrap(), pid(&record));
    // What a program sets before its bind counts all the same.
    assert_ne!(world.said_lines(1, 1), ["0"]);
    world.kill(1);
    world.quit();
}

#[test]
fn the_next_cohort_gets_none_of_the_connections_meanwhile() {
    const SERVE: &str = r"
s = socket.socket()
s.bind(('127.0.0.1', PORTS[0]))
s.listen()
serve(s)
";
    let mut world = World::new();
    let port = free_port();
    world.share_here(1, port);
    world.let_go();
    world.start_late((1, 1), SERVE, port);
    let first = pid(&world.wait_listening(1, port));
    world.weigh(&[(1, 1)]);
    world.share_here(2, port);
    std::fs::remove_file(world.run_dir().join("go")).unwrap();
    world.start_late((2, 2), SERVE, port);
    (0..20).for_each(|_| assert_eq!(get(port).unwrap(), first));
    world.let_go();
    let second = pid(&world.wait_listening(2, port));
    world.weigh(&[(2, 1)]);
    (0..20).for_each(|_| assert_eq!(get(port).unwrap(), second));
    world.kill(1);
    world.kill(2);
    world.quit();
}

/// Runs a program that wants a socket of its own; everyone is answered by it.
fn is_in_nobodys_way(code: &str, shared: bool) {
    let mut world = World::new();
    let port = free_port();
    world.share_here(1, port);
    world.start_late((1, 1), code, port);
    wait_open(port);
    world.let_go();
    let own = |record: &Record| record.ports.iter().any(|known| known.port == port);
    let record = world.wait_state(1, own);
    assert_eq!(shares(&record, port), shared);
    // A listen of its own is told before the system does it.
    until("an answer", || get(port).is_ok());
    (0..50).for_each(|_| assert_eq!(get(port).unwrap(), pid(&record)));
    world.kill(1);
    let open = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
    assert!(!open, "somebody takes connections that nobody will answer");
    world.quit();
}

#[test]
fn a_program_that_shares_by_the_systems_means() {
    let code = r"
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(('127.0.0.1', PORTS[0]))
s.listen()
serve(s)
";
    is_in_nobodys_way(code, false);
}

#[test]
fn a_program_that_watches_its_socket_before_it_binds() {
    let code = r"
poll = select.epoll()
s = socket.socket()
poll.register(s, select.EPOLLIN)
s.bind(('127.0.0.1', PORTS[0]))
s.listen()
serve(s)
";
    is_in_nobodys_way(code, true);
}

#[test]
fn a_program_that_binds_every_address() {
    let code = r"
s = socket.socket()
s.bind(('0.0.0.0', PORTS[0]))
s.listen()
serve(s)
";
    is_in_nobodys_way(code, false);
}
