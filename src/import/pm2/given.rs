//! The keys of one app as they were given, each as what it has to be.

use std::rc::Rc;

use super::{
    Reading,
    fields::{self, FIELDS, Field},
};
use crate::config::{
    Span,
    written_tree::{Core, Entry, Kind, Node, Problem, core, did_you_mean, quoted},
};
use crate::import::tree::scalar;

/// One app's keys, under the names of the table.
pub(super) struct Given<'a> {
    reading: &'a Reading<'a>,
    /// The app's mapping.
    pub(super) span: Span,
    known: Vec<(&'static Field, Entry)>,
}

/// A value with its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) key: Span,
    pub(super) value: Span,
}

/// Texts with their places, whether they were a list, and where that stands.
type List<'a> = (Vec<(&'a str, Span)>, bool, At);

impl<'a> Given<'a> {
    /// Sorts the keys of an app; says which are not known.
    pub(super) fn new(reading: &'a Reading<'a>, app: &Rc<Node>) -> Option<Self> {
        let Some(entries) = app.entries() else {
            let label = format!("this is {}", app.noun());
            let problem = Problem::new("type", "an app is a mapping", app.span, label);
            reading.log.push(problem.help("as in `{ name: 'web', script: 'server.js' }`"));
            return None;
        };
        let mut known: Vec<(&'static Field, Entry)> = Vec::new();
        for entry in entries {
            let Some(field) = fields::find(&entry.key) else {
                unknown(reading, entry);
                continue;
            };
            // As if it were not there, for PM2 too.
            if entry.value.is_null() {
                continue;
            }
            let twice = known.iter().position(|(other, _)| other.name == field.name);
            let Some(twice) = twice.filter(|_| field.name != fields::PROFILE) else {
                known.push((field, entry.clone()));
                continue;
            };
            let Some((_, first)) = known.get_mut(twice) else { continue };
            let (winner, loser) = if rank(field, &entry.key) < rank(field, &first.key) {
                (entry.clone(), first.clone())
            } else {
                (first.clone(), entry.clone())
            };
            let message = format!("`{}` and `{}` are the same key", winner.key, loser.key);
            let label = format!("not used: `{}` counts", winner.key);
            let problem = Problem::new("same_key", message, loser.key_span, label);
            reading.log.warn(problem.also(winner.key_span, "this one").help("keep one of them"));
            *first = winner;
        }
        Some(Self { reading, span: app.span, known })
    }

    /// The keys that are there, with what the table says of them.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'static Field, &Entry)> {
        self.known.iter().map(|(field, entry)| (*field, entry))
    }

    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.known.iter().find(|(field, _)| field.name == name).map(|(_, entry)| entry)
    }

    /// Where a key stands; the app itself if it is not there.
    pub(super) fn place(&self, name: &str) -> At {
        self.entry(name).map_or(At { key: self.span, value: self.span }, at)
    }

    /// A text; numbers and booleans keep theirs.
    pub(super) fn text(&self, name: &str) -> Option<(&str, At)> {
        let entry = self.entry(name)?;
        match &entry.value.kind {
            Kind::Scalar(scalar) => Some((scalar.text.as_str(), at(entry))),
            Kind::List(_) | Kind::Map(_) => {
                self.wrong(entry, "text", "write it as a text");
                None
            }
        }
    }

    /// A boolean; `default` if it is not there or is none, which is said.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        let Some(entry) = self.entry(name) else { return default };
        flag_of(&entry.value).unwrap_or_else(|| {
            self.wrong(entry, "`true` or `false`", "write `true` or `false`");
            default
        })
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Option<(u64, At)> {
        let entry = self.entry(name)?;
        let number = scalar(&entry.value).and_then(|text| text.parse().ok());
        if number.is_none() {
            self.wrong(entry, "a whole number", "write a whole number, not less than 0");
        }
        Some((number?, at(entry)))
    }

    /// Milliseconds; `with_units` takes `10s`, `5m` and `1h` too.
    pub(super) fn millis(&self, name: &str, with_units: bool) -> Option<(u64, At)> {
        let entry = self.entry(name)?;
        let text = scalar(&entry.value).unwrap_or_default();
        let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
        let with_unit = units.iter().find_map(|(unit, factor)| {
            let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
            number.checked_mul(*factor)
        });
        let number = text.parse::<u64>().ok();
        if let Some(found) = number.or(with_unit.filter(|_| with_units)) {
            return Some((found, at(entry)));
        }
        let help = match with_unit {
            Some(found) => format!("write `{found}`"),
            None => "write a whole number of milliseconds".to_owned(),
        };
        self.wrong(entry, "a number of milliseconds", &help);
        None
    }

    /// A list of texts, or one alone as it is.
    pub(super) fn list(&self, name: &str) -> Option<List<'_>> {
        let entry = self.entry(name)?;
        let items = match &entry.value.kind {
            Kind::Scalar(scalar) => {
                return Some((vec![(scalar.text.as_str(), entry.value.span)], false, at(entry)));
            }
            Kind::List(items) => items,
            Kind::Map(_) => {
                self.wrong(entry, "text or a list of texts", "write a text or a list of texts");
                return None;
            }
        };
        let mut out = Vec::new();
        for item in items {
            match &item.kind {
                Kind::Scalar(scalar) => out.push((scalar.text.as_str(), item.span)),
                Kind::List(_) | Kind::Map(_) => {
                    let message = format!("`{}` is a list of texts", entry.key);
                    let label = format!("this is {}", item.noun());
                    self.reading.log.push(Problem::new("type", message, item.span, label));
                }
            }
        }
        Some((out, true, at(entry)))
    }

    pub(super) fn wrong(&self, entry: &Entry, wanted: &str, help: &str) {
        let shown = match &entry.value.kind {
            Kind::Scalar(scalar) => quoted(&scalar.text),
            Kind::List(_) | Kind::Map(_) => entry.value.noun().to_owned(),
        };
        let message = format!("`{}` has to be {wanted}, not {shown}", entry.key);
        let problem = Problem::new("type", message, entry.value.span, format!("expected {wanted}"));
        self.reading.log.push(problem.help(help));
    }
}

