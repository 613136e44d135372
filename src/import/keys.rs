//! Tables of the keys of other programs' files: what becomes of each, and saying it of those that a
//! file has.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

use super::{pm2::fields::Answer, reading::Notes, tree, variables::text_of};
use crate::config::{
    Span,
    written_tree::{Entry, Kind, Log, Node, Problem, did_you_mean, quoted},
};

/// A key by its way from the top of the file, as in `services.*.deploy.replicas`: `*` is any name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// The way to it.
    pub(super) path: &'static str,
    /// What becomes of it.
    pub(super) answer: Answer,
}

/// A row of a table.
pub(super) const fn key(path: &'static str, answer: Answer) -> Key {
    Key { path, answer }
}

/// The keys of one program, and what was said of them already.
pub(super) struct Keys<'a> {
    /// How the program is called in a sentence.
    pub(super) program: &'static str,
    pub(super) table: &'static [Key],
    pub(super) log: &'a Log,
    pub(super) notes: &'a Notes,
    /// Once in a file is enough.
    pub(super) said: RefCell<HashSet<&'static str>>,
}

/// Where the apps of a file stand.
const APPS: [&str; 2] = ["services", "processes"];

/// Keys that are left out for a reason that was given before.
type Again = Vec<String>;

impl<'a> Keys<'a> {
    pub(super) fn new(
        program: &'static str,
        table: &'static [Key],
        log: &'a Log,
        notes: &'a Notes,
    ) -> Self {
        Self { program, table, log, notes, said: RefCell::default() }
    }

    /// Says what becomes of the keys of `node`, which stands at `section`, as part of the app at
    /// `whole`.
    pub(super) fn answer(&self, node: &Node, section: &'static str, whole: Span) {
        let mut again = Again::new();
        self.walk(node, section, (section, whole), &mut again);
        if !again.is_empty() {
            let text = format!("left out as above: {}", again.join(", "));
            let last = whole.end.saturating_sub(1).max(whole.start);
            self.notes.say(Span::new(last, whole.end), text);
        }
    }

    fn walk(&self, node: &Node, at: &'static str, app: (&'static str, Span), again: &mut Again) {
        for entry in node.entries().unwrap_or_default() {
            if entry.key.starts_with("x-") || &*entry.key == "<<" {
                continue;
            }
            let Some(found) = self.find(at, &entry.key) else {
                self.unknown(entry, at);
                continue;
            };
            // What is switched off asks for nothing.
            if text_of(Some(entry)) == Some("false") {
                continue;
            }
            match found.answer {
                Answer::Mapped(_) => self.below(&entry.value, found.path, app, again),
                Answer::Differs(to, how) => {
                    if self.said.borrow_mut().insert(found.path) {
                        let key = &entry.key;
                        let text = match to {
                            to if to == &**key => format!("`{key}`: {how}"),
                            to => format!("`{key}` is `{to}` here: {how}"),
                        };
                        self.notes.say(within(app.1, entry.key_span), text);
                    }
                    self.below(&entry.value, found.path, app, again);
                }
                Answer::Nothing(why) | Answer::Refused(why) => {
                    let what = shown(found.path, app.0, entry);
                    if self.said.borrow_mut().insert(found.path) {
                        self.notes.left_out(within(app.1, entry.key_span), &what, why);
                    } else {
                        again.push(quoted(&what));
                    }
                }
            }
        }
    }

    fn below(&self, value: &Node, at: &'static str, app: (&'static str, Span), again: &mut Again) {
        // Each app is answered for by itself.
        if (app.0.is_empty() && APPS.contains(&at)) || self.names(at).next().is_none() {
            return;
        }
        match &value.kind {
            Kind::Map(_) => self.walk(value, at, app, again),
            Kind::List(items) => items.iter().for_each(|item| self.walk(item, at, app, again)),
            Kind::Scalar(_) => {}
        }
    }

    fn find(&self, at: &str, name: &str) -> Option<&'static Key> {
        let is = |key: &&Key, last: &str| split(key.path) == (at, last);
        let own = self.table.iter().find(|key| is(key, name));
        own.or_else(|| self.table.iter().find(|key| is(key, "*")))
    }

    /// The names of the keys of a mapping.
    fn names(&self, at: &str) -> impl Iterator<Item = &'static str> {
        let keys = self.table.iter().map(|key| split(key.path));
        keys.filter(move |(parent, _)| *parent == at).map(|(_, name)| name)
    }

    fn unknown(&self, entry: &Entry, at: &str) {
        let place = match split(at) {
            ("", "") => " at the top of its file".to_owned(),
            (_, "*") => String::new(),
            (_, name) => format!(" in `{name}`"),
        };
        let message = format!("{} has no key {}{place}", self.program, quoted(&entry.key));
        let near = did_you_mean(&entry.key, self.names(at));
        let problem = Problem::new("unknown_key", message, entry.key_span, "left out");
        self.log.warn(problem.maybe_help(near));
    }
}

/// The mapping a key is in, and its name there.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

/// A key, with its value if that is short.
fn shown(path: &str, section: &str, entry: &Entry) -> String {
    const SHORT: usize = 40;
    let inner = path.strip_prefix(section).unwrap_or(path).trim_start_matches('.');
    let inner = match split(inner) {
        (parent, "*") => format!("{parent}.{}", entry.key),
        _ => inner.to_owned(),
    };
    match &entry.value.kind {
        Kind::Scalar(scalar) if !scalar.text.is_empty() && scalar.text.len() <= SHORT => {
            format!("{inner}: {}", scalar.text)
        }
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => inner,
    }
}

/// A place in an app; what an anchor brings in stands elsewhere.
pub(super) fn within(app: Span, at: Span) -> Span {
    let is_inside = app.start <= at.start && at.end <= app.end;
    // Where one app begins another one ends.
    if is_inside { at } else { Span::new(app.start, (app.start + 1).min(app.end)) }
}

/// The names of a file's apps as ours have them: other characters become `-`, and none is there
/// twice.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, String>);

impl Names {
    /// The name for `written`, which is always the same one.
    pub(super) fn add(&mut self, written: &str) -> String {
        if let Some(name) = self.0.get(written) {
            return name.clone();
        }
        let wanted = app_name(written);
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let is_free = |name: &String| !self.0.values().any(|other| other == name);
        let found = std::iter::once(wanted.clone()).chain(numbered).find(is_free);
        let name = found.unwrap_or(wanted);
        self.0.insert(written.to_owned(), name.clone());
        name
    }
}

/// The same as elsewhere, and always one that an app can have.
fn app_name(written: &str) -> String {
    const LONGEST: usize = 60;
    let name: String = tree::app_name(written).chars().take(LONGEST).collect();
    if name.is_empty() { "app".to_owned() } else { name }
}
