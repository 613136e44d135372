//! Who gets in: links, sessions, names, origins, scopes.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
};

use serde_json::json;

use super::{SLEEPERS, ask, file, listen, log_in, own_head, own_host, session, token, try_ask};
use crate::harness::{TestEnv, free_port};

const STATUS: &str = "GET /api/v1/status";

fn restart(port: u16, head: &[String]) -> super::Answer {
    let order = json!({ "project": "shop", "app": "web", "operation": "restart" });
    ask(port, "POST /api/v1/operate", head, &order.to_string())
}

#[test]
fn a_link_logs_in_once_and_the_session_does_what_the_page_needs() {
    let (env, port) = (TestEnv::new(), free_port());
    let secret = "    env: { TOKEN: hunter2 }\n";
    file(&env, &listen(port), &format!("  web:\n    command: sleep 100000\n{secret}"));
    env.apply();
    let first = token(&env, &[]);
    assert_eq!(first.len(), 64, "256 bits");
    assert_eq!(log_in(port, &first).status, 200);
    let replayed = log_in(port, &first);
    assert_eq!(replayed.status, 401, "{replayed:?}");
    assert!(replayed.body.contains("used before"), "{replayed:?}");
    let head = session(&env, port, &[]);
    let status = ask(port, STATUS, &head, "").json();
    assert_eq!(status["projects"][0]["apps"][0]["name"], "web", "{status}");
    let described = ask(port, "GET /api/v1/describe?project=shop&app=web", &head, "");
    assert!(described.body.contains("env.TOKEN") && !described.body.contains("hunter2"));
    let history = ask(port, "GET /api/v1/history?project=shop", &head, "").json();
    assert_eq!(history["revisions"][0]["generation"], 1, "{history}");
    let pid = env.pid("web");
    let done = restart(port, &head);
    assert_eq!(done.status, 200, "{done:?}");
    assert!(done.body.contains("\"result\":\"converged\""), "{done:?}");
    assert_ne!(env.pid("web"), pid);
    // An edit's plan, with nothing done.
    file(&env, &listen(port), "  web: { command: sleep 200000 }\n");
    let plan = ask(port, "GET /api/v1/pending?project=shop", &head, "").json();
    assert_eq!(plan["changes"][0]["app"], "web", "{plan}");
    env.write("ecosystem.yaml", "apps: [}");
    let broken = ask(port, "GET /api/v1/pending?project=shop", &head, "");
    assert_eq!(broken.status, 409, "{broken:?}");
    assert!(broken.body.contains("ecosystem.yaml:1:"), "{broken:?}");
    assert_eq!(ask(port, "POST /logout", &head, "{}").status, 200);
    assert_eq!(ask(port, STATUS, &head, "").status, 401);
}

#[test]
fn who_is_not_logged_in_gets_nothing() {
    let (env, port) = (TestEnv::new(), free_port());
    file(&env, &listen(port), SLEEPERS);
    env.apply();
    let head = session(&env, port, &[]);
    let without = |word: &str| -> Vec<String> {
        head.iter().filter(|line| !line.starts_with(word)).cloned().collect()
    };
    for missing in ["Cookie", "X-Eco-Key"] {
        let refused = ask(port, STATUS, &without(missing), "");
        assert_eq!(refused.status, 401, "without {missing}: {refused:?}");
        assert!(refused.body.contains("eco dashboard"), "{refused:?}");
        assert_eq!(restart(port, &without(missing)).status, 401);
    }
    // Whoever is logged in may not be used by pages of others.
    let with = |word: &str, line: &str| [without(word), vec![line.to_owned()]].concat();
    for site in ["cross-site", "same-site"] {
        let head = with("Sec-Fetch-Site", &format!("Sec-Fetch-Site: {site}"));
        assert_eq!(ask(port, STATUS, &head, "").status, 403, "{site}");
    }
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let head = with("Origin", &format!("Origin: {origin}"));
        assert_eq!(restart(port, &head).status, 403, "{origin}");
    }
    assert_eq!(restart(port, &without("Origin")).status, 403);
    assert_eq!(restart(port, &with("Content-Type", "Content-Type: text/plain")).status, 403);
    for host in ["evil.example", "evil.example:9616", "127.0.0.1.evil.example"] {
        let head = with("Host", &format!("Host: {host}"));
        assert_eq!(ask(port, STATUS, &head, "").status, 421, "{host}");
        assert_eq!(ask(port, "GET /", &[format!("Host: {host}")], "").status, 421, "{host}");
    }
    let tunnel = vec!["Host: localhost:8000".to_owned()];
    assert_eq!(ask(port, "GET /", &tunnel, "").status, 200, "by a tunnel");
    assert_eq!(restart(port, &head).status, 200, "the same as it should be");
}

