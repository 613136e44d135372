//! `dashboard`: who gets in and who does not, asked by hand; and what a browser shows.

mod browser;
mod doors;
mod offered;

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use serde_json::Value;

use crate::harness::TestEnv;

const SLEEPERS: &str = "  web: { command: sleep 100000, instances: 2 }\n";

fn file(env: &TestEnv, dashboard: &str, apps: &str) {
    env.write("ecosystem.yaml", &format!("name: shop\n{dashboard}\napps:\n{apps}"));
}

fn listen(port: u16) -> String {
    format!("dashboard: {{ listen: \"127.0.0.1:{port}\" }}")
}

/// What an address answers.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// In lower case.
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// Sends a request by hand, with these lines in its head; `None` if nobody answers.
fn try_ask(port: u16, request: &str, head: &[String], body: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let lines = head.join("\r\n");
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\n{lines}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
}

#[track_caller]
fn ask(port: u16, request: &str, head: &[String], body: &str) -> Answer {
    try_ask(port, request, head, body).unwrap_or_else(|| panic!("{request}: no answer"))
}

fn own_host(port: u16) -> String {
    format!("Host: 127.0.0.1:{port}")
}

/// The head of a request that the page itself sends.
fn own_head(port: u16) -> Vec<String> {
    vec![
        own_host(port),
        format!("Origin: http://127.0.0.1:{port}"),
        "Content-Type: application/json".to_owned(),
        "Sec-Fetch-Site: same-origin".to_owned(),
    ]
}

/// The token of a new link.
fn token(env: &TestEnv, args: &[&str]) -> String {
    let reply = env.eco(&[&["dashboard", "--json"], args].concat()).ok().json();
    let link = reply["link"].as_str().unwrap();
    link.split_once("/login#").unwrap().1.to_owned()
}

fn log_in(port: u16, token: &str) -> Answer {
    ask(port, "POST /login", &own_head(port), &format!("{{\"token\":\"{token}\"}}"))
}

/// The head of requests of a session that was just opened.
fn session(env: &TestEnv, port: u16, args: &[&str]) -> Vec<String> {
    let answer = log_in(port, &token(env, args));
    assert_eq!(answer.status, 200, "{answer:?}");
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.contains("; httponly") && cookie.contains("; samesite=strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let key = answer.json()["key"].as_str().unwrap().to_owned();
    [own_head(port), vec![format!("Cookie: {cookie}"), format!("X-Eco-Key: {key}")]].concat()
}
