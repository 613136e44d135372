//! Instances that are stopped by a command in place of a signal.

use std::fs;

use eco::host::crash::POINTS_OF_STOP_COMMANDS;

use crate::harness::{TestEnv, alive};

/// Goes on until there is a file named after its process id, whatever signal comes; says which came.
const SERVER: &str = "#!/bin/sh\ntrap 'echo SIGTERM' TERM\necho up\n\
                      while [ ! -e end-$$ ]; do sleep 0.05; done\necho ended\n";
/// Makes that file.
const STOP: &str = "#!/bin/sh\necho \"stops $ECO_APP/$ECO_INSTANCE\"\ntouch end-$ECO_PID\n";

fn env(more: &str) -> TestEnv {
    let env = TestEnv::new();
    env.script("server.sh", SERVER);
    env.script("stop.sh", STOP);
    write(&env, more);
    env
}

fn write(env: &TestEnv, more: &str) {
    env.apps(&format!("  web:\n    command: ./server.sh\n{more}"));
}

const BY_COMMAND: &str = "    stop: { command: ./stop.sh, timeout: 1m }\n";

fn told(env: &TestEnv, words: &str) -> usize {
    let events = env.events();
    events.iter().filter(|event| event["message"].as_str().unwrap().contains(words)).count()
}

/// What the commands wrote; the last words of one may come after what it stopped has ended.
fn stopped(env: &TestEnv, instance: u32, count: usize) {
    let says = format!("stops web/{instance}");
    env.wait_for("the command's output", || {
        env.eco(&["logs", "web", "--no-prefix"]).stdout.matches(&says).count() == count
    });
}

#[test]
fn every_way_to_stop_it_runs_the_command() {
    let env = env(&format!("    instances: 2\n{BY_COMMAND}"));
    env.apply();
    env.eco(&["restart", "web/0"]).ok();
    stopped(&env, 0, 1);
    env.eco(&["scale", "web", "1"]).ok();
    stopped(&env, 1, 1);
    write(&env, &format!("    env: {{ A: new }}\n{BY_COMMAND}"));
    env.apply();
    stopped(&env, 0, 2);
    env.eco(&["stop", "web"]).ok();
    stopped(&env, 0, 3);
    assert_eq!(told(&env, "its stop command, `./stop.sh`, is run"), 4);
    assert_eq!(told(&env, "SIGTERM"), 0);
    assert_eq!(told(&env, "stopped: exit code 0"), 4);
    env.eco(&["start", "web"]).ok();
    let pid = env.pid("web");
    env.eco(&["down"]).ok();
    assert!(!alive(pid));
    assert!(env.path(&format!("end-{pid}")).exists());
}

#[test]
fn it_is_run_when_eco_ends() {
    let env = env(BY_COMMAND);
    env.apply();
    let pid = env.pid("web");
    env.eco(&["daemon", "stop"]).ok();
    assert!(!alive(pid));
    assert!(env.path(&format!("end-{pid}")).exists());
    assert!(!env.log("web").contains("SIGTERM"));
}

/// All of its output is among the errors of the app.
#[test]
fn its_output_is_in_the_error_log() {
    let env = env(BY_COMMAND);
    env.apply();
    env.eco(&["stop", "web"]).ok();
    stopped(&env, 0, 1);
    let lines = env.eco(&["logs", "web", "--json"]).stdout;
    let line = lines.lines().find(|line| line.contains("stops web/0")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(line).unwrap()["stream"], "err");
}

#[test]
fn a_signal_follows_one_that_fails() {
    for (command, why) in [
        ("sh -c 'echo no >&2; exit 3'", "it ended with exit code 3"),
        ("./missing", "it ended with exit code 127"),
    ] {
        let env = TestEnv::new();
        env.apps(&format!(
            "  web: {{ command: sleep 100000, stop: {{ command: {command:?}, timeout: 1m }} }}\n"
        ));
        env.apply();
        env.eco(&["stop", "web"]).ok();
        let text = format!("its stop command failed ({why}): SIGTERM is sent instead");
        assert_eq!(told(&env, &text), 1, "{:#?}", env.events());
        assert_eq!(told(&env, "stopped: SIGTERM"), 1);
    }
}

/// Neither what does not stop nor its command goes on.
#[test]
fn both_are_killed_after_the_timeout() {
    let env = env("    stop: { command: sleep 99999, timeout: 300ms }\n");
    env.apply();
    let pid = env.pid("web");
    env.eco(&["stop", "web"]).ok();
    assert!(!alive(pid));
    assert_eq!(told(&env, "it did not stop in time: SIGKILL"), 1);
    assert_eq!(told(&env, "its stop command failed"), 0);
    env.wait_for("the command's end", || {
        env.processes().iter().all(|process| !process.to_string().contains("99999"))
    });
}

#[test]
fn a_change_of_it_touches_no_process() {
    let env = env("");
    env.apply();
    let pid = env.pid("web");
    write(&env, BY_COMMAND);
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    let of_command = &diff["changes"][0];
    assert_eq!(of_command["field"], "stop.command");
    assert_eq!(of_command["effect"], "live");
    env.apply();
    assert_eq!(env.pid("web"), pid);
    env.eco(&["describe", "web"]).ok().says("stop.command");
    env.eco(&["stop", "web"]).ok();
    assert!(env.path(&format!("end-{pid}")).exists());
}

/// The next controller knows that it was begun, and how it ended.
#[test]
#[cfg_attr(not(debug_assertions), ignore = "other builds have no such points")]
fn it_is_run_once_wherever_the_controller_dies() {
    let env = env("    stop: { command: ./slow.sh, timeout: 1m }\n");
    env.script(
        "slow.sh",
        "#!/bin/sh\necho begun >> begun-$ECO_PID\nwhile [ ! -e go ]; do sleep 0.05; done\n\
         touch end-$ECO_PID\n",
    );
    env.apply();
    for point in POINTS_OF_STOP_COMMANDS {
        let pid = env.pid("web");
        let begun = env.path(&format!("begun-{pid}"));
        let crash = env.home().join("run/crash-at");
        fs::write(&crash, point).unwrap();
        env.eco(&["stop", "web", "--no-wait"]).ok();
        env.wait_for("the command", || begun.exists());
        env.write("go", "");
        env.wait_state("web", "stopped");
        // What has ended with the app is noted when it is seen.
        env.wait_for(&format!("a death where {point}"), || !crash.exists());
        assert_eq!(fs::read_to_string(&begun).unwrap(), "begun\n", "{point}");
        assert!(!alive(pid));
        fs::remove_file(env.path("go")).unwrap();
        env.eco(&["start", "web"]).ok();
    }
    assert_eq!(told(&env, "SIGTERM"), 0);
    assert_eq!(told(&env, "stopped: exit code 0"), 3);
    // The last one is stopped as eco ends.
    env.write("go", "");
}
