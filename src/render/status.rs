//! How projects and their apps stand.

use jiff::Timestamp;

use super::{
    app_table::{self, Detail, Shown, alert_words, severity},
    layout::{columns, hanging, paragraph},
    next::{self, Step},
    style::{Glyph, Paint, Style, state_look},
};
use crate::{
    api::{AlertReply, AlertState, AppReply, FileReply, FileState, StatusAllReply, StatusReply},
    model::AppState,
};

/// What is shown of how projects stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusView {
    /// Every instance and every column, whatever the width.
    pub wide: bool,
    /// By how many changes the file is ahead of what runs, if somebody has looked.
    pub changes: Option<usize>,
}

/// How one project stands.
pub fn status(reply: &StatusReply, view: StatusView, style: &Style, now: Timestamp) -> String {
    let Some(project) = &reply.project else { return nowhere(style) };
    let mut out = block(project, reply, view, (style, now));
    out.push_str(&next::steps(&steps(reply, ""), style));
    out
}

/// How every project stands.
pub fn status_all(
    reply: &StatusAllReply,
    view: StatusView,
    style: &Style,
    now: Timestamp,
) -> String {
    let mut out = String::new();
    let mut todo = Vec::new();
    for (index, found) in reply.projects.iter().enumerate() {
        let Some(project) = &found.project else { continue };
        if 0 < index {
            out.push('\n');
        }
        out.push_str(&block(project, found, view, (style, now)));
        todo.extend(steps(found, project));
    }
    if out.is_empty() {
        out.push_str("No project was applied yet.\n");
        todo.push(Step::new("eco apply", "in the directory of an ecosystem.yaml"));
    }
    if !reply.faults.is_empty() {
        out.push('\n');
    }
    for fault in &reply.faults {
        out.push_str(&hanging("state: ", fault, 0, Paint::Bad, style));
    }
    out.push_str(&next::steps(&todo, style));
    out
}

fn nowhere(style: &Style) -> String {
    let text = "No project here: no file of this directory was applied.";
    let steps = [
        Step::new("eco apply", "starts what the ecosystem.yaml here names"),
        Step::new("eco status -A", "shows the projects of other directories"),
    ];
    paragraph(text, 0, Paint::Plain, style) + &next::steps(&steps, style)
}

fn block(
    project: &str,
    reply: &StatusReply,
    view: StatusView,
    (style, now): (&Style, Timestamp),
) -> String {
    let mut out = heading(project, reply, style);
    if let Some(file) = &reply.file {
        out.push_str(&file_lines(file, view.changes, style));
    }
    if let Some(why) = reply.metrics.as_ref().and_then(|metrics| metrics.error.as_ref()) {
        out.push_str(&hanging("metrics are not offered: ", why, 0, Paint::Bad, style));
    }
    if let Some(why) = reply.dashboard.as_ref().and_then(|it| it.error.as_ref()) {
        out.push_str(&hanging("the dashboard is not offered: ", why, 0, Paint::Bad, style));
    }
    if !reply.apps.is_empty() {
        out.push('\n');
        let detail = if view.wide { Detail::Wide } else { Detail::Short };
        let shown = Shown { detail, alerts: &reply.alerts, style, now };
        out.push_str(&app_table::table(&reply.apps, &shown));
    }
    // Of the project itself, or of apps that were not asked for.
    let known = |app: &str| reply.apps.iter().any(|found| found.name == app);
    for alert in reply.alerts.iter().filter(|alert| !known(&alert.app)) {
        let (text, paint) = alert_words(alert, now);
        out.push_str(&hanging(&format!("{} ", alert.app), &text, 0, paint, style));
    }
    out
}

/// `shop · 3 apps: 1 failed, 2 ready`
fn heading(project: &str, reply: &StatusReply, style: &Style) -> String {
    let mut apps: Vec<&AppReply> = reply.apps.iter().collect();
    apps.sort_by_key(|app| (severity(app, &[]), app.state));
    let mut counts: Vec<(AppState, usize)> = Vec::new();
    for app in &apps {
        match counts.iter_mut().find(|(state, _)| *state == app.state) {
            Some((_, count)) => *count += 1,
            None => counts.push((app.state, 1)),
        }
    }
    let mut parts: Vec<(String, Paint)> = counts
        .iter()
        .map(|(state, count)| {
            let (word, paint, _) = state_look(*state);
            (format!("{count} {word}"), paint)
        })
        .collect();
    let firing = reply.alerts.iter().filter(|alert| alert.state == AlertState::Firing).count();
    if 0 < firing {
        parts.push((format!("{firing} alert{}", if firing == 1 { "" } else { "s" }), Paint::Bad));
    }
    let apps = match apps.len() {
        0 => "no apps".to_owned(),
        1 => "1 app: ".to_owned(),
        count => format!("{count} apps: "),
    };
    let (dot, project) = (style.glyph(Glyph::Dot), super::layout::clean(project));
    let mut used = columns(&project) + columns(&apps) + 3;
    let mut out = format!("{} {dot} {apps}", style.paint(Paint::Strong, &project));
    for (index, (text, paint)) in parts.iter().enumerate() {
        if style.width < used + columns(text) + 1 && 0 < index {
            out.truncate(out.trim_end().len());
            out.push_str("\n  ");
            used = 2;
        }
        out.push_str(&style.paint(*paint, text));
        used += columns(text) + 2;
        if index + 1 < parts.len() {
            out.push_str(", ");
        }
    }
    out + "\n"
}

