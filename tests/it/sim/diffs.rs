//! The classes of all fields, and how a difference reads.

use std::collections::BTreeMap;

use eco::{
    model::{
        App, AppName, AppSpec, Command, Condition, Cron, Dependency, EnvValue, HttpProbe,
        KillScope, Kind, LimitThen, ListenPolicy, ListenPort, LogCompression, LogDestination,
        LogFormat, LogRotation, OnFailure, Overlap, Pass, ProbeAddress, ReadyProbe, RestartWhen,
        Schedule, Share, ShareBy, Signal, Template, WatchPolicy,
    },
    reconcile::{diff, effects, interruptions},
};

use super::fixtures::{app, argv, edited, limit, ms, spec};

type Apps = BTreeMap<AppName, App>;

fn apps<const N: usize>(apps: [(&str, App); N]) -> Apps {
    apps.into_iter().map(|(name, app)| (name.parse().unwrap(), app)).collect()
}

fn lines(old: &Apps, new: &Apps) -> String {
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let changes = diff(old, new);
    let lines = changes.into_iter().map(|change| {
        let masked = if change.masked { " masked" } else { "" };
        let values = format!("{} -> {}", text(change.old), text(change.new));
        format!("{} {}: {values} ({:?}{masked})\n", change.app, change.field, change.effect)
    });
    lines.collect()
}

fn listening(port: u16) -> ListenPolicy {
    let ports = vec![ListenPort { host: None, port }];
    ListenPolicy {
        ports,
        queue: ms(10_000),
        close_idle: true,
        pass: Pass::Inject,
        share: ShareBy::Queue,
    }
}

fn http() -> HttpProbe {
    HttpProbe {
        address: ProbeAddress::Tcp { host: "::1".to_owned(), port: Template::literal("3000") },
        path: Template::literal("/healthz"),
        status: vec![(200, 399)],
        headers: [("Token".to_owned(), Template::literal("secret"))].into(),
    }
}

fn edit_everything(spec: &mut AppSpec) {
    spec.command = Command::Shell(Template::literal("a | b $x"));
    spec.cwd = "/srv/new".into();
    spec.instances = 3;
    spec.env.insert("B".to_owned(), EnvValue::Unset);
    spec.env.insert("A".to_owned(), EnvValue::Set(Template::literal("2")));
    spec.env.remove("GONE");
    let file = EnvValue::File { path: "/run/t".into(), digest: "0123456789abcdef".to_owned() };
    spec.env.insert("T".to_owned(), file);
    spec.inherited.insert("PATH".to_owned(), "/bin".to_owned());
    spec.inherit_env = vec!["PATH".to_owned(), "LC_*".to_owned()];
    spec.inherited_epoch = 1;
    spec.accepts_within = Some(ms(7_000));
    spec.restart.policy = RestartWhen::OnFailure;
    spec.restart.stop_exit_codes = vec![3, 4];
    let backoff = spec.restart.backoff.as_mut().unwrap();
    (backoff.initial, backoff.factor, backoff.max) = (ms(250), 1.5, ms(60_000));
    (backoff.jitter, backoff.reset_after) = (0.2, ms(86_400_000));
    spec.restart.limit = Some(limit(5, 60_000, LimitThen::Stop));
    spec.stop.signal = Signal::from_number(2).unwrap();
    spec.stop.timeout = ms(1_500);
    spec.stop.kill = KillScope::Main;
    spec.stop.drain = ms(5_000);
    (spec.stop.message, spec.stop.close) = (Some("shutdown".to_owned()), true);
    spec.rollout.min_ready = ms(0);
    spec.rollout.max_surge = Share::Percent(25);
    spec.rollout.max_unavailable = Share::Count(2);
    spec.rollout.deadline = ms(120_000);
    spec.rollout.on_failure = OnFailure::Pause;
    spec.rollout.canary = Some(Share::Percent(10));
    spec.listen = Some(listening(3000));
    spec.ready.probe = ReadyProbe::Http(http());
    (spec.ready.interval, spec.ready.timeout) = (ms(1_000), ms(500));
    (spec.ready.successes, spec.ready.start_period) = (3, ms(100));
    spec.watch = Some(WatchPolicy {
        paths: vec!["/srv/src".into()],
        ignore: Vec::new(),
        base: "/srv".into(),
    });
    spec.artifacts.patterns = vec!["dist/**".to_owned()];
    spec.artifacts.files.insert("dist/app.js".to_owned(), "beef".to_owned());
    spec.tags.insert("edge".to_owned());
    spec.logs.dir = Some("/var/log/web".into());
    spec.logs.rotate = Some(LogRotation { size: 3 << 19, age: Some(ms(86_400_000)), keep: 9 });
    spec.logs.compress = LogCompression::Zstd;
    spec.logs.max_total = Some(1 << 30);
    spec.logs.to = LogDestination::Journald;
    (spec.logs.format, spec.logs.timestamps) = (LogFormat::Json, true);
    spec.kind = Kind::Job;
    let cron = Cron { expression: "0 3 * * *".to_owned(), timezone: None };
    spec.restart.cron = Some(cron.clone());
    spec.schedule = Some(Schedule { cron, overlap: Overlap::Skip, catch_up: false });
    let needed = Dependency { is: Condition::Ready, restart_with: false };
    spec.depends_on.insert("db".parse().unwrap(), needed);
}

