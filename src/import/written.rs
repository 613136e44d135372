//! What a file says in our format, as the text of an eco file.

use serde_json::{Map, Value};

use super::reading::Note;
use crate::config::{
    Span,
    written_tree::{Entry, Kind, Node, Scalar},
};

/// The text of an eco file; `notes` are what is to be said about the file it was made from.
pub(super) fn text(document: &Node, from: &str, notes: &[Note]) -> String {
    let mut out = format!("# Made from {from} by `eco import`.\n");
    let entries =
        document.entry("apps").and_then(|entry| entry.value.entries()).unwrap_or_default();
    let holds = |app: &Span, note: &Note| app.start <= note.at.start && note.at.end <= app.end;
    let is_general = |note: &&Note| !entries.iter().any(|app| holds(&app.value.span, note));
    for note in notes.iter().filter(is_general) {
        comment(&mut out, 0, &note.text);
    }
    out.push_str("version: 1\n");
    for key in ["name", "vars_file"] {
        if let Some(entry) = document.entry(key) {
            block(&mut out, 0, &key_and(key, plain(&entry.value, false)));
        }
    }
    if let Some(entry) = document.entry("defaults") {
        block(&mut out, 0, &key_and("defaults", app(entry)));
    }
    out.push_str("apps:\n");
    for entry in entries {
        let place = entry.value.span;
        for note in notes.iter().filter(|note| holds(&place, note)) {
            comment(&mut out, 2, &note.text);
        }
        block(&mut out, 2, &key_and(&entry.key, app(entry)));
    }
    if let Some(profiles) = document.entry("profiles") {
        block(&mut out, 0, &key_and("profiles", plain(&profiles.value, false)));
    }
    out
}

fn comment(out: &mut String, indent: usize, text: &str) {
    const WIDTH: usize = 98;
    // What YAML cannot have in a comment.
    let odd =
        |c: char| (c.is_control() && !c.is_whitespace()) || matches!(c, '\u{fffe}' | '\u{ffff}');
    let text = text.replace(odd, "\u{fffd}");
    let mut line = format!("{:indent$}#", "");
    for word in text.split_whitespace() {
        if WIDTH < line.chars().count() + 1 + word.chars().count() {
            out.push_str(&line);
            out.push('\n');
            line = format!("{:indent$}#  ", "");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}

fn key_and(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

/// A value as YAML, each line indented.
fn block(out: &mut String, indent: usize, value: &Value) {
    // Data of this kind can always be written.
    let text = serde_yaml::to_string(value).unwrap_or_default();
    for line in text.lines() {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(line);
        out.push('\n');
    }
}

fn app(entry: &Entry) -> Value {
    let parts = entry.value.entries().unwrap_or_default();
    let value = |part: &Entry| match (&*part.key, &part.value.kind) {
        ("command", Kind::List(words)) => command(words.iter().map(AsRef::as_ref)),
        ("env", _) => plain(&part.value, true),
        (_, Kind::List(items)) => match items.as_slice() {
            // One alone needs no list.
            [only] => plain(only, false),
            _ => plain(&part.value, false),
        },
        (_, Kind::Scalar(_) | Kind::Map(_)) => plain(&part.value, false),
    };
    parts.iter().map(|part| (part.key.to_string(), value(part))).collect::<Map<_, _>>().into()
}

/// Words that need no quotes are a line.
fn command<'a>(words: impl Iterator<Item = &'a Node> + Clone) -> Value {
    let simple = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,-=".contains(c);
    let text = |node: &'a Node| match &node.kind {
        Kind::Scalar(scalar) => scalar.text.as_str(),
        Kind::List(_) | Kind::Map(_) => "",
    };
    let texts: Vec<&str> = words.map(text).collect();
    // What is filled in stays one word.
    let is_simple = |word: &&str| {
        !word.is_empty() && without_references(word).is_some_and(|rest| rest.chars().all(simple))
    };
    let is_line =
        texts.iter().all(is_simple) && texts.first().is_some_and(|word| !word.contains('='));
    if is_line { texts.join(" ").into() } else { texts.into() }
}

/// A word without its `${…}`; `None` if one of them has more in it than a line can have.
fn without_references(word: &str) -> Option<String> {
    let simple = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,-=?".contains(c);
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, from)) = rest.split_once("${") {
        let (inner, after) = from.split_once('}')?;
        if !inner.chars().all(simple) {
            return None;
        }
        out.push_str(before);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// Plain data. Numbers under `env` keep their text.
fn plain(node: &Node, is_env: bool) -> Value {
    match &node.kind {
        Kind::Scalar(Scalar { text, plain: true, .. }) if is_env => {
            let value = node.to_json();
            let number = value.to_string();
            if value.is_null() || number == *text { value } else { text.as_str().into() }
        }
        Kind::Scalar(_) => node.to_json(),
        Kind::List(items) => items.iter().map(|item| plain(item, is_env)).collect(),
        Kind::Map(entries) => {
            let value = |entry: &Entry| match (&*entry.key, &entry.value.kind) {
                ("exec" | "command", Kind::List(words)) if !is_env => {
                    command(words.iter().map(AsRef::as_ref))
                }
                (key, _) => plain(&entry.value, is_env || key == "env"),
            };
            let entries = entries.iter().map(|entry| (entry.key.to_string(), value(entry)));
            entries.collect::<Map<_, _>>().into()
        }
    }
}
