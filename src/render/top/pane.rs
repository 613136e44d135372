//! What is below the list: the tabs, and the log or the events of what is selected.

use ratatui::{layout::Rect, style::Modifier};

use super::{
    canvas::{Canvas, cells},
    details,
    event::LogLine,
    keys, list,
    log::matches,
    state::{Focus, Tab, Top},
    table,
};
use crate::{
    api::EventReply,
    render::{
        event,
        layout::{columns, pad},
        style::{Glyph, Paint},
    },
};

/// The tab whose title is at a column.
pub(super) fn tab_at(x: u16) -> Option<Tab> {
    let mut start = 0;
    Tab::ALL.into_iter().find(|tab| {
        let end = start + cells(tab.title().len()) + 2;
        let is_here = (start..end).contains(&x);
        start = end;
        is_here
    })
}

/// The line of tabs, with the name of what is selected and what is wrong with it.
pub(super) fn tabs(top: &Top, canvas: &mut Canvas<'_>, area: Rect) {
    canvas.over(area, ratatui::style::Style::new().add_modifier(Modifier::UNDERLINED));
    let mut x = 0;
    for tab in Tab::ALL {
        let look = match (tab == top.tab, top.focus) {
            (true, Focus::Pane) => canvas.look(Paint::Strong).add_modifier(Modifier::REVERSED),
            (true, Focus::List) => canvas.look(Paint::Strong),
            (false, _) => canvas.look(Paint::Dim),
        };
        x = canvas.text(area, (x, 0), &format!(" {} ", tab.title()), look);
    }
    let Some(found) = top.selected() else { return };
    let name = list::name(&found, 1 < top.projects.len());
    x = canvas.put(area, (x + 1, 0), &name, Paint::Strong);
    let (state, paint) = match top.tab {
        Tab::Logs => log_state(top),
        Tab::Events if top.happened.back != 0 => {
            (format!("{} newer below", top.happened.back), Paint::Warn)
        }
        Tab::Events | Tab::Details => (String::new(), Paint::Plain),
    };
    if !state.is_empty() {
        x = canvas.put(area, (x + 2, 0), &state, paint);
    }
    let (why, paint) = table::why(&found);
    if !why.is_empty() {
        canvas.put(area, (x + 2, 0), &why, paint);
    }
}

fn log_state(top: &Top) -> (String, Paint) {
    match (top.log.follows(), top.log.unseen()) {
        (true, _) => ("live".to_owned(), Paint::Dim),
        (false, 0) => ("paused".to_owned(), Paint::Warn),
        (false, 1) => ("paused, 1 new line".to_owned(), Paint::Warn),
        (false, lines) => (format!("paused, {lines} new lines"), Paint::Warn),
    }
}

/// What the chosen tab shows.
pub(super) fn draw(top: &Top, canvas: &mut Canvas<'_>, area: Rect) {
    match top.tab {
        Tab::Logs => log(top, canvas, area),
        Tab::Events => events(top, canvas, area),
        Tab::Details => details::draw(top, canvas, area),
    }
}

fn log(top: &Top, canvas: &mut Canvas<'_>, area: Rect) {
    let height = usize::from(area.height);
    let width = top.log.view(height).map(|(_, line)| columns(&line.id)).max().unwrap_or(0);
    for (y, (number, line)) in top.log.view(height).enumerate() {
        let is_found = top.log.found == Some(number);
        log_line(top, canvas, (area, cells(y)), (width, is_found), line);
    }
    if top.log.view(height).next().is_none() && top.selected().is_some() {
        canvas.put(area, (0, 0), "nothing written yet", Paint::Dim);
    }
}

fn log_line(
    top: &Top,
    canvas: &mut Canvas<'_>,
    (area, y): (Rect, u16),
    (width, is_found): (usize, bool),
    line: &LogLine,
) {
    let mut x = 0;
    if top.log.times {
        let time = top.style.time(&line.time);
        let clock = time.get(11..).unwrap_or(&time);
        x = canvas.put(area, (x, y), &format!("{clock} "), Paint::Dim);
    }
    let bar = top.style.glyph(Glyph::Bar);
    let paint = if line.err { Paint::Bad } else { Paint::Dim };
    // Said in letters too: a colour alone would not do.
    let mark = if line.err { "!" } else { " " };
    x = canvas.put(area, (x, y), &format!("{}{mark}{bar} ", pad(&line.id, width)), paint);
    let skipped: usize = line.text.chars().take(top.log.left).map(char::len_utf8).sum();
    let text = line.text.get(skipped..).unwrap_or_default();
    let start = x;
    canvas.put(area, (start, y), text, Paint::Plain);
    for (from, to) in matches(text, &top.log.search) {
        let before = cells(columns(text.get(..from).unwrap_or_default()));
        let length = cells(columns(text.get(from..to).unwrap_or_default()));
        let hit = Rect {
            x: area.x.saturating_add(start).saturating_add(before),
            y: area.y.saturating_add(y),
            width: length,
            height: 1,
        };
        let look = if is_found { Modifier::REVERSED | Modifier::BOLD } else { Modifier::REVERSED };
        canvas.over(hit.intersection(area), canvas.look(Paint::Warn).add_modifier(look));
    }
}

fn events(top: &Top, canvas: &mut Canvas<'_>, area: Rect) {
    let height = usize::from(area.height);
    let all = keys::events(top);
    let end = all.len().saturating_sub(top.happened.back.min(all.len().saturating_sub(height)));
    let shown = all.get(end.saturating_sub(height)..end).unwrap_or_default();
    for (y, event) in shown.iter().enumerate() {
        event_line(top, canvas, (area, cells(y)), event);
    }
    if shown.is_empty() {
        canvas.put(area, (0, 0), "nothing happened yet", Paint::Dim);
    }
}

fn event_line(top: &Top, canvas: &mut Canvas<'_>, (area, y): (Rect, u16), event: &EventReply) {
    let time = top.style.time(&event.time);
    let today = top.style.time(&top.now.to_string());
    // The day is said only of those of another.
    let is_today = time.get(..10) == today.get(..10);
    let shown = if is_today { time.get(11..) } else { time.get(5..16) };
    let x = canvas.put(area, (0, y), &format!("{} ", shown.unwrap_or(&time)), Paint::Dim);
    let subject = match (&event.app, event.instance) {
        (Some(app), Some(instance)) => format!("{app}/{instance}"),
        (Some(app), None) => app.clone(),
        (None, _) => event.project.clone().unwrap_or_default(),
    };
    let x = canvas.put(area, (x, y), &format!("{} ", pad(&subject, 10)), Paint::Plain);
    let (kind, paint) = event::kind_look(event.kind);
    let x = canvas.put(area, (x, y), &format!("{} ", pad(kind, 12)), paint);
    let by = match event.by.as_str() {
        "" | "eco" => String::new(),
        by => format!(" (by {by})"),
    };
    canvas.put(area, (x, y), &format!("{}{by}", event.message), Paint::Plain);
}
