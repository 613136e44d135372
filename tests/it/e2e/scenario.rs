//! The whole story in one run; `tests/demo` prints it.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink};

use crate::harness::{
    Output, Process, Signal, TestEnv, free_port, http_get, installed, program, repository, send,
};

#[expect(clippy::print_stdout, reason = "`tests/demo` shows what this prints")]
fn tell(text: &str) {
    println!("{text}");
}

/// Runs a command and shows it as it would look in a terminal.
fn eco(env: &TestEnv, args: &[&str], code: i32) -> Output {
    let output = env.eco(args);
    tell(&format!("\n$ eco {}\n{output}", args.join(" ")));
    output.exits(code)
}

fn write(env: &TestEnv, port: u16, message: &str, workers: &str) {
    let text = format!(
        "name: shop\ndefaults: {{ rollout: {{ min_ready: 200ms }} }}\napps:\n  web:\n    command: node app.js\n    env: {{ PORT: {port}, MESSAGE: {message} }}\n  worker:\n    command: python3 worker.py\n    instances: {workers}\n    env: {{ MESSAGE: busy }}\n  ticker:\n    command: ./tick.sh\n    restart: {{ backoff: none }}\n"
    );
    env.write("ecosystem.yaml", &text);
}

fn pids(env: &TestEnv) -> BTreeMap<String, u32> {
    ["web", "worker", "ticker"].iter().flat_map(|app| env.pids(app)).collect()
}

fn shop() -> (TestEnv, u16) {
    program("node");
    program("python3");
    let (env, port) = (TestEnv::new(), free_port());
    symlink(installed("tests/apps/express/node_modules"), env.path("node_modules")).unwrap();
    for file in ["express/app.js", "python/worker.py"] {
        let from = repository("tests/apps").join(file);
        fs::copy(&from, env.path("").join(from.file_name().unwrap())).unwrap();
    }
    env.script("tick.sh", "#!/bin/sh\nwhile :; do date; sleep 0.5; done\n");
    (env, port)
}

#[test]
fn the_whole_story() {
    let (env, port) = shop();
    tell("# Three apps: Express, a Python worker twice, a shell script.");
    write(&env, port, "one", "2");
    eco(&env, &["apply"], 0);
    eco(&env, &["status"], 0);
    env.wait_for("the site", || http_get(port, "/").is_some_and(|body| body.contains("one")));

    tell("# Edit env of web and instances of worker.");
    let before = pids(&env);
    write(&env, port, "two", "3");
    eco(&env, &["diff"], 1);
    eco(&env, &["apply"], 0);
    eco(&env, &["diff"], 0);
    let after = pids(&env);
    assert_ne!(after["web/0"], before["web/0"]);
    for untouched in ["worker/0", "worker/1", "ticker/0"] {
        assert_eq!(after[untouched], before[untouched], "{untouched}");
    }
    assert!(after.contains_key("worker/2"));
    env.wait_for("the new site", || http_get(port, "/").is_some_and(|body| body.contains("two")));

    tell("# Kill an app and the controller with SIGKILL.");
    send(after["ticker/0"], Signal::KILL);
    let controller = env.daemon_pid("controller");
    send(controller, Signal::KILL);
    env.wait_for("the ticker's replacement", || {
        env.pids("ticker").get("ticker/0").is_some_and(|pid| *pid != after["ticker/0"])
    });
    env.wait_state("ticker", "ready");
    eco(&env, &["status"], 0);
    let killed = pids(&env);
    for untouched in ["web/0", "worker/0", "worker/1", "worker/2"] {
        assert_eq!(killed[untouched], after[untouched], "{untouched}");
    }
    assert_ne!(env.daemon_pid("controller"), controller);

    follow(&env, port, &killed);

    tell("# The end: nothing is left.");
    let ours = env.processes();
    eco(&env, &["down"], 0);
    eco(&env, &["daemon", "stop"], 0);
    env.wait_for("nothing to be left", || !ours.iter().any(Process::is_alive));
    assert_eq!(http_get(port, "/"), None);
    tell(&format!("# {} processes of this run, 0 left", ours.len()));
}

fn follow(env: &TestEnv, port: u16, before: &BTreeMap<String, u32>) {
    tell("# Follow the file; a bad edit harms nobody.");
    eco(env, &["apply", "--watch"], 0);
    write(env, port, "two", "many");
    env.wait_for("the fault", || env.status()["file"]["state"] == "broken");
    eco(env, &["status"], 1);
    assert_eq!(&pids(env), before);

    tell("# A fixed edit is taken over by itself.");
    write(env, port, "two", "1");
    env.wait_for("the edit", || {
        env.pids("worker").len() == 1 && env.status()["file"]["state"] == "in_sync"
    });
    eco(env, &["status"], 0);
    assert_eq!(pids(env)["web/0"], before["web/0"]);
}
