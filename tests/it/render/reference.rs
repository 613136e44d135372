//! The reference of the file's keys: whole, true, and as the repository has it.

use std::collections::BTreeMap;

use eco::{
    config::{SecretKey, Source, json_schema, load_text},
    model::{App, AppName, AppSpec, Effect},
    reconcile,
    render::reference::{EFFECTS, Reference, reference_page},
};

use super::fresh;
use crate::harness::repository;

#[test]
fn the_reference_in_the_repository_is_fresh() {
    fresh("schema/README.md", &reference_page(&Reference::of(&json_schema())));
}

#[test]
fn a_key_is_found_by_its_path_with_the_app_or_without() {
    let reference = Reference::of(&json_schema());
    let found = |path: &str| reference.find(path).map(|entry| entry.path);
    for path in ["rollout.max_surge", "web.rollout.max_surge", "apps.web.rollout.max_surge"] {
        assert_eq!(found(path).as_deref(), Some("rollout.max_surge"), "{path}");
    }
    assert_eq!(found("env.HOME").as_deref(), Some("env"));
    assert_eq!(found("metrics.listen").as_deref(), Some("metrics.listen"));
    assert_eq!(found("live.http.status").as_deref(), Some("live.http.status"));
    assert_eq!(found("rollout.max_surge.more"), None);
    assert_eq!(found(""), None);
}

#[test]
fn every_key_of_the_schema_is_there_and_says_what_it_takes() {
    let reference = Reference::of(&json_schema());
    let schema = json_schema();
    let definitions = schema["$defs"].as_object().unwrap().values();
    let keys = definitions.chain([&schema]).filter_map(|it| it["properties"].as_object());
    let paths = reference.paths();
    for key in keys.flat_map(serde_json::Map::keys) {
        let is_there = |path: &String| path == key || path.ends_with(&format!(".{key}"));
        assert!(paths.iter().any(is_there), "{key}");
    }
    for path in paths {
        let entry = reference.find(&path).unwrap();
        assert!(!entry.takes.is_empty() && !entry.about.is_empty(), "{entry:?}");
        assert_eq!(entry.path, path);
    }
}

/// A key, two values of it in an app, and whether a change of it starts new processes.
const EDITS: &[(&str, &str, &str)] = &[
    ("command", "command: sleep 1", "command: sleep 2"),
    ("cwd", "cwd: .", "cwd: src"),
    ("listen", "listen: 3000", "listen: 3001"),
    ("listen.queue", "listen: { port: 3000, queue: 1s }", "listen: { port: 3000, queue: 2s }"),
    (
        "listen.close_idle",
        "listen: { port: 3000, close_idle: true }",
        "listen: { port: 3000, close_idle: false }",
    ),
    ("ready", "ready: { delay: 1s }", "ready: { log: up }"),
    ("ready.message", "ready: { message: ready }", "ready: { delay: 1s }"),
    ("live", "live: { exec: a }", "live: { exec: b }"),
    ("env", "env: { A: 1 }", "env: { A: 2 }"),
    ("env_file", "env_file: examples/env-layers/base.env", "env_file: []"),
    ("inherit_env", "inherit_env: PATH", "inherit_env: HOME"),
    ("restart", "restart: always", "restart: never"),
    ("stop", "stop: { timeout: 1s }", "stop: { timeout: 2s }"),
    ("stop.message", "stop: { message: bye }", "stop: {}"),
    ("stop.close", "stop: { close: true }", "stop: { close: false }"),
    ("rollout", "rollout: { min_ready: 1s }", "rollout: { min_ready: 2s }"),
    ("reload", "reload: { signal: SIGHUP }", "reload: { signal: SIGUSR1 }"),
    ("watch", "watch: src", "watch: tests"),
    ("observe", "observe: off", "observe: node"),
    ("tags", "tags: a", "tags: b"),
    ("logs", "logs: { to: none }", "logs: { to: file }"),
    ("kind", "kind: service", "kind: job"),
    ("schedule", "kind: job, schedule: '@daily'", "kind: job, schedule: '@hourly'"),
    (
        "timezone",
        "kind: job, schedule: '@daily', timezone: UTC",
        "kind: job, schedule: '@daily', timezone: Europe/Berlin",
    ),
    (
        "overlap",
        "kind: job, schedule: '@daily', overlap: skip",
        "kind: job, schedule: '@daily', overlap: queue",
    ),
    (
        "catch_up",
        "kind: job, schedule: '@daily', catch_up: true",
        "kind: job, schedule: '@daily', catch_up: false",
    ),
    ("depends_on", "depends_on: other", "depends_on: []"),
    ("umask", "umask: '022'", "umask: '027'"),
    ("nice", "nice: 1", "nice: 2"),
    ("oom_score_adj", "oom_score_adj: 100", "oom_score_adj: 200"),
    ("limits", "limits: { nofile: 100 }", "limits: { nofile: 200 }"),
];

/// The others: overrides, what takes root, and what has two effects.
const ELSEWHERE: &[&str] = &["instances", "artifacts", "user", "group"];

fn apps(keys: &str) -> BTreeMap<AppName, App> {
    let command = if keys.starts_with("command") { "" } else { "command: node x, " };
    let text = format!("apps:\n  other: {{ command: x }}\n  web: {{ {command}{keys} }}\n");
    let env = BTreeMap::new();
    let source = Source {
        env: &env,
        profile: None,
        cpus: 2,
        accounts: &eco::controller::Machine,
        files: None,
        secret_key: SecretKey::new([7; SecretKey::LEN]),
    };
    let loaded = load_text(&repository("ecosystem.yaml"), text.as_bytes(), &source);
    let loaded = loaded.unwrap_or_else(|faults| panic!("{keys}: {}", faults.one_line()));
    let app = |spec: AppSpec| {
        let revision = reconcile::revision(&spec);
        App::new(spec, revision)
    };
    loaded.apps.into_iter().map(|(name, spec)| (name, app(spec))).collect()
}

#[test]
fn what_the_reference_says_of_a_change_is_what_diff_says() {
    let mut tested: Vec<&str> = ELSEWHERE.to_vec();
    for (key, old, new) in EDITS {
        let effect = EFFECTS.iter().find(|(known, _)| known == key).unwrap().1;
        let changes = reconcile::diff(&apps(old), &apps(new));
        // Another kind of app has other defaults too; what interrupts most counts.
        let most = changes.iter().map(|change| match change.effect {
            Effect::None | Effect::Live => (0, "no process touched"),
            Effect::Scale | Effect::Create | Effect::Remove => (1, "another number of instances"),
            Effect::Rolling => (2, "replaced one after the other"),
            Effect::Recreate => (3, "all stop, then new ones start"),
        });
        assert_eq!(most.max().map(|(_, words)| words), Some(effect), "{key}: {changes:?}");
        tested.push(key);
    }
    for (key, _) in EFFECTS {
        assert!(tested.contains(key), "{key} has no edit here");
    }
}
