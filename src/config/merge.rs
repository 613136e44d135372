//! Merging on the tree: short forms are expanded, the profile laid over the document, then the
//! defaults under each app. Mappings merge, lists and single values replace, `null` removes.

use std::{collections::HashMap, rc::Rc};

use super::{
    resolve::NOT_FOR_JOBS,
    tree::{Entry, Kind, Node},
};

/// Where in the document a mapping stands: what its keys mean for merging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Root,
    Apps,
    App,
    /// Here `null` is a value: it takes a variable away, also an inherited one.
    Env,
    /// Its probes exclude each other: another one replaces.
    Ready,
    Other,
}

/// The keys of `ready` and `live` of which one is written.
const PROBES: [&str; 7] = ["http", "tcp", "exec", "log", "notify", "message", "delay"];

impl Level {
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Root, "apps") => Self::Apps,
            (Self::Root, "defaults") | (Self::Apps, _) => Self::App,
            (Self::App, "env") => Self::Env,
            (Self::App, "ready" | "live") => Self::Ready,
            (Self::Root | Self::App | Self::Env | Self::Ready | Self::Other, _) => Self::Other,
        }
    }
}

/// Replaces short forms by what they stand for, wherever apps are described.
pub(super) fn expand(document: &Rc<Node>) -> Rc<Node> {
    map_entries(document, |entry| match &*entry.key {
        "profiles" => map_entries(&entry.value, |profile| expand_body(&profile.value)),
        _ => expand_entry(entry),
    })
}

fn expand_body(body: &Rc<Node>) -> Rc<Node> {
    map_entries(body, expand_entry)
}

fn expand_entry(entry: &Entry) -> Rc<Node> {
    match &*entry.key {
        "apps" => map_entries(&entry.value, |app| expand_app(&app.value)),
        "defaults" => expand_app(&entry.value),
        // A URL alone is a webhook.
        "notify" => map_entries(&entry.value, |receiver| match receiver.value.kind {
            Kind::Scalar(_) if !receiver.value.is_null() => implied("webhook", &receiver.value),
            Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => Rc::clone(&receiver.value),
        }),
        _ => Rc::clone(&entry.value),
    }
}

fn expand_app(app: &Rc<Node>) -> Rc<Node> {
    map_entries(app, |entry| {
        let value = &entry.value;
        match (&*entry.key, &value.kind) {
            _ if value.is_null() => Rc::clone(value),
            ("restart", Kind::Scalar(_)) => implied("policy", value),
            ("watch", Kind::Scalar(_) | Kind::List(_)) => implied("paths", value),
            ("listen", Kind::Scalar(_) | Kind::List(_)) => implied("port", value),
            ("depends_on", _) => expand_dependencies(value),
            ("alerts", _) => expand_alerts(value),
            ("ready" | "live", Kind::Map(_)) => map_entries(value, expand_probe),
            _ => Rc::clone(value),
        }
    })
}

/// Each alert that is words only is a mapping of what it is about.
fn expand_alerts(value: &Rc<Node>) -> Rc<Node> {
    let expanded = |item: &Rc<Node>| match item.kind {
        Kind::Scalar(_) if !item.is_null() => implied("when", item),
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => Rc::clone(item),
    };
    match &value.kind {
        Kind::List(items) => Node::list(value.span, items.iter().map(expanded).collect()),
        Kind::Scalar(_) | Kind::Map(_) => expanded(value),
    }
}

/// A name or a list of names is a mapping of names, a word in it what is waited for.
fn expand_dependencies(value: &Rc<Node>) -> Rc<Node> {
    let names = match &value.kind {
        Kind::Map(_) => {
            return map_entries(value, |entry| match entry.value.kind {
                Kind::Scalar(_) if !entry.value.is_null() => implied("is", &entry.value),
                Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => Rc::clone(&entry.value),
            });
        }
        Kind::Scalar(_) => std::slice::from_ref(value),
        Kind::List(items) => items.as_slice(),
    };
    let mut entries: Vec<Entry> = Vec::new();
    for name in names {
        // What is no name is left to whoever reads it.
        let Kind::Scalar(scalar) = &name.kind else { return Rc::clone(value) };
        let key: Rc<str> = scalar.text.as_str().into();
        if entries.iter().all(|entry| *entry.key != *key) {
            let value = Node::map(name.span, Vec::new());
            entries.push(Entry { key, key_span: name.span, value, implied: true });
        }
    }
    Node::map(value.span, entries)
}

