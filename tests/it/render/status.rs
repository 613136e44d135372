//! `eco status`.

use eco::{
    api::{
        AlertReply, AlertState, ExitReply, FileReply, FileState, InstanceReply, ListenReply,
        MetricsState, StatusAllReply, StatusReply, TrafficReply, TrafficSource, WindowReply,
    },
    model::{AppState, InstancePhase},
    render::{StatusView, Style, status, status_all},
};
use insta::assert_snapshot;

use super::{app, ascii, assert_fits, colored, crashing, instance, now, visible};

fn file(state: FileState) -> FileReply {
    FileReply { path: "/srv/shop/ecosystem.yaml".into(), followed: true, state, error: None }
}

fn shop() -> StatusReply {
    let flapping = InstanceReply {
        restarts: 3,
        since: Some("2026-03-04T02:56:30Z".to_owned()),
        exit: Some(ExitReply {
            requested: false,
            code: None,
            signal: Some("SIGSEGV".to_owned()),
            at: "2026-03-04T02:56:29Z".to_owned(),
        }),
        ..instance("api/0", InstancePhase::Ready, Some(4711))
    };
    let mut web = app(
        "web",
        AppState::CrashLooping,
        vec![
            instance("web/0", InstancePhase::Ready, Some(812)),
            crashing("web/1"),
            InstanceReply {
                revision: Some("00aa11bb22cc0000".to_owned()),
                hold: Some("stopping (its revision changed); SIGKILL in 8s".to_owned()),
                hold_code: Some("stopping".to_owned()),
                ..instance("web/2", InstancePhase::Stopping, Some(93021))
            },
        ],
    );
    web.hold.clone_from(&web.instances[1].hold);
    let mut stopped = app("cache", AppState::Stopped, Vec::new());
    stopped.overrides = vec!["stopped".to_owned()];
    let mut bad = app("mailer", AppState::Degraded, vec![crashing("mailer/0")]);
    bad.hold = Some(
        "cannot enter its cwd: no such file or directory; failed once, next try in 100ms"
            .to_owned(),
    );
    bad.hold_code = Some("spawn_failed".to_owned());
    bad.instances[0].hold.clone_from(&bad.hold);
    bad.instances[0].hold_code.clone_from(&bad.hold_code);
    bad.instances[0].restarts = 0;
    StatusReply {
        schema: 1,
        project: Some("shop".to_owned()),
        file: Some(file(FileState::InSync)),
        metrics: None,
        dashboard: None,
        alerts: Vec::new(),
        apps: vec![
            app("api", AppState::Ready, vec![flapping]),
            stopped,
            bad,
            web,
            app(
                "worker-with-a-long-name",
                AppState::Ready,
                vec![instance("w/0", InstancePhase::Ready, Some(7))],
            ),
        ],
    }
}

#[test]
fn a_project_with_trouble() {
    for width in [80, 120] {
        let text = status(&shop(), StatusView::default(), &Style::plain(width), now());
        assert_fits(&text, width);
        assert_snapshot!(format!("trouble_{width}"), text);
    }
    assert_snapshot!("trouble_ascii", status(&shop(), StatusView::default(), &ascii(80), now()));
    assert_snapshot!(
        "trouble_color",
        visible(&status(&shop(), StatusView::default(), &colored(100), now()))
    );
}

/// The shop with everything measured.
fn busy_shop() -> StatusReply {
    let window = |requests, rate, failed, p99| WindowReply {
        seconds: 60,
        requests,
        rate,
        failed,
        p50: Some(0.004),
        p90: Some(0.02),
        p99,
        max: Some(2.5),
        aborted: 0,
    };
    let traffic = |source, window| TrafficReply { source, windows: vec![window] };
    let mut reply = shop();
    for app in &mut reply.apps {
        for (index, instance) in (0_u32..).zip(&mut app.instances) {
            if instance.pid.is_some() {
                instance.cpu = Some(f64::from(index).mul_add(0.7, 0.034));
                instance.memory = Some(u64::from(index + 1) * 48_700_000);
                let probe = window(12, 0.2, 0, Some(0.0031));
                instance.probes = Some(traffic(TrafficSource::Probe, probe));
            }
        }
    }
    let last = reply.apps.last_mut().unwrap();
    last.traffic = Some(traffic(TrafficSource::Agent, window(12_720, 212.0, 51, Some(0.812))));
    last.tags = vec!["edge".to_owned(), "front".to_owned()];
    last.listen =
        Some(ListenReply { ports: vec!["127.0.0.1:3000".to_owned()], ..Default::default() });
    reply.alerts = vec![AlertReply {
        app: last.name.clone(),
        alert: "p99 > 500ms for 2m".to_owned(),
        state: AlertState::Firing,
        since: "2026-03-04T02:55:00Z".to_owned(),
        message: "p99 is 812ms".to_owned(),
        error: None,
    }];
    reply.apps[0].traffic = Some(traffic(TrafficSource::Agent, window(3, 0.05, 0, Some(0.000_4))));
    reply
}

