//! Ways to bind and to listen that are not the usual one: as without a keeper, or shared all the
//! same.

use std::net::{Ipv4Addr, Ipv6Addr, TcpStream};

use eco::protocol::{Record, Scope, Sharing};
use rustix::process::Signal;

use super::{
    ports::{get, get_from, shares},
    world::{World, until},
};
use crate::harness::free_port;

/// What the programs below have in common.
const COMMON: &str = r"
import errno, os, select, socket, sys, time
PORTS = [int(word) for word in sys.argv[1:] if word.isdigit()]
def tried(do, *args):
    try:
        do(*args)
        return 'ok'
    except OSError as error:
        return errno.errorcode[error.errno]
def say(*words):
    print(*words, flush=True)
def serve(*sockets):
    while True:
        for s in select.select(sockets, [], [])[0]:
            try:
                c, _ = s.accept()
            except BlockingIOError:
                continue
            c.setblocking(True)
            c.recv(65536)
            c.sendall(b'HTTP/1.0 200 OK\r\n\r\n%d' % os.getpid())
            c.close()
";

impl World {
    pub(crate) fn start_odd(&mut self, run: u64, code: &str, args: &[&str]) {
        self.start_odd_of(1, run, code, args);
    }

    pub(crate) fn start_odd_of(&mut self, cohort: u64, run: u64, code: &str, args: &[&str]) {
        self.start_python(run, cohort, &format!("{COMMON}{code}"), args);
    }

    /// What a run has said, once it has said so many lines.
    pub(crate) fn said_lines(&self, run: u64, lines: usize) -> Vec<String> {
        until("it says something", || lines <= self.out_text(run).lines().count());
        self.out_text(run).lines().map(ToOwned::to_owned).collect()
    }
}

fn own_ports(record: &Record) -> Vec<u16> {
    record.ports.iter().filter(|port| !port.shared).map(|port| port.port).collect()
}

/// As gunicorn does: a program that finds its socket listening does not call `listen`.
#[test]
fn a_run_whose_socket_another_lets_listen_counts_as_listening() {
    const CODE: &str = r"
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
s = socket.socket()
s.bind(('127.0.0.1', PORTS[0]))
say('bound')
signal.sigwait([signal.SIGUSR1])
if not s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
    s.listen()
    say('listen')
serve(s)
";
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[]);
    for run in [1, 2] {
        world.start_odd(run, CODE, &[&port.to_string()]);
        world.said_lines(run, 1);
    }
    for run in [1, 2] {
        world.signal(run, Signal::USR1, Scope::Leader);
        world.wait_listening(run, port);
    }
    assert_eq!(world.said_lines(1, 2), ["bound", "listen"]);
    assert_eq!(world.said_lines(2, 1), ["bound"]);
    world.kill(1);
    world.kill(2);
    world.quit();
}

#[test]
fn both_families_or_one() {
    const CODE: &str = r"
s = socket.socket(socket.AF_INET6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int('only' in sys.argv))
s.bind(('::', PORTS[0]))
s.listen()
serve(s)
";
    if TcpStream::connect((Ipv6Addr::LOCALHOST, 9)).is_err_and(|error| {
        error.raw_os_error() == Some(libc::EADDRNOTAVAIL)
            || error.raw_os_error() == Some(libc::EAFNOSUPPORT)
    }) {
        // This machine has no IPv6.
        return;
    }
    let mut world = World::new();
    let (both, only) = (free_port(), free_port());
    world.share(1, &[]);
    for run in [1, 2] {
        world.start_odd(run, CODE, &[&both.to_string()]);
        world.wait_listening(run, both);
    }
    for run in [1, 2] {
        let pid = world.records[&run].pid.to_string();
        until("both answer IPv4", || get_from(Ipv4Addr::LOCALHOST, both).unwrap() == pid);
        until("both answer IPv6", || get_from(Ipv6Addr::LOCALHOST, both).unwrap() == pid);
    }
    for run in [3, 4] {
        world.start_odd(run, CODE, &[&only.to_string(), "only"]);
        world.wait_listening(run, only);
    }
    get_from(Ipv6Addr::LOCALHOST, only).unwrap();
    assert!(get_from(Ipv4Addr::LOCALHOST, only).is_err());
    (1..5).for_each(|run| world.kill(run));
    world.quit();
}

