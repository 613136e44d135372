//! What people read, as snapshots: without colour in 80 and 120 columns, and some with colour.

mod changes;
mod codes;
mod details;
mod metrics;
mod progress;
mod reference;
mod status;
mod top;

use eco::{
    api::{AppReply, ExitReply, InstanceReply},
    model::{AppState, InstancePhase},
    render::Style,
};
use jiff::Timestamp;

/// The point in time at which every snapshot is taken.
fn now() -> Timestamp {
    "2026-03-04T03:00:00Z".parse().unwrap()
}

fn colored(width: usize) -> Style {
    Style { color: true, ..Style::plain(width) }
}

fn ascii(width: usize) -> Style {
    Style { unicode: false, ..Style::plain(width) }
}

/// Escape codes made visible.
fn visible(text: &str) -> String {
    text.replace('\u{1b}', "␛")
}

/// No line is wider than it may be.
#[track_caller]
fn assert_fits(text: &str, width: usize) {
    for line in text.lines() {
        let columns = line.chars().count();
        assert!(columns <= width, "{columns} columns, over {width}: {line}");
    }
}

fn instance(id: &str, phase: InstancePhase, pid: Option<u32>) -> InstanceReply {
    InstanceReply {
        id: id.to_owned(),
        pid,
        phase,
        restarts: 0,
        since: Some("2026-03-01T01:00:00Z".to_owned()),
        revision: Some("9f3c01d2a4b50000".to_owned()),
        generation: Some(4),
        hold: None,
        hold_code: None,
        dropped: None,
        exit: None,
        memory: None,
        cpu: None,
        traffic: None,
        probes: None,
        node: None,
    }
}

fn app(name: &str, state: AppState, instances: Vec<InstanceReply>) -> AppReply {
    let ready = instances.iter().filter(|one| one.phase == InstancePhase::Ready).count();
    AppReply {
        name: name.to_owned(),
        desired: u32::try_from(instances.len()).unwrap(),
        ready: u32::try_from(ready).unwrap(),
        revision: "9f3c01d2a4b50000".to_owned(),
        state,
        hold: None,
        hold_code: None,
        overrides: Vec::new(),
        tags: Vec::new(),
        listen: None,
        next: None,
        unkept: Vec::new(),
        traffic: None,
        queues: Vec::new(),
        instances,
    }
}

fn crashing(id: &str) -> InstanceReply {
    InstanceReply {
        restarts: 17,
        hold: Some(
            "crash-looping: ended after 1.2s with code 1; failed 17 times in a row, next try in 24s"
                .to_owned(),
        ),
        hold_code: Some("crash_looping".to_owned()),
        exit: Some(ExitReply {
            requested: false,
            code: Some(1),
            signal: None,
            at: "2026-03-04T02:59:54Z".to_owned(),
        }),
        ..instance(id, InstancePhase::Waiting, None)
    }
}

/// A generated file of the repository is what is generated now.
#[track_caller]
fn fresh(name: &str, made: &str) {
    let path = crate::harness::repository(name);
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == made, "{name} is stale: run this test with UPDATE_SCHEMA=1");
}
