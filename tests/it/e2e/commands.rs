//! Commands on running apps: start, stop, restart, scale, signal, down, describe, events.

use serde_json::Value;

use super::TWO_SLEEPERS;
use crate::harness::{TestEnv, alive};

#[test]
fn stop_is_an_override_that_diff_shows_and_apply_clears() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let (web, worker) = (env.pids("web"), env.pid("worker"));
    env.eco(&["stop", "web"]).ok();
    assert!(web.values().all(|pid| !alive(*pid)), "stop waits for the end");
    assert_eq!(env.app("web")["state"], "stopped");
    assert_eq!(env.pid("worker"), worker);
    env.eco(&["status"]).exits(1).says("stopped");
    env.eco(&["diff"]).exits(1).says("web");
    env.apply();
    assert_eq!(env.pids("web").len(), 2);
    env.eco(&["diff"]).ok();
}

#[test]
fn start_ends_a_stop() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    env.eco(&["stop", "all"]).ok();
    assert!(env.pids("web").is_empty() && env.pids("worker").is_empty());
    env.eco(&["start", "all"]).ok();
    assert_eq!((env.pids("web").len(), env.pids("worker").len()), (2, 1));
    env.eco(&["diff"]).ok();
}

#[test]
fn scale_is_an_override_too() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let before = env.pids("web");
    env.eco(&["scale", "web", "4"]).ok();
    let more = env.pids("web");
    assert_eq!(more.len(), 4);
    assert!(before.iter().all(|(id, pid)| more.get(id) == Some(pid)));
    env.eco(&["diff"]).exits(1).says("instances");
    env.eco(&["scale", "web", "1"]).ok();
    assert_eq!(env.pids("web").keys().collect::<Vec<_>>(), ["web/0"]);
    env.eco(&["scale", "web", "+2"]).ok();
    assert_eq!(env.pids("web").len(), 3);
    env.eco(&["scale", "web", "-5"]).ok();
    assert_eq!(env.pids("web").len(), 0);
    env.eco(&["scale", "all", "+1"]).exits(2).says("name one app");
    env.apply();
    assert_eq!(env.pids("web").len(), 2);
    env.eco(&["diff"]).ok();
}

#[test]
fn overrides_survive_the_daemon() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    env.eco(&["stop", "worker"]).ok();
    env.eco(&["scale", "web", "3"]).ok();
    env.eco(&["daemon", "stop"]).ok();
    env.eco(&["start", "web"]).ok();
    assert_eq!(env.pids("web").len(), 3);
    assert_eq!(env.app("worker")["state"], "stopped");
}

#[test]
fn restart_replaces_every_instance_and_is_no_failure() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let (before, worker) = (env.pids("web"), env.pid("worker"));
    env.eco(&["restart", "web"]).ok();
    let after = env.pids("web");
    assert_eq!(after.len(), 2);
    assert!(before.iter().all(|(id, pid)| after[id] != *pid));
    assert_eq!(env.pid("worker"), worker);
    assert_eq!(env.app("web")["state"], "ready");
    env.eco(&["diff"]).ok();
}

#[test]
fn restart_of_one_instance_leaves_the_others() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let before = env.pids("web");
    env.eco(&["restart", "web/1"]).ok();
    let after = env.pids("web");
    assert_eq!(after["web/0"], before["web/0"]);
    assert_ne!(after["web/1"], before["web/1"]);
}

#[test]
fn tags_select_apps() {
    let env = TestEnv::with_apps(
        "  web: { command: sleep 100000, tags: [edge] }\n  api: { command: sleep 100000, tags: edge }\n  db: { command: sleep 100000 }\n",
    );
    env.apply();
    let db = env.pid("db");
    env.eco(&["stop", "tag:edge"]).ok();
    assert!(env.pids("web").is_empty() && env.pids("api").is_empty());
    assert_eq!(env.pid("db"), db);
}

#[test]
fn a_signal_reaches_the_program() {
    let env = TestEnv::new();
    env.script(
        "app.sh",
        "#!/bin/sh\ntrap 'echo got usr1' USR1\necho up\nwhile :; do sleep 0.05; done\n",
    );
    env.apps("  web: { command: ./app.sh }\n");
    env.apply();
    env.wait_for("the trap", || env.log("web").contains("up"));
    let pid = env.pid("web");
    env.eco(&["signal", "SIGUSR1", "web"]).ok();
    env.wait_for("the program's answer", || env.log("web").contains("got usr1"));
    assert_eq!(env.pid("web"), pid);
    env.eco(&["signal", "SIGWRONG", "web"]).exits(2);
}

