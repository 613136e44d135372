//! Where the values of apps come from: which line of which file, and which of its layers. Kept beside
//! what was read, and no part of it: an edit that only moves lines changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    fault::Span,
    log::Log,
    resolve::Context,
    tree::{Kind, Node},
};
use crate::model::AppName;

/// Of each app by dotted field, as `eco diff` writes it: `ecosystem.yaml:12, profile production`.
pub type Origins = BTreeMap<AppName, BTreeMap<String, String>>;

/// So many fields of one file have their places told.
const MOST: usize = 50_000;

/// What of a document is laid over the apps, or under them.
pub(super) struct Layers {
    profile: Option<(String, Span)>,
    defaults: Option<Span>,
}

impl Layers {
    /// Of a document, with the profile that is merged into it.
    pub(super) fn of(root: &Node, profile: Option<(&str, &Node)>) -> Self {
        Self {
            profile: profile.map(|(name, node)| (name.to_owned(), node.span)),
            defaults: root.entry("defaults").map(|entry| entry.value.span),
        }
    }

    fn word(&self, at: Span) -> String {
        let within = |span: &Span| span.start <= at.start && at.start < span.end;
        match (&self.profile, &self.defaults) {
            (Some((name, span)), _) if within(span) => format!(", profile {name}"),
            (_, Some(span)) if within(span) => ", defaults".to_owned(),
            (Some(_) | None, Some(_) | None) => String::new(),
        }
    }
}

/// What places are looked for in.
pub(super) struct Places<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) layers: &'a Layers,
    /// The merged document before `${…}` is filled: its values say what they are filled with.
    pub(super) merged: &'a Node,
    pub(super) filled: &'a Node,
}

impl Places<'_> {
    /// The origins of all apps.
    pub(super) fn origins(&self) -> Origins {
        let mut out = Origins::new();
        let mut left = MOST;
        let filled = self.filled.entry("apps");
        for app in
            self.merged.entry("apps").and_then(|apps| apps.value.entries()).unwrap_or_default()
        {
            let Ok(name) = app.key.parse() else { continue };
            let mut fields = BTreeMap::new();
            if let Some(filled) = filled.and_then(|apps| apps.value.entry(&app.key)) {
                self.env_files(&filled.value, &mut fields);
            }
            self.fields(&app.value, "", app.key_span, &mut fields);
            let Some(rest) = left.checked_sub(fields.len()) else { break };
            left = rest;
            out.insert(name, fields);
        }
        out
    }

    fn fields(&self, node: &Node, path: &str, at: Span, out: &mut BTreeMap<String, String>) {
        for entry in node.entries().unwrap_or_default() {
            if path.is_empty() && entry.key.starts_with("x-") {
                continue;
            }
            let below = if path.is_empty() {
                entry.key.to_string()
            } else {
                format!("{path}.{}", entry.key)
            };
            self.fields(&entry.value, &below, entry.key_span, out);
        }
        if node.entries().is_none_or(<[_]>::is_empty) && !path.is_empty() {
            out.insert(path.to_owned(), self.words(node, at));
        }
    }

    fn words(&self, node: &Node, at: Span) -> String {
        let (source, line) = self.context.log.place(at);
        let mut out = format!("{}:{line}{}", self.shown(&source.name), self.layers.word(at));
        for name in variables(node) {
            if let Some(from) = self.variable(&name) {
                out.extend([", ${", &name, "} from ", &from]);
            }
        }
        out
    }

    /// Where the value of `${name}` is from; `None` if it is the instance's, or has none.
    fn variable(&self, name: &str) -> Option<String> {
        if self.context.env.is_some_and(|env| env.contains_key(name)) {
            return Some("the environment".to_owned());
        }
        let file = self.filled.entry("vars_file")?;
        let Kind::Scalar(written) = &file.value.kind else { return None };
        let path = self.context.path(&written.text);
        let lines = self.context.env_lines.borrow();
        let line = lines.get(&path)?.get(name)?;
        Some(format!("{}:{line}", self.shown(&path)))
    }

    fn env_files(&self, app: &Node, out: &mut BTreeMap<String, String>) {
        let Some(entry) = app.entry("env_file") else { return };
        let lines = self.context.env_lines.borrow();
        for written in texts(&entry.value) {
            let path = self.context.path(written);
            for (name, line) in lines.get(&path).into_iter().flatten() {
                let from = format!("{}:{line}, env_file", self.shown(&path));
                out.insert(format!("env.{name}"), from);
            }
        }
    }

    /// A file as people of this project name it.
    fn shown(&self, path: &Path) -> String {
        let below = match path.strip_prefix(self.context.dir) {
            Ok(below) => below,
            Err(_) if path.is_relative() => path.file_name().map_or(path, Path::new),
            Err(_) => path,
        };
        below.display().to_string()
    }
}

/// The single values that a value is, or is made of.
fn texts(node: &Node) -> Vec<&str> {
    match &node.kind {
        Kind::Scalar(scalar) => vec![&scalar.text],
        Kind::List(items) => items.iter().flat_map(|item| texts(item)).collect(),
        Kind::Map(_) => Vec::new(),
    }
}

/// The names in `${…}`.
fn variables(node: &Node) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let of = |text: &str| -> Vec<String> {
        let starts = text.split("${").skip(1);
        starts.filter_map(|rest| rest.split(|c| !is_name(c)).next().map(str::to_owned)).collect()
    };
    texts(node).into_iter().filter(|text| text.contains("${")).flat_map(of).collect()
}

impl Log {
    /// The file and the line, from 1, in which something begins.
    fn place(&self, at: Span) -> (std::sync::Arc<super::fault::SourceText>, u32) {
        let parts = self.parts();
        let part = parts.iter().rev().find(|(from, _)| *from <= at.start);
        match part {
            Some((from, source)) => {
                let (line, _) = source.position(at.start - from);
                (std::sync::Arc::clone(source), line)
            }
            None => (std::sync::Arc::clone(&self.source), 1),
        }
    }
}
