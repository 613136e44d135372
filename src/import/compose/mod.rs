//! Docker Compose files: which services run without their containers, and what all have in common.

mod command;
mod dockerfile;
mod image;
mod keys;
mod network;
mod order;
mod paths;
mod resources;
mod restart;
mod service;
mod texts;

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashSet},
    rc::Rc,
};

pub(super) use keys::KEYS;

use self::{dockerfile::Recipe, image::Fate, paths::Paths};
use super::{
    extended::Extends,
    keys::{Keys, Names},
    reading::{Notes, Place},
    tree::{Map, plain, scalar, text},
    yaml::{Values, at, whole},
};
use crate::config::{
    Span,
    written_tree::{Entry, Kind, Log, Node, Problem},
};

/// What docker compose takes values for `${…}` from by itself.
const ENV_FILE: &str = ".env";

/// What one file is read with.
struct File<'a> {
    root: &'a Rc<Node>,
    keys: Keys<'a>,
    values: Values<'a>,
    notes: &'a Notes,
    place: Place<'a>,
    services: Vec<Service>,
    /// Names that have to have a value here.
    needed: RefCell<BTreeSet<String>>,
}

/// One service of the file.
struct Service {
    key: Rc<str>,
    /// How it is called here.
    name: String,
    key_span: Span,
    /// What it is, with what it extends.
    node: Rc<Node>,
    /// Where the app stands.
    whole: Span,
    fate: Fate,
    /// What its Dockerfile says.
    recipe: Option<Recipe>,
    /// Others wait for its end.
    is_job: bool,
}

/// A service that becomes an app.
struct App<'a> {
    file: &'a File<'a>,
    service: &'a Service,
    paths: Paths,
}

/// The tree of our format for a compose file's; `None` if there is none, which was said.
pub(super) fn document(
    root: &Rc<Node>,
    log: &Log,
    place: Place<'_>,
    notes: &Notes,
) -> Option<Rc<Node>> {
    let values = Values { log };
    let services = root.entry("services");
    let help = "as in `services: { web: { command: node server.js } }`";
    let entries = values.section(root, "services", help)?;
    let found = found(root, values, entries, place);
    let is_any = found.iter().any(|service| matches!(service.fate, Fate::Runs));
    let file = File {
        root,
        keys: Keys::new("docker compose", KEYS, log, notes),
        values,
        notes,
        place,
        services: found,
        needed: RefCell::default(),
    };
    if !is_any {
        file.nothing_runs(services.map_or(root.span, |entry| entry.key_span));
        return None;
    }
    file.keys.answer(root, "", root.span);
    place.say_overrides(log, &["compose.override", "docker-compose.override"], notes);
    Some(file.document())
}

/// The services of the file with what they extend.
fn found(root: &Node, values: Values<'_>, entries: &[Entry], place: Place<'_>) -> Vec<Service> {
    let mut names = Names::default();
    let nodes: Vec<(&Entry, Rc<Node>)> = entries
        .iter()
        .filter(|entry| !is_extension(entry))
        .filter_map(|entry| Some((entry, EXTENDS.of(root, values, entry)?)))
        .collect();
    let ended: HashSet<String> =
        nodes.iter().flat_map(|(_, node)| order::waited_to_end(node)).collect();
    let built: HashSet<&str> = nodes
        .iter()
        .filter(|(_, node)| at(node, &["build"]).is_some())
        .filter_map(|(_, node)| scalar(&at(node, &["image"])?.value))
        .collect();
    let service = |(entry, node): &(&Entry, Rc<Node>)| {
        let recipe = at(node, &["build"]).and_then(|build| Recipe::of(&build.value, place.dir));
        Service {
            key: Rc::clone(&entry.key),
            name: names.add(&entry.key),
            key_span: entry.key_span,
            node: Rc::clone(node),
            whole: whole(entry),
            fate: Fate::of(node, &built, recipe.as_ref()),
            recipe,
            is_job: ended.contains(&*entry.key) && !restart::is_always(node),
        }
    };
    nodes.iter().map(service).collect()
}

