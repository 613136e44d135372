//! `eco apply --watch`: the project follows its file, and a bad edit harms nobody.

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use super::TWO_SLEEPERS;
use crate::harness::{Signal, TestEnv, file_of, send};

fn web(instances: u32) -> String {
    format!("  web: {{ command: sleep 100000, instances: {instances} }}\n")
}

fn followed(apps: &str) -> TestEnv {
    let env = TestEnv::with_apps(apps);
    env.eco(&["apply", "--watch"]).ok();
    assert_eq!(env.status()["file"]["followed"], true);
    env
}

fn wait_instances(env: &TestEnv, count: usize) {
    env.wait_for(&format!("{count} instances"), || {
        env.pids("web").len() == count && env.is("web", "ready")
    });
}

fn wait_file(env: &TestEnv, state: &str) {
    env.wait_for(&format!("the file to be {state}"), || env.status()["file"]["state"] == state);
}

#[test]
fn a_good_edit_converges_and_touches_only_what_it_changes() {
    let env = followed(TWO_SLEEPERS);
    let (before, worker) = (env.pids("web"), env.pid("worker"));
    env.apps(&TWO_SLEEPERS.replace("instances: 2", "instances: 3"));
    wait_instances(&env, 3);
    let now = env.pids("web");
    assert!(before.iter().all(|(id, pid)| now.get(id) == Some(pid)));
    assert_eq!(env.pid("worker"), worker);
    env.eco(&["diff"]).ok();
}

#[test]
fn a_bad_edit_keeps_everything_running_and_names_its_place() {
    let env = followed(TWO_SLEEPERS);
    let (before, worker) = (env.pids("web"), env.pid("worker"));
    env.apps(&TWO_SLEEPERS.replace("instances: 2", "instnces: 3"));
    wait_file(&env, "broken");
    let error = env.status()["file"]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("ecosystem.yaml:5:33"), "{error}");
    env.eco(&["status"]).exits(1).says("ecosystem.yaml:5:33");
    // Whoever asks sees the fault at once; the follower, once the file has been quiet.
    env.wait_for("the event", || env.eco(&["events"]).to_string().contains("ecosystem.yaml:5:33"));
    assert_eq!((env.pids("web"), env.pid("worker")), (before.clone(), worker));

    env.apps(&TWO_SLEEPERS.replace("instances: 2", "instances: 3"));
    wait_instances(&env, 3);
    wait_file(&env, "in_sync");
    let now = env.pids("web");
    assert!(before.iter().all(|(id, pid)| now.get(id) == Some(pid)));
}

#[test]
fn a_missing_or_empty_file_keeps_the_last_good_state() {
    let env = followed(&web(2));
    let before = env.pids("web");
    fs::remove_file(env.path("ecosystem.yaml")).unwrap();
    wait_file(&env, "missing");
    assert_eq!(env.pids("web"), before);
    fs::write(env.path("ecosystem.yaml"), "").unwrap();
    env.wait_for("the empty file to be noticed", || {
        let state = env.status()["file"]["state"].clone();
        state == "broken" || state == "missing"
    });
    assert_eq!(env.pids("web"), before);
    env.apps(&web(3));
    wait_instances(&env, 3);
    wait_file(&env, "in_sync");
}

#[test]
fn every_way_to_save_a_file_is_seen() {
    let env = followed(&web(1));
    let file = env.path("ecosystem.yaml");
    let text = |count| file_of("shop", &web(count));

    fs::write(&file, text(2)).unwrap();
    wait_instances(&env, 2);

    env.apps(&web(1));
    wait_instances(&env, 1);

    // As some editors do: the old file is moved away, a new one written.
    fs::rename(&file, env.path("ecosystem.yaml~")).unwrap();
    fs::write(&file, text(3)).unwrap();
    wait_instances(&env, 3);

    // Written in two steps with a pause between them.
    let whole = text(2);
    let (first, second) = whole.split_at(whole.len() / 2);
    fs::write(&file, first).unwrap();
    fs::write(&file, format!("{first}{second}")).unwrap();
    wait_instances(&env, 2);

    fs::remove_file(&file).unwrap();
    wait_file(&env, "missing");
    fs::write(&file, text(1)).unwrap();
    wait_instances(&env, 1);
}