fn expand_probe(entry: &Entry) -> Rc<Node> {
    match (&*entry.key, &entry.value.kind) {
        ("http", Kind::Scalar(_)) if !entry.value.is_null() => implied("path", &entry.value),
        _ => Rc::clone(&entry.value),
    }
}

fn implied(key: &str, value: &Rc<Node>) -> Rc<Node> {
    let key_span = value.span;
    let entry = Entry { key: key.into(), key_span, value: Rc::clone(value), implied: true };
    Node::map(value.span, vec![entry])
}

/// The mapping with other values; itself if it is none or nothing changes.
pub(super) fn map_entries(node: &Rc<Node>, change: impl Fn(&Entry) -> Rc<Node>) -> Rc<Node> {
    let Some(entries) = node.entries() else { return Rc::clone(node) };
    let values: Vec<Rc<Node>> = entries.iter().map(&change).collect();
    if values.iter().zip(entries).all(|(new, old)| Rc::ptr_eq(new, &old.value)) {
        return Rc::clone(node);
    }
    let with = |(entry, value): (&Entry, Rc<Node>)| Entry { value, ..entry.clone() };
    Node::map(node.span, entries.iter().zip(values).map(with).collect())
}

/// The document with the profile over it and the defaults under each app. Both are left out.
pub(super) fn merged(document: &Rc<Node>, profile: Option<&Rc<Node>>) -> Rc<Node> {
    let body = without(document, &["profiles"]);
    let body = match profile {
        Some(profile) if !profile.is_null() => over(&body, profile, Level::Root),
        _ => body,
    };
    let defaults = body.entry("defaults").map(|entry| Rc::clone(&entry.value));
    let body = without(&body, &["defaults"]);
    let Some(defaults) = defaults.filter(|defaults| defaults.entries().is_some()) else {
        return body;
    };
    map_entries(&body, |entry| match &*entry.key {
        "apps" => map_entries(&entry.value, |app| {
            // An app with nothing in it still gets the defaults.
            if app.value.is_null() {
                Rc::clone(&defaults)
            } else if is_job(&app.value) || (is_job(&defaults) && !says_kind(&app.value)) {
                over(&without(&defaults, &NOT_FOR_JOBS), &app.value, Level::App)
            } else {
                over(&defaults, &app.value, Level::App)
            }
        }),
        _ => Rc::clone(&entry.value),
    })
}

fn says_kind(app: &Node) -> bool {
    app.entry("kind").is_some()
}

fn is_job(app: &Node) -> bool {
    app.entry("kind").is_some_and(|entry| match &entry.value.kind {
        Kind::Scalar(scalar) => scalar.text == "job",
        Kind::List(_) | Kind::Map(_) => false,
    })
}

fn without(node: &Rc<Node>, keys: &[&str]) -> Rc<Node> {
    let Some(entries) = node.entries() else { return Rc::clone(node) };
    let kept = entries.iter().filter(|entry| !keys.contains(&&*entry.key));
    Node::map(node.span, kept.cloned().collect())
}

/// `top` laid over `base`.
fn over(base: &Rc<Node>, top: &Rc<Node>, level: Level) -> Rc<Node> {
    let (Some(below), Some(above)) = (base.entries(), top.entries()) else {
        return Rc::clone(top);
    };
    let replaced = |entry: &&Entry| level == Level::Ready && is_replaced_probe(entry, above);
    let mut out: Vec<Option<Entry>> =
        below.iter().map(|entry| Some(entry).filter(|entry| !replaced(entry)).cloned()).collect();
    let places: HashMap<&str, usize> =
        below.iter().enumerate().map(|(index, entry)| (&*entry.key, index)).collect();
    for entry in above {
        let place = places.get(&*entry.key).copied();
        let removes = entry.value.is_null() && level != Level::Env;
        match place.and_then(|place| out.get_mut(place)) {
            Some(slot) if removes => *slot = None,
            Some(slot) => {
                if let Some(old) = slot.take() {
                    let value = over(&old.value, &entry.value, level.below(&entry.key));
                    *slot = Some(Entry { value, ..entry.clone() });
                }
            }
            None if removes => {}
            None => out.push(Some(entry.clone())),
        }
    }
    Node::map(top.span, out.into_iter().flatten().collect())
}

/// Whether `entry` is a probe, and `above` has another one instead.
fn is_replaced_probe(entry: &Entry, above: &[Entry]) -> bool {
    let is_probe = |entry: &Entry| PROBES.contains(&&*entry.key);
    is_probe(entry)
        && above.iter().any(|top| is_probe(top) && !top.value.is_null())
        && above.iter().all(|top| top.key != entry.key)
}