#[test]
fn every_field_has_its_name_and_class() {
    let old = edited(&app(spec()), |spec| {
        for (name, value) in [("A", "1"), ("GONE", "x"), ("SAME", "s")] {
            spec.env.insert(name.to_owned(), EnvValue::Set(Template::literal(value)));
        }
    });
    let new = edited(&old, edit_everything);
    insta::assert_snapshot!(lines(&apps([("web", old)]), &apps([("web", new)])));
}

#[test]
fn parts_of_parts_are_leaves_too() {
    let old = edited(&app(spec()), |spec| {
        edit_everything(spec);
        spec.env.clear();
    });
    let new = edited(&old, |spec| {
        spec.restart.backoff = None;
        spec.restart.limit = Some(limit(6, 30_000, LimitThen::Slow));
        let watch = spec.watch.as_mut().unwrap();
        watch.paths.push("/srv/lib".into());
        watch.ignore.push("*.log".to_owned());
        watch.base = "/opt".into();
        let schedule = spec.schedule.as_mut().unwrap();
        schedule.cron.expression = "@daily".to_owned();
        schedule.cron.timezone = Some("UTC".to_owned());
        (schedule.overlap, schedule.catch_up) = (Overlap::Queue, true);
        let needed = Dependency { is: Condition::Started, restart_with: true };
        spec.depends_on = [("db".parse().unwrap(), needed)].into();
        spec.command = argv(&["node", "my app.js", "--a=b"]);
        spec.artifacts.files.insert("dist/app.js".to_owned(), "cafe".to_owned());
        spec.logs.dir = None;
        spec.logs.rotate = None;
        let listen = spec.listen.as_mut().unwrap();
        listen.ports.push(ListenPort { host: "127.0.0.1".parse().ok(), port: 3001 });
        (listen.queue, listen.close_idle, listen.pass) = (ms(0), false, Pass::Fds);
        spec.ready.probe = ReadyProbe::Http(HttpProbe {
            address: ProbeAddress::Unix(Template::literal("/run/a.sock")),
            path: Template::literal("/"),
            status: vec![(200, 200), (204, 204)],
            headers: [("Token".to_owned(), Template::literal("other"))].into(),
        });
    });
    insta::assert_snapshot!(lines(&apps([("web", old)]), &apps([("web", new)])));
}

#[test]
fn apps_come_and_go_and_overrides_end() {
    let plain = app(spec());
    let removed = App { removed: true, ..plain.clone() };
    let stopped = App { stopped: true, scale: Some(4), ..plain.clone() };
    let same = App { scale: Some(2), ..plain.clone() };
    let kept = App { scale: Some(4), ..plain.clone() };
    let three = edited(&plain, |spec| spec.instances = 3);
    let kept_three = App { scale: Some(4), ..three.clone() };
    let old = apps([
        ("back", removed.clone()),
        ("going", removed.clone()),
        ("kept", kept),
        ("leaving", plain.clone()),
        ("same", same),
        ("stopped", stopped),
        ("untouched", plain.clone()),
    ]);
    let new = apps([
        ("back", plain.clone()),
        ("going", removed.clone()),
        ("kept", kept_three),
        ("leaving", removed),
        ("new", plain.clone()),
        ("same", plain.clone()),
        ("stopped", three),
        ("untouched", plain),
    ]);
    insta::assert_snapshot!(lines(&old, &new));
    assert_eq!(diff(&old, &old), []);
}

