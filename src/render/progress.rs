//! How far a command that changes something has come.

use std::time::Duration;

use super::{
    diff,
    layout::{clean, columns, cut, hanging, pad},
    style::{Glyph, Paint, Style, state_look},
};
use crate::{
    api::{AppProgress, Progress},
    model::{AppState, human_duration},
};

/// Where an app stands, on one line.
pub fn progress_line(app: &AppProgress, style: &Style) -> String {
    line(app, 0, style)
}

/// The progress of every app in scope: on a terminal a table that is redrawn in place, in a pipe
/// one line per change.
#[derive(Clone, Debug)]
pub struct LiveProgress {
    style: Style,
    rows: Option<usize>,
    apps: Vec<AppProgress>,
    /// So many lines of the table stand above the cursor.
    drawn: usize,
    /// How long it has gone on, if somebody counts.
    elapsed: Option<Duration>,
}

impl LiveProgress {
    /// `rows` is the height of the terminal; `None` means a pipe.
    pub fn new(style: Style, rows: Option<usize>) -> Self {
        Self { style, rows, apps: Vec::new(), drawn: 0, elapsed: None }
    }

    /// The text to write, escape codes included, now that `event` was received. A plan is written
    /// as `diff` writes it; a result only redraws the table: `outcome` says the rest.
    pub fn on(&mut self, event: &Progress) -> String {
        match event {
            Progress::Plan(plan) => {
                let text = diff(plan, &self.style);
                self.drawn = 0;
                if text.is_empty() { text } else { text + "\n" }
            }
            Progress::App(app) => {
                let is_news = self.learn(app);
                match self.rows {
                    Some(rows) => self.redraw(rows),
                    None if is_news => self.change(app),
                    None => String::new(),
                }
            }
            Progress::Result(outcome) => {
                for app in &outcome.apps {
                    self.learn(app);
                }
                self.elapsed = None;
                let text = match self.rows {
                    Some(rows) if 0 < self.drawn => self.redraw(rows),
                    Some(_) | None => String::new(),
                };
                self.drawn = 0;
                text
            }
        }
    }

    /// The text to write now that so much time has passed: the table again, if there is one that is
    /// drawn in place. Nothing else of it shows that it goes on.
    pub fn tick(&mut self, elapsed: Duration) -> String {
        self.elapsed = Some(elapsed);
        match self.rows {
            Some(rows) if 0 < self.drawn => self.redraw(rows),
            Some(_) | None => String::new(),
        }
    }

    /// Keeps `app`; whether it says anything new but for times running down.
    fn learn(&mut self, app: &AppProgress) -> bool {
        let Some(known) = self.apps.iter_mut().find(|known| known.app == app.app) else {
            self.apps.push(app.clone());
            return true;
        };
        let is_news = key(known) != key(app);
        known.clone_from(app);
        is_news
    }

    /// One line for a pipe.
    fn change(&self, app: &AppProgress) -> String {
        let lead = format!("{}: ", clean(&app.app));
        let (word, paint, _) = state_look(app.state);
        let mut text = format!("{word} {}/{}", app.ready, app.desired);
        let why = why(app);
        if !why.is_empty() {
            text.extend([", ", &why]);
        }
        // A pipe has no width: whatever reads it wants whole lines.
        let wide = Style { width: usize::MAX / 2, ..self.style.clone() };
        hanging(&lead, &text, 0, if app.settled { paint } else { Paint::Plain }, &wide)
    }

    /// The table, over the former one. What would not fit on the screen is counted only, since
    /// the cursor cannot go above its top.
    fn redraw(&mut self, rows: usize) -> String {
        let room = rows.saturating_sub(3).max(1);
        let mut shown: Vec<&AppProgress> = self.apps.iter().collect();
        // Stable: what is still on its way comes first only where not everything fits.
        if room < shown.len() {
            shown.sort_by_key(|app| app.settled);
        }
        let left_out = shown.len().saturating_sub(room);
        shown.truncate(room);
        let width = shown.iter().map(|app| columns(&app.app)).max().unwrap_or_default();
        let mut out = String::new();
        if 0 < self.drawn {
            out.extend(["\u{1b}[", &self.drawn.to_string(), "A\r\u{1b}[J"]);
        }
        for app in &shown {
            out.push_str(&line(app, width, &self.style));
        }
        self.drawn = shown.len();
        if 0 < left_out {
            let ellipsis = self.style.glyph(Glyph::Ellipsis);
            out.extend([ellipsis, " and ", &left_out.to_string(), " more\n"]);
            self.drawn += 1;
        }
        if let Some(elapsed) = self.elapsed {
            let text = format!("  {} so far", human_duration(elapsed));
            out.extend([&self.style.paint(Paint::Dim, &text), "\n"]);
            self.drawn += 1;
        }
        out
    }
}

/// What makes one progress different from another: not how long something still takes.
fn key(app: &AppProgress) -> (AppState, [u32; 3], bool, Option<String>) {
    let hold = app.hold.as_ref().map(|hold| {
        let words = hold.split(' ').filter(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
        words.collect::<Vec<_>>().join(" ")
    });
    let counts = [app.ready, app.desired, app.updated.unwrap_or_default()];
    (app.state, counts, app.settled, hold)
}

/// How far a change is, and what it waits for.
fn why(app: &AppProgress) -> String {
    let under_way = app.updated.filter(|updated| !app.settled && *updated < app.desired);
    let step = under_way.map(|updated| format!("{updated} of {} replaced", app.desired));
    step.into_iter().chain(app.hold.clone()).collect::<Vec<_>>().join(", ")
}

/// One line, cut so that a terminal never wraps it.
fn line(app: &AppProgress, width: usize, style: &Style) -> String {
    let (word, paint, mark) = state_look(app.state);
    let name = pad(&clean(&app.app), width);
    let ready = pad(&format!("{}/{}", app.ready, app.desired), 5);
    let mark = style.glyph(mark);
    let state = pad(word, 13);
    let used = columns(mark) + columns(&name) + columns(&state) + columns(&ready) + 7;
    let room = style.width.saturating_sub(used + 1);
    let hold = cut(&clean(&why(app)), room, style);
    let (mark, state) = (style.paint(paint, mark), style.paint(paint, &state));
    let text = format!("{mark} {name}  {state}  {ready}  {hold}");
    format!("{}\n", text.trim_end())
}
