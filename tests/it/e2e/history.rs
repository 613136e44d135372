//! `eco history` and `rollback`: what was applied, by whom, from which commit, what became of it, and
//! the way back.

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::harness::{Signal, TestEnv, file_of, free_port, pids_of, program, send};

pub(super) const ONE: &str = "  web: { command: sleep 100000, env: { A: one } }\n";
pub(super) const TWO: &str = "  web: { command: sleep 100000, env: { A: two } }\n";

/// git in the project's directory, with nobody's settings.
pub(super) fn git(env: &TestEnv, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"])
        .args(words)
        .current_dir(env.dir())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Ann")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "ann@example.org")))
        .output()
        .unwrap();
    assert!(output.status.success(), "git {words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Commits all there is; gives the commit.
pub(super) fn commit(env: &TestEnv) -> String {
    if !env.path(".git").exists() {
        git(env, &["init", "--quiet"]);
    }
    git(env, &["add", "--all"]);
    git(env, &["commit", "--quiet", "--allow-empty", "--message", "x"]);
    git(env, &["rev-parse", "HEAD"])
}

fn history(env: &TestEnv) -> Vec<Value> {
    let reply = env.eco(&["history", "--json"]).ok().json();
    reply["revisions"].as_array().unwrap().clone()
}

/// Kills the controller and waits for the next.
fn kill_controller(env: &TestEnv) {
    let controller = env.daemon_pid("controller");
    send(controller, Signal::KILL);
    env.wait_for("another controller", || {
        let now = env.eco(&["daemon", "status", "--json"]);
        now.code == Some(0) && now.json()["controller_pid"] != controller
    });
}

/// The result of each generation, latest first, once the latest has one.
fn results(env: &TestEnv) -> Vec<Value> {
    env.wait_for("a result", || !history(env)[0]["result"].is_null());
    history(env).iter().map(|entry| entry["result"].clone()).collect()
}

#[test]
fn each_state_has_its_commit_its_caller_and_its_result() {
    program("git");
    let env = TestEnv::with_apps(ONE);
    let first = commit(&env);
    env.apply();
    env.apps(TWO);
    env.eco(&["apply", "--timeout", "1m"]).ok();
    let second = commit(&env);
    env.apps("  web: { command: \"false\", restart: never }\n");
    commit(&env);
    env.eco(&["apply"]).exits(1);
    assert_eq!(results(&env), ["converged", "rolled_back", "converged", "converged"]);
    let found = history(&env);
    let shown: Vec<_> =
        found.iter().rev().map(|it| (&it["git"], &it["dirty"], &it["current"])).collect();
    let third = &found[1]["git"];
    assert_eq!(shown[0], (&json!(first), &json!(false), &json!(false)));
    assert_eq!(shown[1], (&json!(first), &json!(true), &json!(false)), "not committed then");
    assert_eq!(shown[2], (third, &json!(false), &json!(false)));
    assert_eq!(shown[3], (&json!(null), &json!(null), &json!(true)), "by eco itself");
    assert!(*third != json!(first) && *third != json!(second), "{found:?}");
    let who = &found[2]["who"];
    assert_eq!(who["command"], "eco apply --timeout 1m");
    assert_eq!(who["uid"], rustix::process::getuid().as_raw());
    assert_eq!(found[0]["by"], "eco");
    assert_eq!(found[2]["summary"], "web (env.A)");
    let short = format!("{}*", &first[..12]);
    let text = env.call(&["history"]).env("COLUMNS", "80").run().ok().says(&short);
    let text = text.says("rolled back").says("$ eco apply --timeout 1m");
    assert!(text.stdout.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_state_that_another_one_overtook_is_superseded_and_the_same_text_changes_nothing() {
    let env = TestEnv::with_apps(ONE);
    env.apply();
    let slow = "  web: { command: sleep 100000, env: { A: two }, ready: { tcp: 1 } }\n";
    env.apps(slow);
    env.eco(&["apply", "--no-wait"]).ok();
    env.apps(ONE);
    env.apply();
    assert_eq!(results(&env), ["converged", "superseded", "converged"]);
    let before = history(&env);
    env.write("ecosystem.yaml", &format!("# a remark\n{}", env.read("ecosystem.yaml")));
    env.apply();
    assert_eq!(history(&env), before);
    kill_controller(&env);
    assert_eq!(history(&env), before, "it is on disk");
}

#[test]
fn a_result_is_found_by_the_next_controller() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, ready: { exec: test -e go } }\n");
    env.eco(&["apply", "--no-wait"]).ok();
    kill_controller(&env);
    assert_eq!(history(&env)[0]["result"], json!(null));
    env.write("go", "");
    assert_eq!(results(&env), ["converged"]);
    let converged = ["events", "--type", "converged", "--json"];
    env.wait_for("an event", || env.eco(&converged).ok().ndjson().len() == 1);
}

#[test]
fn without_git_the_commit_is_known_and_without_a_repository_nothing() {
    // Its command is found without a PATH too.
    let [one, two] = [ONE, TWO].map(|text| text.replace("sleep", "/bin/sleep"));
    let env = TestEnv::with_apps(&one);
    env.apply();
    assert_eq!(
        (&history(&env)[0]["git"], &history(&env)[0]["dirty"]),
        (&json!(null), &json!(null))
    );
    program("git");
    let path = env.path("empty");
    fs::create_dir(&path).unwrap();
    let without_git = |git: &str| {
        let apply = env.call(&["apply"]).env("PATH", path.to_str().unwrap());
        apply.run().ok();
        let found = history(&env)[0].clone();
        assert_eq!(found["by"], "operator", "{found}");
        assert_eq!((&found["git"], &found["dirty"]), (&json!(git), &json!(null)), "{found}");
    };
    // Its own files name the commit, be it by a branch, packed or not, or without one.
    let first = commit(&env);
    env.apps(&two);
    without_git(&first);
    git(&env, &["pack-refs", "--all"]);
    env.apps(&one);
    without_git(&first);
    git(&env, &["checkout", "--quiet", "--detach"]);
    env.apps(&two);
    without_git(&first);
}

#[test]
fn going_back_to_a_number_brings_all_of_it_back() {
    let port = free_port();
    let head = format!("metrics: {{ listen: \"127.0.0.1:{port}\" }}\n");
    let env = TestEnv::new();
    let apps = "  web: { command: sleep 100000, instances: 2 }\n  old: { command: sleep 100000 }\n";
    env.write("ecosystem.yaml", &(head + &file_of("shop", apps)));
    env.eco(&["apply", "--watch"]).ok();
    let before = pids_of(&env.app("web"));
    let later = "  web: { command: sleep 100000 }\n  new: { command: sleep 100000 }\n";
    env.apps(later);
    env.wait_for("the edit", || env.is("new", "ready") && env.app("old").is_null());
    env.wait_for("a result", || history(&env)[0]["result"] == "converged");
    let names = |status: &Value| -> Vec<String> {
        let apps = status["apps"].as_array().unwrap().iter();
        apps.map(|app| app["name"].as_str().unwrap().to_owned()).collect()
    };
    let generation = history(&env)[0]["generation"].as_u64().unwrap();
    let dry = env.eco(&["rollback", "1", "--dry-run"]).exits(1);
    let dry = dry.says("metrics.listen").says("instances").says("- new").says("+ old");
    assert!(dry.stdout.contains("generation 1"), "{dry}");
    assert_eq!(names(&env.status()), ["new", "web"], "nothing was done");
    env.eco(&["rollback", "1"]).ok();
    assert_eq!(names(&env.status()), ["old", "web"]);
    let after = pids_of(&env.app("web"));
    assert_eq!(after.len(), 2);
    assert!(after.values().any(|pid| before.values().any(|it| it == pid)), "{before:?} {after:?}");
    let status = env.status();
    assert_eq!(status["metrics"]["listen"], format!("127.0.0.1:{port}"));
    assert_eq!(status["file"]["state"], "rolled_back");
    // It holds while the text is the same, whoever restarts.
    kill_controller(&env);
    env.eco(&["rollback", "1", "--dry-run"]).ok();
    assert_eq!(names(&env.status()), ["old", "web"]);
    env.eco(&["rollback", &generation.to_string()]).ok();
    assert_eq!(names(&env.status()), ["new", "web"]);
    env.eco(&["rollback"]).ok();
    assert_eq!(names(&env.status()), ["old", "web"]);
    env.apps(&format!("{later}  third: {{ command: sleep 100000 }}\n"));
    env.wait_for("the edit", || env.is("third", "ready") && env.is("new", "ready"));
}

#[test]
fn a_number_that_is_not_there_names_those_that_are() {
    let env = TestEnv::with_apps(ONE);
    env.apply();
    env.apps(TWO);
    env.apply();
    env.eco(&["rollback", "9"]).exits(2).says("no generation 9").says("there are 1 to 2");
    env.eco(&["rollback", "1", "2"]).exits(2).says("only one");
    let damaged = env.home().join("state/projects/shop/revisions/000001.json");
    fs::write(&damaged, "no state").unwrap();
    env.eco(&["rollback", "1"]).exits(2).says("cannot read generation 1");
}

#[test]
fn old_states_are_forgotten_but_those_that_are_needed() {
    let env = TestEnv::with_apps(ONE);
    for text in [ONE, TWO, ONE, TWO] {
        env.apps(text);
        env.apply();
    }
    // They change nothing that `eco rollback` would bring back.
    for _ in 0..3 {
        env.eco(&["restart", "web"]).ok();
    }
    env.eco(&["history", "--prune=1"]).ok().says("5 forgotten, 2 kept");
    let left: Vec<_> = history(&env).iter().map(|it| it["generation"].clone()).collect();
    assert_eq!(left, [7, 3]);
    env.eco(&["history", "--prune"]).ok().says("Nothing to forget: 2 kept");
    env.eco(&["events", "--type", "operated"]).ok().says("5 old states forgotten");
    env.eco(&["rollback"]).ok();
    env.eco(&["rollback", "7", "--dry-run"]).exits(1).says("env.A");
}