#[test]
fn the_page_is_served_with_care_and_nothing_else_is() {
    let (env, port) = (TestEnv::new(), free_port());
    file(&env, &listen(port), SLEEPERS);
    env.apply();
    let host = [own_host(port)];
    let page = ask(port, "GET /", &host, "");
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part) && !policy.contains("unsafe"), "{policy}");
    }
    for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")]
    {
        assert_eq!(page.header(name), Some(value));
    }
    // What the page names is there, nothing in it is inline, and nothing is from elsewhere.
    let mut named = 0;
    for part in page.body.split(['"']).filter(|part| part.starts_with("/assets/")) {
        assert_eq!(ask(port, &format!("GET {part}"), &host, "").status, 200, "{part}");
        named += 1;
    }
    assert!(4 <= named, "{}", page.body);
    assert!(!page.body.contains("style=") && !page.body.contains("http"), "{}", page.body);
    let tag = page.header("etag").unwrap().to_owned();
    let again = [own_host(port), format!("If-None-Match: {tag}")];
    assert_eq!(ask(port, "GET /", &again, "").status, 304);
    for path in [
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/x",
        "//etc/passwd",
        "/etc/passwd",
        "/assets/",
        "/v1/status",
        "/v1/daemon",
        "/api/v1/daemon",
        "/api/v1/apply",
        "/api/v1/../v1/daemon",
    ] {
        let answer = ask(port, &format!("GET {path}"), &host, "");
        assert!([401, 404].contains(&answer.status), "{path}: {answer:?}");
    }
    assert_eq!(ask(port, "GET /api/v1/operate", &host, "").status, 405);
    assert_eq!(ask(port, "POST /", &own_head(port), "{}").status, 404);
    let head = session(&env, port, &[]);
    let large = "x".repeat(70_000);
    assert_eq!(ask(port, "POST /api/v1/operate", &head, &large).status, 413);
    for wrong in [
        "{}",
        "[]",
        "x",
        r#"{"project":"shop","app":"all","operation":"stop"}"#,
        r#"{"project":"shop","app":"other:web","operation":"stop"}"#,
        r#"{"project":"shop","operation":"stop"}"#,
        r#"{"project":"shop","app":"web","operation":"down"}"#,
        r#"{"project":"shop","app":"web","operation":"stop","more":1}"#,
    ] {
        let refused = ask(port, "POST /api/v1/operate", &head, wrong);
        assert_eq!(refused.status, 400, "{wrong}: {refused:?}");
    }
    assert!(env.is("web", "ready"));
}

#[test]
fn guesses_are_answered_no_more_after_a_few() {
    let (env, port) = (TestEnv::new(), free_port());
    file(&env, &listen(port), SLEEPERS);
    env.apply();
    let good = token(&env, &[]);
    let statuses: Vec<u16> = (0..25).map(|_| log_in(port, "guess").status).collect();
    assert_eq!((statuses[0], statuses[24]), (401, 429), "{statuses:?}");
    assert_eq!(log_in(port, &good).status, 429);
}

