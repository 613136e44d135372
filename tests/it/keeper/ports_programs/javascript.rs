//! Node, Bun and Deno.

use std::{ffi::OsString, path::PathBuf};

use eco::protocol::SpawnSpec;

use super::{shared_by, spec_in};
use crate::{harness::installed, keeper::world::World};

fn express(world: &World, run: u64, port: u16, argv: &[&str]) -> SpawnSpec {
    installed("tests/apps/express/node_modules");
    spec_in(world, run, "express", port, argv)
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
fn express_shares_its_port_behind_npm_start() {
    shared_by(2, |world, run, port| express(world, run, port, &["npm", "start"]));
}

#[test]
fn express_shares_its_port_behind_a_shell() {
    shared_by(2, |world, run, port| {
        express(world, run, port, &["sh", "-c", "node app.js | cat; true"])
    });
}

#[test]
fn fastify_shares_its_port() {
    installed("tests/apps/fastify/node_modules");
    shared_by(2, |world, run, port| spec_in(world, run, "fastify", port, &["node", "server.js"]));
}

#[test]
fn next_shares_its_port() {
    installed("tests/apps/next/.next/BUILD_ID");
    let next = installed("tests/apps/next/node_modules/.bin/next");
    shared_by(2, |world, run, port| {
        let (next, text) = (next.to_str().unwrap(), port.to_string());
        let mut spec =
            spec_in(world, run, "next", port, &[next, "start", "-H", "127.0.0.1", "-p", &text]);
        spec.env.push(("NEXT_TELEMETRY_DISABLED".into(), "1".into()));
        spec
    });
}

/// Node's own cluster, which hands its workers connections or, asked to, the socket.
fn cluster(policy: &str) {
    shared_by(4, |world, run, port| {
        let mut spec = spec_in(world, run, "node", port, &["node", "cluster.js"]);
        spec.env.push(("NODE_CLUSTER_SCHED_POLICY".into(), policy.into()));
        spec
    });
}

#[test]
fn a_cluster_of_nodes_own_shares_its_port() {
    cluster("rr");
}

#[test]
fn a_cluster_of_nodes_own_that_shares_its_socket_shares_its_port() {
    cluster("none");
}

fn bun() -> PathBuf {
    installed("tests/apps/bun/node_modules/.bin/bun")
}

#[test]
fn bun_shares_its_port() {
    shared_by(2, |world, run, port| {
        spec_in(world, run, "bun", port, &[bun().to_str().unwrap(), "server.js"])
    });
}

#[test]
fn express_shares_its_port_under_bun() {
    shared_by(2, |world, run, port| {
        express(world, run, port, &[bun().to_str().unwrap(), "app.js"])
    });
}

#[test]
fn deno_shares_its_port() {
    let deno = installed("tests/apps/deno/node_modules/.bin/deno");
    shared_by(2, |world, run, port| {
        let argv = [deno.to_str().unwrap(), "run", "--allow-net", "--allow-env", "server.js"];
        let mut spec = spec_in(world, run, "deno", port, &argv);
        spec.env.push(("DENO_NO_UPDATE_CHECK".into(), OsString::from("1")));
        spec
    });
}
