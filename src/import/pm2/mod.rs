//! PM2's ecosystem files: where their apps stand, and what each becomes.

mod app;
mod command;
mod env;
pub(super) mod fields;
mod given;
mod process;
mod restart;
mod script;
mod watch;

use std::{cell::RefCell, collections::HashSet, rc::Rc};

use self::fields::{Answer, Field, TOP};
use super::{
    reading::{Called, Notes, Place},
    tree::Map,
};
use crate::config::{
    Span,
    written_tree::{Entry, Kind, Log, Node, Problem, did_you_mean, quoted},
};

/// What one file is read with.
pub(super) struct Reading<'a> {
    pub(super) log: &'a Log,
    /// `None` if only the text is looked at.
    place: Option<Place<'a>>,
    /// Unknown keys are told, and are no faults.
    pub(super) lenient: bool,
    /// What was told already: once in a file is enough.
    said: RefCell<HashSet<&'static str>>,
    /// What was left out without loss, for those who read on in our format.
    pub(super) left: Notes,
}

/// An app of the file as it becomes one of ours.
struct App {
    name: String,
    name_span: Span,
    body: Rc<Node>,
    /// What each profile adds.
    profiles: Vec<(Rc<str>, Span, Rc<Node>)>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(log: &'a Log, place: Option<Place<'a>>, lenient: bool) -> Self {
        Self { log, place, lenient, said: RefCell::default(), left: Notes::default() }
    }

    /// The tree of our format for PM2's; `None` if there is nothing to make one of, which was said.
    pub(super) fn document(&self, root: &Rc<Node>) -> Option<Rc<Node>> {
        let (apps, span) = self.apps_of(root)?;
        if apps.is_empty() {
            self.no_apps(span, "nothing in it");
        }
        let made: Vec<App> = apps.iter().filter_map(|app| self.app(app)).collect();
        // Why there is none was said.
        if made.is_empty() {
            return None;
        }
        let mut map = Map::new(span);
        let mut profiles: Vec<(Rc<str>, Span, Map)> = Vec::new();
        let mut document = Map::new(root.span);
        let mut called = Called::default();
        for app in made {
            if let Some(problem) = called.take("apps", &app.name, app.name_span) {
                self.log.push(problem.help("give each app a name of its own"));
                continue;
            }
            for (profile, at, env) in &app.profiles {
                let index = profiles.iter().position(|(name, ..)| name == profile);
                let index = index.unwrap_or_else(|| {
                    profiles.push((Rc::clone(profile), *at, Map::new(*at)));
                    profiles.len() - 1
                });
                let mut body = Map::new(*at);
                body.put("env", *at, Rc::clone(env));
                if let Some((.., apps)) = profiles.get_mut(index) {
                    apps.put(&app.name, app.name_span, body.node());
                }
            }
            map.put(&app.name, app.name_span, app.body);
        }
        document.put("apps", span, map.node());
        document.put_profiles(root.span, profiles);
        Some(document.node())
    }

    /// The apps of the file, and where the list stands.
    fn apps_of(&self, root: &Rc<Node>) -> Option<(Vec<Rc<Node>>, Span)> {
        let entries = match &root.kind {
            Kind::List(items) => return Some((items.clone(), root.span)),
            Kind::Map(_) if is_app(root) => return Some((vec![Rc::clone(root)], root.span)),
            Kind::Map(entries) => entries,
            Kind::Scalar(_) => {
                let message = "this is no PM2 file: it is neither a list nor has it `apps`";
                self.log.push(Problem::new(
                    "foreign_file",
                    message,
                    root.span,
                    "this is one value",
                ));
                return None;
            }
        };
        let found = root.entry("apps").or_else(|| root.entry("pm2"));
        // Without `apps` it is a package.json, whose other keys are npm's.
        for entry in entries.iter().filter(|_| root.entry("apps").is_some()) {
            self.top(entry);
        }
        let Some(found) = found else {
            let at = entries.first().map_or(root.span, |entry| entry.key_span);
            self.no_apps(at, "there is no `apps`");
            return None;
        };
        match &found.value.kind {
            Kind::List(items) => Some((items.clone(), found.key_span)),
            // `pm2: { apps: […] }`
            Kind::Map(_) if found.value.entry("apps").is_some() => self.apps_of(&found.value),
            Kind::Map(_) if is_app(&found.value) => {
                Some((vec![Rc::clone(&found.value)], found.key_span))
            }
            Kind::Map(_) | Kind::Scalar(_) => {
                let message = "`apps` is a list in a PM2 file";
                let label = format!("this is {}", found.value.noun());
                let problem = Problem::new("type", message, found.value.span, label);
                self.log.push(problem.help(
                    "our own format, in which `apps` is a mapping, is written in YAML: \
                     `ecosystem.yaml`",
                ));
                None
            }
        }
    }