#[test]
fn who_may_only_look_changes_nothing() {
    let (env, port) = (TestEnv::new(), free_port());
    file(&env, &listen(port), SLEEPERS);
    env.apply();
    let pids = env.pids("web");
    let head = session(&env, port, &["--read-only"]);
    assert_eq!(ask(port, STATUS, &head, "").status, 200);
    let refused = restart(port, &head);
    assert_eq!(refused.status, 403, "{refused:?}");
    // The same if the file says so.
    let may = session(&env, port, &[]);
    let read_only = format!("dashboard: {{ listen: \"127.0.0.1:{port}\", read_only: true }}");
    file(&env, &read_only, SLEEPERS);
    env.eco(&["diff"]).exits(1).says("dashboard.read_only");
    env.apply();
    assert_eq!(restart(port, &may).status, 403, "a session from before");
    assert_eq!(env.pids("web"), pids);
    let session = ask(port, "GET /api/v1/session", &may, "").json();
    assert_eq!(session["read_only_projects"], json!(["shop"]));
}

#[test]
fn a_page_shows_the_projects_it_is_for() {
    let (env, port, all) = (TestEnv::new(), free_port(), free_port());
    file(&env, &listen(port), SLEEPERS);
    env.apply();
    let other =
        env.write("other/ecosystem.yaml", "name: other\napps: { db: { command: sleep 9999 } }\n");
    let other = other.parent().unwrap().to_owned();
    env.call(&["apply"]).dir(&other).run().ok();
    let projects = |port, head: &[String]| -> Vec<String> {
        let status = ask(port, STATUS, head, "").json();
        let projects = status["projects"].as_array().unwrap().iter();
        projects.map(|it| it["project"].as_str().unwrap().to_owned()).collect()
    };
    let head = session(&env, port, &[]);
    assert_eq!(projects(port, &head), ["shop"]);
    for path in ["describe", "history", "pending", "logs/stream"] {
        let asked = ask(port, &format!("GET /api/v1/{path}?project=other&app=db"), &head, "");
        assert_eq!(asked.status, 404, "{path}: {asked:?}");
    }
    let order = json!({ "project": "other", "app": "db", "operation": "stop" });
    assert_eq!(ask(port, "POST /api/v1/operate", &head, &order.to_string()).status, 404);
    // By hand, at an address of its own: all, or one.
    let listen = format!("--listen=127.0.0.1:{all}");
    let head = session(&env, all, &[&listen]);
    assert_eq!(projects(all, &head), ["other", "shop"]);
    let one = session(&env, all, &[&listen, "-p", "other"]);
    assert_eq!(projects(all, &one), ["other"]);
    // One address's session is no other's.
    assert_eq!(ask(port, STATUS, &head, "").status, 401);
    let moved = head.iter().map(|line| line.replace(&all.to_string(), &port.to_string()));
    assert_eq!(ask(port, STATUS, &moved.collect::<Vec<_>>(), "").status, 401);
}

#[test]
fn sessions_end_with_the_controller_and_the_page_does_not() {
    let (env, port) = (TestEnv::new(), free_port());
    file(&env, &listen(port), SLEEPERS);
    env.apply();
    let head = session(&env, port, &[]);
    env.kill_roles(&["controller"]);
    let status =
        env.wait_until("an answer", || try_ask(port, STATUS, &head, "").map(|it| it.status));
    assert_eq!(status, 401);
    let head = session(&env, port, &[]);
    assert_eq!(ask(port, STATUS, &head, "").status, 200);
}

#[test]
fn slow_and_silent_callers_hinder_nobody() {
    let (env, port) = (TestEnv::new(), free_port());
    file(&env, &listen(port), SLEEPERS);
    env.apply();
    let head = session(&env, port, &[]);
    let mut slow: Vec<TcpStream> =
        (0..96).map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap()).collect();
    for stream in slow.iter_mut().step_by(2) {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1").unwrap();
    }
    // The API's own socket is not hindered, and who asked for too much is let go.
    assert!(env.is("web", "ready"));
    env.wait_for("the slow ones to be let go", || {
        try_ask(port, STATUS, &head, "").is_some_and(|answer| answer.status == 200)
    });
    let mut rest = Vec::new();
    slow[1].read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
}
