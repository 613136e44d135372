//! `observe: node`: what the agent tells of requests, event loop and heap; and what is known without.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;

use crate::harness::{Signal, TestEnv, free_port, http_get, installed, program, send};

/// `/` answers at once, `/slow` after 300 ms, `/bad` with 503, `/never` not, and `/hog` computes first.
const EXPRESS: &str = "
const express = require('express');
const app = express();
app.get('/', (request, response) => response.send('hello'));
app.get('/slow', (request, response) => setTimeout(() => response.send('late'), 300));
app.get('/bad', (request, response) => response.status(503).send('bad'));
app.get('/never', () => {});
app.get('/hog', (request, response) => {
  const end = Date.now() + 400;
  while (Date.now() < end);
  response.send('done');
});
app.listen(Number(process.env.PORT), '127.0.0.1');
";

/// A project with that server as `web`, started by this command.
fn observed(command: &str, more: &str) -> (TestEnv, u16) {
    program("node");
    let env = TestEnv::new();
    let modules = installed("tests/apps/express/node_modules");
    std::os::unix::fs::symlink(modules, env.path("node_modules")).unwrap();
    env.write("server.js", EXPRESS);
    env.write("package.json", r#"{ "name": "x", "scripts": { "start": "node server.js" } }"#);
    let port = free_port();
    write(&env, port, command, more);
    (env, port)
}

fn write(env: &TestEnv, port: u16, command: &str, more: &str) {
    env.apps(&format!(
        "  web:\n    command: {command}\n    listen: \"127.0.0.1:{port}\"\n    observe: node\n{more}"
    ));
}

/// The app as `status --json` has it.
fn web(env: &TestEnv) -> Value {
    env.status()["apps"][0].clone()
}

/// The last minute of something that was measured; null if nothing was.
fn minute(traffic: &Value) -> &Value {
    &traffic["windows"][0]
}

/// Waits until so many requests of the app are known, and gives their last minute.
fn requests(env: &TestEnv, count: u64) -> Value {
    env.wait_until(&format!("{count} requests"), || {
        let app = web(env);
        let found = minute(&app["traffic"]);
        assert!(found["requests"].as_u64().unwrap_or(0) <= count, "{found}");
        (found["requests"] == count).then(|| found.clone())
    })
}

fn get(port: u16, path: &str, times: u32) {
    (0..times).for_each(|_| drop(http_get(port, path)));
}

#[test]
fn every_request_of_express_is_counted() {
    let (env, port) = observed("node server.js", "    instances: 2\n");
    env.apply();
    get(port, "/", 60);
    get(port, "/bad", 4);
    let fast = requests(&env, 64);
    assert_eq!((&fast["failed"], &fast["aborted"]), (&4.into(), &0.into()));
    assert!(fast["p50"].as_f64().unwrap() < 0.2, "{fast}");
    get(port, "/slow", 6);
    let all = requests(&env, 70);
    let of = |name: &str| all[name].as_f64().unwrap();
    assert!(of("p50") < 0.2 && 0.295 < of("p99") && of("p99") <= of("max"), "{all}");
    // Who leaves before the answer has come is no request that was answered.
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    drop(stream);
    env.wait_for("who left", || minute(&web(&env)["traffic"])["aborted"] == 1);
    let app = web(&env);
    let of_instances = app["instances"].as_array().unwrap().iter();
    let sum: u64 = of_instances.filter_map(|it| minute(&it["traffic"])["requests"].as_u64()).sum();
    assert_eq!(sum, 70);
    assert_eq!(app["traffic"]["source"], "agent");
    let hour = &app["traffic"]["windows"][2];
    assert_eq!((&hour["seconds"], &hour["requests"]), (&3600.into(), &70.into()));
}

#[test]
fn the_event_loop_and_the_heap_are_told() {
    let (env, port) = observed("node server.js", "");
    env.apply();
    get(port, "/hog", 1);
    let node = env.wait_until("a blocked loop", || {
        let node = web(&env)["instances"][0]["node"].clone();
        node["lag_max"].as_f64().is_some_and(|lag| 0.3 < lag).then_some(node)
    });
    let of = |name: &str| node[name].as_f64().unwrap();
    assert!(of("lag_p50") <= of("lag_p99") && of("lag_p99") <= of("lag_max"), "{node}");
    assert!(0.0 < of("utilization") && of("utilization") <= 1.0, "{node}");
    assert!(0.0 < of("heap_used") && of("heap_used") < of("heap_limit"), "{node}");
}

/// Other ways to come to a server: npm, ES modules, a cluster of the program's own, worker threads.
#[test]
fn whoever_serves_is_measured() {
    const MODULE: &str = "
import { createServer } from 'node:http';
createServer((request, response) => response.end('hello')).listen(Number(process.env.PORT), '127.0.0.1');
";
    const CLUSTER: &str = "
const cluster = require('cluster');
if (cluster.isPrimary) { cluster.fork(); cluster.fork(); } else require('./server.js');
";
    const THREAD: &str = "
const { Worker } = require('worker_threads');
new Worker('./server.js');
";
    let (env, port) = observed("npm start", "");
    env.write("server.mjs", MODULE);
    env.write("cluster.js", CLUSTER);
    env.write("thread.js", THREAD);
    let mut count = 0;
    for command in ["npm start", "node server.mjs", "node cluster.js", "node thread.js"] {
        write(&env, port, command, "");
        env.apply();
        get(port, "/", 20);
        count += 20;
        requests(&env, count);
    }
}

#[test]
fn figures_outlive_an_instance_and_go_on_after_the_controllers_death() {
    let (env, port) = observed("node server.js", "");
    env.apply();
    get(port, "/", 10);
    requests(&env, 10);
    env.eco(&["restart", "web"]).ok();
    get(port, "/", 5);
    requests(&env, 15);
    let app = web(&env);
    assert_eq!(minute(&app["instances"][0]["traffic"])["requests"], 5);
    // What was counted lives in the controller: it is lost with it, and nothing else is.
    let pids = env.pids("web");
    send(env.daemon_pid("controller"), Signal::KILL);
    env.wait_for("the next controller", || {
        minute(&web(&env)["traffic"])["requests"].as_u64().unwrap_or(0) == 0
    });
    get(port, "/", 7);
    requests(&env, 7);
    assert_eq!(env.pids("web"), pids);
}

#[test]
fn an_edit_replaces_and_off_measures_nothing() {
    let (env, port) = observed("node server.js", "");
    env.apply();
    let text = std::fs::read_to_string(env.path("ecosystem.yaml")).unwrap();
    env.write("ecosystem.yaml", &text.replace("observe: node", "observe: off"));
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    let change = &diff["changes"][0];
    assert_eq!((&change["field"], &change["effect"]), (&"observe".into(), &"rolling".into()));
    env.apply();
    get(port, "/", 5);
    let app = web(&env);
    let instance = &app["instances"][0];
    assert!(instance["traffic"].is_null() && instance["node"].is_null(), "{app}");
    env.write("ecosystem.yaml", &text.replace("observe: node", "observe: python"));
    env.eco(&["apply"]).exits(2).says("observe");
    env.write("ecosystem.yaml", &text.replace("node server.js", "bun server.js"));
    env.eco(&["apply"]).exits(2).says("`observe` is for Node programs");
}

#[test]
fn probes_are_measured_and_a_failing_one_counts() {
    let more = "    observe: off\n    ready: { http: / }\n    live: { http: /bad, interval: 50ms, failures: 100 }\n";
    let (env, _port) = observed("node server.js", "");
    let text = std::fs::read_to_string(env.path("ecosystem.yaml")).unwrap();
    env.write("ecosystem.yaml", &text.replace("    observe: node\n", more));
    env.apply();
    let probes = env.wait_until("probes that failed", || {
        let probes = web(&env)["instances"][0]["probes"].clone();
        let failed = minute(&probes)["failed"].as_u64().unwrap_or(0);
        (5 < failed).then_some(probes)
    });
    assert_eq!(probes["source"], "probe");
    let minute = minute(&probes);
    assert!(minute["failed"].as_u64() < minute["requests"].as_u64(), "{minute}");
    assert!(0.0 < minute["p50"].as_f64().unwrap(), "{minute}");
}

const DEAF: &str = "
import os, socket, time
server = socket.create_server(('127.0.0.1', int(os.environ['PORT'])), backlog=8)
time.sleep(100000)
";

/// A server that takes nobody: its queue fills up, and who comes after that is turned away.
#[test]
fn a_full_queue_is_told() {
    program("python3");
    let env = TestEnv::new();
    env.write("deaf.py", DEAF);
    let port = free_port();
    env.apps(&format!("  web: {{ command: python3 deaf.py, listen: \"127.0.0.1:{port}\" }}\n"));
    env.apply();
    let queue =
        |name: &str| env.eco(&["status", "--json"]).json()["apps"][0]["queues"][0][name].clone();
    let capacity = queue("capacity").as_u64().unwrap();
    assert_eq!((queue("waiting"), queue("overflows")), (0.into(), 0.into()));
    // A descriptor for each.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    // One more than may wait comes in.
    let waiting: Vec<_> =
        (0..=capacity).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    let at = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    TcpStream::connect_timeout(&at, std::time::Duration::from_millis(20)).unwrap_err();
    env.wait_for("a full queue", || queue("waiting").as_u64() >= Some(capacity));
    env.wait_for("who was turned away", || 0 < queue("overflows").as_u64().unwrap());
    assert_eq!(queue("connections").as_u64(), queue("waiting").as_u64());
    let mut one = &waiting[0];
    one.set_nonblocking(true).unwrap();
    assert!(one.read(&mut [0]).is_err());
}

#[test]
fn an_alert_fires_on_what_the_agent_measured() {
    let (env, port) = observed(
        "node server.js",
        "    alerts: [\"p99 > 200ms\", \"errors > 90%\"]\nnotify: { note: { command: [\"/bin/true\"] } }\n",
    );
    env.apply();
    get(port, "/", 5);
    requests(&env, 5);
    assert_eq!(env.status()["alerts"], serde_json::json!([]));
    get(port, "/slow", 5);
    let alert = env.wait_until("an alert", || env.status()["alerts"].get(0).cloned());
    assert_eq!((&alert["app"], &alert["alert"]), (&"web".into(), &"p99 > 200ms".into()));
    assert!(alert["message"].as_str().unwrap().contains("p99"), "{alert}");
}
