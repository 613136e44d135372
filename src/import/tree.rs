//! Putting together what a file says in our format, with the places it has it from.

use std::rc::Rc;

use crate::config::{
    Span,
    written_tree::{Entry, Node},
};

/// A mapping in the making.
#[derive(Debug)]
pub(super) struct Map {
    span: Span,
    entries: Vec<Entry>,
}

impl Map {
    pub(super) fn new(span: Span) -> Self {
        Self { span, entries: Vec::new() }
    }

    /// A value under `key`; `at` is the key it comes from.
    pub(super) fn put(&mut self, key: &str, at: Span, value: Rc<Node>) {
        self.entries.push(Entry { key: key.into(), key_span: at, value, implied: false });
    }

    /// A mapping under `key`, if there is anything in it.
    pub(super) fn put_map(&mut self, key: &str, at: Span, map: Self) {
        if !map.entries.is_empty() {
            // A part of an app stands where the first of its keys does.
            let first = map.entries.first().map_or(at, |entry| entry.key_span);
            self.put(key, first, map.node());
        }
    }

    pub(super) fn node(self) -> Rc<Node> {
        Node::map(self.span, self.entries)
    }
}

/// `restart`, as one word if a policy is all there is.
pub(super) fn put_restart(app: &mut Map, at: Span, restart: Map) {
    match restart.entries.as_slice() {
        [only] if &*only.key == "policy" => app.put("restart", at, Rc::clone(&only.value)),
        _ => app.put_map("restart", at, restart),
    }
}

/// Text that is not filled: a `$` is a `$`.
pub(super) fn text(span: Span, text: &str) -> Rc<Node> {
    Node::scalar(span, literal(text), false)
}

/// A text as our format has it, where nothing of it is to be filled.
pub(super) fn literal(text: &str) -> String {
    // Of `$NAME` eco would ask what is meant.
    escaped(text, |next| matches!(next, '$' | '{' | '_') || next.is_ascii_alphabetic())
}

/// A line for a shell as our format has it: the shell's variables are the shell's.
fn shell_line(line: &str) -> String {
    escaped(line, |next| matches!(next, '$' | '{'))
}

/// A text with every `$` doubled that stands before certain characters.
fn escaped(text: &str, before: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        // Any other `$` is just a `$`.
        if c == '$' && rest.peek().is_some_and(|next| before(*next)) {
            out.push('$');
        }
    }
    out
}

/// A command line: words if no shell is needed for it, else a line for `/bin/sh`.
pub(super) fn command(span: Span, line: &str) -> Rc<Node> {
    if let Some(words) = plain_words(line) {
        return Node::list(span, words.iter().map(|word| text(span, word)).collect());
    }
    let mut shell = Map::new(span);
    shell.put("shell", span, template(span, shell_line(line)));
    shell.node()
}

/// The words of a line that needs no shell.
pub(super) fn plain_words(line: &str) -> Option<Vec<String>> {
    let shell = |c: char| "|&;<>()$`*?[]{}~#!\n".contains(c);
    let words = shlex::split(line)?;
    let assigns = words.first().is_none_or(|word| word.contains('='));
    (!line.contains(shell) && !assigns).then_some(words)
}

/// Text of our own format, in which `${…}` is filled.
pub(super) fn template(span: Span, text: impl Into<String>) -> Rc<Node> {
    Node::scalar(span, text.into(), false)
}

/// So many milliseconds.
pub(super) fn duration(span: Span, millis: u64) -> Rc<Node> {
    // Minutes are usual as seconds.
    let units = [("d", 86_400_000), ("h", 3_600_000), ("s", 1000)];
    let whole = units.iter().find(|(_, unit)| millis != 0 && millis.is_multiple_of(*unit));
    let (number, unit) = match whole {
        Some((name, unit)) => (millis / unit, *name),
        None if millis == 0 => (0, "s"),
        None => (millis, "ms"),
    };
    Node::scalar(span, format!("{number}{unit}"), false)
}

/// A number or a word.
pub(super) fn plain(span: Span, value: &(impl ToString + ?Sized)) -> Rc<Node> {
    Node::scalar(span, value.to_string(), true)
}

/// What another program calls an app, made a name of ours.
pub(super) fn app_name(written: &str) -> String {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let mut name: String = written.chars().map(|c| if is_fine(c) { c } else { '-' }).collect();
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        name = name.trim_start_matches(['-', '.']).to_owned();
    }
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        name = format!("app-{name}");
    }
    name
}

/// A size in the largest unit it is a whole number of.
pub(super) fn size(bytes: u64) -> String {
    let units = [("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)];
    let unit = units.iter().find(|(_, size)| bytes.is_multiple_of(*size));
    unit.map_or_else(
        || format!("{}K", bytes.div_ceil(1024)),
        |(unit, size)| format!("{}{unit}", bytes / size),
    )
}
