//! `WEBrick` and Puma.

use eco::protocol::SpawnSpec;

use super::{shared_by, spec_in};
use crate::{harness::program, keeper::world::World};

#[test]
fn webrick_shares_its_port() {
    let ruby = program("ruby");
    shared_by(2, |world, run, port| {
        spec_in(world, run, "ruby", port, &[ruby.to_str().unwrap(), "server.rb"])
    });
}

fn puma(world: &World, run: u64, port: u16, args: &[&str]) -> SpawnSpec {
    let (path, bind) = (program("puma"), format!("tcp://127.0.0.1:{port}"));
    let words = [&[path.to_str().unwrap(), "--bind", &bind], args, &["config.ru"]].concat();
    spec_in(world, run, "ruby", port, &words)
}

#[test]
fn puma_shares_its_port() {
    shared_by(2, |world, run, port| puma(world, run, port, &["--threads", "1:4"]));
}

#[test]
fn pumas_workers_share_its_port() {
    shared_by(4, |world, run, port| puma(world, run, port, &["--workers", "2"]));
}

#[test]
fn pumas_workers_share_its_port_when_it_loads_the_application_first() {
    shared_by(4, |world, run, port| puma(world, run, port, &["--workers", "2", "--preload"]));
}
