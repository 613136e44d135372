//! `metrics`: what is served agrees with `status`, can be read by Prometheus's own strict parser, and
//! outlives the controller; an edit of it touches no process.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};

use crate::harness::{Signal, TestEnv, free_port, http_get, installed, send};

const OPEN: &str = "application/openmetrics-text; version=1.0.0";

/// Head and body of an answer; `None` if nobody answers.
fn ask(port: u16, request: &str, accept: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let text = format!("{request} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n");
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.to_ascii_lowercase(), body.to_owned()))
}

/// What Prometheus's parser reads: series, as `name|app|instance|other`, and their values.
fn scrape(env: &TestEnv, port: u16) -> BTreeMap<String, f64> {
    const READ: &str = "
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read
found = {}
for family in read(open(sys.argv[1]).read()):
    for sample in family.samples:
        labels = dict(sample.labels)
        known = [labels.pop(name, '') for name in ('project', 'app', 'index')]
        key = '|'.join([sample.name, *known, *labels.values()])
        assert key not in found, key
        found[key] = sample.value
print(json.dumps(found))
";
    let (head, body) = env.wait_until("metrics", || ask(port, "GET /metrics", OPEN));
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains(&format!("content-type: {OPEN}")), "{head}");
    let file = env.write("scraped.txt", &body);
    let python = installed("tests/.cache/venv/bin/python3");
    let output = Command::new(python).args(["-c", READ]).arg(file).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}\n{body}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn file(env: &TestEnv, metrics: &str, apps: &str) {
    env.write("ecosystem.yaml", &format!("name: test\n{metrics}\napps:\n{apps}"));
}

fn listen(port: u16) -> String {
    format!("metrics: {{ listen: \"127.0.0.1:{port}\" }}")
}

const SLEEPERS: &str = "  web: { command: sleep 100000, instances: 2 }\n";

#[test]
fn what_is_served_agrees_with_status() {
    let (env, port) = (TestEnv::new(), free_port());
    let job = "  once: { command: \"true\", kind: job, schedule: \"0 3 1 1 *\" }\n";
    file(&env, &listen(port), &format!("{SLEEPERS}  off: {{ command: x, instances: 0 }}\n{job}"));
    env.apply();
    env.eco(&["run-job", "once"]).ok();
    let found = scrape(&env, port);
    let status = env.status();
    for app in status["apps"].as_array().unwrap() {
        let name = app["name"].as_str().unwrap();
        let of = |metric: &str| found[&format!("{metric}|test|{name}|")];
        assert_eq!(json!(of("eco_app_desired_instances")), json!(app["desired"].as_f64()));
        assert_eq!(json!(of("eco_app_ready_instances")), json!(app["ready"].as_f64()));
        assert!(of("eco_rollout_in_progress").abs() < 0.5);
        let state = app["state"].as_str().unwrap();
        assert_eq!(json!(found[&format!("eco_app_state|test|{name}||{state}")]), json!(1.0));
        let revision = app["revision"].as_str().unwrap();
        assert_eq!(json!(found[&format!("eco_app_info|test|{name}||{revision}")]), json!(1.0));
    }
    for index in ["0", "1"] {
        let of = |metric: &str| found[&format!("{metric}|test|web|{index}")];
        assert_eq!(json!([of("eco_instance_up"), of("eco_instance_ready")]), json!([1.0, 1.0]));
        assert!(0.0 < of("eco_instance_memory_bytes"));
        assert!(0.0 <= of("eco_instance_cpu_seconds_total"));
        let started = of("eco_instance_start_time_seconds");
        assert!((started - of("eco_instance_cpu_seconds_created")).abs() < 1.0);
    }
    assert!(found.contains_key("eco_job_last_success_timestamp_seconds|test|once|"));
    assert!(found.contains_key("eco_job_last_duration_seconds|test|once|"));
    assert!(found.contains_key("eco_job_next_run_timestamp_seconds|test|once|"));
    for role in ["keeper", "recorder", "controller"] {
        assert!(0.0 < found[&format!("eco_process_memory_bytes||||{role}")], "{found:?}");
    }
}