pub(super) fn at(entry: &Entry) -> At {
    At { key: entry.key_span, value: entry.value.span }
}

/// The boolean a value is.
pub(super) fn flag_of(node: &Node) -> Option<bool> {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.plain => match core(&scalar.text) {
            Core::Bool(value) => Some(value),
            Core::Null | Core::Int(_) | Core::UInt(_) | Core::Float(_) | Core::Text => None,
        },
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => None,
    }
}

/// Names of one key: the first in the table counts.
fn rank(field: &Field, key: &str) -> usize {
    field.names().iter().position(|name| name == key).unwrap_or(usize::MAX)
}

/// Keys that people write though PM2 has nothing like them, and what there is in our format.
const WISHES: &[(&str, &str)] = &[
    ("env_file", "an eco file has `env_file`: `eco import` writes one to add it to"),
    ("health_check", "an eco file has `live` and `ready`: `eco import` writes one to add them to"),
    ("healthcheck", "an eco file has `live` and `ready`: `eco import` writes one to add them to"),
    ("depends_on", "an eco file has `depends_on`: `eco import` writes one to add it to"),
    ("max_log_file_size", "an eco file has `logs: { rotate: … }`, and rotates at 20 M by itself"),
    ("log_max_size", "an eco file has `logs: { rotate: … }`, and rotates at 20 M by itself"),
];

fn unknown(reading: &Reading<'_>, entry: &Entry) {
    let message = format!("PM2 has no key {} for an app", quoted(&entry.key));
    let names: Vec<_> = FIELDS.iter().flat_map(Field::names).collect();
    let wish = WISHES.iter().find(|(key, _)| *key == &*entry.key);
    let wish = wish.map(|(_, help)| format!("PM2 drops it without a word; {help}"));
    let near = did_you_mean(&entry.key, names.iter().map(AsRef::as_ref));
    let problem = Problem::new("unknown_key", message, entry.key_span, "unknown key");
    reading.unknown(problem, wish.or(near));
}
