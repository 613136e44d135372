//! `eco diff`.

use eco::{
    api::{ActionReply, ChangeReply, DiffReply, InterruptionReply},
    model::Effect,
    render::{Style, diff},
};
use insta::assert_snapshot;

use super::{ascii, assert_fits, colored, visible};

fn change(
    app: &str,
    field: &str,
    values: (Option<&str>, Option<&str>),
    effect: Effect,
) -> ChangeReply {
    ChangeReply {
        app: app.to_owned(),
        field: field.to_owned(),
        old: values.0.map(str::to_owned),
        new: values.1.map(str::to_owned),
        effect,
        masked: false,
    }
}

fn hidden(app: &str, field: &str) -> ChangeReply {
    ChangeReply { masked: true, ..change(app, field, (None, None), Effect::Rolling) }
}

fn action(action: &str, app: &str, instance: u32, reason: &str) -> ActionReply {
    let (action, app, reason) = (action.to_owned(), app.to_owned(), reason.to_owned());
    ActionReply { action, app, instance, reason }
}

fn reply() -> DiffReply {
    let long =
        "node --max-old-space-size=4096 --enable-source-maps --import ./telemetry.mjs server.js";
    DiffReply {
        schema: 1,
        project: "shop".to_owned(),
        changes: vec![
            change("cache", "", (None, None), Effect::Create),
            change("cache", "command", (None, Some("redis-server --port 6379")), Effect::Create),
            change("cache", "instances", (None, Some("1")), Effect::Create),
            change("old", "", (None, None), Effect::Remove),
            change("web", "command", (Some("node server.js"), Some(long)), Effect::Rolling),
            change("web", "env.NODE_ENV", (Some(""), Some("production")), Effect::Rolling),
            change("web", "env.OLD", (Some("1"), None), Effect::Rolling),
            hidden("web", "env.TOKEN"),
            change("web", "instances", (Some("2"), Some("4")), Effect::Scale),
            change("web", "restart.backoff.max", (Some("30s"), Some("1m")), Effect::Live),
            change("worker", "stop.timeout", (Some("10s"), Some("20s")), Effect::Live),
        ],
        actions: vec![
            action("start", "cache", 0, "is new"),
            action("stop", "old", 0, "removed from the file"),
            action("stop", "web", 0, "its revision changed"),
            action("stop", "web", 1, "its revision changed"),
            action("start", "web", 2, "scaled up"),
            action("start", "web", 3, "scaled up"),
        ],
        interruption: vec![InterruptionReply {
            app: "web".to_owned(),
            instances: 2,
            text: "each of 2 instances is stopped and started again, one at a time; while one is down, the other serves".to_owned(),
        }],
        notes: vec!["the profile `production` of the last apply is used".to_owned()],
    }
}

#[test]
fn every_kind_of_change() {
    for width in [80, 120] {
        let text = diff(&reply(), &Style::plain(width));
        assert_fits(&text, width);
        assert_snapshot!(format!("changes_{width}"), text);
    }
    assert_snapshot!("changes_ascii", diff(&reply(), &ascii(80)));
    assert_snapshot!("changes_color", visible(&diff(&reply(), &colored(100))));
}

#[test]
fn nothing_to_do() {
    let empty = DiffReply { project: "shop".to_owned(), ..DiffReply::default() };
    assert_snapshot!("nothing", diff(&empty, &Style::plain(80)));
    let noted = DiffReply { notes: reply().notes, ..empty };
    assert_snapshot!("nothing_but_a_note", diff(&noted, &Style::plain(80)));
}

#[test]
fn actions_without_a_change() {
    let mut only = DiffReply { changes: Vec::new(), notes: Vec::new(), ..reply() };
    only.interruption.clear();
    only.actions = (0..500)
        .filter(|index| *index != 7)
        .map(|index| action("start", "web", index, "ended and is due again"))
        .collect();
    assert_snapshot!(diff(&only, &Style::plain(80)));
}

#[test]
fn values_of_several_lines_stay_in_their_place() {
    let changes =
        vec![change("web", "env.KEY", (Some("a\nb\u{1b}[2J"), Some("ü\tb")), Effect::Rolling)];
    let reply = DiffReply { changes, project: "shop".to_owned(), ..DiffReply::default() };
    assert_snapshot!(diff(&reply, &Style::plain(80)));
}

#[test]
fn a_change_of_the_project_itself() {
    let own = change("", "metrics.listen", (None, Some("127.0.0.1:9615")), Effect::Live);
    let alone =
        DiffReply { project: "shop".to_owned(), changes: vec![own], ..DiffReply::default() };
    assert_snapshot!("of_the_project", diff(&alone, &Style::plain(80)));
    let mut both = reply();
    both.changes.splice(..0, alone.changes);
    let text = diff(&both, &Style::plain(80));
    let first = text.lines().next().unwrap();
    let told = "shop: 1 app to create, 2 to change, 1 to remove, a key of the project to change";
    assert_eq!(first, told);
}
