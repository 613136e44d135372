//! Putting together what a file says in our format, with the places it has it from.

use std::rc::Rc;

use crate::config::{
    Span,
    written_tree::{Entry, Kind, Node},
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

    /// `profiles`, each with what it says of apps, if there are any.
    pub(super) fn put_profiles(&mut self, at: Span, profiles: Vec<(impl AsRef<str>, Span, Self)>) {
        let mut all = Self::new(at);
        for (name, at, apps) in profiles {
            let mut body = Self::new(at);
            body.put("apps", at, apps.node());
            all.put(name.as_ref(), at, body.node());
        }
        self.put_map("profiles", at, all);
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
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        // Any other `$` is just a `$`, but of `$NAME` eco would ask what is meant.
        let is_special = |next: &char| matches!(next, '$' | '{') || starts_name(*next);
        if c == '$' && rest.peek().is_some_and(is_special) {
            out.push('$');
        }
    }
    out
}

/// A line for a shell without the doubling that it does not need: its variables are the shell's.
fn shell_line(literal: &str) -> String {
    let mut out = String::with_capacity(literal.len());
    let mut rest = literal;
    while let Some((before, after)) = rest.split_once("$$") {
        out.push_str(before);
        out.push_str(if after.starts_with(starts_name) { "$" } else { "$$" });
        rest = after;
    }
    out + rest
}

fn starts_name(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic()
}

/// A command line: words if no shell is needed for it, else a line for `/bin/sh`.
pub(super) fn command(span: Span, line: &str) -> Rc<Node> {
    if let Some(words) = plain_words(line) {
        return Node::list(span, words.iter().map(|word| text(span, word)).collect());
    }
    shell(span, span, &literal(line))
}

/// A line that a shell runs, as our format has it; `at` is the key it comes from.
pub(super) fn shell(at: Span, span: Span, line: &str) -> Rc<Node> {
    let mut shell = Map::new(span);
    shell.put("shell", at, template(span, shell_line(line)));
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

/// The text of a value alone.
pub(super) fn scalar(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(&scalar.text),
        Kind::List(_) | Kind::Map(_) => None,
    }
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
