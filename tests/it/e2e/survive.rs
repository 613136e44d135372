//! The supervisor's own deaths: apps do not notice, nothing is lost, nothing starts twice.

use std::fs;

use super::TWO_SLEEPERS;
use crate::harness::{Signal, TestEnv, alive, send};

/// Writes numbered lines as fast as a shell can; how far it has come is in the log itself.
const COUNTER: &str = "#!/bin/sh\ni=0\nwhile [ $i -lt 20000 ]; do i=$((i+1)); echo line $i of the log; done\nexec sleep 100000\n";

fn kill_and_await_another(env: &TestEnv, role: &str) {
    let old = env.daemon_pid(role);
    send(old, Signal::KILL);
    env.wait_for(&format!("another {role}"), || {
        let now = env.eco(&["daemon", "status", "--json"]);
        now.code == Some(0)
            && now.json()[format!("{role}_pid")].as_u64().is_some_and(|pid| {
                pid != 0 && pid != u64::from(old) && alive(u32::try_from(pid).unwrap())
            })
    });
}

#[test]
fn killing_the_controller_changes_nothing() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    send(env.pids("web")["web/0"], Signal::KILL);
    env.wait_for("a counted restart", || {
        env.app("web")["instances"][0]["restarts"] == 1 && env.is("web", "ready")
    });
    let (web, worker) = (env.pids("web"), env.pid("worker"));
    for _ in 0..5 {
        kill_and_await_another(&env, "controller");
        assert_eq!((env.pids("web"), env.pid("worker")), (web.clone(), worker));
        assert_eq!(env.app("web")["instances"][0]["restarts"], 1);
    }
    env.eco(&["diff"]).ok();
    env.apps(&TWO_SLEEPERS.replace("instances: 2", "instances: 3"));
    env.apply();
    let more = env.pids("web");
    assert!(web.iter().all(|(id, pid)| more.get(id) == Some(pid)));
}

#[test]
fn an_exit_without_a_controller_is_seen_by_the_next() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let (controller, before) = (env.daemon_pid("controller"), env.pids("web"));
    send(controller, Signal::STOP);
    send(before["web/0"], Signal::KILL);
    send(controller, Signal::KILL);
    env.wait_for("a replacement", || {
        env.pids("web").get("web/0").is_some_and(|pid| *pid != before["web/0"])
    });
    assert_eq!(env.pids("web")["web/1"], before["web/1"]);
    env.wait_for("the count", || env.app("web")["instances"][0]["restarts"] == 1);
}

#[test]
fn no_line_is_lost_when_controller_and_recorder_die_again_and_again() {
    let env = TestEnv::new();
    env.script("counter.sh", COUNTER);
    env.apps("  web: { command: ./counter.sh, instances: 2 }\n");
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_for("both to run", || env.pids("web").len() == 2);
    let pids = env.pids("web");
    for _ in 0..4 {
        kill_and_await_another(&env, "recorder");
        kill_and_await_another(&env, "controller");
        assert_eq!(env.pids("web"), pids);
    }
    for id in pids.keys() {
        let log = env.wait_until("the last line", || {
            let log = env.log(id);
            log.contains("line 20000 of the log\n").then_some(log)
        });
        let whole = log.lines().filter(|line| line.ends_with(" of the log")).count();
        // At each of the four deaths of the recorder at most one read, 64 KiB, may be missing.
        assert!(whole + 4 * (64 * 1024 / 17) >= 20_000, "{id}: {whole} lines");
        assert!(whole <= 20_000, "{id}: a line was written twice: {whole}");
    }
    assert_eq!(env.pids("web"), pids);
}

#[test]
fn killing_only_the_controller_loses_no_byte() {
    let env = TestEnv::new();
    env.script("counter.sh", COUNTER);
    env.apps("  web: { command: ./counter.sh }\n");
    env.eco(&["apply", "--no-wait"]).ok();
    for _ in 0..4 {
        kill_and_await_another(&env, "controller");
    }
    let expected: Vec<String> = (1..=20_000).map(|i| format!("line {i} of the log\n")).collect();
    let expected = expected.concat();
    env.wait_for("the whole log", || env.log("web").len() == expected.len());
    assert!(env.log("web") == expected, "bytes are as written");
}

#[test]
fn a_stopped_controller_is_exit_3_and_touches_nothing() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let (web, controller) = (env.pids("web"), env.daemon_pid("controller"));
    send(controller, Signal::STOP);
    let output = env.eco(&["status"]);
    send(controller, Signal::CONT);
    output.exits(3);
    assert!(web.values().all(|pid| alive(*pid)));
    env.wait_for("status again", || env.eco(&["status"]).code == Some(0));
    assert_eq!(env.pids("web"), web);
}

#[test]
fn a_torn_state_file_never_stops_apps() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let web = env.pids("web");
    let controller = env.daemon_pid("controller");
    send(controller, Signal::STOP);
    let mut dirs = vec![env.home().join("state")];
    let mut torn = 0;
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap().filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|ending| ending == "json") {
                let bytes = fs::read(&path).unwrap();
                fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
                torn += 1;
            }
        }
    }
    assert!(torn > 0, "there is a state file");
    send(controller, Signal::KILL);
    env.wait_for("another controller", || {
        let now = env.eco(&["daemon", "status", "--json"]);
        now.code == Some(0) && now.json()["controller_pid"] != controller
    });
    assert!(web.values().all(|pid| alive(*pid)));
    // An explicit apply takes the running processes over or replaces them, but never doubles them.
    env.eco(&["apply"]).ok();
    let sleepers = env.processes().iter().filter(|p| p.to_string().contains("100000")).count();
    assert_eq!(sleepers, 3);
}

/// Taking over the apps of a killed keeper is a later part's; until then nothing may start twice.
#[test]
fn a_killed_keepers_apps_run_on_and_are_never_started_twice() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let mut pids: Vec<_> = env.pids("web").into_values().collect();
    pids.push(env.pid("worker"));
    let (keeper, controller) = (env.daemon_pid("keeper"), env.daemon_pid("controller"));
    send(keeper, Signal::KILL);
    env.wait_for("the controller's end", || !alive(controller));
    let refused = env.eco(&["status"]).exits(3).to_string();
    assert!(pids.iter().all(|pid| alive(*pid)), "{refused}");
    for pid in &pids {
        assert!(refused.contains(&pid.to_string()), "{refused}");
        send(*pid, Signal::KILL);
    }
    env.wait_for("their end", || pids.iter().all(|pid| !alive(*pid)));
    env.wait_for("all of it again", || env.eco(&["status"]).code == Some(0));
    assert_eq!(env.pids("web").len(), 2);
}
