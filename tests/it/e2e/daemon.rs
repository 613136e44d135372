//! eco's own processes: who starts them, who may, and how they end.

use std::{fs, os::unix::fs::FileTypeExt as _};

use super::TWO_SLEEPERS;
use crate::harness::{Process, Signal, TestEnv, alive, send};

#[test]
fn status_names_the_three_processes() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let status = env.daemon();
    assert_eq!(status["projects"], serde_json::json!(["shop"]), "{status}");
    assert!(status["version"].is_string() && status["home"].is_string(), "{status}");
    let [keeper, recorder, controller] =
        ["keeper", "recorder", "controller"].map(|role| env.daemon_pid(role));
    let parent = |pid| Process::find(pid).unwrap().parent;
    assert_eq!(parent(recorder), keeper);
    assert_eq!(parent(controller), keeper);
    for pid in env.pids("web").values() {
        assert_eq!(parent(*pid), keeper);
        assert_eq!(Process::find(*pid).unwrap().session, *pid, "a session of its own");
    }
    env.eco(&["daemon", "status"]).ok().says("keeper");
}

#[test]
fn the_keeper_keeps_nothing_of_its_caller() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let keeper = env.daemon_pid("keeper");
    let link = |name: &str| fs::read_link(format!("/proc/{keeper}/{name}")).unwrap();
    assert_eq!(link("cwd").to_str(), Some("/"));
    for descriptor in ["fd/0", "fd/1", "fd/2"] {
        assert_eq!(link(descriptor).to_str(), Some("/dev/null"), "{descriptor}");
    }
    assert_eq!(Process::find(keeper).unwrap().session, keeper);
}

#[test]
fn stop_ends_every_app_and_every_process() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let ours = env.processes();
    assert!(ours.len() >= 6, "{ours:#?}");
    env.eco(&["daemon", "stop"]).ok();
    env.wait_for("all to be gone", || !ours.iter().any(Process::is_alive));
    let left = fs::read_dir(env.home().join("run")).unwrap().map(|entry| entry.unwrap());
    let sockets: Vec<_> = left.filter(|it| it.file_type().unwrap().is_socket()).collect();
    assert!(sockets.is_empty(), "nobody is behind {sockets:?}");
    env.eco(&["daemon", "status"]).exits(3);
    env.eco(&["daemon", "stop"]).ok();
}

#[test]
fn after_a_stop_only_apply_and_start_bring_it_back() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    env.eco(&["daemon", "stop"]).ok();
    for args in [&["status"][..], &["logs", "web"], &["events"], &["diff"], &["restart", "web"]] {
        env.eco(args);
        env.eco(&["daemon", "status"]).exits(3);
    }
    env.eco(&["start", "all"]).ok();
    assert_eq!((env.pids("web").len(), env.pids("worker").len()), (2, 1));
}

#[test]
fn two_at_once_start_one_keeper() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    let calls: Vec<_> = (0..5).map(|_| env.call(&["apply"]).spawn()).collect();
    for call in calls {
        call.wait().ok();
    }
    let keeper = env.daemon_pid("keeper");
    let roots: Vec<u32> = env
        .processes()
        .iter()
        .filter(|process| process.session == process.pid && process.parent != keeper)
        .map(|process| process.pid)
        .collect();
    assert_eq!(roots, [keeper]);
}

#[test]
fn a_home_whose_path_is_too_long_is_refused_in_words() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    let long = env.path(&"long".repeat(30));
    let output = env.call(&["apply"]).env("ECO_HOME", long.to_str().unwrap()).run();
    assert!(output.code.is_some_and(|code| code == 2 || code == 3), "{output}");
    output.says("ECO_HOME");
}

#[test]
fn after_daemon_stop_logs_can_be_read_and_status_says_so() {
    let talker = "  web: { command: { shell: 'echo I spoke; exec sleep 100000' } }\n";
    let env = TestEnv::with_apps(talker);
    env.apply();
    env.wait_for("its words", || env.eco(&["logs", "web"]).stdout.contains("I spoke"));
    env.eco(&["daemon", "stop"]).ok();
    env.eco(&["logs", "web/0"]).ok().says("I spoke");
    env.eco(&["logs", "other"]).exits(3);
    env.eco(&["status"]).exits(3).says("eco apply");
    env.eco(&["start", "web"]).ok();
    assert!(env.is("web", "ready"));
}

/// However soon after an apply it ends: that it stops the apps then is nobody's override.
#[test]
fn what_ran_when_the_machine_went_down_comes_back() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let keeper = env.daemon_pid("keeper");
    send(keeper, Signal::TERM);
    env.wait_for("eco to end", || !alive(keeper));
    // This command starts it again, since apps should run.
    env.wait_for("the apps", || env.eco(&["status"]).code == Some(0));
    assert_eq!(env.pids("web").len(), 2);
}
