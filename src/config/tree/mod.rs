//! The file as a tree of values that know their places. Anchors, aliases and `<<` are resolved;
//! scalars keep the text they were written with.

mod build;
mod core_schema;
mod syntax;

use std::rc::Rc;

use serde_json::Value;

use super::fault::Span;

pub(crate) use build::parse;
pub(crate) use core_schema::{Core, core};

/// A value of the file.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where it stands. For an alias: where it was anchored.
    pub(crate) span: Span,
    pub(crate) kind: Kind,
    /// How deep what is below it goes; guards every recursion over the tree.
    depth: usize,
    /// How many values it stands for with aliases expanded.
    weight: usize,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Rc<Node>>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Without quotes: may be a number, a boolean or nothing.
    pub(crate) plain: bool,
    /// A variable in it has no value, which was said: nothing is to be made of it.
    pub(crate) is_unfilled: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Rc<str>,
    pub(crate) key_span: Span,
    pub(crate) value: Rc<Node>,
    /// Made from a short form, as `restart: always`: the key is not in the file.
    pub(crate) implied: bool,
}

impl Node {
    pub(crate) fn scalar(span: Span, text: String, plain: bool) -> Rc<Self> {
        let scalar = Scalar { text, plain, is_unfilled: false };
        Rc::new(Self { span, kind: Kind::Scalar(scalar), depth: 0, weight: 1 })
    }

    /// A value whose variables could not be filled.
    pub(crate) fn unfilled(span: Span) -> Rc<Self> {
        let scalar = Scalar { text: String::new(), plain: false, is_unfilled: true };
        Rc::new(Self { span, kind: Kind::Scalar(scalar), depth: 0, weight: 1 })
    }

    pub(crate) fn list(span: Span, items: Vec<Rc<Self>>) -> Rc<Self> {
        let depth = items.iter().map(|item| item.depth + 1).max().unwrap_or(0);
        let weight = items.iter().fold(1, |sum: usize, item| sum.saturating_add(item.weight));
        Rc::new(Self { span, kind: Kind::List(items), depth, weight })
    }

    pub(crate) fn map(span: Span, entries: Vec<Entry>) -> Rc<Self> {
        let depth = entries.iter().map(|entry| entry.value.depth + 1).max().unwrap_or(0);
        let weight =
            entries.iter().fold(1, |sum: usize, entry| sum.saturating_add(entry.value.weight));
        Rc::new(Self { span, kind: Kind::Map(entries), depth, weight })
    }

    /// Nothing was written, or `null`.
    pub(crate) fn is_null(&self) -> bool {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.plain && matches!(core(&scalar.text), Core::Null),
            Kind::List(_) | Kind::Map(_) => false,
        }
    }

    /// The entries, if it is a mapping.
    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            Kind::Scalar(_) | Kind::List(_) => None,
        }
    }

    /// The entry of this key, if it is a mapping that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| &*entry.key == key)
    }

    /// What it is, for messages.
    pub(crate) fn noun(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(_) if self.is_null() => "nothing",
            Kind::Scalar(_) => "one value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// Plain data, as any YAML reader would give it.
    pub(crate) fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Scalar(scalar) if scalar.plain => match core(&scalar.text) {
                Core::Null => Value::Null,
                Core::Bool(value) => value.into(),
                Core::Int(value) => value.into(),
                Core::UInt(value) => value.into(),
                Core::Float(value) => value.into(),
                Core::Text => scalar.text.as_str().into(),
            },
            Kind::Scalar(scalar) => scalar.text.as_str().into(),
            Kind::List(items) => items.iter().map(|item| item.to_json()).collect(),
            Kind::Map(entries) => {
                entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_json())).collect()
            }
        }
    }
}
