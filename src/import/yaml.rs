//! Values of other programs' YAML files: texts, lists, numbers, and what is wrong with them.

use std::rc::Rc;

use super::tree::scalar;
use crate::config::{
    Span,
    written_tree::{Core, Entry, Kind, Log, Node, Problem, core, quoted},
};

/// Reads values, and says which are of the wrong kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    pub(super) log: &'a Log,
}

impl Values<'_> {
    /// A value alone; `None` if there is none. Numbers and booleans keep their text.
    pub(super) fn text(self, entry: &Entry) -> Option<&str> {
        if entry.value.is_null() {
            return None;
        }
        let text = scalar(&entry.value);
        if text.is_none() {
            self.wrong(entry, "one value");
        }
        text
    }

    /// A list of texts, or one alone.
    pub(super) fn texts(self, entry: &Entry) -> Vec<(&str, Span)> {
        let items = match &entry.value.kind {
            Kind::Scalar(_) if entry.value.is_null() => return Vec::new(),
            Kind::Scalar(scalar) => return vec![(scalar.text.as_str(), entry.value.span)],
            Kind::List(items) => items,
            Kind::Map(_) => {
                self.wrong(entry, "a text or a list of texts");
                return Vec::new();
            }
        };
        let found = items.iter().filter_map(|item| {
            let text = scalar(item);
            if text.is_none() {
                let message = format!("`{}` is a list of texts", entry.key);
                let label = format!("this is {}", item.noun());
                self.log.push(Problem::new("type", message, item.span, label));
            }
            Some((text?, item.span))
        });
        found.collect()
    }

    /// A mapping; `None` if it is nothing.
    pub(super) fn map(self, entry: &Entry) -> Option<&[Entry]> {
        if entry.value.is_null() {
            return None;
        }
        let entries = entry.value.entries();
        if entries.is_none() {
            self.wrong(entry, "a mapping");
        }
        entries
    }

    /// A boolean.
    pub(super) fn flag(self, entry: &Entry) -> Option<bool> {
        let text = self.text(entry)?;
        match core(text) {
            Core::Bool(value) => Some(value),
            Core::Null | Core::Int(_) | Core::UInt(_) | Core::Float(_) | Core::Text => {
                self.wrong(entry, "`true` or `false`");
                None
            }
        }
    }

    /// A whole number, not less than 0.
    pub(super) fn number(self, entry: &Entry) -> Option<u64> {
        let text = self.text(entry)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.wrong(entry, "a whole number");
        }
        number
    }

    /// What is under `key` of the file; `None` if there is nothing, which is said.
    pub(super) fn section<'n>(self, root: &'n Node, key: &str, help: &str) -> Option<&'n [Entry]> {
        let found = root.entry(key);
        let entries = found.and_then(|entry| self.map(entry)).unwrap_or_default();
        if entries.is_empty() {
            let span = found.map_or(root.span, |entry| entry.key_span);
            let message = format!("the file has no {key}");
            self.log.push(Problem::new("no_apps", message, span, "nothing here").help(help));
            return None;
        }
        Some(entries)
    }

    /// Says what is wrong with a value.
    pub(super) fn odd(self, entry: &Entry, message: &str, label: &str) {
        self.log.push(Problem::new("value", message, entry.value.span, label));
    }

    /// Says that a value is not what it has to be.
    pub(super) fn wrong(self, entry: &Entry, wanted: &str) {
        let shown = match &entry.value.kind {
            Kind::Scalar(scalar) if !entry.value.is_null() => quoted(&scalar.text),
            Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => entry.value.noun().to_owned(),
        };
        let message = format!("`{}` has to be {wanted}, not {shown}", entry.key);
        let label = format!("expected {wanted}");
        self.log.push(Problem::new("type", message, entry.value.span, label));
    }
}

/// Where an app stands: from its name to the end of its value, unless an anchor is what it is.
pub(super) fn whole(entry: &Entry) -> Span {
    let (name, value) = (entry.key_span, entry.value.span);
    if value.start < name.end { name } else { Span::new(name.start, name.end.max(value.end)) }
}

/// The value below several keys.
pub(super) fn at<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Entry> {
    let (last, parents) = path.split_last()?;
    let mut node = node;
    for key in parents {
        node = &node.entry(key)?.value;
    }
    node.entry(last).filter(|entry| !entry.value.is_null())
}

/// A mapping over another one: mappings are merged, lists joined, other values replaced.
pub(super) fn merged(
    below: &Rc<Node>,
    above: &Rc<Node>,
    is_replaced: fn(&str) -> bool,
) -> Rc<Node> {
    match (&below.kind, &above.kind) {
        (Kind::Map(old), Kind::Map(new)) => {
            let kept = old.iter().filter(|entry| above.entry(&entry.key).is_none());
            let mut entries: Vec<Entry> = kept.cloned().collect();
            for entry in new {
                let value = match below.entry(&entry.key).filter(|_| !is_replaced(&entry.key)) {
                    Some(old) => merged(&old.value, &entry.value, is_replaced),
                    None => Rc::clone(&entry.value),
                };
                entries.push(Entry { value, ..entry.clone() });
            }
            Node::map(above.span, entries)
        }
        (Kind::List(old), Kind::List(new)) => {
            Node::list(above.span, old.iter().chain(new).cloned().collect())
        }
        (Kind::Map(_) | Kind::List(_) | Kind::Scalar(_), _) => Rc::clone(above),
    }
}

/// Milliseconds of a duration as Go writes it: `1m30s`, `500ms`, `1.5h`.
pub(super) fn go_duration(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 5] =
        [("us", 1), ("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000)];
    /// A hundred years.
    const LONGEST: u64 = 100 * 365 * 86_400_000;
    let mut micros = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        micros = micros.checked_add(times(number, *factor)?)?;
        rest = tail;
    }
    let millis = micros / 1000;
    (!text.is_empty() && millis <= LONGEST).then_some(millis)
}

/// A decimal number so many times, without what is behind the last one.
fn times(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut total = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    let mut part = factor;
    for digit in fraction.chars() {
        part /= 10;
        total = total.checked_add(part.checked_mul(u64::from(digit.to_digit(10)?))?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::go_duration;

    #[test]
    fn durations_of_go_are_read() {
        for (text, millis) in
            [("1m30s", 90_000), ("500ms", 500), ("1.5h", 5_400_000), ("0s", 0), ("300us", 0)]
        {
            assert_eq!(go_duration(text), Some(millis), "{text}");
        }
        for text in ["", "5", "s", "1x", "1m 2s", "-3s", "9999999999999h"] {
            assert_eq!(go_duration(text), None, "{text}");
        }
    }
}