#[test]
fn the_older_format_and_other_requests() {
    let (env, port) = (TestEnv::new(), free_port());
    file(&env, &listen(port), SLEEPERS);
    env.apply();
    let (head, body) = ask(port, "GET /metrics", "*/*").unwrap();
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert!(body.contains("# TYPE eco_instance_restarts_total counter\n"), "{body}");
    assert!(!body.contains("# EOF") && !body.contains("# UNIT"), "{body}");
    let head = |request: &str| ask(port, request, "*/*").unwrap().0;
    assert!(head("GET /").starts_with("http/1.1 404"));
    assert!(head("POST /metrics").starts_with("http/1.1 405"));
    assert!(head("HEAD /metrics").starts_with("http/1.1 200"));
    // It is no way into the API.
    assert!(head("GET /v1/daemon").starts_with("http/1.1 404"));
}

#[test]
fn counters_do_not_go_down_when_apps_crash_and_the_controller_is_killed() {
    let (env, port) = (TestEnv::new(), free_port());
    env.script("crash.sh", "#!/bin/sh\ntest -e crash || exec sleep 100000\nrm crash\nexit 1\n");
    let crashing = "  web: { command: ./crash.sh, restart: { backoff: { initial: 10ms } } }\n";
    file(&env, &listen(port), crashing);
    env.apply();
    let restarts = || scrape(&env, port)["eco_instance_restarts_total|test|web|0"];
    assert!(restarts().abs() < 0.5);
    env.write("crash", "");
    let pid = env.pid("web");
    send(pid, Signal::KILL);
    env.wait_for("two restarts", || env.app("web")["instances"][0]["restarts"] == json!(2));
    assert!((restarts() - 2.0).abs() < 0.1);
    env.wait_state("web", "ready");
    let pid = env.pid("web");
    for roles in [&["controller"] as &[&str], &["keeper"], &["keeper", "recorder"]] {
        env.kill_roles(roles);
        assert!((restarts() - 2.0).abs() < 0.1, "after the death of {roles:?}");
    }
    assert_eq!(env.pid("web"), pid);
    let eco = std::path::Path::new(env!("CARGO_BIN_EXE_eco"));
    std::fs::copy(eco, env.path("another")).unwrap();
    env.eco(&["daemon", "upgrade", "another"]).ok();
    assert!((restarts() - 2.0).abs() < 0.1, "after an upgrade");
    assert_eq!(env.pid("web"), pid);
}

#[test]
fn an_edit_of_it_touches_no_process_and_shows_in_diff() {
    let (env, first, second) = (TestEnv::new(), free_port(), free_port());
    file(&env, "", SLEEPERS);
    env.apply();
    let pids = env.pids("web");
    file(&env, &listen(first), SLEEPERS);
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    let expected = json!([{
        "app": "", "field": "metrics.listen", "old": null, "new": format!("127.0.0.1:{first}"),
        "effect": "live", "masked": false,
    }]);
    assert_eq!((&diff["changes"], &diff["actions"]), (&expected, &json!([])));
    env.eco(&["diff"]).exits(1).says("~ the project: holds at once, no process is touched");
    env.apply();
    env.eco(&["diff"]).ok();
    assert!(http_get(first, "/metrics").is_some());
    let history = env.eco(&["history", "--json"]).ok().json();
    assert_eq!(history["revisions"][0]["summary"], "metrics.listen", "{history}");
    file(&env, &listen(second), SLEEPERS);
    env.apply();
    assert!(http_get(first, "/metrics").is_none() && http_get(second, "/metrics").is_some());
    // A part of the file is no word on the whole project.
    file(&env, "", SLEEPERS);
    env.eco(&["apply", "--only", "web"]).ok();
    assert!(http_get(second, "/metrics").is_some());
    env.eco(&["diff"]).exits(1).says("metrics.listen");
    env.apply();
    assert!(http_get(second, "/metrics").is_none());
    assert_eq!(env.status()["metrics"], Value::Null);
    assert_eq!(env.pids("web"), pids);
}

#[test]
fn an_address_in_use_hinders_no_app_and_is_taken_once_it_is_free() {
    let env = TestEnv::new();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    file(&env, &listen(port), SLEEPERS);
    env.apply().says("metrics are not offered").says(&format!("127.0.0.1:{port} is in use"));
    assert!(env.is("web", "ready"));
    let error = env.status()["metrics"]["error"].as_str().unwrap_or_default().to_owned();
    assert!(error.contains("in use by"), "{error}");
    env.eco(&["status"]).ok().says("metrics are not offered");
    let told = |words: &str| {
        env.events().iter().any(|it| it["message"].as_str().is_some_and(|it| it.contains(words)))
    };
    assert!(told("metrics are not offered"));
    drop(taken);
    env.wait_for("the address", || http_get(port, "/metrics").is_some());
    env.wait_for("the event", || told("metrics are offered at"));
    assert_eq!(env.status()["metrics"]["error"], Value::Null);
}

