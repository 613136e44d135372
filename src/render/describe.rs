//! Everything about some apps, about eco itself, and about former states.

use jiff::Timestamp;

use super::{
    layout::{Cell, Table, columns, hanging, pad, paragraph},
    status,
    style::{Glyph, Paint, Style, ago},
};
use crate::{
    api::{DaemonReply, DescribeReply, DescribedApp, HistoryReply, LastOutput},
    model::{Sharing, human_duration},
};

/// Everything about some apps.
pub fn describe(reply: &DescribeReply, style: &Style, now: Timestamp) -> String {
    let apps: Vec<String> = reply.apps.iter().map(|app| described(app, style, now)).collect();
    if apps.is_empty() { "No such app.\n".to_owned() } else { apps.join("\n") }
}

fn described(app: &DescribedApp, style: &Style, now: Timestamp) -> String {
    let mut out = status::table(std::slice::from_ref(&app.status), style, now);
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
    if !app.status.tags.is_empty() {
        fields.push(("tags".to_owned(), app.status.tags.join(", ")));
    }
    fields.extend(app.fields.iter().filter(|(name, _)| name != "tags").cloned());
    if let Some(next) = &app.status.next {
        fields.push(("next".to_owned(), style.time(next)));
    }
    out.push_str(&section("fields", style));
    out.push_str(&pairs(&fields, style));
    if !app.runs.is_empty() {
        out.push_str(&section("runs, latest first", style));
    }
    for run in &app.runs {
        let (from, to) = (style.time(&run.started), style.time(&run.exit.at));
        let name = &app.status.name;
        let log = format!("eco logs {name} --since {} --until {}", run.started, run.exit.at);
        let line = format!("{from} to {to}: {}; {log}", run.words);
        out.push_str(&hanging("", &line, 4, Paint::Plain, style));
    }
    let logs: Vec<String> = app.logs.iter().map(|path| path.display().to_string()).collect();
    let lists =
        [("live probes", &app.probes), ("logs", &logs), ("exits, latest first", &app.exits)];
    for (title, lines) in lists {
        if !lines.is_empty() {
            out.push_str(&section(title, style));
        }
        for line in lines {
            out.push_str(&hanging("", line, 4, Paint::Plain, style));
        }
    }
    for LastOutput { id, ended, stderr } in &app.last_output {
        out.push_str(&section(&format!("stderr of {id} before it ended ({ended})"), style));
        for line in stderr {
            out.push_str(&hanging("", line, 4, Paint::Plain, style));
        }
    }
    out
}

fn section(title: &str, style: &Style) -> String {
    format!("  {}\n", style.paint(Paint::Dim, title))
}

fn pairs(fields: &[(String, String)], style: &Style) -> String {
    let width = fields.iter().map(|(name, _)| columns(name)).max().unwrap_or_default();
    let width = width.min(style.width / 2);
    fields
        .iter()
        .map(|(name, value)| {
            hanging(&format!("{}  ", pad(name, width)), value, 4, Paint::Plain, style)
        })
        .collect()
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

/// The accepted states of a project, latest first.
pub fn history(reply: &HistoryReply, style: &Style, now: Timestamp) -> String {
    if reply.revisions.is_empty() {
        return paragraph("Nothing was applied yet.", 0, Paint::Plain, style);
    }
    let mut table = Table::new(0);
    let headings = ["GENERATION", "WHEN", "AGO", "BY", "COMMIT"];
    table.row(headings.iter().map(|text| Cell::painted(text, Paint::Dim)).collect());
    for entry in &reply.revisions {
        let since = ago(&entry.time, now).map(human_duration);
        let git = entry.git.as_deref().unwrap_or(style.glyph(Glyph::Dash));
        table.row(vec![
            Cell::new(entry.generation.to_string()),
            Cell::new(style.time(&entry.time)),
            Cell::new(since.unwrap_or_default()),
            Cell::new(&entry.by),
            Cell::new(status::short(git)),
        ]);
        if !entry.summary.is_empty() {
            table.note(12, &entry.summary, Paint::Plain);
        }
    }
    table.render(style)
}
