//! The accepted states of a project.

use jiff::Timestamp;

use super::{
    app_table,
    event::by_sudo,
    layout::{Cell, Table, paragraph},
    style::{Glyph, Paint, Style, ago},
};
use crate::{
    api::{HistoryEntry, HistoryReply, HistoryResult, PruneReply},
    model::human_duration,
};

/// The accepted states of a project, latest first; the one in force has a mark before it.
pub fn history(reply: &HistoryReply, style: &Style, now: Timestamp) -> String {
    if reply.revisions.is_empty() {
        return paragraph("Nothing was applied yet.", 0, Paint::Plain, style);
    }
    let mut table = Table::new(&[]);
    let headings = ["", "GEN", "WHEN", "WHO", "GIT", "RESULT", "AGO"];
    table.row(headings.iter().map(|text| Cell::painted(text, Paint::Dim)).collect());
    for entry in &reply.revisions {
        let since = ago(&entry.time, now).map(human_duration);
        let mark = if entry.current { style.glyph(Glyph::On) } else { "" };
        let who = entry.who.as_ref().map_or_else(
            || entry.by.clone(),
            |who| who.user.clone().unwrap_or_else(|| format!("user {}", who.uid)),
        );
        let (result, paint) = result(entry, style);
        table.row(vec![
            Cell::painted(mark, Paint::Good),
            Cell::new(entry.generation.to_string()),
            Cell::new(style.time(&entry.time)),
            Cell::new(who),
            Cell::new(git(entry, style)),
            Cell::painted(result, paint),
            Cell::painted(since.unwrap_or_default(), Paint::Dim),
        ]);
        if !entry.summary.is_empty() {
            table.note(8, &entry.summary, Paint::Plain);
        }
        if let Some(command) = command(entry) {
            table.note(8, &command, Paint::Dim);
        }
    }
    table.render(style)
}

fn result(entry: &HistoryEntry, style: &Style) -> (&'static str, Paint) {
    match entry.result {
        Some(HistoryResult::Converged) => ("converged", Paint::Good),
        Some(HistoryResult::RolledBack) => ("rolled back", Paint::Bad),
        Some(HistoryResult::Superseded) => ("superseded", Paint::Dim),
        None if entry.current => ("under way", Paint::Warn),
        None => (style.glyph(Glyph::Dash), Paint::Plain),
    }
}

/// The commit, with a star if files differed from it.
fn git(entry: &HistoryEntry, style: &Style) -> String {
    let Some(commit) = &entry.git else { return style.glyph(Glyph::Dash).to_owned() };
    let star = if entry.dirty == Some(true) { "*" } else { "" };
    format!("{}{star}", app_table::short(commit))
}

fn command(entry: &HistoryEntry) -> Option<String> {
    let who = entry.who.as_ref()?;
    let command = who.command.as_ref()?;
    Some(format!("$ {command}{}", by_sudo(who).unwrap_or_default()))
}

/// What was forgotten.
pub fn pruned(reply: &PruneReply) -> String {
    match reply.removed {
        0 => format!("Nothing to forget: {} kept.\n", reply.kept),
        removed => format!("{removed} forgotten, {} kept.\n", reply.kept),
    }
}
