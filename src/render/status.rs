//! How projects and their apps stand.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    layout::{Cell, Table, hanging, paragraph},
    next::{self, Step},
    style::{Glyph, Paint, Style, ago, phase_look, state_look},
};
use crate::{
    api::{AppReply, ExitReply, FileReply, FileState, InstanceReply, StatusAllReply, StatusReply},
    model::{AppState, InstancePhase, human_duration},
};

/// Up to so many instances are all shown; of more, only those that are not ready.
const SHOWN: usize = 16;
/// An exit of a ready instance is worth a line for so long.
const RECENT: Duration = Duration::from_secs(600);

/// How one project stands.
pub fn status(reply: &StatusReply, style: &Style, now: Timestamp) -> String {
    let Some(project) = &reply.project else { return nowhere(style) };
    let mut out = block(project, reply, style, now);
    out.push_str(&next::steps(&steps(reply, ""), style));
    out
}

/// How every project stands.
pub fn status_all(reply: &StatusAllReply, style: &Style, now: Timestamp) -> String {
    let mut out = String::new();
    let mut todo = Vec::new();
    for (index, found) in reply.projects.iter().enumerate() {
        let Some(project) = &found.project else { continue };
        if 0 < index {
            out.push('\n');
        }
        out.push_str(&block(project, found, style, now));
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

fn block(project: &str, reply: &StatusReply, style: &Style, now: Timestamp) -> String {
    let mut out = heading(project, &reply.apps, style);
    if let Some(file) = &reply.file {
        out.push_str(&file_lines(file, style));
    }
    if let Some(why) = reply.metrics.as_ref().and_then(|metrics| metrics.error.as_ref()) {
        out.push_str(&hanging("metrics are not offered: ", why, 0, Paint::Bad, style));
    }
    if !reply.apps.is_empty() {
        out.push('\n');
        out.push_str(&table(&reply.apps, style, now));
    }
    out
}

/// `shop · 3 apps: 2 ready, 1 failed`
fn heading(project: &str, apps: &[AppReply], style: &Style) -> String {
    let mut counts: Vec<(AppState, usize)> = Vec::new();
    for app in apps {
        match counts.iter_mut().find(|(state, _)| *state == app.state) {
            Some((_, count)) => *count += 1,
            None => counts.push((app.state, 1)),
        }
    }
    counts.sort();
    let counts: Vec<String> = counts
        .iter()
        .map(|(state, count)| {
            let (word, paint, _) = state_look(*state);
            style.paint(paint, &format!("{count} {word}"))
        })
        .collect();
    let apps = match apps.len() {
        0 => "no apps".to_owned(),
        1 => "1 app: ".to_owned(),
        count => format!("{count} apps: "),
    };
    let dot = style.glyph(Glyph::Dot);
    let project = style.paint(Paint::Strong, &super::layout::clean(project));
    format!("{project} {dot} {apps}{}\n", counts.join(", "))
}

fn file_lines(file: &FileReply, style: &Style) -> String {
    let (state, paint) = match file.state {
        FileState::InSync => ("in sync", Paint::Plain),
        FileState::Ahead => ("edited since it was applied", Paint::Warn),
        FileState::RolledBack => ("rolled back: the last good state stands", Paint::Bad),
        FileState::Broken => ("broken: the last good state stands", Paint::Bad),
        FileState::Missing => ("missing: the last good state stands", Paint::Warn),
        FileState::Held => ("an edit waits for an explicit `eco apply`", Paint::Warn),
    };
    let followed = if file.followed { "followed" } else { "not followed" };
    let dot = style.glyph(Glyph::Dot);
    let path = super::layout::clean(&file.path.display().to_string());
    let state = style.paint(paint, state);
    let mut out = format!("{path} {dot} {followed} {dot} {state}\n");
    for line in file.error.iter().flat_map(|error| error.lines()) {
        out.push_str(&paragraph(line, 2, Paint::Bad, style));
    }
    out
}

/// Apps with their instances, also used by `describe`.
pub(super) fn table(apps: &[AppReply], style: &Style, now: Timestamp) -> String {
    let mut table = Table::new(2);
    let headings = ["  APP", "STATE", "READY", "RESTARTS", "UP", "PID", "REVISION"];
    table.row(headings.iter().map(|text| Cell::painted(text, Paint::Dim)).collect());
    for app in apps {
        app_rows(&mut table, app, style, now);
    }
    table.render(style)
}

fn app_rows(table: &mut Table, app: &AppReply, style: &Style, now: Timestamp) {
    let (word, paint, mark) = state_look(app.state);
    let alone = match app.instances.as_slice() {
        [alone] if app.desired <= 1 => Some(alone),
        _ => None,
    };
    let restarts: u64 = app.instances.iter().map(|instance| instance.restarts).sum();
    table.row(vec![
        Cell::painted(format!("{} {}", style.glyph(mark), app.name), paint_of_name(paint)),
        Cell::painted(word, paint),
        Cell::new(format!("{}/{}", app.ready, app.desired)),
        Cell::new(restarts.to_string()),
        Cell::new(alone.map_or_else(String::new, |found| up(found, style, now))),
        Cell::new(alone.map_or_else(String::new, |found| pid(found, style))),
        Cell::painted(short(&app.revision), Paint::Dim),
    ]);
    if let Some(lack) = app.listen.as_ref().and_then(|listen| listen.sharing.lack()) {
        table.note(4, lack, Paint::Warn);
    }
    for unkept in &app.unkept {
        table.note(4, unkept, Paint::Warn);
    }
    if !app.overrides.is_empty() {
        table.note(4, &format!("override: {}", app.overrides.join(", ")), Paint::Warn);
    }
    if let Some(next) = &app.next {
        table.note(4, &format!("next at {}", style.time(next)), Paint::Dim);
    }
    let said = app.instances.iter().any(|instance| instance.hold == app.hold);
    if let Some(hold) = app.hold.as_ref().filter(|_| !said) {
        table.note(4, hold, paint_of_hold(app.state));
    }
    match alone {
        Some(instance) => notes(table, instance, 4, now),
        None => instance_rows(table, app, style, now),
    }
}

fn instance_rows(table: &mut Table, app: &AppReply, style: &Style, now: Timestamp) {
    let is_many = SHOWN < app.instances.len();
    let mut left_out = 0_usize;
    for instance in &app.instances {
        let is_fine = instance.phase == InstancePhase::Ready
            && instance.hold.is_none()
            && instance.dropped.is_none();
        if is_many && is_fine {
            left_out += 1;
            continue;
        }
        let (word, paint) = phase_look(instance.phase);
        // The revision is said only where it is not the one that is wanted.
        let former = instance.revision.as_ref().filter(|revision| **revision != app.revision);
        table.row(vec![
            Cell::new(format!("    {}", instance.id)),
            Cell::painted(word, paint),
            Cell::default(),
            Cell::new(instance.restarts.to_string()),
            Cell::new(up(instance, style, now)),
            Cell::new(pid(instance, style)),
            Cell::painted(former.map_or_else(String::new, |found| short(found)), Paint::Warn),
        ]);
        notes(table, instance, 6, now);
    }
    if 0 < left_out {
        table.note(4, &format!("{left_out} more are ready"), Paint::Dim);
    }
}

fn notes(table: &mut Table, instance: &InstanceReply, indent: usize, now: Timestamp) {
    if let Some(dropped) = &instance.dropped {
        table.note(indent, dropped, Paint::Warn);
    }
    if let Some(hold) = &instance.hold {
        let is_bad = matches!(
            instance.hold_code.as_deref(),
            Some("crash_looping" | "gave_up" | "not_restarted" | "spawn_failed")
        );
        table.note(indent, hold, if is_bad { Paint::Bad } else { Paint::Warn });
    } else if instance.phase == InstancePhase::Ready
        && let Some(exit) = instance.exit.as_ref().filter(|exit| !exit.requested)
        && let Some(since) = ago(&exit.at, now).filter(|since| *since <= RECENT)
    {
        let text = format!("ended {} ago with {}", human_duration(since), ending(exit));
        table.note(indent, &text, Paint::Warn);
    }
}

/// How a run ended, as part of a sentence.
fn ending(exit: &ExitReply) -> String {
    match (&exit.signal, exit.code) {
        (Some(signal), _) => signal.clone(),
        (None, Some(code)) => format!("code {code}"),
        (None, None) => "an unknown code".to_owned(),
    }
}

/// How long its process has been up; a dash without a process.
fn up(instance: &InstanceReply, style: &Style, now: Timestamp) -> String {
    let since = instance.since.as_ref().filter(|_| instance.pid.is_some());
    since
        .and_then(|since| ago(since, now))
        .map_or_else(|| style.glyph(Glyph::Dash).to_owned(), human_duration)
}

fn pid(instance: &InstanceReply, style: &Style) -> String {
    instance.pid.map_or_else(|| style.glyph(Glyph::Dash).to_owned(), |pid| pid.to_string())
}

/// As much of a revision as tells it from others.
pub(super) fn short(revision: &str) -> String {
    revision.chars().take(12).collect()
}

/// A failed app's name is painted as its state is; of others, the state alone is.
fn paint_of_name(state: Paint) -> Paint {
    if state == Paint::Bad { Paint::Bad } else { Paint::Strong }
}

fn paint_of_hold(state: AppState) -> Paint {
    match state_look(state).1 {
        Paint::Bad => Paint::Bad,
        Paint::Plain | Paint::Good | Paint::Warn | Paint::Dim | Paint::Strong => Paint::Warn,
    }
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