#[test]
fn interruptions_are_told_in_words() {
    let count = |instances| edited(&app(spec()), |spec| spec.instances = instances);
    let moved = |instances| edited(&count(instances), |spec| spec.cwd = "/new".into());
    let old = apps([
        ("all", count(3)),
        ("down", count(5)),
        ("gone", count(2)),
        ("idle", count(0)),
        ("last", count(2)),
        ("live", count(2)),
        ("one", count(1)),
        ("only", count(1)),
        ("up", count(1)),
    ]);
    let new = apps([
        ("all", moved(4)),
        ("down", count(4)),
        ("fresh", count(2)),
        ("idle", moved(0)),
        ("last", count(0)),
        ("live", edited(&count(2), |spec| spec.stop.timeout = ms(9))),
        ("one", moved(1)),
        ("up", count(4)),
    ]);
    let changes = diff(&old, &new);
    let told = interruptions(&changes, &old, &new);
    let told: Vec<_> =
        told.iter().map(|it| format!("{}: {} ({})", it.app, it.text, it.instances)).collect();
    let told = told.join("\n");
    insta::assert_snapshot!(format!("{told}\n{:#?}", effects(&changes)));
}

#[test]
fn nobody_waits_for_a_job_that_is_changed() {
    let job = edited(&app(spec()), |spec| {
        (spec.instances, spec.kind) = (1, Kind::Job);
    });
    let changed = edited(&job, |spec| spec.cwd = "/new".into());
    let service = edited(&changed, |spec| spec.kind = Kind::Service);
    let told = |old: &App, new: &App| {
        let (old, new) = (apps([("it", old.clone())]), apps([("it", new.clone())]));
        let told = interruptions(&diff(&old, &new), &old, &new);
        told.first().map_or_else(String::new, |it| it.text.clone())
    };
    assert_eq!(told(&job, &changed), "");
    assert_eq!(told(&job, &service), "its instance stops before a new one starts");
}

#[test]
fn a_rolling_change_tells_what_to_expect() {
    let told = |instances, old: Option<u16>, new: Option<u16>, (surge, missing): (u32, u32)| {
        let old_app = edited(&app(spec()), |spec| {
            (spec.instances, spec.listen) = (instances, old.map(listening));
        });
        let new_app = edited(&old_app, |spec| {
            (spec.cwd, spec.listen) = ("/new".into(), new.map(listening));
            spec.rollout.max_surge = Share::Count(surge);
            spec.rollout.max_unavailable = Share::Count(missing);
        });
        let (old, new) = (apps([("web", old_app)]), apps([("web", new_app)]));
        let told = interruptions(&diff(&old, &new), &old, &new);
        told.first().map_or_else(|| "nothing\n".to_owned(), |it| format!("{}\n", it.text))
    };
    let (here, moved) = (Some(3000), Some(3001));
    let lines = [
        told(2, here, here, (1, 0)),
        told(1, here, moved, (1, 0)),
        told(4, None, None, (1, 0)),
        told(1, None, None, (0, 1)),
        told(4, None, None, (0, 1)),
        told(4, None, None, (0, 2)),
        told(4, None, None, (0, 4)),
        told(1, here, here, (0, 1)),
        told(3, here, here, (0, 1)),
        told(1, None, here, (1, 0)),
        told(2, here, None, (1, 0)),
    ];
    insta::assert_snapshot!(lines.concat(), @r"
    nothing
    nothing
    nothing
    1 instance without `listen`: down for its start time
    4 instances without `listen`, one at a time: each is down for its start time
    4 instances without `listen`, 2 at a time: each is down for its start time
    4 instances without `listen`, all at once: down for their start time
    1 instance without a surge: down for its start time
    3 instances without a surge, one at a time: the others serve meanwhile
    1 instance so far without `listen`: down for its start time
    2 instances from now on without `listen`, all at once: down for their start time
    ");
}
