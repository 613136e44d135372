//! The next useful commands, below a text that says something is not fine.

use super::{
    layout::{columns, pad, paragraph},
    style::{Glyph, Paint, Style},
};

/// A command to run next, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    command: String,
    why: String,
}

impl Step {
    pub(super) fn new(command: impl Into<String>, why: impl Into<String>) -> Self {
        Self { command: command.into(), why: why.into() }
    }

    /// A command on the first of `apps`; nothing if there is none.
    pub(super) fn on(command: &str, apps: &[String], why: &str) -> Option<Self> {
        let (first, others) = apps.split_first()?;
        let why = match others.len() {
            0 => why.to_owned(),
            more => format!("{why} ({more} more like it)"),
        };
        Some(Self { command: format!("{command} {first}"), why })
    }
}

/// One line per command, after an empty line; nothing without commands.
pub(super) fn steps(steps: &[Step], style: &Style) -> String {
    let width = steps.iter().map(|step| columns(&step.command)).max().unwrap_or_default();
    let mut out = String::new();
    for (index, step) in steps.iter().enumerate() {
        if index == 0 {
            out.push('\n');
        }
        let command = super::layout::clean(&step.command);
        let arrow = style.glyph(Glyph::Arrow);
        if style.width < width + columns(&step.why) + 5 {
            // A command is copied: it is never cut.
            out.extend([arrow, " ", &style.paint(Paint::Strong, &command), "\n"]);
            out.push_str(&paragraph(&step.why, 4, Paint::Dim, style));
            continue;
        }
        let command = style.paint(Paint::Strong, &pad(&command, width));
        let why = style.paint(Paint::Dim, &step.why);
        out.extend([arrow, " ", &command, "   ", &why, "\n"]);
    }
    out
}
