//! `eco events`: what happened, when, and who brought it about with which command.

use std::process::Command;

use serde_json::{Value, json};

use super::TWO_SLEEPERS;
use crate::harness::{Signal, TestEnv};

fn events(env: &TestEnv, words: &[&str]) -> Vec<Value> {
    env.eco(&[&["events", "--json"], words].concat()).ok().ndjson()
}

/// The name of the user these tests run as.
fn me() -> Value {
    let output = Command::new("id").arg("-un").output().unwrap();
    let name = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    if output.status.success() { json!(name) } else { Value::Null }
}

#[test]
fn what_an_operator_does_says_who_and_how() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let sudo = env.call(&["restart", "web", "--timeout", "2m"]).env("SUDO_USER", "ali\u{1b}ce");
    sudo.env("USER", "root").run().ok();
    env.eco(&["signal", "USR1", "worker"]);
    let operated = events(&env, &["--type", "operated,applied"]);
    let by: Vec<_> = operated.iter().map(|it| &it["by"]).collect();
    assert_eq!(by, ["operator"; 3]);
    let commands: Vec<_> = operated.iter().map(|it| &it["who"]["command"]).collect();
    let typed = ["eco apply", "eco restart web --timeout 2m", "eco signal USR1 worker"];
    assert_eq!(commands, typed);
    for event in &operated {
        assert_eq!(event["who"]["uid"], rustix::process::getuid().as_raw());
        assert_eq!(event["who"]["user"], me());
    }
    assert_eq!(operated[0]["who"].get("sudo_user"), None);
    assert_eq!(operated[1]["who"]["sudo_user"], "ali ce");
    assert!(operated[2]["revision"].is_string(), "{}", operated[2]);
    let text = env.eco(&["events"]).ok().says(": eco restart web --timeout 2m)");
    let text = text.says("by sudo from ali ce as it says: eco restart");
    let started = text.stdout.lines().find(|line| line.contains("started, pid")).unwrap();
    assert!(!started.contains("eco apply"), "what eco does of itself is nobody's: {started}");
}

#[test]
fn a_followed_file_and_eco_itself_are_no_persons() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.eco(&["apply", "--watch"]).ok();
    env.apps(
        "  web: { command: sleep 100000, instances: 3 }\n  worker: { command: sleep 100000 }\n",
    );
    env.wait_for("the edit", || env.app("web")["ready"] == 3);
    let applied = events(&env, &["--type", "applied"]);
    assert_eq!(applied.len(), 2, "{applied:?}");
    assert_eq!((&applied[1]["by"], applied[1].get("who")), (&json!("file"), None));
    env.write("ecosystem.yaml", "apps: [");
    env.wait_for("the fault", || events(&env, &["--type", "file_broken"]).len() == 1);
    env.apps(
        "  web: { command: sleep 100000, instances: 3 }\n  worker: { command: sleep 100000 }\n",
    );
    env.wait_for("the end of it", || events(&env, &["--type", "file_changed"]).len() == 1);
}

#[test]
fn a_rollout_is_told_from_its_beginning_to_its_end() {
    let env =
        TestEnv::with_apps("  web: { command: sleep 100000, instances: 2, env: { A: one } }\n");
    env.apply();
    env.apps("  web: { command: sleep 100000, instances: 2, env: { A: two } }\n");
    env.apply();
    env.wait_for("the end", || events(&env, &["--type", "converged"]).len() == 2);
    let told = events(&env, &["web", "--type", "rollout"]);
    let words: Vec<_> = told.iter().map(|it| it["message"].as_str().unwrap()).collect();
    assert_eq!(words.len(), 3, "{words:?}");
    assert_eq!(words[0], "complete: all 2 instances are good");
    let (old, new) = (told[0]["revision"].as_str().unwrap(), told[1]["revision"].as_str().unwrap());
    assert_eq!(words[1], format!("begins: revision {old} to {new}"));
    assert_eq!((words[2], &told[2]["revision"]), (words[0], &told[1]["revision"]));
    assert_eq!(told[1]["who"]["command"], "eco apply");
    for event in events(&env, &["web", "--type", "started,stopping,exited"]) {
        let known = [old, new].map(|it| json!(it));
        assert!(known.contains(&event["revision"]), "{event}");
    }
}

