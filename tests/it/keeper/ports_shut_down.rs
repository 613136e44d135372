//! Programs that shut their listening socket down when they end, as `WEBrick` does: closing it
//! would be their matter, but this ends it for all who share it.

use std::collections::BTreeSet;

use eco::protocol::{Request, Scope};
use rustix::process::Signal;

use super::{
    ports::get,
    world::{World, until},
};
use crate::harness::free_port;

/// Shuts its socket down on SIGTERM, and ends.
const SERVER: &str = r"
import os, select, signal, socket, sys
s = socket.socket()
s.bind(('127.0.0.1', int(sys.argv[1])))
s.listen(5)
s.setblocking(False)
def end(*_):
    try:
        s.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    print('shut down', flush=True)
    s.close()
    os._exit(0)
# A signal just before the waiting has to end it, too.
woken, wake = os.pipe()
os.set_blocking(wake, False)
signal.set_wakeup_fd(wake)
signal.signal(signal.SIGTERM, end)
while True:
    select.select([s, woken], [], [])
    try:
        c, _ = s.accept()
    except OSError:
        continue
    c.setblocking(True)
    c.recv(65536)
    c.sendall(b'HTTP/1.0 200 OK\r\n\r\n%d' % os.getpid())
    c.close()
";

fn start(world: &mut World, run: u64, cohort: u64, port: u16) -> String {
    world.start_python(run, cohort, SERVER, &[&port.to_string()]);
    world.wait_listening(run, port).pid.to_string()
}

/// Ends a run by SIGTERM, and waits until the port answers again.
fn end(world: &mut World, run: u64, port: u16) {
    world.signal(run, Signal::TERM, Scope::Group);
    world.wait_gone(run);
    assert_eq!(world.out_text(run), "shut down\n");
    until("the port answers again", || get(port).is_ok());
}

#[test]
fn those_who_stay_go_on() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    let pids: Vec<String> = (1..=4).map(|run| start(&mut world, run, 1, port)).collect();
    for run in 1..=3 {
        end(&mut world, run, port);
        let left: BTreeSet<_> = pids.iter().skip(usize::try_from(run).unwrap()).collect();
        (0..50).for_each(|_| assert!(left.contains(&get(port).unwrap())));
    }
    // Who comes next shares the same socket.
    let next = start(&mut world, 5, 1, port);
    until("both answer", || get(port).unwrap() == next);
    until("both answer", || get(port).unwrap() == pids[3]);
    world.kill(4);
    world.kill(5);
    world.quit();
}

/// All but the last shut the same socket down at once.
#[test]
fn several_that_end_at_once_do_no_more_harm_than_one() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    let last = start(&mut world, 1, 1, port);
    for round in 0..5 {
        let runs: Vec<u64> = (0..4).map(|each| 2 + 4 * round + each).collect();
        for run in &runs {
            start(&mut world, *run, 1, port);
        }
        for run in &runs {
            world.signal(*run, Signal::TERM, Scope::Group);
        }
        for run in &runs {
            world.wait_gone(*run);
        }
        until("the port answers again", || get(port).is_ok());
        (0..20).for_each(|_| assert_eq!(get(port).unwrap(), last));
    }
    world.kill(1);
    world.quit();
}

/// The socket that listens again has another place among those of the other cohorts.
#[test]
fn connections_are_steered_as_before() {
    let mut world = World::new();
    let port = free_port();
    let mut pids = Vec::new();
    for cohort in [1, 2, 3] {
        world.share(cohort, &[port]);
        pids.push(start(&mut world, cohort, cohort, port));
    }
    let second = start(&mut world, 4, 1, port);
    let all_from = |pid: &str| (0..50).for_each(|_| assert_eq!(get(port).unwrap(), pid));
    world.weigh(&[(1, 1)]);
    end(&mut world, 1, port);
    all_from(&second);
    world.weigh(&[(2, 1)]);
    all_from(&pids[1]);
    world.weigh(&[(3, 1)]);
    all_from(&pids[2]);
    world.weigh(&[(1, 1)]);
    all_from(&second);
    // A cohort that is over stays so, whatever its last run does.
    world.weigh(&[(2, 1)]);
    world.ask(0, Request::Retire { cohort: 1 });
    world.settle();
    end(&mut world, 4, port);
    all_from(&pids[1]);
    world.weigh(&[(3, 1)]);
    all_from(&pids[2]);
    world.kill(2);
    world.kill(3);
    world.quit();
}
