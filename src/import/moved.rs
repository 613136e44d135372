//! A document for another directory than that of the file it was made from.

use std::{path::Path, rc::Rc};

use super::tree::{Map, literal, template, text};
use crate::config::written_tree::{Entry, Kind, Node};

/// Keys of an app whose values are paths, with those below them that are.
const PATHS: [(&str, Option<&str>); 7] = [
    ("cwd", None),
    ("env_file", None),
    ("artifacts", None),
    ("watch", None),
    ("watch", Some("paths")),
    ("logs", Some("dir")),
    ("logs", None),
];

/// The same document, where relative paths begin at `dir`.
pub(super) fn from(document: &Rc<Node>, dir: &Path) -> Rc<Node> {
    let changed = document.entries().unwrap_or_default().iter().map(|entry| {
        let value = match &*entry.key {
            "apps" => apps(&entry.value, dir),
            "defaults" => parts(&entry.value, dir).node(),
            "vars_file" => path(&entry.value, dir),
            _ => Rc::clone(&entry.value),
        };
        Entry { value, ..entry.clone() }
    });
    Node::map(document.span, changed.collect())
}

fn apps(apps: &Rc<Node>, dir: &Path) -> Rc<Node> {
    let entries = apps.entries().unwrap_or_default();
    let moved =
        entries.iter().map(|app| Entry { value: self::app(&app.value, dir), ..app.clone() });
    Node::map(apps.span, moved.collect())
}

fn app(app: &Rc<Node>, dir: &Path) -> Rc<Node> {
    let mut moved = parts(app, dir);
    if app.entry("cwd").is_none() {
        moved.put("cwd", app.span, text(app.span, &dir.to_string_lossy()));
    }
    moved.node()
}

fn parts(app: &Node, dir: &Path) -> Map {
    let mut moved = Map::new(app.span);
    for part in app.entries().unwrap_or_default() {
        moved.put(&part.key, part.key_span, self::part(part, dir));
    }
    moved
}

fn part(part: &Entry, dir: &Path) -> Rc<Node> {
    let is_path = |below: Option<&str>| PATHS.contains(&(&*part.key, below));
    match &part.value.kind {
        Kind::Map(entries) if &*part.key == "env" => {
            let moved = entries.iter().map(|variable| {
                let value = below(&variable.value, |key| key == "file", dir);
                Entry { value, ..variable.clone() }
            });
            Node::map(part.value.span, moved.collect())
        }
        Kind::Map(_) => below(&part.value, |key| is_path(Some(key)), dir),
        Kind::Scalar(_) | Kind::List(_) if is_path(None) => path(&part.value, dir),
        Kind::Scalar(_) | Kind::List(_) => Rc::clone(&part.value),
    }
}

/// The values of a mapping at the keys that are paths.
fn below(node: &Rc<Node>, is_path: impl Fn(&str) -> bool, dir: &Path) -> Rc<Node> {
    let Some(entries) = node.entries() else { return Rc::clone(node) };
    let moved = entries.iter().map(|entry| {
        let value =
            if is_path(&entry.key) { path(&entry.value, dir) } else { Rc::clone(&entry.value) };
        Entry { value, ..entry.clone() }
    });
    Node::map(node.span, moved.collect())
}

fn path(node: &Rc<Node>, dir: &Path) -> Rc<Node> {
    match &node.kind {
        // What is filled may be absolute.
        Kind::Scalar(scalar)
            if scalar.text.starts_with(['/', '~']) || scalar.text.contains("${") =>
        {
            Rc::clone(node)
        }
        Kind::Scalar(scalar)
            if scalar.plain && matches!(scalar.text.as_str(), "true" | "false" | "null") =>
        {
            Rc::clone(node)
        }
        Kind::Scalar(scalar) => {
            let (not, rest) = scalar
                .text
                .strip_prefix('!')
                .map_or(("", scalar.text.as_str()), |rest| ("!", rest));
            let rest = rest.strip_prefix("./").unwrap_or(rest);
            let dir = literal(&dir.to_string_lossy());
            let whole = if matches!(rest, "" | ".") { dir } else { format!("{dir}/{rest}") };
            template(node.span, format!("{not}{whole}"))
        }
        Kind::List(items) => {
            Node::list(node.span, items.iter().map(|item| path(item, dir)).collect())
        }
        Kind::Map(_) => Rc::clone(node),
    }
}
