//! The text of metrics: a snapshot of each format, and whatever names hold, it can be read.

use std::collections::BTreeMap;

use eco::{
    api::{
        AppMetrics, AppReply, DurationMetrics, Exposition, JobMetrics, MetricsReply, OwnProcess,
        ProjectMetrics, RunMetrics, WorkMetrics, exposition,
    },
    model::{AppState, InstancePhase},
};
use insta::assert_snapshot;
use proptest::prelude::*;

use super::{app, instance};

fn measured(status: AppReply) -> AppMetrics {
    let runs = vec![RunMetrics { index: 0, started: 1_772_326_800.0, cpu_seconds: Some(1.5) }];
    let requests = DurationMetrics {
        since: 1_772_326_800.0,
        buckets: vec![(0.001, 3), (1.0, 4)],
        count: 5,
        sum: 2.25,
        failed: 1,
        aborted: 2,
    };
    let work = vec![WorkMetrics { index: 0, requests: Some(requests), probes: None }];
    AppMetrics { status, runs, rolled_back: false, work, job: None }
}

fn shop() -> MetricsReply {
    let mut serving = instance("web/0", InstancePhase::Stopping, Some(70));
    serving.memory = Some(1000);
    serving.revision = Some("0123456789abcdef".to_owned());
    let mut next = instance("web/0", InstancePhase::Ready, Some(71));
    (next.memory, next.restarts) = (Some(24), 3);
    let web = app("web", AppState::Converging, vec![serving, next]);
    let nightly = app("nightly", AppState::Done, vec![instance("n/0", InstancePhase::Done, None)]);
    let job = JobMetrics {
        last_success: Some(1_772_326_800.25),
        last_duration: Some(61.5),
        next: Some(1_772_413_200.0),
    };
    let keeper =
        OwnProcess { role: "keeper".to_owned(), memory: Some(3 << 20), cpu_seconds: Some(0.02) };
    MetricsReply {
        version: "1.2.3".to_owned(),
        processes: vec![keeper],
        projects: vec![ProjectMetrics {
            project: "shop".to_owned(),
            apps: vec![
                measured(web),
                AppMetrics {
                    job: Some(job),
                    runs: Vec::new(),
                    work: Vec::new(),
                    ..measured(nightly)
                },
            ],
        }],
    }
}

#[test]
fn the_text_of_metrics() {
    assert_snapshot!("metrics_open", exposition(&shop(), Exposition::OpenMetrics));
    assert_snapshot!("metrics_prometheus", exposition(&shop(), Exposition::Prometheus));
}

#[test]
fn the_format_follows_from_what_is_accepted() {
    for (header, format) in [
        ("", Exposition::Prometheus),
        ("*/*", Exposition::Prometheus),
        ("text/plain;version=0.0.4", Exposition::Prometheus),
        ("application/openmetrics-text", Exposition::OpenMetrics),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", Exposition::OpenMetrics),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
            Exposition::OpenMetrics,
        ),
        ("application/openmetrics-text;q=0, text/plain", Exposition::Prometheus),
        ("application/openmetrics-text-not", Exposition::Prometheus),
    ] {
        assert_eq!(Exposition::accepted(header), format, "{header}");
    }
}

/// A series and its value.
type Series = BTreeMap<(String, Vec<(String, String)>), f64>;