#[test]
fn a_release_behind_a_symbolic_link_is_seen() {
    let env = TestEnv::new();
    for (release, count) in [("one", 1), ("two", 2)] {
        let path = format!("releases/{release}/ecosystem.yaml");
        env.write(&path, &file_of("shop", &web(count)));
    }
    let swap = |release: &str| {
        let draft: PathBuf = env.path("draft-link");
        symlink(env.path(&format!("releases/{release}")), &draft).unwrap();
        fs::rename(&draft, env.path("current")).unwrap();
    };
    swap("one");
    let current = env.path("current");
    env.eco(&["apply", "--watch", "current/ecosystem.yaml"]).ok();
    let count =
        || env.call(&["status", "--json"]).dir(&current).run().json()["apps"][0]["ready"].clone();
    assert_eq!(count(), 1);
    swap("two");
    env.wait_for("the other release", || count() == 2);
}

#[test]
fn an_edit_of_an_env_file_counts_too() {
    let env = TestEnv::new();
    env.write("app.env", "A=one\n");
    env.apps("  web: { command: sleep 100000, env_file: app.env }\n");
    env.eco(&["apply", "--watch"]).ok();
    let pid = env.pid("web");
    env.write("app.env", "A=two\n");
    env.wait_for("a replacement", || {
        env.pids("web").get("web/0").is_some_and(|now| *now != pid) && env.is("web", "ready")
    });
}

#[test]
fn touching_the_file_without_a_change_does_nothing() {
    let env = followed(&web(2));
    let (before, generation) =
        (env.pids("web"), env.app("web")["instances"][0]["generation"].clone());
    for _ in 0..3 {
        env.apps(&web(2));
    }
    // A later edit is seen, so the former ones have been looked at.
    env.apps(&web(3));
    wait_instances(&env, 3);
    let now = env.pids("web");
    assert!(before.iter().all(|(id, pid)| now.get(id) == Some(pid)));
    assert_eq!(env.app("web")["instances"][0]["generation"], generation);
}

#[test]
fn removing_most_apps_waits_for_an_explicit_apply() {
    let all = "  a: { command: sleep 100000 }\n  b: { command: sleep 100000 }\n  c: { command: sleep 100000 }\n";
    let env = followed(all);
    let pids = ["a", "b", "c"].map(|app| env.pid(app));
    env.apps("  a: { command: sleep 100000 }\n");
    wait_file(&env, "held");
    assert_eq!(["a", "b", "c"].map(|app| env.pid(app)), pids);
    env.eco(&["status"]).exits(1).says("eco apply");
    env.eco(&["apply"]).ok();
    assert_eq!(env.pid("a"), pids[0]);
    assert_eq!(env.status()["apps"].as_array().unwrap().len(), 1);
    assert_eq!(env.status()["file"]["followed"], true, "a plain apply keeps following");
}

#[test]
fn removing_one_of_three_does_not_wait() {
    let env = followed(
        "  a: { command: sleep 100000 }\n  b: { command: sleep 100000 }\n  c: { command: sleep 100000 }\n",
    );
    let pid = env.pid("a");
    env.apps("  a: { command: sleep 100000 }\n  b: { command: sleep 100000 }\n");
    env.wait_for("c to go", || env.app("c").is_null());
    assert_eq!(env.pid("a"), pid);
}

#[test]
fn no_watch_ends_following() {
    let env = followed(&web(1));
    env.eco(&["apply", "--no-watch"]).ok();
    assert_eq!(env.status()["file"]["followed"], false);
    env.apps(&web(2));
    wait_file(&env, "ahead");
    assert_eq!(env.pids("web").len(), 1);
}

#[test]
fn following_never_clears_an_override() {
    let env = followed(TWO_SLEEPERS);
    env.eco(&["stop", "worker"]).ok();
    env.apps(&TWO_SLEEPERS.replace("instances: 2", "instances: 3"));
    wait_instances(&env, 3);
    assert_eq!(env.app("worker")["state"], "stopped");
}

#[test]
fn following_survives_the_controller() {
    let env = followed(&web(1));
    let controller = env.daemon_pid("controller");
    send(controller, Signal::KILL);
    env.apps(&web(2));
    wait_instances(&env, 2);
    assert_eq!(env.status()["file"]["followed"], true);
}
