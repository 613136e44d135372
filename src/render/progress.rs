//! How far a command that changes something has come.

use super::style::Style;
use crate::api::{AppProgress, Progress};

/// Where an app stands, on one line.
pub fn progress_line(app: &AppProgress, style: &Style) -> String {
    let _ = style;
    app.app.clone()
}

/// The progress of every app in scope: on a terminal a table that is redrawn in place, in a pipe
/// one line per change.
#[derive(Clone, Debug)]
pub struct LiveProgress {
    style: Style,
    rows: Option<usize>,
}

impl LiveProgress {
    /// `rows` is the height of the terminal; `None` means a pipe.
    pub fn new(style: Style, rows: Option<usize>) -> Self {
        Self { style, rows }
    }

    /// The text to write, escape codes included, now that `event` was received. A plan is written
    /// as `diff` writes it; a result only redraws the table: `outcome` says the rest.
    pub fn on(&mut self, event: &Progress) -> String {
        let _ = (event, &self.style, self.rows);
        String::new()
    }
}
