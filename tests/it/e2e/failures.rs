//! What cannot start, or does not stay up: a reason in words, and nobody else is affected.

use std::fs;

use serde_json::Value;

use crate::harness::{Signal, TestEnv, send};

/// Applies one app that cannot start beside a good one; returns the reason it gives.
fn reason(env: &TestEnv, bad: &str) -> String {
    env.apps(&format!("  good: {{ command: sleep 100000 }}\n  bad: {bad}\n"));
    let output = env.eco(&["apply"]).exits(1);
    assert_eq!(env.app("good")["state"], "ready");
    // Not the moment of the next try.
    let bad = env.wait_until("the reason", || {
        let bad = env.app("bad");
        (bad["instances"][0]["hold_code"] != "starting").then_some(bad)
    });
    let hold = bad["hold"].as_str().unwrap_or_else(|| panic!("no hold in {bad}")).to_owned();
    assert!(bad["instances"][0]["hold"].is_string(), "{bad}");
    assert!(output.to_string().contains("bad"), "{output}");
    hold
}

#[test]
fn a_program_that_does_not_exist() {
    let env = TestEnv::new();
    let hold = reason(&env, "{ command: ./missing }");
    assert!(hold.contains("cannot execute `./missing`: no such file"), "{hold}");
    let hold = reason(&env, "{ command: surely-no-such-command-anywhere }");
    assert!(hold.contains("cannot execute"), "{hold}");
}

#[test]
fn a_program_that_may_not_be_executed() {
    let env = TestEnv::new();
    env.write("plain.txt", "#!/bin/sh\nexec sleep 100000\n");
    let hold = reason(&env, "{ command: ./plain.txt }");
    assert!(hold.contains("permission denied"), "{hold}");
}

#[test]
fn a_script_without_a_first_line() {
    let env = TestEnv::new();
    env.script("bare", "exec sleep 100000\n");
    let hold = reason(&env, "{ command: ./bare }");
    assert!(hold.contains("#!"), "{hold}");
}

#[test]
fn a_directory_that_goes_away_between_runs() {
    let env = TestEnv::new();
    fs::create_dir(env.path("sub")).unwrap();
    env.apps(
        "  good: { command: sleep 100000 }\n  bad: { command: sleep 100000, cwd: sub, restart: { backoff: { initial: 1s, factor: 1 }, limit: none } }\n",
    );
    env.apply();
    let good = env.pid("good");
    fs::rename(env.path("sub"), env.path("away")).unwrap();
    send(env.pid("bad"), Signal::KILL);
    env.wait_for("the reason", || {
        env.app("bad")["hold"].as_str().is_some_and(|hold| hold.contains("cwd"))
    });
    assert_eq!(env.pid("good"), good);
    fs::rename(env.path("away"), env.path("sub")).unwrap();
    env.eco(&["start", "bad"]).ok();
    assert_eq!(env.app("bad")["state"], "ready");
}

#[test]
fn a_failed_apply_shows_the_reason_and_the_last_words() {
    let env = TestEnv::new();
    env.script("dies.sh", "#!/bin/sh\necho 'cannot reach the database' >&2\nexit 3\n");
    env.apps("  web: { command: ./dies.sh, restart: { limit: { failures: 3, within: 1m } } }\n");
    let output = env.eco(&["apply"]).exits(1);
    for words in ["web", "exit code 3", "cannot reach the database"] {
        assert!(output.to_string().contains(words), "no {words:?}\n{output}");
    }
    let app = env.app("web");
    assert!(app["hold_code"].is_string(), "{app}");
}

#[test]
fn a_killed_app_is_replaced_and_counted() {
    let env = TestEnv::with_apps(
        "  web: { command: sleep 100000, instances: 2 }\n  worker: { command: sleep 100000 }\n",
    );
    env.apply();
    let (before, worker) = (env.pids("web"), env.pid("worker"));
    send(before["web/1"], Signal::KILL);
    env.wait_for("a replacement", || {
        let now = env.pids("web");
        now.get("web/1").is_some_and(|pid| *pid != before["web/1"])
    });
    env.wait_state("web", "ready");
    assert_eq!(env.pids("web")["web/0"], before["web/0"]);
    assert_eq!(env.pid("worker"), worker);
    let instances = env.app("web")["instances"].clone();
    assert_eq!(instances[0]["restarts"], 0, "{instances}");
    assert_eq!(instances[1]["restarts"], 1, "{instances}");
    assert_eq!(instances[1]["exit"]["signal"], "SIGKILL", "{instances}");
    env.eco(&["diff"]).ok();
}