/// `extends` of a service: its name, or a mapping. What another file has is left there.
const EXTENDS: Extends = Extends {
    section: "services",
    what: "service",
    named: |value| {
        if at(value, &["file"]).is_some() {
            return None;
        }
        let named = scalar(value).or_else(|| scalar(&at(value, &["service"])?.value));
        Some(named.unwrap_or_default())
    },
    replaces: |key| matches!(key, "command" | "entrypoint" | "healthcheck" | "test" | "depends_on"),
};

impl File<'_> {
    fn document(&self) -> Rc<Node> {
        let root = self.root;
        let mut document = Map::new(root.span);
        if let Some(entry) = at(root, &["name"]) {
            document.put("name", entry.key_span, self.template(entry, root.span));
        }
        if self.place.dir.join(ENV_FILE).is_file() {
            document.put("vars_file", root.span, text(root.span, ENV_FILE));
        }
        let mut apps = Map::new(root.span);
        let mut profiles: Vec<(String, Span, Map)> = Vec::new();
        for service in &self.services {
            match &service.fate {
                Fate::Runs => {
                    let app = App::new(self, service);
                    apps.put(&service.name, service.key_span, app.body());
                    self.keys.answer(&service.node, "services.*", service.whole);
                    app.profiles(&mut profiles);
                }
                Fate::Image(_) | Fate::NoCommand => self.left_out(service),
            }
        }
        document.put("apps", root.span, apps.node());
        document.put_profiles(root.span, profiles);
        self.say_needed();
        document.node()
    }

    /// Nothing of the file can be an app: what would have to be there.
    fn nothing_runs(&self, span: Span) {
        let message = "no service of this file has a `command` that runs without its image";
        let problem = Problem::new("no_apps", message, span, "none of these becomes an app");
        self.values.log.push(problem.help(
            "a service becomes an app if it has a `command` and is built from sources or runs \
             the image of a language",
        ));
    }

    /// The service that another one of the same file names.
    fn service(&self, key: &str) -> Option<&Service> {
        self.services.iter().find(|service| &*service.key == key)
    }

    /// What docker compose takes for empty has to be there.
    fn say_needed(&self) {
        let needed = self.needed.borrow();
        if !needed.is_empty() {
            let names: Vec<_> = needed.iter().map(|name| format!("`${{{name}}}`")).collect();
            let text = format!(
                "{} has to have a value here, where docker compose takes an empty one: write \
                 `${{NAME:-}}` for that",
                names.join(", ")
            );
            self.notes.say(self.root.span, text);
        }
    }
}

impl App<'_> {
    /// A service of a profile is off without it.
    fn profiles(&self, profiles: &mut Vec<(String, Span, Map)>) {
        let Some(entry) = self.entry(&["profiles"]) else { return };
        let found = self.file.values.texts(entry);
        let Some((first, _)) = found.first() else { return };
        let mut names = Names::default();
        let first = names.add(first);
        let off = format!("it is off without its profile: `eco apply --profile {first}`");
        self.say(entry, format!("{off}; one profile at a time"));
        for (name, span) in found {
            let name = names.add(name);
            let index = profiles.iter().position(|(known, ..)| *known == name);
            let index = index.unwrap_or_else(|| {
                profiles.push((name, span, Map::new(span)));
                profiles.len() - 1
            });
            let mut body = Map::new(span);
            body.put("instances", span, self.count().unwrap_or_else(|| plain(span, &1)));
            if let Some((.., apps)) = profiles.get_mut(index) {
                apps.put(&self.service.name, span, body.node());
            }
        }
    }
}

/// Whether an entry is no service, but a place for anchors.
fn is_extension(entry: &Entry) -> bool {
    let is_service = ["image", "build", "command", "extends"];
    let is_service = is_service.iter().any(|key| entry.value.entry(key).is_some());
    entry.key.starts_with("x-") && !is_service
}

/// Whether a list or a mapping has anything in it.
fn is_empty(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.text.is_empty() || node.is_null(),
        Kind::List(items) => items.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
    }
}
