//! `eco describe`, `events`, `daemon status`, `history`, and errors.

use eco::{
    api::{
        ApiError, CallerReply, DaemonReply, DescribeReply, DescribedApp, EventReply, EventType,
        HistoryEntry, HistoryReply, HistoryResult, LastOutput, PruneReply,
    },
    model::{AppState, InstancePhase},
    render::{Style, daemon, describe, error, event_line, history, pruned},
};
use insta::assert_snapshot;

use super::{app, assert_fits, colored, crashing, instance, now, visible};

#[test]
fn an_app_in_full() {
    let mut status = app(
        "web",
        AppState::CrashLooping,
        vec![instance("web/0", InstancePhase::Ready, Some(812)), crashing("web/1")],
    );
    status.tags = vec!["edge".to_owned(), "front".to_owned()];
    let fields = [
        (
            "command",
            "node server.js --a-long-option=with-a-value --another-long-option=with-another-value",
        ),
        ("cwd", "/srv/shop/web"),
        ("env.TOKEN", "(hidden)"),
        ("restart.backoff.initial", "100ms"),
    ];
    let reply = DescribeReply {
        schema: 1,
        project: "shop".to_owned(),
        apps: vec![DescribedApp {
            probes: Vec::new(),
            status,
            origins: [
                ("command", "ecosystem.yaml:5"),
                ("cwd", "ecosystem.yaml:6, profile production"),
                ("env.TOKEN", ".env.web:3, env_file"),
                ("restart.backoff.initial", "default"),
            ]
            .map(|(name, origin)| (name.to_owned(), origin.to_owned()))
            .into(),
            files: vec!["/srv/shop/ecosystem.yaml".into(), "/srv/shop/.env.web".into()],
            alerts: Vec::new(),
            fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            logs: vec![
                "/var/log/eco/shop/web-0.out.log".into(),
                "/var/log/eco/shop/web-0.err.log".into(),
            ],
            exits: vec!["web/1 ended 6s ago with code 1 after 1.2s".to_owned()],
            runs: Vec::new(),
            last_output: vec![LastOutput {
                id: "web/1".to_owned(),
                ended: "exit code 1".to_owned(),
                stderr: vec!["Error: no such table: users".to_owned(), "    at main".to_owned()],
            }],
        }],
    };
    for width in [80, 120] {
        let text = describe(&reply, &Style::plain(width), now());
        assert_fits(&text, width);
        assert_snapshot!(format!("describe_{width}"), text);
    }
}

#[test]
fn events_are_lines() {
    let event = |kind, app: Option<&str>, instance, by: &str, message: &str| EventReply {
        schema: 1,
        seq: 1,
        time: "2026-03-04T02:59:54.123Z".to_owned(),
        kind,
        project: Some("shop".to_owned()),
        app: app.map(str::to_owned),
        instance,
        by: by.to_owned(),
        who: None,
        revision: None,
        message: message.to_owned(),
        stderr: Vec::new(),
    };
    let events = [
        event(EventType::Applied, None, None, "operator", "generation 7: 2 apps changed"),
        event(EventType::Started, Some("web"), Some(0), "eco", "pid 812"),
        event(EventType::Exited, Some("web"), Some(0), "eco", "ended after 1.2s with code 1"),
        event(
            EventType::FileBroken,
            None,
            None,
            "file",
            "ecosystem.yaml:3:1: unknown key\nnext line",
        ),
        event(EventType::Operated, Some("worker-with-a-name"), None, "operator", "stop"),
        EventReply {
            who: Some(alice()),
            ..event(EventType::Operated, Some("web"), None, "operator", "restart web")
        },
        EventReply {
            who: Some(CallerReply {
                uid: 0,
                user: Some("root".to_owned()),
                sudo_user: Some("alice\u{1b}[2J".to_owned()),
                command: None,
            }),
            ..event(EventType::RolledBack, Some("web"), None, "operator", "roll back")
        },
        EventReply {
            who: Some(CallerReply { uid: 1234, ..CallerReply::default() }),
            ..event(EventType::Converged, None, None, "operator", "generation 7 is reached")
        },
    ];
    let text: String = events.iter().map(|event| event_line(event, &Style::plain(80))).collect();
    assert_eq!(text.lines().count(), events.len());
    assert_snapshot!("events", text);
    let text: String = events.iter().map(|event| event_line(event, &colored(80))).collect();
    assert_snapshot!("events_color", visible(&text));
}