fn file_lines(file: &FileReply, changes: Option<usize>, style: &Style) -> String {
    let ahead = match changes {
        None => "edited since it was applied: ahead of what runs".to_owned(),
        Some(0) => "edited since it was applied, which changes nothing".to_owned(),
        Some(1) => "edited since it was applied: ahead of what runs by 1 change".to_owned(),
        Some(count) => {
            format!("edited since it was applied: ahead of what runs by {count} changes")
        }
    };
    let (state, paint) = match file.state {
        FileState::InSync => ("in sync with what runs", Paint::Plain),
        FileState::Ahead => (ahead.as_str(), Paint::Warn),
        FileState::RolledBack => ("rolled back: what runs is older than it", Paint::Bad),
        FileState::Broken => ("broken: the last good state stands", Paint::Bad),
        FileState::Missing => ("missing: the last good state stands", Paint::Warn),
        FileState::Held => ("an edit waits for an explicit `eco apply`", Paint::Warn),
    };
    let followed = if file.followed { "followed" } else { "not followed" };
    let dot = style.glyph(Glyph::Dot);
    let path = super::layout::clean(&file.path.display().to_string());
    // In full also where it is longer than a line: people copy it.
    let mut out = if style.width < columns(&path) + columns(followed) + columns(state) + 6 {
        format!("{path} {dot} {followed}\n{}", paragraph(state, 2, paint, style))
    } else {
        format!("{path} {dot} {followed} {dot} {}\n", style.paint(paint, state))
    };
    for line in file.error.iter().flat_map(|error| error.lines()) {
        out.push_str(&paragraph(line, 2, Paint::Bad, style));
    }
    out
}

/// What to do about what is not fine. `project` is put before names unless it is empty.
fn steps(reply: &StatusReply, project: &str) -> Vec<Step> {
    let named = |app: &AppReply| {
        if project.is_empty() { app.name.clone() } else { format!("{project}:{}", app.name) }
    };
    let in_state = |state: AppState| reply.apps.iter().filter(move |app| app.state == state);
    let flag = if project.is_empty() { String::new() } else { format!(" -p {project}") };
    let mut steps = Vec::new();
    // The worst first. Of a program that could not be executed there is no log.
    let (silent, failing): (Vec<_>, Vec<_>) =
        [AppState::CrashLooping, AppState::Failed, AppState::Degraded]
            .into_iter()
            .flat_map(in_state)
            .partition(|app| app.hold_code.as_deref() == Some("spawn_failed"));
    let all = |apps: Vec<&AppReply>| -> Vec<String> { apps.into_iter().map(named).collect() };
    steps.extend(Step::on("eco logs", &all(failing), "what it wrote before it ended"));
    steps.extend(Step::on("eco describe", &all(silent), "its command and cwd in full"));
    let firing = reply.apps.iter().filter(|app| {
        let mine = |alert: &&AlertReply| alert.app == app.name;
        reply.alerts.iter().filter(mine).any(|alert| alert.state == AlertState::Firing)
    });
    let firing: Vec<String> = firing.map(named).collect();
    steps.extend(Step::on("eco describe", &firing, "what it was doing while its alert fires"));
    let stopped: Vec<String> = in_state(AppState::Stopped).map(named).collect();
    steps.extend(Step::on("eco start", &stopped, "an operator stopped it"));
    let file = match reply.file.as_ref().map(|file| file.state) {
        Some(FileState::Ahead | FileState::Held) => {
            Some(Step::new(format!("eco diff{flag}"), "what an `eco apply` would change"))
        }
        Some(FileState::Broken) => {
            let path = reply.file.as_ref().filter(|_| !project.is_empty());
            let path = path.map_or_else(String::new, |file| format!(" {}", file.path.display()));
            Some(Step::new(format!("eco validate{path}"), "what is wrong with the file"))
        }
        Some(FileState::RolledBack) => {
            Some(Step::new(format!("eco events{flag}"), "why it was rolled back"))
        }
        Some(FileState::Missing) => {
            Some(Step::new(format!("eco down{flag}"), "if its apps are no longer wanted"))
        }
        Some(FileState::InSync) | None => None,
    };
    steps.extend(file);
    steps
}