#[test]
fn what_is_no_tcp_port_is_let_alone() {
    const CODE: &str = r"
def udp():
    s = socket.socket(type=socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', PORTS[0]))
    return s
def unix():
    s = socket.socket(socket.AF_UNIX)
    s.bind('a-socket-with-a-long-name')
    s.listen()
def netlink():
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind((0, 0))
held = []
say('udp', tried(lambda: held.append(udp())), tried(udp))
say('unix', tried(unix), tried(unix))
say('netlink', tried(netlink))
a = socket.socket(); a.bind(('127.0.0.1', 0)); a.listen()
b = socket.socket(); b.bind(('127.0.0.1', 0)); b.listen()
say('any', a.getsockname()[1], b.getsockname()[1])
say('families', tried(socket.socket().bind, ('127.0.0.1', 0)), tried(socket.socket().listen))
serve(a, b)
";
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[]);
    world.start_odd(1, CODE, &[&port.to_string()]);
    let lines = world.said_lines(1, 5);
    assert_eq!(lines[0], "udp ok EADDRINUSE");
    assert_eq!(lines[1], "unix ok EADDRINUSE");
    assert_eq!(lines[2], "netlink ok");
    assert_eq!(lines[4], "families ok ok");
    let any: Vec<u16> = lines[3].split(' ').skip(1).map(|word| word.parse().unwrap()).collect();
    let record = world.wait_state(1, |record| record.ports.len() == 2);
    assert!(any[0] != any[1] && any.iter().all(|port| own_ports(&record).contains(port)));
    for port in any {
        assert!(get(port).is_ok());
    }
    world.kill(1);
    world.quit();
}

#[test]
fn several_ports_options_and_a_second_bind() {
    const CODE: &str = r"
def bound(port, *options):
    s = socket.socket()
    for option in options:
        s.setsockopt(socket.SOL_SOCKET, option, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    s.setblocking(False)
    s.bind(('127.0.0.1', port))
    return s
def again():
    s = bound(PORTS[0])
    s.listen()
a = bound(PORTS[0])
say('bound', a.getsockname()[1] == PORTS[0], a.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
say('nonblocking', tried(a.accept), os.get_inheritable(a.fileno()))
a.listen()
say('twice', tried(a.listen, 7), tried(a.accept))
say('second', tried(bound, PORTS[0]), tried(bound, PORTS[0], socket.SO_REUSEADDR))
say('bound again', tried(a.bind, ('127.0.0.1', PORTS[1])))
b = bound(PORTS[1], socket.SO_REUSEADDR)
b.listen()
a.close()
a = bound(PORTS[0])
a.listen()
c = bound(PORTS[2], socket.SO_REUSEPORT)
c.listen()
say('done')
serve(a, b, c)
";
    let mut world = World::new();
    let ports = [free_port(), free_port(), free_port()];
    let words: Vec<String> = ports.iter().map(ToString::to_string).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    world.share(1, &ports);
    for run in [1, 2] {
        world.start_odd(run, CODE, &words);
        let lines = world.said_lines(run, 6);
        assert_eq!(lines[0], "bound True 1");
        assert!(lines[1] == "nonblocking EINVAL False" || run == 2, "{}", lines[1]);
        assert_eq!(lines[2], "twice ok EAGAIN");
        assert_eq!(lines[3], "second EADDRINUSE EADDRINUSE");
        assert_eq!(lines[4], "bound again EINVAL");
        let record = world.wait_state(run, |record| 2 < record.ports.len());
        assert!(shares(&record, ports[0]) && shares(&record, ports[1]), "{record:?}");
        // Who shares by the system's means is let alone.
        assert_eq!(own_ports(&record), [ports[2]]);
    }
    for run in [1, 2] {
        let pid = world.records[&run].pid.to_string();
        for port in ports {
            until("both answer", || get(port).unwrap() == pid);
        }
    }
    world.kill(1);
    let pid = world.records[&2].pid.to_string();
    for port in ports {
        assert_eq!(get(port).unwrap(), pid);
    }
    world.kill(2);
    world.quit();
}

#[test]
fn a_socket_watched_before_its_bind_stays_the_programs_own() {
    const CODE: &str = r"
poll = select.epoll()
s = socket.socket()
poll.register(s, select.EPOLLIN)
copy = socket.socket()
twice = copy.dup()
s.bind(('127.0.0.1', PORTS[0])); s.listen()
copy.bind(('127.0.0.1', PORTS[1])); copy.listen()
poll.register(twice, select.EPOLLIN)
while True:
    for fd, _ in poll.poll():
        c, _ = (s if fd == s.fileno() else copy).accept()
        c.recv(65536)
        c.sendall(b'HTTP/1.0 200 OK\r\n\r\n%d' % os.getpid())
        c.close()
";
    let mut world = World::new();
    let ports = [free_port(), free_port()];
    let words = ports.map(|port| port.to_string());
    world.share(1, &ports);
    for run in [1, 2, 3] {
        world.start_odd(run, CODE, &[&words[0], &words[1]]);
        world.wait_listening(run, ports[0]);
        world.wait_listening(run, ports[1]);
    }
    for port in ports {
        for run in [1, 2, 3] {
            let pid = world.records[&run].pid.to_string();
            until("each answers", || get(port).unwrap() == pid);
        }
    }
    // One that is gone gets no connections.
    world.kill(1);
    let first = world.records[&1].pid.to_string();
    for port in ports {
        (0..30).for_each(|_| assert_ne!(get(port).unwrap(), first));
    }
    world.kill(2);
    world.kill(3);
    world.quit();
}

#[test]
fn forked_workers_and_threads_share_what_their_parent_bound() {
    const CODE: &str = r"
import threading
s = socket.socket()
def late():
    s.bind(('127.0.0.1', PORTS[0]))
    s.listen()
thread = threading.Thread(target=late)
thread.start()
thread.join()
if os.fork() == 0:
    pass
serve(s)
";
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[]);
    for run in [1, 2] {
        world.start_odd(run, CODE, &[&port.to_string()]);
        world.wait_listening(run, port);
    }
    let mut pids = std::collections::BTreeSet::new();
    until("four processes answer", || {
        pids.insert(get(port).unwrap());
        pids.len() == 4
    });
    world.kill(1);
    world.kill(2);
    world.quit();
}

/// Some programs do not listen on a socket that listens already.
#[test]
fn who_finds_its_socket_listening_counts_as_such() {
    const CODE: &str = r"
s = socket.socket()
s.bind(('127.0.0.1', PORTS[0]))
if not s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
    s.listen()
elif 'fail' in sys.argv:
    sys.exit(3)
serve(s)
";
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    let number = port.to_string();
    world.start_odd(1, CODE, &[&number]);
    world.wait_listening(1, port);
    world.start_odd(2, CODE, &[&number]);
    world.wait_listening(2, port);
    world.start_odd(3, CODE, &[&number, "fail"]);
    assert!(world.wait_gone(3).ports.is_empty());
    assert_eq!(world.records[&2].sharing, Sharing::Injected);
    until("it answers", || get(port).unwrap() == world.records[&2].pid.to_string());
    world.kill(1);
    world.kill(2);
    world.quit();
}

/// Another address of the same port in the next release: both run side by side.
#[test]
fn a_wider_address_takes_over_from_a_narrower_one() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    world.start_server(1, 1, port);
    world.wait_listening(1, port);
    world.share(2, &[port]);
    world.start_python(2, 2, super::ports::SERVER, &[&port.to_string(), "0.0.0.0"]);
    let new = world.wait_listening(2, port).pid.to_string();
    world.ask(0, eco::protocol::Request::Retire { cohort: 1 });
    world.settle();
    assert_eq!(get(port).unwrap(), new);
    world.kill(1);
    world.kill(2);
    world.quit();
}

