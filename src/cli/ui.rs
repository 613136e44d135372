//! The terminal: data goes to standard output, talk to standard error.

use std::io::{self, IsTerminal as _, Write as _};

use super::error::CliError;
use crate::render::Style;

/// The two outputs, and how text is to look on each.
#[derive(Debug)]
pub(super) struct Ui {
    out: Style,
    talk: Style,
    /// Rows of the terminal that standard error is; `None` if it is none.
    rows: Option<usize>,
}

impl Ui {
    /// Finds out how text is to look: terminal, `COLUMNS`, `NO_COLOR`, locale.
    pub(super) fn detect() -> Self {
        let (out, talk) = (io::stdout(), io::stderr());
        let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
        let rows = size.map(|size| usize::from(size.ws_row)).filter(|rows| *rows != 0);
        Self {
            out: style(out.is_terminal(), rustix::termios::tcgetwinsize(io::stdout()).ok()),
            talk: style(talk.is_terminal(), size),
            rows: rows.filter(|_| talk.is_terminal()),
        }
    }

    /// How data is to look.
    pub(super) fn style(&self) -> &Style {
        &self.out
    }

    /// How talk is to look.
    pub(super) fn talk_style(&self) -> &Style {
        &self.talk
    }

    /// Rows of the terminal that talk goes to.
    pub(super) fn rows(&self) -> Option<usize> {
        self.rows
    }

    /// Prints data.
    #[expect(clippy::unused_self, reason = "printing goes through the one who prints")]
    pub(super) fn print(&self, text: &str) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|source| {
            if source.kind() == io::ErrorKind::BrokenPipe {
                return CliError::OutputClosed;
            }
            CliError::Io { what: "write the output".to_owned(), source }
        })
    }

    /// Prints one JSON object on a line.
    pub(super) fn print_json(&self, value: &impl serde::Serialize) -> Result<(), CliError> {
        let line = serde_json::to_string(value).map_err(|error| CliError::Io {
            what: "write JSON".to_owned(),
            source: error.into(),
        })?;
        self.print(&(line + "\n"))
    }

    /// Says something to the person. It is lost if nobody listens.
    #[expect(clippy::unused_self, reason = "talking goes through the one who talks")]
    pub(super) fn talk(&self, text: &str) {
        drop(io::stderr().lock().write_all(text.as_bytes()));
    }
}

fn style(is_terminal: bool, size: Option<rustix::termios::Winsize>) -> Style {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let terminal = size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns != 0);
    let width = columns.or(terminal).unwrap_or(if is_terminal { 80 } else { 120 });
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let ascii = locale.is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        matches!(name.as_str(), "c" | "posix") || !name.contains("utf") && name.contains('.')
    });
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    Style {
        color: is_terminal && !set("NO_COLOR") && !dumb,
        width: width.clamp(40, 400),
        unicode: !ascii,
        zone: jiff::tz::TimeZone::system(),
    }
}
