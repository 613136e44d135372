//! Real programs, unmodified, two of each at one port.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use eco::protocol::SpawnSpec;

use super::{
    ports::{get, python},
    world::{World, until},
};
use crate::harness::{free_port, installed, program};

/// Starts a program twice with one port, and once more after both were killed. Every connection is
/// answered; `processes` of them answer while both run, each with words of its own.
fn shared_by(processes: usize, how: impl Fn(&World, u64, u16) -> SpawnSpec) {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    for run in [1, 2] {
        let spec = SpawnSpec { cohort: 1, ..how(&world, run, port) };
        world.spawn_spec(run, &spec);
        world.wait_listening(run, port);
    }
    let mut answers = BTreeSet::new();
    until("all processes answer", || {
        answers.insert(get(port).unwrap());
        answers.len() == processes
    });
    world.kill(1);
    (0..20).for_each(|_| drop(get(port).unwrap()));
    world.kill(2);
    let waiting = thread::spawn(move || get(port).unwrap());
    let spec = SpawnSpec { cohort: 1, ..how(&world, 3, port) };
    world.spawn_spec(3, &spec);
    world.wait_listening(3, port);
    assert!(!answers.contains(&waiting.join().unwrap()));
    world.kill(3);
    world.quit();
}

fn app(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps").join(path)
}

fn spec(world: &World, run: u64, argv: &[&str]) -> SpawnSpec {
    let mut spec = world.program(run, 1, argv);
    // Some of them want a directory of the user's.
    spec.env.push(("HOME".into(), world.run_dir().into()));
    spec
}

fn express(world: &World, run: u64, port: u16, argv: &[&str]) -> SpawnSpec {
    installed("tests/apps/express/node_modules");
    let mut spec = spec(world, run, argv);
    spec.env.push(("PORT".into(), OsString::from(port.to_string())));
    spec.cwd = app("express");
    spec
}

#[test]
fn express_shares_its_port() {
    shared_by(2, |world, run, port| express(world, run, port, &["node", "app.js"]));
}

#[test]
fn express_shares_its_port_behind_npm() {
    shared_by(2, |world, run, port| {
        express(world, run, port, &["npm", "exec", "-c", "node app.js"])
    });
}

#[test]
fn express_shares_its_port_behind_a_shell() {
    shared_by(2, |world, run, port| {
        express(world, run, port, &["sh", "-c", "node app.js | cat; true"])
    });
}

#[test]
fn pythons_http_server_shares_its_port() {
    shared_by(2, |world, run, port| {
        let dir = world.run_dir().join(format!("site-{run}"));
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("index.html"), run.to_string()).unwrap();
        let (python, port) = (python(), port.to_string());
        let python = python.to_str().unwrap();
        let mut spec =
            spec(world, run, &[python, "-m", "http.server", &port, "--bind", "127.0.0.1"]);
        spec.cwd = dir;
        spec
    });
}

#[test]
fn gunicorns_workers_share_its_port() {
    shared_by(4, |world, run, port| {
        let app = "def app(_, start):\n    import os\n    start('200 OK', [])\n    \
                   return [str(os.getpid()).encode()]\n";
        std::fs::write(world.run_dir().join("pid.py"), app).unwrap();
        let gunicorn = installed("tests/.cache/venv/bin/gunicorn");
        let (gunicorn, bind) = (gunicorn.to_str().unwrap(), format!("127.0.0.1:{port}"));
        let mut spec = spec(world, run, &[gunicorn, "-w", "2", "-b", &bind, "pid:app"]);
        spec.cwd = world.run_dir();
        spec
    });
}

#[test]
fn java_shares_its_port() {
    let java = program("java");
    shared_by(2, |world, run, port| {
        let source = app("java/Server.java");
        let (source, port) = (source.to_str().unwrap(), port.to_string());
        spec(world, run, &[java.to_str().unwrap(), "-Xshare:auto", source, &port])
    });
}

#[test]
fn phps_own_server_shares_its_port() {
    let php = program("php");
    shared_by(2, |world, run, port| {
        let (script, address) = (app("php/pid.php"), format!("127.0.0.1:{port}"));
        spec(world, run, &[php.to_str().unwrap(), "-S", &address, script.to_str().unwrap()])
    });
}

#[test]
fn a_static_go_program_shares_its_port() {
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-pid");
    let mut go = Command::new(program("go"));
    go.args([OsString::from("build"), "-o".into(), made.clone().into(), app("go/pid.go").into()]);
    go.env("CGO_ENABLED", "0").env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go"));
    assert!(go.status().unwrap().success(), "cannot build the Go program");
    shared_by(2, |world, run, port| spec(world, run, &[made.to_str().unwrap(), &port.to_string()]));
}