/// As in a container with the usual profile.
#[test]
fn ports_are_shared_where_nobody_may_look_into_a_process() {
    const CODE: &str = r"
s = socket.socket()
s.setblocking(False)
s.bind(('127.0.0.1', PORTS[0]))
s.listen()
say('options', tried(s.accept), os.get_inheritable(s.fileno()))
u = socket.socket(type=socket.SOCK_DGRAM)
say('udp', tried(u.bind, ('127.0.0.1', 0)))
say('second', tried(socket.socket().bind, ('127.0.0.1', PORTS[0])))
serve(s)
";
    let mut world = World::under(Some("no-getfd"));
    let port = free_port();
    world.share(1, &[]);
    for run in [1, 2] {
        world.start_odd(run, CODE, &[&port.to_string()]);
        let record = world.wait_listening(run, port);
        assert_eq!(record.sharing, Sharing::InjectedBlind);
        let lines = world.said_lines(run, 3);
        assert_eq!(lines, ["options EAGAIN False", "udp ok", "second EADDRINUSE"]);
    }
    for run in [1, 2] {
        let pid = world.records[&run].pid.to_string();
        until("both answer", || get(port).unwrap() == pid);
    }
    world.kill(1);
    world.kill(2);
    world.quit();
}

/// As where somebody else answers calls already, such as another keeper.
#[test]
fn without_notifications_programs_start_all_the_same() {
    let mut world = World::under(Some("supervisor"));
    let port = free_port();
    world.share(1, &[port]);
    world.start_server(1, 1, port);
    let record = world.wait_running(1);
    assert_eq!(record.sharing, Sharing::Unavailable);
    until("it answers", || get(port).is_ok());
    world.kill(1);
    world.quit();
}
