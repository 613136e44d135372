//! The whole screen, and its first and last lines.

use ratatui::{Frame, layout::Rect, style::Modifier};

use super::{
    super::amounts,
    areas::Areas,
    canvas::{Canvas, cells},
    event::{Link, Told},
    overlay, pane, rings,
    state::{Front, Top},
    table,
};
use crate::{
    api::{AlertReply, AlertState, FileReply, FileState, StatusReply},
    model::AppState,
    render::{
        layout::columns,
        style::{Glyph, Paint, state_look},
    },
};

/// Draws the screen.
pub fn draw(top: &Top, frame: &mut Frame<'_>) {
    // The terminal may be of another size already; the next event says so.
    let areas = Areas::of((frame.area().width, frame.area().height), top.list.len());
    let mut canvas = Canvas::new(frame.buffer_mut(), &top.style);
    header(top, &mut canvas, areas.header);
    table::draw(top, &mut canvas, areas.list);
    strip(top, &mut canvas, areas.strip);
    pane::tabs(top, &mut canvas, areas.tabs);
    pane::draw(top, &mut canvas, areas.pane);
    footer(top, &mut canvas, areas.footer);
    overlay::draw(top, &mut canvas);
}

fn header(top: &Top, canvas: &mut Canvas<'_>, area: Rect) {
    let clock = top.now.to_zoned(top.style.zone.clone()).strftime("%H:%M:%S").to_string();
    let (dot, end) = (format!(" {} ", top.style.glyph(Glyph::Dot)), area.width);
    let room = Rect { width: end.saturating_sub(10), ..area };
    let name = match top.projects.as_slice() {
        [] => "no project".to_owned(),
        [one] => one.project.clone().unwrap_or_default(),
        more => format!("{} projects", more.len()),
    };
    let x = canvas.put(room, (0, 0), &name, Paint::Strong);
    match (&top.link, top.projects.as_slice()) {
        (Link::Lost, _) => {
            let ellipsis = top.style.glyph(Glyph::Ellipsis);
            canvas.put(room, (x, 0), &format!("{dot}eco is restarting{ellipsis}"), Paint::Warn);
        }
        (Link::Gone(words), _) => {
            canvas.put(room, (x, 0), &format!("{dot}{words}"), Paint::Bad);
        }
        (Link::Up, [one]) if 1 < area.height => file(canvas, room, x, one.file.as_ref()),
        (Link::Up, _) => counts(top, canvas, room, (x, 0)),
    }
    canvas.right(area, (end, 0), &clock, Paint::Dim);
    // Something wrong is told first on the second line.
    if 1 < area.height {
        let x = trouble(top, canvas, area);
        counts(top, canvas, area, (x, 1));
    }
}

fn file(canvas: &mut Canvas<'_>, room: Rect, x: u16, file: Option<&FileReply>) {
    let Some(file) = file else { return };
    let (state, paint) = match file.state {
        FileState::InSync => ("in sync", Paint::Plain),
        FileState::Ahead => ("edited since it was applied", Paint::Warn),
        FileState::RolledBack => ("rolled back", Paint::Bad),
        FileState::Broken => ("broken", Paint::Bad),
        FileState::Missing => ("missing", Paint::Warn),
        FileState::Held => ("an edit waits for `eco apply`", Paint::Warn),
    };
    let dot = canvas.style.glyph(Glyph::Dot);
    let followed = if file.followed { "followed" } else { "not followed" };
    let words = format!(" {dot} {followed} {dot} ");
    let path = file.path.display().to_string();
    // The end of a path says most.
    let needs = columns(&words) + columns(state) + 3;
    let left = usize::from(room.width.saturating_sub(x)).saturating_sub(needs);
    let name = file.path.file_name().map(|name| name.to_string_lossy().into_owned());
    let shown = if columns(&path) <= left { path } else { name.unwrap_or(path) };
    let x = canvas.put(room, (x, 0), &format!(" {dot} {shown}{words}"), Paint::Plain);
    canvas.put(room, (x, 0), state, paint);
}

/// Alerts that fire and state that cannot be read; gives the column after them.
fn trouble(top: &Top, canvas: &mut Canvas<'_>, area: Rect) -> u16 {
    let firing: Vec<&AlertReply> = top
        .projects
        .iter()
        .flat_map(|project| &project.alerts)
        .filter(|alert| alert.state == AlertState::Firing)
        .collect();
    let mut x = 0;
    if let Some(fault) = top.faults.first() {
        x = canvas.put(area, (x, 1), &format!("state: {fault}"), Paint::Bad) + 2;
    }
    if let Some(first) = firing.first() {
        let more = match firing.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let text = format!("alert: {}: {}{more}", first.app, first.message);
        x = canvas.put(area, (x, 1), &text, Paint::Bad) + 2;
    }
    x
}

