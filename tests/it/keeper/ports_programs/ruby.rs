//! `WEBrick` and Puma.

use eco::protocol::{Scope, SpawnSpec};
use rustix::process::Signal;

use super::{shared_by, spec_in};
use crate::{
    harness::{free_port, program},
    keeper::{
        ports::get,
        world::{World, until},
    },
};

fn webrick(world: &World, run: u64, port: u16) -> SpawnSpec {
    let ruby = program("ruby");
    spec_in(world, run, "ruby", port, &[ruby.to_str().unwrap(), "server.rb"])
}

#[test]
fn webrick_shares_its_port() {
    shared_by(2, webrick);
}

/// It shuts the socket down that it shares.
#[test]
fn webricks_end_leaves_the_port_to_the_other() {
    let mut world = World::new();
    let port = free_port();
    world.share(1, &[port]);
    for run in [1, 2] {
        let spec = SpawnSpec { cohort: 1, ..webrick(&world, run, port) };
        world.spawn_spec(run, &spec);
        world.wait_listening(run, port);
    }
    world.signal(1, Signal::TERM, Scope::Group);
    world.wait_gone(1);
    until("the port answers again", || get(port).is_ok());
    (0..20).for_each(|_| assert_eq!(get(port).unwrap(), "of run 2"));
    world.kill(2);
    world.quit();
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
