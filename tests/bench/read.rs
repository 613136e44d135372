//! How long reading a file of 5,000 apps takes: text to resolved apps.
//!
//! Prints the figure. The limit asserted is the promised one; a release build keeps far below it.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and prints"
)]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use eco::config::{Source, load_text};

const APPS: usize = 5_000;
const MUST: Duration = Duration::from_millis(300);

fn app(number: usize) -> String {
    format!(
        "  app{number}:
    command: node server{number}.js --verbose --name \"number {number}\"
    instances: 2
    env: {{ NODE_ENV: production, NUMBER: {number}, WHERE: \"${{HOME}}/data\" }}
    restart: {{ policy: on-failure, backoff: {{ initial: 200ms, max: 10s }} }}
    stop: {{ timeout: 5s }}
    tags: [edge]
"
    )
}

fn main() {
    let apps: String = (0..APPS).map(app).collect();
    let text = format!("name: many\ndefaults:\n  rollout: {{ min_ready: 2s }}\napps:\n{apps}");
    let env = BTreeMap::from([("HOME".to_owned(), "/home/me".to_owned())]);
    let source = Source {
        env: &env,
        profile: None,
        cpus: 4,
        accounts: &eco::controller::Machine,
        secret_key: eco::config::SecretKey::new([7; 32]),
        files: None,
    };
    let dir = std::env::temp_dir();
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        let loaded = load_text(&dir.join("ecosystem.yaml"), text.as_bytes(), &source);
        best = best.min(start.elapsed());
        assert!(loaded.is_ok_and(|loaded| loaded.apps.len() == APPS), "the file is good");
    }
    println!("{APPS} apps, {} bytes: {best:?} (best of 5; must: {MUST:?})", text.len());
    assert!(best < MUST, "too slow");
}
