//! Texts of `[sections]` with `key = value` lines, as supervisor and systemd have them.

use crate::config::{
    Span,
    written_tree::{Log, Problem, quoted},
};

/// Whose rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Values go on in lines that are indented, ` ;` and ` #` begin a comment, keys have no case.
    Supervisor,
    /// Values go on after a `\` at the end of a line, and a key may be there many times.
    Systemd,
}

/// A section, whose lines may stand in several places.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) name_at: Span,
    /// From its head to its last line.
    pub(super) at: Span,
    pub(super) items: Vec<Item>,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) key: String,
    pub(super) key_at: Span,
    pub(super) value: String,
    pub(super) value_at: Span,
}

impl Section {
    /// The value that counts of a key that has one.
    pub(super) fn last(&self, key: &str) -> Option<&Item> {
        self.items.iter().rev().find(|item| item.key == key)
    }
}

/// The sections of `text`, which begins at `from` in the text of the log.
pub(super) fn sections(log: &Log, from: usize, text: &str, dialect: Dialect) -> Vec<Section> {
    let mut reader = Reader { log, dialect, sections: Vec::new(), open: None, is_lost: false };
    let mut at = from;
    for line in text.split_inclusive('\n') {
        reader.line(at, line.trim_end_matches(['\n', '\r']));
        at += line.len();
    }
    reader.sections
}

struct Reader<'a> {
    log: &'a Log,
    dialect: Dialect,
    sections: Vec<Section>,
    /// How far the line of a value was indented that may go on.
    open: Option<usize>,
    /// What comes belongs to a section that has no name.
    is_lost: bool,
}

impl Reader<'_> {
    fn line(&mut self, at: usize, line: &str) {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        // systemd goes on after a comment, and supervisor after an empty line.
        if body.starts_with(['#', ';']) {
            return;
        }
        let goes_on = match self.dialect {
            Dialect::Supervisor if body.is_empty() => return,
            Dialect::Supervisor => self.open.is_some_and(|open| open < indent),
            Dialect::Systemd => self.open.is_some(),
        };
        let (body, has_more) = match self.dialect {
            Dialect::Supervisor => (without_comment(line, indent), true),
            Dialect::Systemd => match body.trim_end().strip_suffix('\\') {
                Some(body) => (body, true),
                None => (body.trim_end(), false),
            },
        };
        let start = at + indent;
        if goes_on {
            self.more(start, body);
        } else if body.is_empty() {
            return;
        } else if body.starts_with('[') {
            self.head(start, body);
            self.open = None;
            return;
        } else if !self.item(start, body) {
            self.open = None;
            return;
        }
        self.open = has_more.then_some(if goes_on { self.open.unwrap_or(indent) } else { indent });
    }

    fn head(&mut self, start: usize, body: &str) {
        let at = Span::new(start, start + body.len());
        let Some((name, _)) = body.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
            let problem = Problem::new("syntax", "this section has no end", at, "no `]`");
            self.log.push(problem);
            self.is_lost = true;
            return;
        };
        self.is_lost = false;
        let name_at = Span::new(start, start + name.len() + 2);
        let name = name.trim().to_owned();
        self.sections.push(Section { name, name_at, at, items: Vec::new() });
    }

    /// Whether there is one.
    fn item(&mut self, start: usize, body: &str) -> bool {
        let delimiters: &[char] = match self.dialect {
            Dialect::Supervisor => &['=', ':'],
            Dialect::Systemd => &['='],
        };
        let at = Span::new(start, start + body.len());
        let found = body.find(delimiters);
        let Some((key, value)) = found.map(|index| body.split_at(index)) else {
            let message = format!("this line is not of the form `key = value`: {}", quoted(body));
            self.log.push(Problem::new("syntax", message, at, "there is no `=`"));
            return false;
        };
        let Some(section) = self.sections.last_mut().filter(|_| !self.is_lost) else {
            if !self.is_lost {
                let problem = Problem::new("syntax", "this line is in no section", at, "");
                self.log.push(problem.help("the first line of a section is its name: `[name]`"));
            }
            return false;
        };
        let value = value.get(1..).unwrap_or_default();
        let value_start = start + body.len() - value.trim_start().len();
        let (key, value) = (key.trim_end(), value.trim());
        let key_at = Span::new(start, start + key.len());
        let key = match self.dialect {
            Dialect::Supervisor => key.to_lowercase(),
            Dialect::Systemd => key.to_owned(),
        };
        let value_at = Span::new(value_start, value_start + value.len());
        section.at.end = at.end;
        section.items.push(Item { key, key_at, value: value.to_owned(), value_at });
        true
    }

    fn more(&mut self, start: usize, body: &str) {
        let Some(section) = self.sections.last_mut() else { return };
        let Some(item) = section.items.last_mut() else { return };
        let body = body.trim();
        if !item.value.is_empty() && !body.is_empty() {
            item.value.push(match self.dialect {
                Dialect::Supervisor => '\n',
                Dialect::Systemd => ' ',
            });
        } else if item.value.is_empty() {
            item.value_at.start = start;
        }
        item.value.push_str(body);
        item.value_at.end = start + body.len();
        section.at.end = section.at.end.max(item.value_at.end);
    }
}

/// A line without its indent, and without what comes after ` ;` or ` #`.
fn without_comment(line: &str, indent: usize) -> &str {
    let body = line.get(indent..).unwrap_or_default();
    let mut was_blank = false;
    for (at, c) in body.char_indices() {
        if was_blank && matches!(c, ';' | '#') {
            return body.get(..at).unwrap_or_default().trim_end();
        }
        was_blank = c.is_whitespace();
    }
    body.trim_end()
}
