//! `eco doctor`: what this machine allows, and what it is like where it allows less.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{harness::TestEnv, keeper::naughty};

fn check<'a>(reply: &'a Value, name: &str) -> &'a Value {
    let checks = reply["checks"].as_array().unwrap();
    checks.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("no {name} in {reply}"))
}

/// The answer and exit code of `eco doctor` where the system is restrained in this way.
fn doctor_under(env: &TestEnv, how: &str, args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(naughty())
        .args(["under", how, env!("CARGO_BIN_EXE_eco"), "doctor"])
        .args(args)
        .env("ECO_HOME", env.home())
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn degraded_under(env: &TestEnv, how: &str) -> Value {
    let (code, text) = doctor_under(env, how, &["--json"]);
    assert_eq!(code, Some(1), "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_machine_that_allows_everything() {
    let env = TestEnv::new();
    let output = env.eco(&["doctor", "--json"]);
    let reply = output.json();
    assert_eq!(reply["schema"], 1);
    for name in ["answer", "look", "steer", "home", "disk", "clock"] {
        assert_eq!(check(&reply, name)["ok"], true, "{reply}");
    }
    let all_ok = reply["checks"].as_array().unwrap().iter().all(|it| it["ok"] == true);
    assert_eq!(output.code, Some(i32::from(!all_ok)), "{reply}");
    let text = env.eco(&["doctor"]);
    assert_eq!(text.code, output.code);
    text.says("shared ports").says("state directory").says("given-up queues");
    assert!(!env.home().exists(), "nothing is left behind");
}

#[test]
fn processes_that_may_not_be_looked_into() {
    let env = TestEnv::new();
    let reply = degraded_under(&env, "no-getfd");
    assert_eq!(check(&reply, "look")["ok"], false, "{reply}");
    assert_eq!(check(&reply, "answer")["ok"], true, "{reply}");
    let (_, text) = doctor_under(&env, "no-getfd", &[]);
    assert!(text.contains("degraded") && text.contains("SYS_PTRACE"), "{text}");
}

#[test]
fn binds_that_cannot_be_answered() {
    let env = TestEnv::new();
    let reply = degraded_under(&env, "no-seccomp");
    assert_eq!(check(&reply, "answer")["ok"], false, "{reply}");
    assert_eq!(check(&reply, "look")["ok"], true, "{reply}");
    let reply = degraded_under(&env, "supervisor");
    let answer = check(&reply, "answer");
    assert!(answer["help"].as_str().unwrap().contains("another supervisor"), "{reply}");
}

#[test]
fn a_home_that_is_a_file() {
    let env = TestEnv::new();
    fs::write(env.home(), "").unwrap();
    let reply = env.eco(&["doctor", "--json"]).exits(1).json();
    assert_eq!(check(&reply, "home")["ok"], false, "{reply}");
}

#[test]
fn a_disk_that_is_almost_full() {
    let env = TestEnv::new();
    fs::create_dir_all(env.home()).unwrap();
    let small = "mount -t tmpfs -o size=1m small \"$ECO_HOME\" && exec \"$@\"";
    let starter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", small, "sh"];
    let output = env.call_by(&starter, &["doctor", "--json"]).run().exits(1);
    let disk = check(&output.json(), "disk").clone();
    assert_eq!(disk["ok"], false, "{disk}");
    assert!(disk["help"].as_str().unwrap().contains("make room at"), "{disk}");
    assert!(disk["found"].as_str().unwrap().ends_with(" free"), "{disk}");
}
