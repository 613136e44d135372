//! The supervisor's own deaths: apps do not notice, nothing is lost, nothing starts twice.

use std::{collections::BTreeMap, fs};

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
fn beside_a_stopped_controller_a_dead_keeper_is_followed_by_another() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let (web, worker) = (env.pids("web"), env.pid("worker"));
    let [keeper, controller] = ["keeper", "controller"].map(|role| env.daemon_pid(role));
    send(controller, Signal::STOP);
    send(keeper, Signal::KILL);
    env.wait_for("its end", || !alive(keeper));
    // One that starts nobody says what it finds; the others find the next controller.
    env.eco(&["daemon", "status"]).exits(3);
    env.eco(&["status"]).ok();
    let now = env.daemon();
    assert!(now["keeper_pid"] != keeper && now["controller_pid"] != controller, "{now}");
    assert_eq!((env.pids("web"), env.pid("worker")), (web.clone(), worker));
    env.eco(&["scale", "web", "3"]).ok();
    // The stopped one sees that it is not the one any more.
    send(controller, Signal::CONT);
    env.wait_for("its end", || !alive(controller));
    assert_eq!(env.daemon(), now);
    let scaled = env.pids("web");
    assert!(scaled.len() == 3 && web.iter().all(|it| scaled.get(it.0) == Some(it.1)), "{scaled:?}");
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

/// After a death everything goes on as before, and nothing was started again.
fn goes_on(env: &TestEnv, web: &BTreeMap<String, u32>, worker: u32) {
    assert_eq!((&env.pids("web"), env.pid("worker")), (web, worker));
    assert_eq!(env.app("web")["instances"][0]["restarts"], 1);
    let sleepers = env.processes().iter().filter(|it| it.to_string().contains("100000")).count();
    assert_eq!(sleepers, 3, "{:#?}", env.processes());
}

/// A world whose first instance has been started again once.
fn restarted_once() -> TestEnv {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    send(env.pids("web")["web/0"], Signal::KILL);
    env.wait_for("a counted restart", || {
        env.app("web")["instances"][0]["restarts"] == 1 && env.is("web", "ready")
    });
    env
}

#[test]
fn the_controller_of_a_killed_keeper_starts_the_next() {
    let env = restarted_once();
    let (web, worker) = (env.pids("web"), env.pid("worker"));
    for _ in 0..3 {
        let recorder = env.daemon_pid("recorder");
        let old = kill_alone(&env, "keeper");
        // No command is needed for it.
        env.wait_for("another keeper", || keeper_in_lock(&env).is_some_and(|pid| pid != old));
        env.wait_for("an answer", || env.eco(&["daemon", "status"]).code == Some(0));
        goes_on(&env, &web, worker);
        assert_eq!(env.daemon_pid("recorder"), recorder);
    }
    // Exits are seen as ever, and told with their codes.
    send(web["web/1"], Signal::USR1);
    env.wait_for("a replacement", || {
        env.pids("web").get("web/1").is_some_and(|pid| *pid != web["web/1"])
    });
    env.eco(&["events"]).ok().says("SIGUSR1");
    env.apps(&TWO_SLEEPERS.replace("instances: 2", "instances: 1"));
    env.apply();
    assert_eq!(env.pids("web").len(), 1);
}

/// The keeper that has the lock, as it has noted there.
fn keeper_in_lock(env: &TestEnv) -> Option<u32> {
    let text = fs::read_to_string(env.home().join("run/lock")).ok()?;
    text.split_whitespace().next()?.parse().ok().filter(|pid| alive(*pid))
}

fn kill_alone(env: &TestEnv, role: &str) -> u32 {
    let pid = env.daemon_pid(role);
    send(pid, Signal::KILL);
    env.wait_for("its end", || !alive(pid));
    pid
}

#[test]
fn with_keeper_and_controller_dead_the_next_command_starts_them() {
    let env = restarted_once();
    let (web, worker, recorder) = (env.pids("web"), env.pid("worker"), env.daemon_pid("recorder"));
    env.kill_roles(&["keeper", "controller"]);
    assert!(web.values().all(|pid| alive(*pid)) && alive(recorder));
    env.eco(&["status"]).ok();
    goes_on(&env, &web, worker);
    assert_eq!(env.daemon_pid("recorder"), recorder);
}

#[test]
fn with_all_three_dead_the_next_command_starts_them() {
    let env = restarted_once();
    let (web, worker) = (env.pids("web"), env.pid("worker"));
    for _ in 0..2 {
        env.kill_roles(&["keeper", "controller", "recorder"]);
        assert!(web.values().all(|pid| alive(*pid)));
        env.eco(&["status"]).ok();
        goes_on(&env, &web, worker);
    }
    env.eco(&["stop", "worker"]).ok();
    assert!(!alive(worker));
}

#[test]
fn left_apps_are_found_by_the_next_apply() {
    let env = restarted_once();
    let (web, worker) = (env.pids("web"), env.pid("worker"));
    env.eco(&["daemon", "stop", "--leave-apps"]).ok();
    env.eco(&["status"]).exits(3);
    assert!(web.values().all(|pid| alive(*pid)) && alive(worker));
    env.apply();
    goes_on(&env, &web, worker);
    // Also when nobody at all is left.
    let recorder = env.daemon_pid("recorder");
    env.eco(&["daemon", "stop", "--leave-apps"]).ok();
    send(recorder, Signal::KILL);
    env.wait_for("the recorder's end", || !alive(recorder));
    env.apply();
    goes_on(&env, &web, worker);
}

#[test]
fn what_is_stopped_when_the_keeper_dies_is_stopped() {
    let stubborn = "  web: { command: { shell: 'trap \"\" TERM; while :; do sleep 1000; done' }, stop: { timeout: 3s } }\n";
    let env = TestEnv::with_apps(stubborn);
    env.apply();
    let pid = env.pid("web");
    let stop = env.call(&["stop", "web"]).spawn();
    env.wait_for("its stop", || env.app("web")["instances"][0]["phase"] == "stopping");
    kill_alone(&env, "keeper");
    stop.wait().ok();
    assert!(!alive(pid));
    assert!(env.is("web", "stopped"));
}

#[test]
fn no_line_is_lost_when_keepers_die() {
    let env = TestEnv::new();
    env.script("counter.sh", COUNTER);
    env.apps("  web: { command: ./counter.sh }\n");
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_for("it to run", || env.pids("web").len() == 1);
    for _ in 0..3 {
        kill_alone(&env, "keeper");
        env.wait_for("an answer", || env.eco(&["daemon", "status"]).code == Some(0));
    }
    let expected: Vec<String> = (1..=20_000).map(|i| format!("line {i} of the log\n")).collect();
    let expected = expected.concat();
    env.wait_for("the whole log", || env.log("web").len() == expected.len());
    assert!(env.log("web") == expected, "bytes are as written");
}
