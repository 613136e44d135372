//! The real binary with real processes, seen only from outside: one file per topic.

mod alerts;
mod api;
mod apply;
mod boot;
mod canary;
mod cli;
mod commands;
mod completions;
mod daemon;
mod damage;
mod dashboard;
mod diff;
mod diff_git;
mod doctor;
mod env;
mod events;
mod examples;
mod failures;
mod follow;
mod history;
mod import;
mod import_compose;
mod import_supervised;
mod jobs;
mod limits;
mod liveness;
mod logs;
mod lookup;
mod machine;
mod metrics;
mod node;
mod observe;
mod openapi;
mod order;
mod paper;
mod pm2;
mod pm2_messages;
mod pm2_programs;
mod ports;
mod processes;
mod programs;
mod queues;
mod readiness;
mod readme;
mod recycling;
mod rollout;
mod run;
mod saves;
mod scenario;
mod site;
mod startup;
mod status;
mod stop;
mod stop_commands;
mod strangers;
mod survive;
mod top;
mod upgrade;
mod watch;

use std::fs;

use crate::harness::{TestEnv, program, repository};

/// Two apps that do nothing for as long as they are let.
const TWO_SLEEPERS: &str =
    "  web: { command: sleep 100000, instances: 2 }\n  worker: { command: sleep 100000 }\n";

/// A program that says which run it is and then waits: `./say.sh WORDS`.
fn say(env: &TestEnv) {
    env.script("say.sh", "#!/bin/sh\necho \"$@\"\nexec sleep 100000\n");
}

/// A world with `server.py` in it, which says itself what it can do.
fn server() -> TestEnv {
    program("python3");
    let env = TestEnv::new();
    let source = repository("tests/apps/python/server.py");
    fs::copy(source, env.path("server.py")).unwrap();
    env
}
