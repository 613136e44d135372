//! Real programs: Express, npm, gunicorn, a Python worker.

use std::{fs, thread};

use crate::harness::{Process, TestEnv, free_port, http_get, installed, program, repository};

/// A world in whose directory Express can be required.
fn with_express() -> (TestEnv, u16) {
    program("node");
    let env = TestEnv::new();
    std::os::unix::fs::symlink(
        installed("tests/apps/express/node_modules"),
        env.path("node_modules"),
    )
    .unwrap();
    for file in ["app.js", "package.json"] {
        fs::copy(repository("tests/apps/express").join(file), env.path(file)).unwrap();
    }
    (env, free_port())
}

fn message(port: u16) -> Option<String> {
    let body = http_get(port, "/")?;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    body["message"].as_str().map(str::to_owned)
}

fn express(command: &str, port: u16, message: &str) -> String {
    format!("  web: {{ command: {command}, env: {{ PORT: {port}, MESSAGE: {message} }} }}\n")
}

#[test]
fn express_serves_and_takes_over_an_edit() {
    let (env, port) = with_express();
    env.apps(&express("node app.js", port, "one"));
    env.apply();
    env.wait_for("the first answer", || message(port).as_deref() == Some("one"));
    let pid = env.pid("web");
    env.apply();
    assert_eq!(env.pid("web"), pid);
    env.apps(&express("node app.js", port, "two"));
    env.eco(&["diff"]).exits(1).says("env.MESSAGE");
    env.apply();
    env.wait_for("the second answer", || message(port).as_deref() == Some("two"));
    assert_ne!(env.pid("web"), pid);
}

#[test]
fn a_stop_lets_express_finish_its_requests() {
    let (env, port) = with_express();
    env.apps(&express("node app.js", port, "one"));
    env.apply();
    env.wait_for("an answer", || message(port).is_some());
    let slow = thread::spawn(move || http_get(port, "/slow"));
    // The request has reached the server once its connection is established on both sides; the
    // server accepts it before it can see a signal that is sent later.
    env.wait_for("the request", || {
        let hex = format!(":{port:04X} ");
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        table.lines().filter(|line| line.contains(&hex) && line.contains(" 01 ")).count() >= 2
    });
    assert!(message(port).is_some(), "answered after the slow request was accepted");
    env.eco(&["stop", "web"]).ok();
    assert_eq!(slow.join().unwrap().as_deref(), Some("late but whole"));
}

#[test]
fn npm_start_leaves_no_server_behind() {
    program("npm");
    let (env, port) = with_express();
    env.apps(&express("npm start", port, "through-npm"));
    env.apply();
    env.wait_for("an answer", || message(port).as_deref() == Some("through-npm"));
    let ours: Vec<Process> = env
        .processes()
        .into_iter()
        .filter(|process| process.to_string().contains("app.js"))
        .collect();
    assert!(!ours.is_empty());
    env.eco(&["restart", "web"]).ok();
    assert!(!ours.iter().any(Process::is_alive));
    env.wait_for("the new answer", || message(port).is_some());
    env.eco(&["down"]).ok();
    assert_eq!(http_get(port, "/"), None);
}

#[test]
fn a_port_that_is_taken_is_shown_with_the_programs_own_words() {
    let (env, port) = with_express();
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    env.apps(&format!(
        "  web: {{ command: node app.js, env: {{ PORT: {port} }}, restart: {{ limit: {{ failures: 2, within: 5m }} }}, rollout: {{ min_ready: 5s }} }}\n"
    ));
    env.eco(&["apply"]).exits(1).says("EADDRINUSE");
    drop(taken);
}

#[test]
fn gunicorn_and_its_workers_end_together() {
    let gunicorn = installed("tests/.cache/venv/bin/gunicorn");
    let (env, port) = (TestEnv::new(), free_port());
    fs::copy(repository("tests/apps/python/app.py"), env.path("app.py")).unwrap();
    env.apps(&format!(
        "  web: {{ command: '{} -w 2 -b 127.0.0.1:{port} app:app', env: {{ MESSAGE: hi }} }}\n",
        gunicorn.display()
    ));
    env.apply();
    env.wait_for("an answer", || http_get(port, "/").as_deref() == Some("hi"));
    let session = env.pid("web");
    let group: Vec<Process> =
        env.processes().into_iter().filter(|process| process.session == session).collect();
    assert!(group.len() >= 2, "a master and workers: {group:#?}");
    env.eco(&["stop", "web"]).ok();
    assert!(!group.iter().any(Process::is_alive));
}

#[test]
fn a_python_worker_says_goodbye() {
    program("python3");
    let env = TestEnv::new();
    fs::copy(repository("tests/apps/python/worker.py"), env.path("worker.py")).unwrap();
    env.apps("  worker: { command: python3 worker.py, instances: 2, env: { MESSAGE: hi } }\n");
    env.apply();
    for id in ["worker/0", "worker/1"] {
        let index = id.strip_prefix("worker/").unwrap();
        env.wait_for("its count", || env.log(id).contains(&format!("worker {index} hi 3\n")));
    }
    env.eco(&["stop", "worker"]).ok();
    env.wait_for("both goodbyes", || env.log("worker").matches("goodbye").count() == 2);
}
