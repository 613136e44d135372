//! The log of what is selected: the latest lines, where the view stands, and searching.

use std::collections::VecDeque;

use super::event::{LogLine, LogTarget};
use crate::render::layout::clean;

/// So many lines are kept.
const MOST: usize = 5000;
/// So many bytes of a line are.
const LONGEST: usize = 4096;

/// The log of what is selected.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// Whose it is.
    pub(super) target: Option<LogTarget>,
    /// Told to whoever feeds it; lines of an earlier feed are let go.
    pub(super) feed: u64,
    lines: VecDeque<LogLine>,
    /// The number of the first line that is kept; they count up for ever.
    first: u64,
    /// The number after the last line in view, while the view stands still.
    still: Option<u64>,
    /// The number after the newest line when it began to stand still.
    stood_at: u64,
    /// So many columns are out of view at the left.
    pub(super) left: usize,
    /// Whether times are shown.
    pub(super) times: bool,
    /// What is looked for; empty is nothing.
    pub(super) search: String,
    /// The line that was found last.
    pub(super) found: Option<u64>,
}

fn count(lines: usize) -> u64 {
    u64::try_from(lines).unwrap_or(u64::MAX)
}

impl Log {
    /// Begins anew with another log.
    pub(super) fn change(&mut self, target: Option<LogTarget>) {
        let (times, search) = (self.times, std::mem::take(&mut self.search));
        *self = Self { target, feed: self.feed + 1, times, search, ..Self::default() };
    }

    /// Takes lines in, freed of what could act on the terminal.
    pub(super) fn take(&mut self, feed: u64, lines: Vec<LogLine>) {
        if feed != self.feed {
            return;
        }
        for mut line in lines {
            line.text = clean(shortened(&line.text));
            line.id = clean(&line.id);
            self.lines.push_back(line);
        }
        let over = self.lines.len().saturating_sub(MOST);
        self.lines.drain(..over);
        self.first += count(over);
    }

    fn end(&self) -> u64 {
        self.first + count(self.lines.len())
    }

    /// Keeps the view within what there is.
    pub(super) fn settle(&mut self, height: usize) {
        let (least, end) = ((self.first + count(height)).min(self.end()), self.end());
        self.still = self.still.map(|still| still.clamp(least, end));
    }

    /// The lines in view, each with its number.
    pub(super) fn view(&self, height: usize) -> impl Iterator<Item = (u64, &LogLine)> {
        let bottom = self.still.unwrap_or(self.end()).clamp(self.first, self.end());
        let top = bottom.saturating_sub(count(height)).max(self.first);
        let at = |number: u64| usize::try_from(number - self.first).unwrap_or(usize::MAX);
        let lines = self.lines.range(at(top)..at(bottom));
        (top..).zip(lines)
    }

    /// Whether the newest line is always in view.
    pub(super) fn follows(&self) -> bool {
        self.still.is_none()
    }

    /// How many lines have come since the view stands still.
    pub(super) fn unseen(&self) -> u64 {
        self.end().saturating_sub(self.stood_at)
    }

    /// Lets the view stand still, or follow again.
    pub(super) fn pause(&mut self) {
        if self.follows() { self.stand() } else { self.follow() }
    }

    pub(super) fn follow(&mut self) {
        self.still = None;
        self.found = None;
    }

    fn stand(&mut self) {
        if self.follows() {
            self.still = Some(self.end());
            self.stood_at = self.end();
        }
    }

    /// Moves the view; down to the end it follows again.
    pub(super) fn scroll(&mut self, lines: isize, height: usize) {
        if lines < 0 {
            self.stand();
        }
        let Some(still) = self.still else { return };
        let moved = still.saturating_add_signed(i64::try_from(lines).unwrap_or(i64::MAX));
        self.still = (moved < self.end()).then_some(moved);
        self.settle(height);
    }

    /// To the oldest line.
    pub(super) fn rewind(&mut self, height: usize) {
        self.stand();
        self.still = Some(self.first);
        self.settle(height);
    }

    /// Goes to the next line that has what is looked for: an older one, or a newer one; beyond the
    /// last it begins again at the other end. False if there is none.
    pub(super) fn find(&mut self, older: bool, height: usize) -> bool {
        let hits: Vec<u64> = (self.first..)
            .zip(&self.lines)
            .filter(|(_, line)| !matches(&line.text, &self.search).is_empty())
            .map(|(number, _)| number)
            .collect();
        let from = self.found.unwrap_or_else(|| self.still.unwrap_or(self.end()));
        let next = if older {
            hits.iter().rev().find(|hit| **hit < from).or(hits.last())
        } else {
            hits.iter().find(|hit| from < **hit).or(hits.first())
        };
        let Some(hit) = next.copied() else { return false };
        self.stand();
        self.found = Some(hit);
        let still = self.still.unwrap_or(hit);
        if hit < still.saturating_sub(count(height)) || still <= hit {
            self.still = Some(hit.saturating_add(count(height / 2).max(1)));
        }
        self.settle(height);
        true
    }
}