/// `5 apps: 3 ready, 1 failed · 12 instances · cpu 30% · mem 1.2G`
fn counts(top: &Top, canvas: &mut Canvas<'_>, area: Rect, (x, y): (u16, u16)) {
    let apps = || top.projects.iter().flat_map(|project: &StatusReply| &project.apps);
    let mut states: Vec<(AppState, usize)> = Vec::new();
    for app in apps() {
        match states.iter_mut().find(|(state, _)| *state == app.state) {
            Some((_, count)) => *count += 1,
            None => states.push((app.state, 1)),
        }
    }
    states.sort();
    let dot = top.style.glyph(Glyph::Dot);
    let lead = match (x, y) {
        (0, _) => String::new(),
        (_, 0) => format!(" {dot} "),
        (_, _) => format!("{dot} "),
    };
    let count = apps().count();
    let noun = if count == 1 { "app" } else { "apps" };
    let mut x = canvas.put(area, (x, y), &format!("{lead}{count} {noun}"), Paint::Plain);
    for (index, (state, count)) in states.iter().enumerate() {
        let (word, paint, _) = state_look(*state);
        x = canvas.put(area, (x, y), if index == 0 { ": " } else { ", " }, Paint::Plain);
        x = canvas.put(area, (x, y), &format!("{count} {word}"), paint);
    }
    let instances: usize = apps().map(|app| app.instances.len()).sum();
    let mut rest = format!(" {dot} {instances} instances");
    let cpu = apps().filter_map(rings::cpu).reduce(|sum, cores| sum + cores);
    if let Some(cores) = cpu {
        rest.extend([" ", dot, " cpu ", &amounts::processor(cores)]);
    }
    let memory = apps().filter_map(rings::memory).reduce(u64::saturating_add);
    if let Some(bytes) = memory {
        rest.extend([" ", dot, " mem ", &amounts::memory(bytes)]);
    }
    rest.extend([" ", dot, " by ", top.list.sort.word()]);
    canvas.put(area, (x, y), &rest, Paint::Dim);
}

/// The curves of the selected app's last ten minutes.
fn strip(top: &Top, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(found) = top.selected().filter(|_| 0 < area.height) else { return };
    let key = (found.project.to_owned(), found.app.name.clone());
    let Some(ring) = top.rings.get(&key) else { return };
    let window = rings::requests(found.app);
    let dash = || top.style.glyph(Glyph::Dash).to_owned();
    let mut parts: Vec<(&str, String, rings::Value)> = vec![
        ("cpu", rings::cpu(found.app).map_or_else(dash, amounts::processor), |it| it.cpu),
        ("mem", rings::memory(found.app).map_or_else(dash, amounts::memory), |it| it.memory),
    ];
    if let Some(window) = window {
        let p99 = window.p99.map_or_else(dash, amounts::latency);
        parts.push(("req/s", amounts::rate(window.rate), |it| it.rate));
        parts.push(("p99", p99, |it| it.p99));
    }
    let each = usize::from(area.width) / parts.len();
    for (index, (name, value, of)) in parts.iter().enumerate() {
        let start = cells(index * each);
        let x = canvas.put(area, (start, 0), &format!("{name} "), Paint::Dim);
        let used = usize::from(x - start) + value.len() + 3;
        let curve = ring.curve(each.saturating_sub(used), of, &top.style);
        let x = canvas.put(area, (x, 0), &curve, Paint::Plain);
        canvas.put(area, (x + 1, 0), value, Paint::Strong);
    }
}

fn footer(top: &Top, canvas: &mut Canvas<'_>, area: Rect) {
    let cursor = |canvas: &mut Canvas<'_>, text: &str| {
        let x = canvas.put(area, (0, 0), text, Paint::Strong);
        let look = canvas.look(Paint::Plain).add_modifier(Modifier::REVERSED);
        canvas.text(area, (x, 0), " ", look);
    };
    match &top.front {
        Front::Search(text) => return cursor(canvas, &format!("/{text}")),
        Front::Count(text) => {
            let name = top.selected().map(|found| found.app.name.clone()).unwrap_or_default();
            return cursor(canvas, &format!("how many instances of {name}? {text}"));
        }
        Front::Nothing | Front::Help(_) | Front::Asks(_) => {}
    }
    if let Some(notice) = &top.notice {
        canvas.put(area, (0, 0), notice, Paint::Warn);
        return;
    }
    if let Some((words, told, others)) = top.actions.newest() {
        let (glyph, paint) = match told {
            Told::Underway(_) => (Glyph::Moving, Paint::Warn),
            Told::Ended(true, _) => (Glyph::On, Paint::Good),
            Told::Ended(false, _) => (Glyph::Bad, Paint::Bad),
        };
        let x = canvas.put(area, (0, 0), top.style.glyph(glyph), paint);
        let more = if others == 0 { String::new() } else { format!(" (and {others} more)") };
        canvas.put(area, (x + 1, 0), &format!("{words}{more}"), paint);
        return;
    }
    let mut x = 0;
    for (keys, what) in overlay::hints(top) {
        if usize::from(area.width) < usize::from(x) + columns(keys) + columns(what) + 2 {
            break;
        }
        x = canvas.put(area, (x, 0), keys, Paint::Strong);
        x = canvas.put(area, (x + 1, 0), what, Paint::Dim) + 2;
    }
}
