//! Which project a command means, and what the commands do where there is none.

use serde_json::Value;

use super::TWO_SLEEPERS;
use crate::harness::{TestEnv, file_of};

#[test]
fn without_a_keeper_nothing_is_started_and_the_answer_is_plain() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    let status = env.eco(&["status", "--json"]).exits(1).json();
    assert_eq!(status["project"], Value::Null);
    assert_eq!(status["apps"], Value::Array(Vec::new()));
    env.eco(&["down"]).ok();
    env.eco(&["daemon", "stop"]).ok();
    env.eco(&["daemon", "status"]).exits(3);
    assert!(env.processes().is_empty());
}

#[test]
fn the_directory_decides_then_the_only_project_then_the_option() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    env.write("../elsewhere/readme", "");
    let elsewhere = env.path("../elsewhere").canonicalize().unwrap();
    let at = |args: &[&str]| env.call(args).dir(&elsewhere).run();
    assert_eq!(at(&["status", "--json"]).json()["project"], "shop", "the only one");
    at(&["restart", "worker"]).ok();

    env.write("../other/ecosystem.yaml", &file_of("other", "  web: { command: sleep 100000 }\n"));
    let other = env.path("../other").canonicalize().unwrap();
    env.call(&["apply"]).dir(&other).run().ok();
    assert_eq!(env.status()["project"], "shop");
    let there = env.call(&["status", "--json"]).dir(&other).run().json();
    assert_eq!(there["project"], "other");

    at(&["stop", "web"]).exits(2).says("-p");
    at(&["stop", "web", "-p", "other"]).ok();
    let stopped = at(&["status", "-p", "other", "--json"]).exits(1).json();
    assert_eq!(stopped["apps"][0]["state"], "stopped", "{stopped}");
    assert_eq!(env.pids("web").len(), 2);
    at(&["status", "-p", "nowhere"]).exits(2).says("nowhere");
}

#[test]
fn a_broken_or_deleted_file_hinders_no_command_on_apps() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    env.write("ecosystem.yaml", "apps: [");
    env.eco(&["restart", "worker"]).ok();
    assert_eq!(env.status()["project"], "shop");
    std::fs::remove_file(env.path("ecosystem.yaml")).unwrap();
    env.eco(&["stop", "worker"]).ok();
    env.eco(&["logs", "web"]).ok();
    env.eco(&["down"]).ok();
}

#[test]
fn the_name_of_a_nameless_file_is_its_directorys() {
    let env = TestEnv::new();
    env.write("../my shop!/ecosystem.yaml", "apps: { web: { command: sleep 100000 } }\n");
    let dir = env.path("../my shop!").canonicalize().unwrap();
    env.call(&["apply"]).dir(&dir).run().ok();
    let status = env.call(&["status", "--json"]).dir(&dir).run().json();
    assert_eq!(status["project"], "my-shop-");
}

#[test]
fn a_file_may_be_named_and_its_paths_are_relative_to_it() {
    let env = TestEnv::new();
    env.script("sub/app.sh", "#!/bin/sh\npwd\nexec sleep 100000\n");
    let text = file_of("sub", "  web: { command: ./app.sh }\n");
    env.write("sub/stack.yaml", &text);
    env.eco(&["apply", "sub/stack.yaml"]).ok();
    let expected = format!("{}\n", env.path("sub").display());
    env.wait_for("its directory", || env.log("web") == expected);
}