/// As much of a line as is kept.
fn shortened(text: &str) -> &str {
    let fits = |end: &usize| text.is_char_boundary(*end);
    (0..=LONGEST.min(text.len())).rev().find(fits).and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Where `needle` is in `text`, in bytes. Without a capital in it, capitals make no difference.
pub(super) fn matches(text: &str, needle: &str) -> Vec<(usize, usize)> {
    if needle.is_empty() {
        return Vec::new();
    }
    let exact = needle.chars().any(char::is_uppercase);
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (start, _) in text.char_indices() {
        if found.last().is_some_and(|(_, end)| start < *end) {
            continue;
        }
        if let Some(length) = text.get(start..).and_then(|rest| starts(rest, needle, exact)) {
            found.push((start, start + length));
        }
    }
    found
}

/// How many bytes of `text` are `needle`, if it starts with that.
fn starts(text: &str, needle: &str, exact: bool) -> Option<usize> {
    let mut rest = text.chars();
    for wanted in needle.chars() {
        let is = rest.next()?;
        if is != wanted && (exact || !is.to_lowercase().eq(wanted.to_lowercase())) {
            return None;
        }
    }
    Some(text.len() - rest.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: usize) -> Log {
        let mut log = Log::default();
        let line = |number: usize| LogLine {
            id: "web/0".to_owned(),
            time: String::new(),
            err: false,
            text: format!("line {number}"),
        };
        log.take(0, (0..lines).map(line).collect());
        log
    }

    fn shown(log: &Log, height: usize) -> Vec<String> {
        log.view(height).map(|(_, line)| line.text.clone()).collect()
    }

    #[test]
    fn a_log_follows_until_it_stands_still() {
        let mut log = log(10);
        assert_eq!(shown(&log, 2), ["line 8", "line 9"]);
        log.pause();
        let more = vec![LogLine {
            id: String::new(),
            time: String::new(),
            err: false,
            text: "x".to_owned(),
        }];
        log.take(0, more.clone());
        assert_eq!(shown(&log, 2), ["line 8", "line 9"]);
        assert_eq!(log.unseen(), 1);
        log.scroll(-3, 2);
        assert_eq!(shown(&log, 2), ["line 5", "line 6"]);
        log.scroll(100, 2);
        assert!(log.follows());
        assert_eq!(shown(&log, 1), ["x"]);
        log.take(7, more);
        assert_eq!(log.end(), 11, "another feed's line is not taken");
    }

    #[test]
    fn what_is_looked_for_is_found_older_and_newer() {
        let mut log = log(200);
        log.search = "LINE 1".to_owned();
        assert!(!log.find(true, 5));
        log.search = "line 19".to_owned();
        assert!(log.find(true, 5));
        assert_eq!(log.found, Some(199));
        assert!(log.find(true, 5));
        assert_eq!(log.found, Some(198));
        assert!(log.find(false, 5) && log.find(false, 5));
        assert_eq!(log.found, Some(19), "beyond the newest comes the oldest");
        assert!(shown(&log, 5).contains(&"line 19".to_owned()), "{:?}", shown(&log, 5));
    }

    #[test]
    fn lines_are_bounded_and_cannot_act_on_the_terminal() {
        let mut log = log(MOST + 10);
        assert_eq!(log.lines.len(), MOST);
        log.rewind(3);
        assert_eq!(shown(&log, 1).first().map(String::as_str), Some("line 12"));
        let text = "\u{1b}[31mred\u{1b}[0m \u{7}".to_owned();
        log.take(0, vec![LogLine { id: String::new(), time: String::new(), err: true, text }]);
        log.follow();
        assert_eq!(shown(&log, 1), ["red \\u{7}"]);
    }

    #[test]
    fn matches_are_told_in_bytes_of_the_text() {
        assert_eq!(matches("Äb äB", "äb"), [(0, 3), (4, 7)]);
        assert_eq!(matches("aaa", "aa"), [(0, 2)]);
        assert_eq!(matches("Error error", "Error"), [(0, 5)]);
    }
}
