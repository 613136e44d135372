//! Everything about some apps, about eco itself, and about former states.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::Timestamp;

use super::{
    app_table::{self, Detail, Shown},
    layout::{clean, columns, hanging, pad, paragraph},
    measured,
    style::{Paint, Style},
};
use crate::{
    api::{DaemonReply, DescribeReply, DescribedApp, JobRun, LastOutput},
    model::Sharing,
};

/// Everything about some apps.
pub fn describe(reply: &DescribeReply, style: &Style, now: Timestamp) -> String {
    let apps: Vec<String> = reply.apps.iter().map(|app| described(app, style, now)).collect();
    if apps.is_empty() { "No such app.\n".to_owned() } else { apps.join("\n") }
}

/// What is wrong comes first: the table, the last exits and what was written before them.
fn described(app: &DescribedApp, style: &Style, now: Timestamp) -> String {
    let shown = Shown { detail: Detail::Instances, alerts: &app.alerts, style, now };
    let mut out = app_table::table(std::slice::from_ref(&app.status), &shown);
    let mut add = |title: &str, text: String| {
        if !text.is_empty() {
            out.push_str(&section(title, style));
            out.push_str(&text);
        }
    };
    add("exits, latest first", lines(&app.exits, style));
    for LastOutput { id, ended, stderr } in &app.last_output {
        add(&format!("stderr of {id} before it ended ({ended})"), lines(stderr, style));
    }
    add("runs, latest first", runs(app, style));
    add("measured", measured::traffic(&app.status, style));
    add("node", measured::node(&app.status.instances, style));
    add("queues", measured::queues(&app.status.queues, style));
    add("live probes", lines(&app.probes, style));
    add("fields, and where they are said", fields(app, style));
    let paths = |paths: &[PathBuf]| -> Vec<String> {
        paths.iter().map(|path| path.display().to_string()).collect()
    };
    add("logs", lines(&paths(&app.logs), style));
    add("read from", lines(&paths(&app.files), style));
    out
}

fn lines(lines: &[String], style: &Style) -> String {
    lines.iter().map(|line| hanging("", line, 4, Paint::Plain, style)).collect()
}

fn runs(app: &DescribedApp, style: &Style) -> String {
    let line = |run: &JobRun| {
        let (from, to) = (style.time(&run.started), style.time(&run.exit.at));
        let name = &app.status.name;
        let log = format!("eco logs {name} --since {} --until {}", run.started, run.exit.at);
        let line = format!("{from} to {to}: {}; {log}", run.words);
        hanging("", &line, 4, Paint::Plain, style)
    };
    app.runs.iter().map(line).collect()
}

fn fields(app: &DescribedApp, style: &Style) -> String {
    let mut fields = vec![("revision".to_owned(), app.status.revision.clone())];
    if let Some(listen) = &app.status.listen {
        fields.push(("ports".to_owned(), listen.ports.join(", ")));
        let how = match listen.sharing {
            Sharing::None => "nothing runs yet",
            Sharing::Injected => "answered at bind and listen",
            Sharing::InjectedBlind => "answered at bind and listen, without looking inside",
            Sharing::Fds => "passed as LISTEN_FDS",
            Sharing::Unavailable => "not shared: each instance binds for itself",
        };
        fields.push(("sharing".to_owned(), how.to_owned()));
    }
    fields.extend(app.fields.iter().cloned());
    if let Some(next) = &app.status.next {
        fields.push(("next".to_owned(), style.time(next)));
    }
    pairs(&fields, &app.origins, style)
}

fn section(title: &str, style: &Style) -> String {
    format!("  {}\n", style.paint(Paint::Dim, title))
}

/// Names and values; behind each, or below it where there is no room, where it is said.
fn pairs(fields: &[(String, String)], origins: &BTreeMap<String, String>, style: &Style) -> String {
    let width = fields.iter().map(|(name, _)| columns(name)).max().unwrap_or_default();
    let width = width.min(style.width / 2);
    let room = style.width.saturating_sub(width + 6);
    // Long values do without the column.
    let values = fields.iter().map(|(_, value)| columns(value)).filter(|len| *len <= room / 2);
    let column = values.max().unwrap_or_default();
    let mut out = String::new();
    for (name, value) in fields {
        let lead = format!("{}  ", pad(name, width));
        let origin = origins.get(name).map(|origin| clean(origin));
        let used = columns(value).max(column);
        match origin {
            Some(origin) if used + 2 + columns(&origin) <= room => {
                let value = pad(&clean(value), column);
                let origin = style.paint(Paint::Dim, &origin);
                out.extend(["    ", &clean(&lead), &value, "  ", &origin, "\n"]);
            }
            Some(origin) => {
                out.push_str(&hanging(&lead, value, 4, Paint::Plain, style));
                out.push_str(&paragraph(&origin, 4 + width + 2, Paint::Dim, style));
            }
            None => out.push_str(&hanging(&lead, value, 4, Paint::Plain, style)),
        }
    }
    out
}

/// The processes of eco.
pub fn daemon(reply: &DaemonReply, style: &Style) -> String {
    let recorder = match reply.recorder_pid {
        0 => "being restarted".to_owned(),
        pid => format!("pid {pid}"),
    };
    let projects = match reply.projects.as_slice() {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    let fields = [
        ("version", reply.version.clone()),
        ("keeper", format!("pid {}", reply.keeper_pid)),
        ("controller", format!("pid {}", reply.controller_pid)),
        ("recorder", recorder),
        ("home", reply.home.display().to_string()),
        ("projects", projects),
    ];
    let lines = fields.iter().map(|(name, value)| {
        hanging(&format!("{}  ", pad(name, 10)), value, 0, Paint::Plain, style)
    });
    format!("{}\n{}", style.paint(Paint::Good, "eco is running"), lines.collect::<String>())
}