#[test]
fn an_edit_of_a_followed_file_holds_by_itself() {
    let (env, port) = (TestEnv::new(), free_port());
    file(&env, "", SLEEPERS);
    env.eco(&["apply", "--watch"]).ok();
    let pids = env.pids("web");
    file(&env, &listen(port), SLEEPERS);
    env.wait_for("the metrics", || http_get(port, "/metrics").is_some());
    file(&env, "", SLEEPERS);
    env.wait_for("their end", || http_get(port, "/metrics").is_none());
    assert_eq!(env.pids("web"), pids);
}

/// Whoever reaches the address cannot hinder eco: callers who say nothing are few and let go.
#[test]
fn silent_callers_hinder_nobody() {
    let (env, port) = (TestEnv::new(), free_port());
    file(&env, &listen(port), SLEEPERS);
    env.apply();
    let silent: Vec<_> =
        (0..64).map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap()).collect();
    env.eco(&["status"]).ok();
    let mut turned_away = silent.iter().last().unwrap();
    turned_away.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(turned_away.read(&mut [0]).unwrap_or(0), 0);
    drop(silent);
    env.wait_for("a place", || http_get(port, "/metrics").is_some());
}

#[test]
fn projects_share_an_address() {
    let (env, port) = (TestEnv::new(), free_port());
    file(&env, &listen(port), SLEEPERS);
    env.apply();
    let other = env.path("other");
    std::fs::create_dir(&other).unwrap();
    let text = format!("name: other\n{}\napps:\n{SLEEPERS}", listen(port));
    std::fs::write(other.join("ecosystem.yaml"), text).unwrap();
    env.call(&["apply"]).dir(&other).run().ok();
    let found = scrape(&env, port);
    for project in ["test", "other"] {
        assert!(found.contains_key(&format!("eco_instance_up|{project}|web|1")), "{found:?}");
    }
    env.eco(&["down"]).ok();
    let found = scrape(&env, port);
    assert!(!found.contains_key("eco_instance_up|test|web|1"), "{found:?}");
    assert!(found.contains_key("eco_instance_up|other|web|1"), "{found:?}");
    env.call(&["down"]).dir(&other).run().ok();
    assert!(http_get(port, "/metrics").is_none());
}

#[test]
fn requests_are_a_histogram_that_counts_each_once() {
    const SERVER: &str = "
require('http').createServer((request, response) => {
  response.statusCode = request.url === '/bad' ? 500 : 200;
  setTimeout(() => response.end('x'), request.url === '/slow' ? 300 : 0);
}).listen(Number(process.env.PORT), '127.0.0.1');
";
    let (env, port, web) = (TestEnv::new(), free_port(), free_port());
    env.write("server.js", SERVER);
    let apps = format!(
        "  web: {{ command: node server.js, listen: \"127.0.0.1:{web}\", observe: node }}\n"
    );
    file(&env, &listen(port), &apps);
    env.apply();
    for path in ["/", "/", "/bad", "/slow"] {
        http_get(web, path);
    }
    let name = |what: &str, rest: &str| format!("eco_http_{what}|test|web|0{rest}");
    let read = env.wait_until("4 requests", || {
        let read = scrape(&env, port);
        (read.get(&name("request_duration_seconds_count", "")) == Some(&4.0)).then_some(read)
    });
    let buckets =
        read.iter().filter(|(key, _)| key.contains("duration_seconds_bucket|test|web|0|"));
    let upto = |bound: f64| {
        let below = buckets.clone().filter(|(key, _)| {
            let le = key.rsplit('|').next().unwrap();
            key.starts_with("eco_http_") && le.parse::<f64>().is_ok_and(|le| le <= bound)
        });
        below.map(|(_, value)| *value).fold(0.0, f64::max)
    };
    assert!(upto(0.25) <= 3.0 && upto(f64::INFINITY).total_cmp(&4.0).is_eq(), "{read:#?}");
    assert!(0.295 < read[&name("request_duration_seconds_sum", "")], "{read:#?}");
    assert_eq!(read.get(&name("requests_failed_total", "")), Some(&1.0), "{read:#?}");
}
