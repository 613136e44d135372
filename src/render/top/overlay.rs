//! What is in front of all else: the question before an action, and the keys in words.

use ratatui::{layout::Rect, style::Modifier};

use super::{
    areas::middle,
    ask::Ask,
    canvas::{Canvas, cells},
    state::{Focus, Front, Tab, Top},
};
use crate::render::{
    Style,
    layout::{clean, columns, pad, wrap},
    style::Paint,
};

/// The keys and what they do. A line without a key is a heading.
pub(super) const HELP: [(&str, &str); 33] = [
    ("", "Moving"),
    ("↑ ↓, j k", "select an app or instance, or scroll the pane"),
    ("PgUp PgDn", "a screen up or down"),
    ("Home End, g G", "to the beginning or the end"),
    ("→ ←, Enter", "show or hide an app's instances"),
    ("Tab", "from the list to the pane below, and back"),
    ("o", "sort by state, name, cpu, memory"),
    ("A", "all projects, or this one"),
    ("", "The pane below"),
    ("l", "the log of what is selected"),
    ("e", "its events"),
    ("d", "details: why, rollout, requests"),
    ("p, Space", "pause the log, and go on"),
    ("f", "follow the log again"),
    ("t", "times of the log's lines"),
    ("← →", "sideways in long lines, in the pane"),
    ("", "Searching"),
    ("/", "search names, or in the pane the log"),
    ("n N", "the next match: further down, in the log older; and back"),
    ("Esc", "no search any more, back to the list"),
    ("", "Doing something; each is asked about first"),
    ("r", "restart the app or the instance"),
    ("R", "reload it"),
    ("s S", "stop it, start it"),
    ("+ -", "one instance more, one less"),
    ("=", "so many instances"),
    ("u", "roll its last change back"),
    ("", "The mouse"),
    ("click", "select; a second time: show or hide its instances"),
    ("wheel", "scroll"),
    ("", "Leaving"),
    ("q, Ctrl-C", "quit: apps are not touched"),
    ("Ctrl-Z", "to the shell; `fg` comes back"),
];

/// The most useful keys for where one is, for the last line.
pub(super) fn hints(top: &Top) -> Vec<(&'static str, &'static str)> {
    let mut hints = match (top.focus, top.tab) {
        (Focus::Pane, Tab::Logs) => {
            vec![("/", "search"), ("n N", "next"), ("p", "pause"), ("f", "follow"), ("Tab", "list")]
        }
        (Focus::Pane, Tab::Events | Tab::Details) => vec![("j k", "scroll"), ("Tab", "list")],
        (Focus::List, _) => vec![
            ("Enter", "instances"),
            ("r", "restart"),
            ("s S", "stop, start"),
            ("+ -", "scale"),
            ("/", "search"),
            ("Tab", "pane"),
        ],
    };
    hints.extend([("l e d", "tabs"), ("?", "help"), ("q", "quit")]);
    hints
}

/// Where to click.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buttons {
    pub(super) yes: Rect,
    pub(super) no: Rect,
}

const YES: &str = "[ y: yes ]";
const NO: &str = "[ n: no ]";

fn ask_box(size: (u16, u16), ask: &Ask) -> (Rect, Vec<String>) {
    let width = size.0.saturating_sub(4).min(60);
    let room = usize::from(width.saturating_sub(4)).max(1);
    let lines = wrap(&clean(&ask.effect), room);
    (middle(size, width, cells(lines.len() + 6)), lines)
}

/// The buttons of a question.
pub(super) fn buttons(size: (u16, u16), ask: &Ask, _style: &Style) -> Buttons {
    let (area, _) = ask_box(size, ask);
    let y = area.bottom().saturating_sub(2);
    let yes = Rect { x: area.x + 2, y, width: cells(YES.len()), height: 1 };
    let no = Rect { x: yes.right() + 2, y, width: cells(NO.len()), height: 1 };
    Buttons { yes: yes.intersection(area), no: no.intersection(area) }
}

/// Draws what is in front.
pub(super) fn draw(top: &Top, canvas: &mut Canvas<'_>) {
    match &top.front {
        Front::Asks(ask) => question(top, canvas, ask),
        Front::Help(from) => help(top, canvas, *from),
        Front::Nothing | Front::Search(_) | Front::Count(_) => {}
    }
}

/// What a frame leaves free, with a column to spare on both sides.
fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
}

fn question(top: &Top, canvas: &mut Canvas<'_>, ask: &Ask) {
    let (area, lines) = ask_box(top.size, ask);
    frame(canvas, area);
    let inner = inside(area);
    let mut title = ask.what.clone();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    canvas.put(inner, (0, 0), &format!("{title}?"), Paint::Strong);
    for (index, line) in lines.iter().enumerate() {
        canvas.put(inner, (0, cells(index + 1)), line, Paint::Plain);
    }
    let look = canvas.look(Paint::Strong).add_modifier(Modifier::REVERSED);
    let screen = Rect { x: 0, y: 0, width: top.size.0, height: top.size.1 };
    let buttons = buttons(top.size, ask, &top.style);
    for (button, text) in [(buttons.yes, YES), (buttons.no, NO)] {
        let room = Rect { width: button.right(), ..screen };
        canvas.text(room, (button.x, button.y), text, look);
    }
}

fn help(top: &Top, canvas: &mut Canvas<'_>, from: usize) {
    let area = middle(top.size, 78, cells(HELP.len() + 4));
    frame(canvas, area);
    let inner = inside(area);
    let height = usize::from(inner.height);
    let from = from.min(HELP.len().saturating_sub(height));
    for (y, (keys, what)) in HELP.iter().skip(from).take(height).enumerate() {
        if keys.is_empty() {
            canvas.put(inner, (0, cells(y)), what, Paint::Strong);
            continue;
        }
        let keys = if top.style.unicode { (*keys).to_owned() } else { in_ascii(keys) };
        let x = canvas.put(inner, (2, cells(y)), &pad(&keys, 19), Paint::Plain);
        canvas.put(inner, (x, cells(y)), what, Paint::Plain);
    }
    if from + height < HELP.len() {
        let more = " j: more ";
        let room = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
        canvas.put(room, (area.width.saturating_sub(12), 0), more, Paint::Strong);
    }
}

fn in_ascii(keys: &str) -> String {
    let words = [("↑", "Up"), ("↓", "Down"), ("→", "Right"), ("←", "Left")];
    words.iter().fold(keys.to_owned(), |text, (glyph, word)| text.replace(glyph, word))
}

fn frame(canvas: &mut Canvas<'_>, area: Rect) {
    canvas.clear(area);
    let (corners, across, down) = if canvas.style.unicode {
        (["┌", "┐", "└", "┘"], "─", "│")
    } else {
        (["+", "+", "+", "+"], "-", "|")
    };
    let inner = usize::from(area.width.saturating_sub(2));
    let [top_left, top_right, low_left, low_right] = corners;
    let line = |left: &str, right: &str| format!("{left}{}{right}", across.repeat(inner));
    let last = area.height.saturating_sub(1);
    canvas.put(area, (0, 0), &line(top_left, top_right), Paint::Plain);
    for y in 1..last {
        canvas.put(area, (0, y), down, Paint::Plain);
        let end = area.width.saturating_sub(cells(columns(down)));
        canvas.put(area, (end, y), down, Paint::Plain);
    }
    canvas.put(area, (0, last), &line(low_left, low_right), Paint::Plain);
}
