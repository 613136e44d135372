//! Real programs, unmodified, two of each at one port.

mod javascript;
mod python;
mod ruby;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use eco::protocol::SpawnSpec;

use super::{
    ports::get,
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

/// `spec` in the directory of an app, with the port and a version of its own.
fn spec_in(world: &World, run: u64, directory: &str, port: u16, argv: &[&str]) -> SpawnSpec {
    let mut spec = spec(world, run, argv);
    spec.env.push(("PORT".into(), OsString::from(port.to_string())));
    spec.env.push(("VERSION".into(), OsString::from(format!("of run {run}"))));
    spec.cwd = app(directory);
    spec
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

#[test]
fn nginxs_workers_share_its_port() {
    let nginx = installed("tests/.cache/nginx/usr/sbin/nginx");
    shared_by(4, |world, run, port| {
        let dir = world.run_dir().join(format!("nginx-{run}"));
        std::fs::create_dir(&dir).unwrap();
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {name};\n"))
            .concat();
        let server = format!("server {{ listen 127.0.0.1:{port}; return 200 $pid; }}");
        let text = format!(
            "daemon off; worker_processes 2; pid pid; error_log stderr;\nevents {{}}\n\
             http {{ access_log off;\n{temp}{server} }}\n",
        );
        std::fs::write(dir.join("nginx.conf"), text).unwrap();
        let (nginx, dir) = (nginx.to_str().unwrap(), dir.to_str().unwrap());
        spec(world, run, &[nginx, "-p", dir, "-c", "nginx.conf", "-e", "stderr"])
    });
}
