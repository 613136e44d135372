//! A terminal that one text is drawn on again and again, and that gets back what it showed before.

use std::{
    io::{self, IsTerminal as _, Read as _, Write as _},
    sync::Arc,
    thread,
};

use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use tokio::sync::Notify;

/// The alternate screen without a cursor, and keys that come one by one.
pub(super) struct Screen {
    quit: Arc<Notify>,
    before: Option<Termios>,
}

impl Screen {
    /// Takes the terminal, if standard output is one. Keys are read if standard input is one too.
    pub(super) fn take() -> Option<Self> {
        if !io::stdout().is_terminal() {
            return None;
        }
        let before = io::stdin().is_terminal().then(one_by_one).flatten();
        let quit = Arc::new(Notify::new());
        if before.is_some() {
            let asked = Arc::clone(&quit);
            // It ends with the process: nothing else ends a read of a terminal.
            thread::spawn(move || await_quit(&asked));
        }
        write("\u{1b}[?1049h\u{1b}[?25l");
        Some(Self { quit, before })
    }

    /// Draws a text over the former one; what does not fit is counted.
    #[expect(clippy::unused_self, reason = "only who has the screen draws on it")]
    pub(super) fn draw(&self, text: &str, foot: &str) {
        let size = termios::tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_row != 0);
        write(&page(text, foot, size.map_or(24, |size| usize::from(size.ws_row))));
    }

    /// Waits for a key that ends it: `q`, or the end of the input.
    pub(super) async fn quit(&self) {
        self.quit.notified().await;
    }
}

fn await_quit(asked: &Notify) {
    for key in io::stdin().lock().bytes() {
        match key {
            Ok(b'q' | b'Q') | Err(_) => break,
            Ok(_) => {}
        }
    }
    asked.notify_one();
}

impl Drop for Screen {
    fn drop(&mut self) {
        write("\u{1b}[?25h\u{1b}[?1049l");
        if let Some(before) = &self.before {
            // Nobody is left to tell.
            let _ignored = termios::tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// Has keys handed over as they are pressed, unseen; gives the former modes. Ctrl-C still is a
/// signal; Ctrl-Z would leave the terminal like this.
fn one_by_one() -> Option<Termios> {
    let before = termios::tcgetattr(io::stdin()).ok()?;
    let mut modes = before.clone();
    modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    modes.special_codes[SpecialCodeIndex::VSUSP] = 0;
    termios::tcsetattr(io::stdin(), OptionalActions::Now, &modes).ok()?;
    Some(before)
}

/// The text in so many rows, `foot` in the last one.
fn page(text: &str, foot: &str, rows: usize) -> String {
    let room = rows.saturating_sub(2).max(1);
    let lines: Vec<&str> = text.lines().collect();
    let shown = if lines.len() <= room { lines.len() } else { room.saturating_sub(1) };
    let mut out = "\u{1b}[H".to_owned();
    for line in lines.iter().take(shown) {
        out.extend([line, "\u{1b}[K\r\n"]);
    }
    if shown < lines.len() {
        let more = format!("… {} more lines\u{1b}[K\r\n", lines.len() - shown);
        out.push_str(&more);
    }
    out.extend(["\u{1b}[J", "\u{1b}[", &rows.to_string(), ";1H", foot, "\u{1b}[K"]);
    out
}

fn write(text: &str) {
    let mut out = io::stdout().lock();
    // A terminal that is gone sends a signal.
    let _ignored = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_never_outgrows_the_screen() {
        let text = "one\ntwo\nthree\nfour\n";
        let lines = |rows| page(text, "foot", rows).matches("\r\n").count();
        assert_eq!([1, 3, 5, 6, 24].map(lines), [1, 1, 3, 4, 4]);
        assert!(page(text, "foot", 5).contains("… 2 more lines"));
        assert!(page(text, "foot", 6).contains("four"));
    }
}