#[test]
fn a_change_that_fails_and_goes_no_further_is_told() {
    let rollout = "rollout: { on_failure: pause, min_ready: 100ms }";
    let web = |command| format!("  web: {{ command: {command}, restart: never, {rollout} }}\n");
    let env = TestEnv::with_apps(&web("sleep 100000"));
    env.apply();
    env.apps(&web("\"false\""));
    env.eco(&["apply"]).exits(1);
    let told = events(&env, &["--type", "rollout"]);
    let last = told.last().unwrap()["message"].as_str().unwrap();
    assert!(last.starts_with("paused: ") && last.contains("exit code 1"), "{told:?}");
}

#[test]
fn only_some_of_them_may_be_asked_for() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    env.wait_for("the end", || events(&env, &["--type", "converged"]).len() == 1);
    let all = events(&env, &[]);
    let time = |event: &Value| event["time"].as_str().unwrap().to_owned();
    let middle = &all[all.len() / 2];
    let after = events(&env, &["--since", &time(middle)]);
    let before = events(&env, &["--until", &time(middle)]);
    assert!(after.contains(middle) && before.contains(middle));
    assert!(after.iter().all(|it| time(middle) <= time(it)));
    assert!(before.iter().all(|it| time(it) <= time(middle)));
    let both = events(&env, &["--since", &time(middle), "--until", &time(middle)]);
    assert!(both.iter().all(|it| time(it) == time(middle)) && both.contains(middle));
    assert_eq!(events(&env, &["--since", "1h"]), all);
    assert_eq!(events(&env, &["--until", "1h"]), [] as [Value; 0]);
    assert_eq!(events(&env, &["--since", "1h", "-n", "2"]), all[all.len() - 2..]);
    let started = events(&env, &["worker", "--type", "started", "--since", "1h"]);
    assert_eq!(started.len(), 1, "{started:?}");
    env.eco(&["events", "--since", "yesterday"]).exits(2).says("no point in time");
    env.eco(&["events", "--type", "explosion"]).exits(2).says("crashed");
    env.eco(&["events", "--until", "1h", "-f"]).exits(2);
}

#[test]
fn who_follows_gets_what_was_and_what_is_asked_for() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let words = ["events", "-f", "--json", "--since", "1h", "--type", "operated,applied"];
    let mut follower = env.call(&words).spawn();
    env.wait_for("what was", || follower.stdout().lines().count() == 1);
    env.eco(&["stop", "worker"]).ok();
    env.wait_for("what is", || follower.stdout().lines().count() == 2);
    let last: Value = serde_json::from_str(follower.stdout().lines().last().unwrap()).unwrap();
    assert_eq!(last["who"]["command"], "eco stop worker");
    assert_eq!((&last["type"], &last["message"]), (&json!("operated"), &json!("stop worker")));
    follower.signal(Signal::INT);
    follower.wait().ok();
}

#[test]
fn jobs_and_the_end_of_eco_are_told_with_who_asked() {
    let env = TestEnv::with_apps(
        "  job: { command: \"true\", kind: job, schedule: \"@yearly\" }\n  web: { command: sleep 100000 }\n",
    );
    env.apply();
    env.eco(&["run-job", "job"]).ok();
    let asked = events(&env, &["job", "--type", "operated"]);
    assert_eq!(asked[0]["who"]["command"], "eco run-job job", "{asked:?}");
    env.eco(&["daemon", "stop"]).ok();
    let path = env.home().join("state/events.ndjson");
    let text = std::fs::read_to_string(path).unwrap();
    let ends = text.lines().find(|line| line.contains("eco ends and stops every app")).unwrap();
    assert!(ends.contains("eco daemon stop"), "{ends}");
}
