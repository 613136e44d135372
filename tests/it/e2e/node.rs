//! What a Node program can do that knows PM2: say that it is ready, and be told that it is to end; and
//! servers that know of nothing end their requests first.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
};

use crate::harness::{Signal, TestEnv, free_port, program, send};

/// A server. SAYS is how often it says that it is ready, after it was allowed to by a file; HEARS makes
/// it hear messages, OWN handle the signal, LATE both only once it listens.
const SERVER: &str = r"
const fs = require('fs');
const http = require('http');
const env = process.env;
const server = http.createServer((request, response) => {
  if (request.url === '/slow') {
    console.log('asked');
    const wait = () => fs.existsSync('answer') ? response.end('slow') : setTimeout(wait, 20);
    return wait();
  }
  response.end('hello');
});
const prepare = () => {
  if (env.HEARS) process.on('message', (message) => {
    console.log('heard', message, process.pid);
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
  if (env.OWN) process.on('SIGTERM', () => {
    console.log('handled', process.pid);
    process.exit(0);
  });
};
if (!env.LATE) prepare();
server.listen(Number(env.PORT), '127.0.0.1', () => {
  if (env.LATE) prepare();
  console.log('listens', process.pid, typeof process.send);
  const say = () => {
    if (env.GATE && !fs.existsSync(env.GATE)) return setTimeout(say, 20);
    for (let i = 0; i < Number(env.SAYS || 0); i++) process.send('ready');
  };
  say();
});
process.on('exit', (code) => console.log('exits', code));
";

/// A project with that server, as `web` with this text below it.
fn with_server(env_of_app: &str, more: &str) -> (TestEnv, u16) {
    program("node");
    let env = TestEnv::new();
    env.write("server.js", SERVER);
    env.write("package.json", r#"{ "name": "x", "scripts": { "start": "node server.js" } }"#);
    let port = free_port();
    write(&env, (port, env_of_app), "node server.js", more);
    (env, port)
}

fn write(env: &TestEnv, (port, env_of_app): (u16, &str), command: &str, more: &str) {
    let vars = format!("{{ PORT: {port}, {env_of_app} }}");
    env.apps(&format!("  web:\n    command: {command}\n    env: {vars}\n{more}"));
}

const READY: &str = "    ready: { message: ready }\n";
const MESSAGE: &str = "    stop: { message: shutdown, kill: main, timeout: 1m }\n";
const CLOSE: &str = "    stop: { close: true, timeout: 1m }\n";

fn stopped(env: &TestEnv, words: &str) -> usize {
    let words = format!("stopped: {words}");
    env.events().iter().filter(|it| it["message"].as_str().unwrap().contains(&words)).count()
}

fn connect(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).unwrap()
}

fn ask(stream: &mut TcpStream, path: &str) {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
}

#[test]
fn it_is_ready_once_it_says_so() {
    for command in ["node server.js", "npm start"] {
        let (env, port) = with_server("SAYS: 3, GATE: go", READY);
        write(&env, (port, "SAYS: 3, GATE: go"), command, READY);
        env.eco(&["apply", "--no-wait"]).ok();
        let apply = env.call(&["apply"]).spawn();
        env.wait_for("its start", || env.log("web").contains("listens"));
        assert!(!env.is("web", "ready"));
        env.write("go", "");
        apply.wait().ok();
        env.eco(&["describe", "web"]).ok().says("process.send('ready')");
        assert!(!env.log("web").contains("eco:"), "{}", env.log("web"));
        assert!(env.is("web", "ready"));
    }
}

#[test]
fn instances_that_share_a_port_say_it_each() {
    let more = format!("    instances: 2\n    listen: auto\n{READY}");
    let (env, _port) = with_server("SAYS: 1", &more);
    env.apply();
    let before = env.pids("web");
    env.eco(&["restart", "web"]).ok();
    let after = env.pids("web");
    assert_eq!((before.len(), after.len()), (2, 2));
    assert!(after.values().all(|pid| before.values().all(|old| old != pid)));
}

/// The descriptor lies where it is said to, also where the keeper has something of its own there.
#[test]
fn many_can_say_it() {
    program("bash");
    let env = TestEnv::with_apps(
        "  web:\n    command: [bash, -c, 'printf READY=1 >&120 && exec sleep 100000']\n    \
         instances: 40\n    ready: { message: ready }\n",
    );
    env.apply();
    assert_eq!(env.pids("web").len(), 40);
    let keeper = env.daemon_pid("keeper");
    let open = std::fs::read_dir(format!("/proc/{keeper}/fd")).unwrap();
    assert!(open.count() > 121);
}

#[test]
fn one_that_never_says_it_has_failed_after_the_deadline() {
    let more = format!("{READY}    rollout: {{ deadline: 1s }}\n");
    let (env, _port) = with_server("SAYS: 0", &more);
    env.eco(&["apply"]).exits(1);
    env.wait_for("the end of a run", || {
        env.eco(&["describe", "web"]).stdout.contains("it did not become ready in time")
    });
    assert!(!env.is("web", "ready"));
}

/// What is said while nobody listens is heard later, and what was said is known to those who come.
#[test]
fn what_it_says_survives_the_death_of_its_keeper() {
    let (env, _port) = with_server("SAYS: 1, GATE: go", READY);
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_for("its start", || env.log("web").contains("listens"));
    let pid = env.pid("web");
    env.kill_roles(&["keeper", "controller"]);
    env.write("go", "");
    env.wait_state("web", "ready");
    assert_eq!(env.pid("web"), pid);
    env.eco(&["daemon", "upgrade"]).ok();
    env.wait_state("web", "ready");
    assert_eq!(env.pid("web"), pid);
}

#[test]
fn it_hears_a_message_in_place_of_the_signal() {
    let more = format!("    listen: auto\n    instances: 2\n{MESSAGE}");
    let (env, _port) = with_server("HEARS: 1, OWN: 1, LATE: 1", &more);
    env.apply();
    let first: Vec<u32> = env.pids("web").into_values().collect();
    env.eco(&["restart", "web"]).ok();
    let second: Vec<u32> = env.pids("web").into_values().collect();
    env.eco(&["stop", "web"]).ok();
    let log = env.log("web");
    for pid in first.iter().chain(&second) {
        assert_eq!(log.matches(&format!("heard shutdown {pid}")).count(), 1, "{log}");
    }
    assert!(!log.contains("handled"), "{log}");
    assert_eq!(stopped(&env, "exit code 0"), 4);
}

#[test]
fn who_hears_no_messages_gets_the_signal() {
    let (env, _port) = with_server("OWN: 1", MESSAGE);
    env.apply();
    let pid = env.pid("web");
    env.eco(&["stop", "web"]).ok();
    assert_eq!(env.log("web").matches(&format!("handled {pid}")).count(), 1);
    let (env, _port) = with_server("", MESSAGE);
    env.apply();
    env.eco(&["stop", "web"]).ok();
    assert_eq!(stopped(&env, "SIGTERM"), 1);
}

#[test]
fn a_server_that_handles_no_signal_ends_its_requests_first() {
    for command in ["node server.js", "npm start"] {
        let (env, port) = with_server("", CLOSE);
        write(&env, (port, ""), command, CLOSE);
        env.apply();
        env.wait_for("its port", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        // One under way, one whose connection is quiet, and one that comes on that in the meantime.
        let mut slow = connect(port);
        ask(&mut slow, "/slow");
        let mut kept = connect(port);
        ask(&mut kept, "/");
        let mut answer = [0; 1000];
        let count = kept.read(&mut answer).unwrap();
        assert!(String::from_utf8_lossy(&answer[..count]).contains("keep-alive"));
        env.wait_for("the request", || env.log("web").contains("asked"));
        let stop = env.call(&["stop", "web"]).spawn();
        env.wait_for("the signal", || TcpStream::connect(("127.0.0.1", port)).is_err());
        ask(&mut kept, "/");
        let mut text = String::new();
        kept.read_to_string(&mut text).unwrap();
        assert!(text.contains("Connection: close") && text.ends_with("hello"), "{text}");
        env.write("answer", "");
        let mut text = String::new();
        slow.read_to_string(&mut text).unwrap();
        assert!(text.contains("Connection: close") && text.ends_with("slow"), "{text}");
        stop.wait().ok();
        assert!(env.log("web").contains("exits 0"));
    }
}

/// Its own handler is called once, also one that was added after its server listened.
#[test]
fn a_handler_of_its_own_is_left_alone() {
    for vars in ["OWN: 1", "OWN: 1, LATE: 1"] {
        let (env, _port) = with_server(vars, CLOSE);
        env.apply();
        env.wait_for("its start", || env.log("web").contains("listens"));
        let pid = env.pid("web");
        env.eco(&["stop", "web"]).ok();
        assert_eq!(env.log("web").matches(&format!("handled {pid}")).count(), 1);
    }
}

#[test]
fn only_what_uses_it_notices_it() {
    program("node");
    let env = TestEnv::new();
    env.write(
        "most.mjs",
        "import { Worker } from 'node:worker_threads';\n\
         import { execFileSync, fork } from 'node:child_process';\n\
         console.log('module', typeof process.send);\n\
         const code = 'console.log(\"thread\", typeof process.send)';\n\
         await new Promise((done) => new Worker(code, { eval: true }).on('exit', done));\n\
         console.log(execFileSync('node', ['-e', 'console.log(1)']).toString().trim());\n\
         const child = fork('child.js');\n\
         child.on('message', (text) => { console.log('child', text); process.send('ready'); });\n\
         child.on('exit', (code) => { console.log('child ended', code); setInterval(() => {}, 1e6); });\n",
    );
    env.write(
        "child.js",
        "process.send('mine'); process.on('message', () => {}); process.disconnect();\n",
    );
    env.apps(
        "  build:\n    command: [node, -e, \"console.log(process.listenerCount('SIGTERM'))\"]\n    \
         kind: job\n    stop: { close: true, message: shutdown }\n  \
         most:\n    command: node most.mjs\n    env: { NODE_OPTIONS: --no-warnings }\n    \
         ready: { message: ready }\n    stop: { close: true }\n    depends_on: { build: completed }\n",
    );
    env.apply();
    assert_eq!(env.log("build"), "0\n");
    env.wait_for("all that", || env.log("most").contains("child ended 0"));
    assert_eq!(
        env.log("most"),
        "module function\nthread undefined\n1\nchild mine\nchild ended 0\n"
    );
    env.eco(&["stop", "most"]).ok();
    assert_eq!(stopped(&env, "SIGTERM"), 1);
}

/// Who runs as somebody else finds what it is started with.
#[test]
fn it_works_for_another_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    program("node");
    // Nobody cannot come to the directory of a test.
    let dir = tempfile::Builder::new().prefix("eco-node").tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path(), open).unwrap();
    let server: PathBuf = dir.path().join("server.js");
    std::fs::write(&server, SERVER).unwrap();
    let env = TestEnv::new();
    let port = free_port();
    let more = format!("    user: nobody\n    cwd: {}\n{READY}{CLOSE}", dir.path().display());
    let command = format!("node {}", server.display());
    write(&env, (port, "SAYS: 1"), &command, &more);
    env.apply();
    env.eco(&["stop", "web"]).ok();
    assert_eq!(stopped(&env, "exit code 0"), 1, "{}", env.log("web"));
}

#[test]
fn an_edit_of_it_replaces_the_instances() {
    let (env, port) = with_server("", "");
    env.apply();
    let before = env.pid("web");
    write(&env, (port, ""), "node server.js", CLOSE);
    env.eco(&["diff"]).exits(1).says("stop.close");
    env.apply();
    let after = env.pid("web");
    assert_ne!(before, after);
    // What is not in the environment touches nobody.
    write(&env, (port, ""), "node server.js", "    stop: { close: true, timeout: 2m }\n");
    env.apply();
    assert_eq!(env.pid("web"), after);
    // A signal from elsewhere ends it as well, and well.
    send(after, Signal::TERM);
    env.wait_for("its end", || env.log("web").contains("exits 0"));
}
