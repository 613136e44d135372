//! `depends_on`: who starts and stops when, and what becomes of those that wait in vain.

use crate::harness::TestEnv;

/// A program that writes down when it starts and when it is asked to stop.
fn noting(env: &TestEnv) {
    let text = "#!/bin/sh\n\
        trap 'echo \"stop $ECO_APP\" >> order.txt; exit 0' TERM\n\
        echo \"start $ECO_APP\" >> order.txt\n\
        [ -n \"$1\" ] && sleep \"$1\"\n\
        echo up\n\
        while :; do sleep 0.05; done\n";
    env.script("note.sh", text);
}

const WAVES: &str = "  web: { command: ./note.sh, depends_on: [cache, db] }
  db: { command: ./note.sh 0.3, ready: { log: up } }
  cache: { command: ./note.sh, depends_on: { db: started } }
";

#[test]
fn apps_start_after_what_they_depend_on_and_stop_before_it() {
    let env = TestEnv::new();
    noting(&env);
    env.apps(WAVES);
    env.apply();
    // That `db` was started does not say that it has written anything yet.
    let started = || -> Vec<String> {
        let events = env.events().into_iter().filter(|event| event["type"] == "started");
        events.map(|event| event["app"].as_str().unwrap().to_owned()).collect()
    };
    let waves = ["db", "cache", "web"];
    let down = ["stop web", "stop cache", "stop db"];
    let stopped = || -> Vec<String> {
        let text = env.read("order.txt");
        text.lines().filter(|line| line.starts_with("stop")).map(str::to_owned).collect()
    };
    assert_eq!(started(), waves);
    assert_eq!(env.read("order.txt").lines().last(), Some("start web"));
    env.eco(&["stop", "all"]).ok();
    assert_eq!(stopped(), down);
    env.eco(&["start", "all"]).ok();
    env.eco(&["daemon", "stop"]).ok();
    assert_eq!(stopped(), [down, down].concat());
    // All that should run does again, in order.
    env.apply();
    assert_eq!(started(), [waves, waves, waves].concat());
    env.eco(&["down"]).ok();
    assert_eq!(stopped(), [down, down, down].concat());
}

#[test]
fn a_job_that_fails_stops_what_depends_on_it_from_changing() {
    let env = TestEnv::new();
    super::say(&env);
    let write = |version: &str, code: u8| {
        env.apps(&format!(
            "  migrate: {{ command: {{ shell: 'echo {version} >> runs; echo no such table >&2; exit \
             {code}' }}, kind: job }}\n  \
             web: {{ command: ./say.sh {version}, depends_on: migrate }}\n  \
             other: {{ command: ./say.sh {version} }}\n"
        ));
    };
    write("one", 0);
    env.apply();
    assert_eq!((env.is("migrate", "done"), env.is("web", "ready")), (true, true));
    let (web, other) = (env.pid("web"), env.pid("other"));
    write("two", 3);
    let output = env.eco(&["apply"]).exits(1).says("exit code 3").says("no such table");
    output.says("it depends on `migrate`, which failed");
    assert_eq!(env.pid("web"), web, "the old one is untouched");
    assert_ne!(env.pid("other"), other, "what does not depend on it is changed");
    assert_eq!(env.read("runs"), "one\ntwo\n");
    assert_eq!(env.status()["file"]["state"], "rolled_back");
    // Applied again it is tried again.
    env.eco(&["apply"]).exits(1);
    assert_eq!(env.read("runs"), "one\ntwo\ntwo\n");
    write("three", 0);
    env.apply();
    assert_ne!(env.pid("web"), web);
    assert_eq!(env.read("runs"), "one\ntwo\ntwo\nthree\n");
}

#[test]
fn a_first_job_that_fails_keeps_what_depends_on_it_down_and_is_tried_again() {
    let env = TestEnv::with_apps(
        "  migrate: { command: { shell: 'test -e ready' }, kind: job }\n  \
         web: { command: sleep 100000, depends_on: migrate }\n",
    );
    env.eco(&["apply"]).exits(1).says("exit code 1").says("it depends on `migrate`, which failed");
    assert!(env.pids("web").is_empty());
    assert_eq!(env.app("web")["hold_code"], "dependency_failed");
    env.write("ready", "");
    env.apply();
    assert_eq!((env.is("migrate", "done"), env.is("web", "ready")), (true, true));
}

#[test]
fn what_waits_for_an_app_that_does_not_run_says_so() {
    let env = TestEnv::with_apps(
        "  db: { command: sleep 100000 }\n  web: { command: sleep 100000, depends_on: db }\n",
    );
    env.eco(&["apply", "--only", "web"]).exits(1).says("it depends on `db`, which is not applied");
    env.apply();
    let web = env.pid("web");
    env.eco(&["stop", "db"]).ok();
    assert_eq!(env.pid("web"), web, "who runs goes on");
    env.eco(&["restart", "web"]).exits(1).says("which is stopped by an operator");
    assert_eq!(env.pid("web"), web);
    env.eco(&["start", "db"]).ok();
    env.wait_for("web to be replaced", || env.pids("web").values().all(|pid| *pid != web));
}

#[test]
fn a_restart_goes_on_to_those_that_ask_for_it() {
    let env = TestEnv::new();
    super::say(&env);
    let write = |version: &str| {
        env.apps(&format!(
            "  db: {{ command: ./say.sh {version} }}\n  \
             web: {{ command: ./say.sh web, depends_on: {{ db: {{ restart_with: true }} }} }}\n  \
             other: {{ command: ./say.sh other, depends_on: db }}\n"
        ));
    };
    write("one");
    env.apply();
    let pids = || ["db", "web", "other"].map(|app| env.pid(app));
    let first = pids();
    env.eco(&["restart", "db"]).ok();
    let second = pids();
    assert!(first[0] != second[0] && first[1] != second[1], "{first:?} {second:?}");
    assert_eq!(first[2], second[2]);
    write("two");
    env.apply();
    let third = pids();
    assert!(second[0] != third[0] && second[1] != third[1], "{second:?} {third:?}");
    assert_eq!(second[2], third[2]);
}

#[test]
fn new_dependencies_touch_no_process() {
    let env = TestEnv::with_apps("  db: { command: sleep 9999 }\n  web: { command: sleep 9999 }\n");
    env.apply();
    let web = env.pid("web");
    env.apps("  db: { command: sleep 9999 }\n  web: { command: sleep 9999, depends_on: db }\n");
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    assert_eq!(diff["changes"][0]["field"], "depends_on.db");
    assert_eq!(diff["changes"][0]["effect"], "none");
    env.apply();
    assert_eq!(env.pid("web"), web);
}