#[test]
fn a_crash_loop_is_named_and_tried_slowly() {
    let env = TestEnv::with_apps(
        "  web: { command: [sh, -c, 'exit 7'], restart: { backoff: none, limit: { failures: 4, within: 1m, then: slow } } }\n",
    );
    env.eco(&["apply"]).exits(1);
    env.wait_state("web", "crash_looping");
    let app = env.app("web");
    assert_eq!(app["hold_code"], "crash_looping");
    assert!(app["hold"].as_str().unwrap().contains("exit code 7"), "{app}");
    env.eco(&["status"]).exits(1).says("crash-looping");
    // Fixing the file ends it at once.
    env.apps("  web: { command: sleep 100000 }\n");
    env.apply();
    assert_eq!(env.app("web")["state"], "ready");
}

#[test]
fn a_limit_that_stops_gives_up_until_someone_starts_it() {
    let env = TestEnv::new();
    env.script("flaky.sh", "#!/bin/sh\n[ -e good ] && exec sleep 100000\nexit 1\n");
    env.apps(
        "  web: { command: ./flaky.sh, restart: { backoff: none, limit: { failures: 3, within: 1m, then: stop } } }\n",
    );
    env.eco(&["apply"]).exits(1);
    env.wait_state("web", "failed");
    assert_eq!(env.app("web")["hold_code"], "gave_up");
    env.write("good", "");
    env.eco(&["start", "web"]).ok();
    assert_eq!(env.app("web")["state"], "ready");
}

#[test]
fn what_was_stopped_in_its_wait_starts_at_once() {
    let wait = "restart: { backoff: { initial: 1h, max: 1h } }";
    let env = TestEnv::with_apps(&format!("  web: {{ command: sleep 100000, {wait} }}\n"));
    env.apply();
    send(env.pid("web"), Signal::KILL);
    env.wait_for("its end", || env.pids("web").is_empty());
    env.eco(&["stop", "web"]).ok();
    env.eco(&["start", "web"]).ok();
    assert_eq!(env.app("web")["state"], "ready");
}

#[test]
fn restart_policies_decide_what_follows_an_exit() {
    let env = TestEnv::with_apps(
        "  never: { command: [sh, -c, 'exit 1'], restart: never }\n  fine: { command: 'true', restart: on-failure }\n  told: { command: [sh, -c, 'exit 42'], restart: { stop_exit_codes: [42] } }\n",
    );
    env.eco(&["apply"]);
    env.wait_state("never", "failed");
    env.wait_state("fine", "done");
    env.wait_for("told to be left alone", || {
        matches!(env.app("told")["state"].as_str(), Some("done" | "failed"))
    });
    for app in ["never", "fine", "told"] {
        let instance = env.app(app)["instances"][0].clone();
        assert_eq!(instance["restarts"], 0, "{instance}");
        assert_eq!(instance["pid"], Value::Null, "{instance}");
    }
    assert_eq!(env.app("told")["instances"][0]["exit"]["code"], 42);
}

#[test]
fn who_holds_the_port_of_an_app_without_listen_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let env = TestEnv::new();
    let text =
        format!("echo 'Error: listen EADDRINUSE: address already in use 127.0.0.1:{port}' >&2");
    env.script("app.sh", &format!("#!/bin/sh\n{text}\nexit 1\n"));
    env.apps("  web: { command: ./app.sh, restart: never }\n");
    env.eco(&["apply"]).exits(1);
    let words = format!("(pid {}) holds port {port}", std::process::id());
    env.wait_for("the event", || {
        env.events().iter().any(|event| event["message"].as_str().unwrap().contains(&words))
    });
    env.wait_for("the hold", || {
        env.app("web")["hold"].as_str().is_some_and(|hold| hold.contains(&words))
    });
}
