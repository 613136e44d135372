//! PM2's files of programs that talk with PM2: what they say is heard, and what they expect is said.

use std::{fs, net::SocketAddr, os::unix::fs::symlink, time::Duration};

use crate::{
    harness::{TestEnv, free_port, http_get, installed, program, repository},
    load::{Load, Options},
};

/// A server as PM2's documentation has it: says that it is ready, and ends when it is told to.
const SERVER: &str = r"
const server = require('http').createServer((request, response) => response.end('hello'));
server.listen(process.env.PORT, '127.0.0.1', () => {
  if (!process.env.SILENT) process.send('ready');
});
process.on('message', (message) => {
  if (message !== 'shutdown') return;
  console.log('told', process.pid);
  server.close(() => process.exit(0));
});
process.on('SIGINT', () => console.log('signalled', process.pid));
";

/// A project with that server, or Express's, and this below its app.
fn with(server: &str, more: &str) -> (TestEnv, u16) {
    program("node");
    let env = TestEnv::new();
    let port = free_port();
    env.write("server.js", server);
    env.write("package.json", r#"{ "name": "x", "scripts": { "start": "node server.js" } }"#);
    write(&env, port, more);
    (env, port)
}

fn write(env: &TestEnv, port: u16, more: &str) {
    env.write(
        "ecosystem.config.js",
        &format!("module.exports = {{ name: 'web', env: {{ PORT: {port} }}, {more} }};\n"),
    );
}

const BOTH: &str = "wait_ready: true, shutdown_with_message: true, kill_timeout: 60000";

fn messages(env: &TestEnv) -> Vec<String> {
    let text = |event: &serde_json::Value| event["message"].as_str().unwrap().to_owned();
    env.events().iter().map(text).collect()
}

#[test]
fn a_cluster_says_that_it_is_ready_and_hears_that_it_ends() {
    let more = format!("script: 'server.js', exec_mode: 'cluster', instances: 2, {BOTH}");
    let (env, port) = with(SERVER, &more);
    env.apply();
    let mut all: Vec<u32> = env.pids("web").into_values().collect();
    env.eco(&["reload", "web"]).ok();
    all.extend(env.pids("web").values());
    write(&env, port, &format!("{more}, args: 'new'"));
    env.apply();
    all.extend(env.pids("web").values());
    assert_eq!(http_get(port, "/").as_deref(), Some("hello"));
    env.eco(&["down"]).ok();
    let log = all_logs(&env);
    for pid in &all {
        assert_eq!(log.matches(&format!("told {pid}\n")).count(), 1, "{log}");
    }
    assert_eq!(all.len(), 6);
    assert!(!log.contains("signalled"), "{log}");
}

/// All that was ever written, also by apps that are not known any more.
fn all_logs(env: &TestEnv) -> String {
    let mut found = String::new();
    let mut dirs = vec![env.home().join("logs")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|it| it == "log") {
                found.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn so_does_one_that_npm_starts() {
    let (env, port) = with(SERVER, &format!("script: 'npm', args: 'start', {BOTH}"));
    env.apply();
    assert_eq!(http_get(port, "/").as_deref(), Some("hello"));
    env.eco(&["restart", "web"]).ok();
    env.eco(&["stop", "web"]).ok();
    let log = env.log("web");
    assert_eq!(log.matches("told ").count(), 2, "{log}");
    assert!(!log.contains("signalled"), "{log}");
    assert!(!messages(&env).iter().any(|it| it.contains("SIGKILL")), "{:?}", messages(&env));
}

#[test]
fn one_that_says_nothing_in_time_has_failed() {
    let silent = format!("process.env.SILENT = '1';{SERVER}");
    let more = "script: 'server.js', exec_mode: 'fork', wait_ready: true, listen_timeout: 1000, kill_timeout: 100";
    let (env, _port) = with(&silent, more);
    let apply = env.eco(&["apply"]).exits(1).says("PM2 takes it for ready");
    apply.says("it has not called process.send('ready')");
    assert!(!env.is("web", "ready"));
}

#[test]
fn what_is_no_node_program_is_told_so() {
    let env = TestEnv::new();
    env.script("worker.sh", "#!/bin/sh\necho \"options: $NODE_OPTIONS\"\nexec sleep 100000\n");
    env.write(
        "ecosystem.config.js",
        "module.exports = { name: 'web', script: './worker.sh', wait_ready: true }\n",
    );
    env.apply().says("`wait_ready` is for Node programs");
    env.wait_for("its output", || env.log("web") == "options: \n");
}

/// A stop cuts no answer of Express off, though it handles no signal at all.
#[test]
fn express_ends_its_requests_first() {
    let server = fs::read_to_string(repository("tests/apps/express/server.js")).unwrap();
    let (env, port) = with(&server, "script: 'server.js', exec_mode: 'fork'");
    symlink(installed("tests/apps/express/node_modules"), env.path("node_modules")).unwrap();
    env.apply();
    env.wait_for("its port", || http_get(port, "/").is_some());
    let load = Load::start(&Options {
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        also: None,
        path: "/later".to_owned(),
        connections: 8,
        keep_alive: true,
        think: Duration::ZERO,
    });
    env.wait_for("answers", || 100 <= load.counts().ok);
    env.eco(&["stop", "web"]).ok();
    let counts = load.stop();
    // A connection that comes just as the port of its own is closed is refused, or reset by the kernel.
    assert_eq!((counts.partial, counts.idle_races, counts.hung()), (0, 0, 0), "{counts}");
    let messages = messages(&env);
    assert!(messages.iter().any(|it| it.contains("stopped: exit code 0")), "{messages:?}");
}