#[test]
fn eco_itself() {
    let reply = DaemonReply {
        schema: 1,
        keeper_pid: 100,
        controller_pid: 102,
        recorder_pid: 101,
        version: "0.1.0".to_owned(),
        home: "/home/ann/.local/state/eco/0123".into(),
        projects: vec!["blog".to_owned(), "shop".to_owned()],
    };
    let other = DaemonReply { recorder_pid: 0, projects: Vec::new(), ..reply.clone() };
    let style = Style::plain(80);
    assert_snapshot!(daemon(&reply, &style) + "----\n" + &daemon(&other, &style));
}

fn alice() -> CallerReply {
    CallerReply {
        uid: 1000,
        user: Some("alice".to_owned()),
        sudo_user: None,
        command: Some("eco restart web --timeout 2m".to_owned()),
    }
}

#[test]
fn former_states() {
    let entry = |generation, time: &str, git: Option<&str>, summary: &str| HistoryEntry {
        generation,
        time: time.to_owned(),
        by: "operator".to_owned(),
        git: git.map(str::to_owned),
        summary: summary.to_owned(),
        ..HistoryEntry::default()
    };
    let reply = HistoryReply {
        schema: 1,
        revisions: vec![
            HistoryEntry {
                current: true,
                ..entry(
                    12,
                    "2026-03-04T02:00:00Z",
                    Some("0a1b2c3d4e5f60718293"),
                    "web: command, instances 2 → 4; cache is new; and the sentence goes on for longer than a line has room",
                )
            },
            HistoryEntry {
                dirty: Some(true),
                result: Some(HistoryResult::RolledBack),
                who: Some(alice()),
                ..entry(11, "2026-02-01T02:00:00Z", Some("0a1b2c3d4e5f60718293"), "web (env.A)")
            },
            HistoryEntry {
                result: Some(HistoryResult::Superseded),
                who: Some(CallerReply { sudo_user: Some("bob".to_owned()), uid: 0, ..alice() }),
                ..entry(10, "2026-02-01T01:00:00Z", None, "+web")
            },
            HistoryEntry {
                result: Some(HistoryResult::Converged),
                by: "file".to_owned(),
                ..entry(9, "2026-02-01T00:00:00Z", None, "")
            },
            entry(8, "2026-01-01T02:00:00Z", None, ""),
        ],
    };
    let text = history(&reply, &Style::plain(80), now());
    assert_fits(&text, 80);
    assert_snapshot!("history", text);
    let forgotten = |removed| pruned(&PruneReply { schema: 1, removed, kept: 10 });
    assert_snapshot!("history_pruned", forgotten(0) + &forgotten(3));
    assert_snapshot!("history_none", history(&HistoryReply::default(), &Style::plain(80), now()));
}

#[test]
fn errors_say_what_helps() {
    let short = ApiError::input("no_app", "there is no app `wbe`").help("did you mean `web`?");
    let long = ApiError::refused(
        "other_dir",
        "the project `shop` is bound to /srv/shop, and this file lies in /home/ann/a/very/long/path/shop",
    )
    .help("`eco apply --move` binds it to this directory\nor give it another `name:`");
    let shaped = ApiError::input(
        "file",
        "2 faults\n  --> ecosystem.yaml:3:1\n   |\n 3 | comand: x\n   | ^^^^^^ unknown key",
    );
    let texts = [short, long, shaped].map(|found| error(&found, &Style::plain(80)));
    assert_snapshot!("errors", texts.join("----\n"));
    let text =
        error(&ApiError::failed("gone", "eco does not answer").help("run it again"), &colored(80));
    assert_snapshot!("error_color", visible(&text));
}