#[test]
fn names_and_numbers_that_cannot_be_are_exit_2() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    for args in [
        &["stop", "wbe"][..],
        &["start", "nobody"],
        &["restart", "web/7"],
        &["scale", "nobody", "3"],
        &["describe", "nobody"],
        &["logs", "nobody"],
        &["stop", "tag:nobody"],
    ] {
        env.eco(args).exits(2);
    }
    env.eco(&["stop", "wbe"]).exits(2).says("web");
    env.eco(&["scale", "web", "10001"]).exits(2).says("10001 instances are too many");
    assert_eq!(env.pids("web").len(), 2);
}

#[test]
fn down_stops_and_forgets_the_project() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let web = env.pids("web");
    env.eco(&["down"]).ok();
    assert!(web.values().all(|pid| !alive(*pid)));
    let status = env.status();
    assert_eq!(status["project"], Value::Null);
    assert_eq!(status["apps"], Value::Array(Vec::new()));
    env.eco(&["status"]).exits(1);
    env.eco(&["down"]).ok();
    env.apply();
    assert_eq!(env.pids("web").len(), 2);
}

#[test]
fn describe_tells_all_about_an_app() {
    let env = TestEnv::with_apps(
        "  web: { command: sleep 100000, env: { TOKEN: hush }, restart: on-failure }\n",
    );
    env.apply();
    let pid = env.pid("web").to_string();
    let output = env.eco(&["describe", "web"]).ok();
    for words in ["web", "sleep 100000", &pid, "TOKEN", "on-failure"] {
        assert!(output.stdout.contains(words), "no {words}\n{output}");
    }
    assert!(!output.stdout.contains("hush"), "{output}");
}

#[test]
fn status_has_the_promised_keys() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let status = env.status();
    assert_eq!(status["schema"], 1);
    assert_eq!(status["project"], "shop");
    assert_eq!(status["file"]["path"], env.path("ecosystem.yaml").to_str().unwrap());
    assert_eq!(status["file"]["followed"], false);
    assert_eq!(status["file"]["state"], "in_sync");
    assert_eq!(status["file"]["error"], Value::Null);
    let app = env.app("worker");
    for key in ["name", "desired", "ready", "revision", "state", "hold", "hold_code"] {
        assert!(app.get(key).is_some(), "no {key} in {app}");
    }
    let instance = &app["instances"][0];
    for key in [
        "id",
        "pid",
        "phase",
        "restarts",
        "since",
        "revision",
        "generation",
        "hold",
        "hold_code",
        "exit",
        "memory",
        "cpu",
    ] {
        assert!(instance.get(key).is_some(), "no {key} in {instance}");
    }
    assert_eq!(instance["id"], "worker/0");
    assert!(instance["memory"].as_u64().unwrap() > 10_000, "{instance}");
    let since = instance["since"].as_str().unwrap();
    assert!(since.ends_with('Z') && since.contains('T'), "{since}");
}

#[test]
fn an_edit_of_an_unfollowed_file_shows_as_ahead() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let web = env.pids("web");
    env.apps(&TWO_SLEEPERS.replace("instances: 2", "instances: 3"));
    env.wait_for("the edit to show", || env.status()["file"]["state"] == "ahead");
    assert_eq!(env.pids("web"), web);
}

#[test]
fn events_tell_what_happened_in_order() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000 }\n");
    env.apply();
    env.eco(&["restart", "web"]).ok();
    let events = env.events();
    for event in &events {
        for key in
            ["seq", "time", "type", "project", "app", "instance", "by", "revision", "message"]
        {
            assert!(event.get(key).is_some(), "no {key} in {event}");
        }
    }
    let seqs: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
    let started = events.iter().filter(|event| event["type"] == "started").count();
    assert_eq!(started, 2, "{events:#?}");
    env.eco(&["events"]).ok().says("web");
}

#[test]
fn who_types_as_for_pm2_is_understood() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    env.eco(&["ls"]).ok().says("web");
    env.eco(&["show", "web"]).ok().says("command");
    env.eco(&["restart", "all"]).ok();
    env.eco(&["save"]).exits(2).says("`save` is a command of PM2").says("eco startup");
    env.eco(&["delete", "web"]).exits(2).says("eco apply");
    env.eco(&["daemon", "save"]).exits(2).says("unrecognized subcommand");
}
