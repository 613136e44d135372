//! Python's own server, gunicorn and uvicorn.

use eco::protocol::SpawnSpec;

use super::{app, shared_by, spec};
use crate::{
    harness::installed,
    keeper::{ports::python, world::World},
};

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

/// A program of the virtual environment, in the directory of the Python applications.
fn installed_program(world: &World, run: u64, name: &str, args: &[&str]) -> SpawnSpec {
    let program = installed(&format!("tests/.cache/venv/bin/{name}"));
    let mut spec = spec(world, run, &[&[program.to_str().unwrap()], args].concat());
    spec.cwd = app("python");
    spec
}

#[test]
fn gunicorns_workers_share_its_port() {
    shared_by(4, |world, run, port| {
        let bind = format!("127.0.0.1:{port}");
        installed_program(world, run, "gunicorn", &["-w", "2", "-b", &bind, "pid:wsgi"])
    });
}

fn uvicorn(world: &World, run: u64, port: u16, args: &[&str]) -> SpawnSpec {
    let port = port.to_string();
    let args = [&["--host", "127.0.0.1", "--port", &port], args, &["pid:asgi"]].concat();
    installed_program(world, run, "uvicorn", &args)
}

#[test]
fn uvicorn_shares_its_port() {
    shared_by(2, |world, run, port| uvicorn(world, run, port, &["--loop", "asyncio"]));
}

#[test]
fn uvicorn_shares_its_port_with_uvloop() {
    shared_by(2, |world, run, port| uvicorn(world, run, port, &["--loop", "uvloop"]));
}

#[test]
fn uvicorns_workers_share_its_port() {
    shared_by(4, |world, run, port| uvicorn(world, run, port, &["--workers", "2"]));
}