    fn no_apps(&self, at: Span, label: &str) {
        let problem = Problem::new("no_apps", "the file has no apps", at, label);
        self.log.push(problem.help("as in `{ apps: [{ name: 'web', script: 'server.js' }] }`"));
    }

    fn top(&self, entry: &Entry) {
        if let Some(field) = TOP.iter().find(|field| field.is(&entry.key)) {
            self.answer(field, entry);
            return;
        }
        let message = format!("the file has no key {}", quoted(&entry.key));
        let names: Vec<_> = TOP.iter().map(|field| field.name).collect();
        let below = fields::find(&entry.key).map(|field| {
            format!("`{}` belongs to an app: `apps: [{{ {}: … }}]`", entry.key, field.name)
        });
        let help = did_you_mean(&entry.key, names).or(below);
        self.unknown(Problem::new("unknown_key", message, entry.key_span, "unknown key"), help);
    }

    /// A key that PM2 drops silently.
    fn unknown(&self, problem: Problem, help: Option<String>) {
        let known = help.or_else(|| Some("PM2 drops it without a word; remove it".to_owned()));
        if self.lenient {
            self.log.warn(problem.maybe_help(known));
        } else {
            let known = known.map(|help| format!("{help} (`--lenient` goes on without it)"));
            self.log.push(problem.maybe_help(known));
        }
    }

    /// Tells what the table has to say about a key that is used.
    fn answer(&self, field: &'static Field, entry: &Entry) {
        match field.answer {
            Answer::Mapped(_) => {}
            Answer::Nothing(why) => {
                self.left.left_out(entry.key_span, &entry.key, why);
            }
            Answer::Differs(to, how) => {
                if self.said.borrow_mut().insert(how) {
                    let message = format!("`{}` is not quite `{to}` here: {how}", entry.key);
                    self.log.warn(Problem::new("differs", message, entry.key_span, "differs"));
                }
            }
            Answer::Refused(why) => {
                let message = format!("`{}` cannot be taken over", entry.key);
                let problem = Problem::new("refused", message, entry.key_span, "not in eco");
                self.log.push(problem.help(why));
            }
        }
    }
}

/// Whether a mapping is an app by itself.
pub(super) fn is_app(node: &Node) -> bool {
    node.entry("apps").is_none()
        && ["script", "exec", "cmd", "command"].iter().any(|key| {
            node.entry(key).is_some_and(|entry| matches!(entry.value.kind, Kind::Scalar(_)))
        })
}

/// Whether a tree is a PM2 file, where our own format is possible too.
pub(super) fn is_pm2(root: &Node) -> bool {
    let of_apps = |items: &[Rc<Node>]| {
        items.first().is_some_and(|item| {
            is_app(item) || item.entry("name").is_some_and(|_| item.entry("hosts").is_none())
        })
    };
    match &root.kind {
        Kind::List(items) => of_apps(items),
        Kind::Map(_) => {
            let list = |entry: &Entry| matches!(entry.value.kind, Kind::List(_));
            root.entry("apps").is_some_and(list)
                || (root.entry("apps").is_none() && (root.entry("pm2").is_some() || is_app(root)))
        }
        Kind::Scalar(_) => false,
    }
}
