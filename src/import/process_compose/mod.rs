//! The files of process-compose: where their processes stand, and what all of them have.

mod keys;
mod order;
mod probe;
mod process;
mod text;
mod work;

use std::{collections::HashMap, rc::Rc};

pub(super) use keys::KEYS;

use self::order::Awaited;
use super::{
    extended::Extends,
    keys::{Keys, Names},
    reading::{Notes, Place},
    tree::{Map, scalar, text},
    variables::variables,
    yaml::{Values, at, whole},
};
use crate::config::{
    Span,
    written_tree::{Entry, Log, Node, quoted},
};

/// What process-compose reads variables from by itself.
const ENV_FILE: &str = ".env";

/// What one file is read with.
struct File<'a> {
    root: &'a Rc<Node>,
    keys: Keys<'a>,
    values: Values<'a>,
    notes: &'a Notes,
    /// How each process is called here.
    names: HashMap<String, String>,
    /// What others wait for.
    awaited: Awaited,
    /// Whether `$NAME` is filled.
    expands: bool,
    /// Whether there are variables for all apps beside the caller's.
    has_dotenv: bool,
}

/// `extends` of a process.
const EXTENDS: Extends = Extends {
    section: "processes",
    what: "process",
    named: |value| Some(scalar(value).unwrap_or_default()),
    replaces: |key| key == "entrypoint",
};

/// One process of the file.
struct Process<'a> {
    file: &'a File<'a>,
    key: &'a str,
    /// What it is, with what it extends.
    node: Rc<Node>,
    /// Where the app stands.
    whole: Span,
    is_job: bool,
}

/// The tree of our format for that of process-compose; `None` if there is none, which was said.
pub(super) fn document(
    root: &Rc<Node>,
    log: &Log,
    place: Place<'_>,
    notes: &Notes,
) -> Option<Rc<Node>> {
    let values = Values { log };
    let help = "as in `processes: { web: { command: node server.js } }`";
    let entries = values.section(root, "processes", help)?;
    let mut names = Names::default();
    let names = entries.iter().map(|entry| (entry.key.to_string(), names.add(&entry.key)));
    let flag = |key: &str| root.entry(key).and_then(|entry| values.flag(entry)) == Some(true);
    let file = File {
        root,
        keys: Keys::new("process-compose", KEYS, log, notes),
        values,
        notes,
        names: names.collect(),
        awaited: Awaited::of(values, entries),
        expands: !flag("disable_env_expansion"),
        has_dotenv: !flag("is_dotenv_disabled") && place.dir.join(ENV_FILE).is_file(),
    };
    file.keys.answer(root, "", root.span);
    place.say_overrides(log, &["process-compose.override"], notes);
    Some(file.document(entries))
}

impl File<'_> {
    fn document(&self, entries: &[Entry]) -> Rc<Node> {
        let root = self.root;
        let mut document = Map::new(root.span);
        if let Some(entry) = at(root, &["name"]) {
            document.put("name", entry.key_span, self.template(entry));
        }
        if self.has_dotenv {
            document.put("vars_file", root.span, text(root.span, ENV_FILE));
        }
        document.put_map("defaults", root.span, self.defaults());
        let mut apps = Map::new(root.span);
        for entry in entries {
            let Some(node) = EXTENDS.of(self.root, self.values, entry) else { continue };
            let name = self.name(&entry.key);
            let whole = whole(entry);
            if name != *entry.key {
                let text = format!("process-compose calls it {}", quoted(&entry.key));
                self.notes.say(whole, text);
            }
            let is_job = self.is_job(&entry.key, &node);
            let process = Process { file: self, key: &entry.key, node, whole, is_job };
            let body = process.app();
            self.keys.answer(&process.node, "processes.*", whole);
            apps.put(&name, entry.key_span, body);
        }
        document.put("apps", root.span, apps.node());
        document.node()
    }

    /// What holds for all apps: process-compose hands its whole environment on.
    fn defaults(&self) -> Map {
        let span = self.root.span;
        let mut defaults = Map::new(span);
        defaults.put("inherit_env", span, text(span, "*"));
        if self.has_dotenv {
            defaults.put("env_file", span, text(span, ENV_FILE));
        }
        let mut env = Map::new(span);
        if let Some(entry) = self.root.entry("environment") {
            for variable in variables(self.values, entry) {
                env.put(variable.name, variable.at, self.variable(&variable, entry.key_span));
            }
        }
        defaults.put_map("env", span, env);
        defaults
    }

    fn name(&self, key: &str) -> String {
        self.names.get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    /// Whether a process runs to its end.
    fn is_job(&self, key: &str, node: &Node) -> bool {
        let restart = at(node, &["availability", "restart"]);
        let always = restart.and_then(|entry| scalar(&entry.value)) == Some("always");
        let is_due = ["cron", "interval"].iter().any(|key| at(node, &["schedule", key]).is_some());
        is_due || (self.awaited.to_end(key) && !always)
    }
}
