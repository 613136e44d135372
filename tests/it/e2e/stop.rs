//! Stopping: the whole group ends, politely first, and nothing stays behind.

use std::{fs, time::Instant};

use crate::harness::{TestEnv, alive};

/// Starts a child in the background, writes its pid to a file and exits: what `npm start` does.
const WRAPPER: &str = "#!/bin/sh\nsleep 100000 &\necho $! > child.pid\n";

fn child(env: &TestEnv, name: &str) -> u32 {
    env.wait_until("the child's pid", || env.read(name).trim().parse().ok())
}

#[test]
fn a_wrapper_that_ends_at_once_leaves_no_orphan() {
    let env = TestEnv::new();
    env.script("wrapper.sh", &format!("{WRAPPER}trap 'exit 0' TERM\nwait\n"));
    env.apps("  web: { command: ./wrapper.sh }\n");
    env.apply();
    let child = child(&env, "child.pid");
    assert!(alive(child));
    env.eco(&["stop", "web"]).ok();
    assert!(!alive(child), "the group has ended when stop returns");
}

#[test]
fn a_leader_that_exits_alone_has_its_group_stopped_before_the_next_run() {
    let env = TestEnv::new();
    env.script("wrapper.sh", &format!("{WRAPPER}[ -e stay ] && exec sleep 100000\nexit 1\n"));
    env.apps("  web: { command: ./wrapper.sh, restart: { backoff: none, limit: none } }\n");
    env.eco(&["apply", "--no-wait"]).ok();
    let first = child(&env, "child.pid");
    env.wait_for("the orphan's end", || !alive(first));
    env.write("stay", "");
    env.wait_state("web", "ready");
    let sleepers = env.processes().iter().filter(|p| p.to_string().contains("100000")).count();
    assert_eq!(sleepers, 2, "a leader and its child: {:#?}", env.processes());
}

#[test]
fn a_program_that_ignores_term_is_killed_after_its_timeout() {
    let env = TestEnv::new();
    env.script("deaf.sh", "#!/bin/sh\ntrap '' TERM\necho up\nwhile :; do sleep 0.1; done\n");
    env.apps("  web: { command: ./deaf.sh, stop: { timeout: 300ms } }\n");
    env.apply();
    env.wait_for("the trap", || env.log("web").contains("up"));
    let pid = env.pid("web");
    env.eco(&["stop", "web"]).ok();
    assert!(!alive(pid));
    assert!(env.events().iter().any(|event| event["type"] == "killed"));
}

#[test]
fn a_program_has_its_whole_timeout_to_end() {
    let env = TestEnv::new();
    env.script(
        "slow.sh",
        "#!/bin/sh\ntrap 'sleep 0.5; echo saved; exit 0' TERM\necho up\nwhile :; do sleep 0.05; done\n",
    );
    env.apps("  web: { command: ./slow.sh, stop: { timeout: 1m } }\n");
    env.apply();
    env.wait_for("the trap", || env.log("web").contains("up"));
    let asked = Instant::now();
    env.eco(&["stop", "web"]).ok();
    assert!(env.log("web").contains("saved"), "{:?}", asked.elapsed());
}

#[test]
fn the_stop_signal_is_the_apps_own() {
    let env = TestEnv::new();
    env.script(
        "app.sh",
        "#!/bin/sh\ntrap 'echo quit; exit 0' QUIT\ntrap 'echo term' TERM\necho up\nwhile :; do sleep 0.05; done\n",
    );
    env.apps("  web: { command: ./app.sh, stop: { signal: QUIT } }\n");
    env.apply();
    env.wait_for("the trap", || env.log("web").contains("up"));
    env.eco(&["stop", "web"]).ok();
    let log = env.log("web");
    assert!(log.contains("quit") && !log.contains("term"), "{log}");
}

#[test]
fn kill_main_spares_the_children_the_first_signal() {
    let env = TestEnv::new();
    env.script(
        "child.sh",
        "#!/bin/sh\ntrap 'echo child term >> said; exit 0' TERM\necho $$ > child.pid\nwhile :; do sleep 0.05; done\n",
    );
    env.script(
        "main.sh",
        "#!/bin/sh\n./child.sh &\nchild=$!\ntrap 'echo main term >> said; kill -USR2 $child; wait; exit 0' TERM\nwhile :; do sleep 0.05; done\n",
    );
    env.apps("  web: { command: ./main.sh, stop: { kill: main, timeout: 20s } }\n");
    env.apply();
    let child = child(&env, "child.pid");
    env.eco(&["stop", "web"]).ok();
    assert!(!alive(child));
    assert_eq!(env.read("said"), "main term\n");
}

#[test]
fn a_requested_stop_is_no_failure() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000 }\n");
    env.apply();
    for _ in 0..3 {
        env.eco(&["stop", "web"]).ok();
        env.eco(&["start", "web"]).ok();
    }
    let app = env.app("web");
    assert_eq!(app["state"], "ready", "{app}");
    assert_eq!(app["instances"][0]["restarts"], 0, "{app}");
}

#[test]
fn a_stubborn_app_hinders_no_other() {
    let env = TestEnv::new();
    env.script("deaf.sh", "#!/bin/sh\ntrap '' TERM\necho up\nwhile :; do sleep 0.1; done\n");
    env.apps(
        "  deaf: { command: ./deaf.sh, stop: { timeout: 1h } }\n  web: { command: sleep 100000 }\n",
    );
    env.apply();
    env.wait_for("the trap", || env.log("deaf").contains("up"));
    env.eco(&["stop", "deaf", "--no-wait"]).ok();
    env.eco(&["restart", "web"]).ok();
    env.wait_for("deaf to be shown as stopping", || {
        env.app("deaf")["instances"][0]["phase"] == "stopping"
    });
    let hold = env.app("deaf")["instances"][0]["hold"].clone();
    assert!(hold.as_str().unwrap().contains("SIGKILL in"), "{hold}");
    // A shorter timeout holds for a stop that is under way.
    env.apps(
        "  deaf: { command: ./deaf.sh, stop: { timeout: 200ms } }\n  web: { command: sleep 100000 }\n",
    );
    env.eco(&["apply"]).ok();
    assert_eq!(env.app("deaf")["state"], "ready");
    env.eco(&["stop", "deaf"]).ok();
    fs::remove_file(env.path("deaf.sh")).unwrap();
}