/// Reads a text by the rules of the format; fails where it breaks one.
fn parse(text: &str, is_open: bool) -> Series {
    let mut series = Series::new();
    let mut families: Vec<(String, String)> = Vec::new();
    let body = if is_open { text.strip_suffix("# EOF\n").unwrap() } else { text };
    assert!(body.ends_with('\n') && !body.contains("# EOF"));
    for line in body.split_terminator('\n') {
        if let Some(comment) = line.strip_prefix("# ") {
            let [word, name, rest] = comment.splitn(3, ' ').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            match word {
                "HELP" => {
                    assert!(families.iter().all(|(known, _)| known != name), "again: {line}");
                    families.push((name.to_owned(), String::new()));
                }
                "TYPE" => {
                    let (known, kind) = families.last_mut().unwrap();
                    assert_eq!((known.as_str(), kind.as_str()), (name, ""));
                    rest.clone_into(kind);
                }
                "UNIT" => assert!(is_open && name.ends_with(&format!("_{rest}")), "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (name, labels, value) = sample(line);
        let (family, kind) = families.last().unwrap();
        let suffix = name.strip_prefix(family.as_str()).unwrap_or_else(|| panic!("{line}"));
        let suffixes: &[&str] = match (is_open, kind.as_str()) {
            (true, "counter") => &["_total", "_created"],
            (_, "histogram") if is_open => &["_bucket", "_count", "_sum", "_created"],
            (_, "histogram") => &["_bucket", "_count", "_sum"],
            (true, "info") => &["_info"],
            (true, "stateset") | (_, "gauge") | (false, "counter") => &[""],
            _ => panic!("{kind}"),
        };
        assert!(suffixes.contains(&suffix), "{line}");
        assert!(value.is_finite() && 0.0 <= value, "{line}");
        assert!(series.insert((name, labels), value).is_none(), "twice: {line}");
    }
    series
}

fn sample(line: &str) -> (String, Vec<(String, String)>, f64) {
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{line}");
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap();
            let (value, after) = unescaped(after);
            labels.push((label.to_owned(), value));
            if let Some(after) = after.strip_prefix('}') {
                rest = after;
                break;
            }
            rest = after.strip_prefix(',').unwrap();
        }
    }
    (name.to_owned(), labels, rest.strip_prefix(' ').unwrap().parse().unwrap())
}

/// The value up to the closing quote, and what comes after that.
fn unescaped(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match chars.next().unwrap().1 {
                'n' => '\n',
                c @ ('\\' | '"') => c,
                c => panic!("\\{c}"),
            }),
            c => value.push(c),
        }
    }
    panic!("no end: {text}");
}

fn any_app() -> impl Strategy<Value = AppReply> {
    let phases = prop::sample::select(vec![
        InstancePhase::Waiting,
        InstancePhase::Starting,
        InstancePhase::Ready,
        InstancePhase::Stopping,
        InstancePhase::Exited,
        InstancePhase::Failed,
    ]);
    let one = (0..4_u32, phases, prop::option::of(1..9_u32), any::<u64>(), any::<Option<u64>>());
    let instances = prop::collection::vec(one, 0..6).prop_map(|found| {
        let reply = |(index, phase, pid, restarts, memory)| {
            let reply = instance(&format!("a/{index}"), phase, pid);
            eco::api::InstanceReply { restarts, memory, ..reply }
        };
        found.into_iter().map(reply).collect()
    });
    (instances, any::<String>()).prop_map(|(instances, revision)| {
        let app = app("a", AppState::Degraded, instances);
        AppReply { revision, ..app }
    })
}

proptest! {
    /// Whatever stands in names, every text can be read, and says them as they are. Two runs of an
    /// instance are one series.
    #[test]
    fn any_metrics_can_be_read(
        version in "(?s).*",
        apps in prop::collection::btree_map("(?s)[\\\\\"\n{},=a\u{e9} ]{0,6}|(?s).*", any_app(), 0..4),
        project in "(?s).*",
    ) {
        let names: Vec<String> = apps.keys().cloned().collect();
        let apps = apps.into_iter().map(|(name, status)| measured(AppReply { name, ..status }));
        let projects = vec![ProjectMetrics { project: project.clone(), apps: apps.collect() }];
        let reply = MetricsReply { version: version.clone(), projects, ..MetricsReply::default() };
        for (format, is_open) in [(Exposition::OpenMetrics, true), (Exposition::Prometheus, false)] {
            let text = exposition(&reply, format);
            let series = parse(&text, is_open);
            let build = ("eco_build_info".to_owned(), vec![("version".to_owned(), version.clone())]);
            prop_assert!(series.contains_key(&build));
            for name in &names {
                let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
                let labels = vec![of("project", &project), of("app", name)];
                prop_assert!(series.contains_key(&("eco_app_ready_instances".to_owned(), labels)));
            }
        }
    }
}
