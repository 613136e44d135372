//! What a browser shows: real Chromium, driven by `tests/apps/browser`.

use std::process::Command;

use super::{file, listen};
use crate::harness::{TestEnv, free_port, installed, program};

/// Plays a scenario; it fails with what was seen.
fn play(env: &TestEnv, scenario: &str) {
    installed("tests/apps/browser/node_modules/playwright-core");
    let output = Command::new(program("node"))
        .arg(installed("tests/apps/browser/scenarios.mjs"))
        .arg(scenario)
        .env("ECO", env!("CARGO_BIN_EXE_eco"))
        .env("ECO_HOME", env.home())
        .env("CHROMIUM", program("chromium"))
        .current_dir(env.dir())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}: {said}{complaint}\n{}", env.dump());
}

const SHOP: &str = "  web: { command: node server.js, instances: 2, tags: [edge] }
  worker: { command: { shell: \"while :; do echo order $((i=i+1)) taken; sleep 1; done\" } }
  broken: { command: [sh, -c, \"echo no such host >&2; exit 1\"] }
";

const SERVER: &str = "console.log('listening <img src=x onerror=alert(1)>');
console.error('a warning about needles');
setInterval(() => console.log('tick'), 500);
";

fn shop(env: &TestEnv) {
    let port = free_port();
    env.write("server.js", SERVER);
    file(env, &listen(port), SHOP);
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_state("web", "ready");
}

#[test]
fn it_is_logged_in_by_link_and_can_be_used_by_everybody() {
    let env = TestEnv::new();
    shop(&env);
    play(&env, "everybody");
}

#[test]
fn it_shows_a_crash_at_once_and_restarts_by_click() {
    let env = TestEnv::new();
    shop(&env);
    play(&env, "live");
}

#[test]
fn it_shows_and_searches_logs_as_they_are_written() {
    let env = TestEnv::new();
    shop(&env);
    play(&env, "logs");
}

#[test]
fn it_only_shows_to_who_may_only_look() {
    let env = TestEnv::new();
    shop(&env);
    play(&env, "read-only");
}

#[test]
fn it_shows_five_hundred_instances() {
    let env = TestEnv::new();
    let many =
        "  many: { command: sleep 100000, instances: 500 }\n  one: { command: sleep 100000 }\n";
    file(&env, &listen(free_port()), many);
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_state("many", "ready");
    play(&env, "many");
}