#[test]
fn what_is_measured_has_columns_as_long_as_there_is_room() {
    for width in [50, 80, 120] {
        let text = status(&busy_shop(), StatusView::default(), &Style::plain(width), now());
        assert_fits(&text, width);
        assert_snapshot!(format!("busy_{width}"), text);
    }
    let wide = StatusView { wide: true, changes: None };
    assert_snapshot!("busy_wide", status(&busy_shop(), wide, &Style::plain(80), now()));
}

#[test]
fn problems_come_first() {
    let text = status(&busy_shop(), StatusView::default(), &Style::plain(120), now());
    let place = |name: &str| {
        let row = |line: &&str| line.split_whitespace().nth(1) == Some(name);
        text.lines().position(|line| row(&line)).unwrap_or_else(|| panic!("no {name} in\n{text}"))
    };
    let names = ["web", "mailer", "worker-with-a-long-name", "cache", "api"];
    assert!(names.map(place).is_sorted(), "{text}");
}

#[test]
fn the_file_is_so_many_changes_ahead() {
    let texts = [0, 1, 7].map(|count| {
        let file = Some(file(FileState::Ahead));
        let view = StatusView { changes: Some(count), wide: false };
        let reply = StatusReply { file, apps: Vec::new(), ..shop() };
        status(&reply, view, &Style::plain(120), now())
    });
    assert_snapshot!(texts.join("----\n"));
}

#[test]
fn metrics_that_are_not_offered() {
    let error = Some("127.0.0.1:9615 is in use by nginx (pid 7); make it free".to_owned());
    let metrics = MetricsState { listen: "127.0.0.1:9615".to_owned(), error };
    let reply = StatusReply { metrics: Some(metrics), apps: Vec::new(), ..shop() };
    assert_snapshot!("no_metrics", status(&reply, StatusView::default(), &Style::plain(80), now()));
}

#[test]
fn a_project_without_trouble() {
    let many = (0..4).map(|index| {
        let pid = Some(1000 + index);
        instance(&format!("web/{index}"), InstancePhase::Ready, pid)
    });
    let reply = StatusReply {
        metrics: None,
        dashboard: None,
        apps: vec![
            app("api", AppState::Ready, vec![instance("api/0", InstancePhase::Ready, Some(4711))]),
            app("migrate", AppState::Done, vec![instance("migrate/0", InstancePhase::Done, None)]),
            app("web", AppState::Ready, many.collect()),
        ],
        ..shop()
    };
    assert_snapshot!(status(&reply, StatusView::default(), &Style::plain(80), now()));
}

#[test]
fn of_many_instances_only_those_in_trouble_are_listed() {
    let mut instances: Vec<_> = (0..100)
        .map(|index| instance(&format!("web/{index}"), InstancePhase::Ready, Some(1000 + index)))
        .collect();
    instances[42] = crashing("web/42");
    let reply = StatusReply { apps: vec![app("web", AppState::CrashLooping, instances)], ..shop() };
    assert_snapshot!(status(&reply, StatusView::default(), &Style::plain(80), now()));
}

#[test]
fn each_state_of_the_file() {
    let states = [
        FileState::InSync,
        FileState::Ahead,
        FileState::RolledBack,
        FileState::Broken,
        FileState::Missing,
        FileState::Held,
    ];
    let texts = states.map(|state| {
        let error = (state == FileState::Broken).then(|| {
            "ecosystem.yaml:14:5: unknown key `comand`, did you mean `command`?\n\
             ecosystem.yaml:20:16: `instances` has to be a number, \u{1b}[31m`max` or a percentage"
                .to_owned()
        });
        let file = Some(FileReply { error, followed: state != FileState::Ahead, ..file(state) });
        status(
            &StatusReply { file, apps: Vec::new(), ..shop() },
            StatusView::default(),
            &Style::plain(80),
            now(),
        )
    });
    assert_snapshot!(texts.join("----\n"));
}

#[test]
fn no_project() {
    assert_snapshot!(status(
        &StatusReply::default(),
        StatusView::default(),
        &Style::plain(80),
        now()
    ));
}

#[test]
fn several_projects() {
    let blog = StatusReply {
        project: Some("blog".to_owned()),
        file: Some(file(FileState::Held)),
        apps: vec![app("site", AppState::Off, Vec::new())],
        ..shop()
    };
    let reply = StatusAllReply {
        schema: 1,
        projects: vec![blog, shop()],
        faults: vec![
            "/var/lib/eco/state/old.json is cut off: its apps are left as they run".to_owned(),
        ],
    };
    let text = status_all(&reply, StatusView::default(), &Style::plain(80), now());
    assert_fits(&text, 80);
    assert_snapshot!(text);
    assert_snapshot!(
        "no_projects",
        status_all(&StatusAllReply::default(), StatusView::default(), &Style::plain(80), now())
    );
}

#[test]
fn names_and_sentences_beyond_ascii_stay_aligned() {
    let mut reply = shop();
    reply.project = Some("läden".to_owned());
    reply.apps.truncate(1);
    reply.apps[0].instances[0].hold = Some("日本語のとても長い文".repeat(8));
    let text = status(&reply, StatusView::default(), &Style::plain(80), now());
    assert_snapshot!(text);
}
