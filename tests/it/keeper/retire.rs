//! Cohorts that are retired while their runs still live: new connections are refused, those made
//! before get whole answers, and the programs notice nothing.

use std::{
    ffi::OsString,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use eco::protocol::{Closing, Request, SpawnSpec, State};

use super::{
    ports::{get, python},
    world::{World, until},
};
use crate::harness::{free_port, installed, program};

const CLIENTS: usize = 8;

/// What one client saw until it was refused: answers, and connections made that gave no whole one.
fn hammer(port: u16, done: &AtomicU32) -> (u32, Vec<String>) {
    let (mut whole, mut broken) = (0, Vec::new());
    loop {
        let mut stream = match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => stream,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                return (whole, broken);
            }
            Err(error) => panic!("{error}"),
        };
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut answer = String::new();
        let asked = stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n");
        match asked.and_then(|()| stream.read_to_string(&mut answer)) {
            Ok(_) if answer.contains(" 200 ") && answer.contains("\r\n\r\n") => whole += 1,
            Ok(_) => broken.push(answer),
            Err(error) => broken.push(error.to_string()),
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
}

/// Retires a cohort of two runs under load, then lets it come back while they live.
fn retired_under_load(how: impl Fn(&World, u64, u16) -> SpawnSpec) {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    for run in [1, 2] {
        let spec = SpawnSpec { cohort: 1, ..how(&world, run, port) };
        world.spawn_spec(run, &spec);
        world.wait_listening(run, port);
    }
    let mut kept = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    kept.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let done = Arc::new(AtomicU32::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let done = Arc::clone(&done);
            thread::spawn(move || hammer(port, &done))
        })
        .collect();
    until("there is load", || 200 < done.load(Ordering::Relaxed));
    world.ask(0, Request::Retire { cohort: 1 });
    world.cohorts.clear();
    world.settle();
    assert!(world.cohorts.is_empty());
    assert_eq!(get(port).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    let mut answers = 0;
    for client in clients {
        let (whole, broken) = client.join().unwrap();
        assert!(broken.is_empty(), "{broken:?}");
        answers += whole;
    }
    assert!(200 < answers);
    // Connections made before are served and counted.
    let before = world.counts.len();
    for run in [1, 2] {
        world.ask(run, Request::Connections(Closing::default()));
    }
    world.wait("counts", |world| before + 2 <= world.counts.len());
    assert_eq!(world.counts[before..].iter().map(|count| count.0 + count.2).max(), Some(1));
    kept.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    kept.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 200 "), "{answer}");

    world.share(1, &[port]);
    let spec = SpawnSpec { cohort: 1, ..how(&world, 3, port) };
    world.spawn_spec(3, &spec);
    world.wait_listening(3, port);
    let new = get(port).unwrap();
    (0..30).for_each(|_| assert_eq!(get(port).unwrap(), new));
    assert!([1, 2, 3].iter().all(|run| world.records[run].state == State::Running));
    // Nothing changes for it when the old ones end.
    world.kill(1);
    world.kill(2);
    (0..30).for_each(|_| assert_eq!(get(port).unwrap(), new));
    world.kill(3);
    world.ask(0, Request::Retire { cohort: 1 });
    world.settle();
    assert_eq!(get(port).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(world.refused, []);
    world.quit();
}

fn express(world: &World, run: u64, port: u16) -> SpawnSpec {
    installed("tests/apps/express/node_modules");
    let mut spec = world.program(run, 1, &["node", "app.js"]);
    spec.env.push(("PORT".into(), OsString::from(port.to_string())));
    spec.cwd = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/express");
    spec
}

#[test]
fn express_is_retired_gently() {
    retired_under_load(express);
}

#[test]
fn pythons_http_server_is_retired_gently() {
    retired_under_load(|world, run, port| {
        let dir = world.run_dir().join(format!("site-{run}"));
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("index.html"), run.to_string()).unwrap();
        let (python, port) = (python(), port.to_string());
        let argv = [python.to_str().unwrap(), "-m", "http.server", &port, "--bind", "127.0.0.1"];
        SpawnSpec { cwd: dir, ..world.program(run, 1, &argv) }
    });
}

#[test]
fn a_static_go_program_is_retired_gently() {
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-pid-retired");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/go/pid.go");
    let mut go = Command::new(program("go"));
    go.args([OsString::from("build"), "-o".into(), made.clone().into(), source.into()]);
    go.env("CGO_ENABLED", "0").env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go"));
    assert!(go.status().unwrap().success(), "cannot build the Go program");
    retired_under_load(|world, run, port| {
        world.program(run, 1, &[made.to_str().unwrap(), &port.to_string()])
    });
}
