//! `environment` of compose files: a mapping, or a list of `NAME=value`.

use std::rc::Rc;

use super::{
    interpolation::{Ours, Unset, ours},
    tree::{plain, scalar, template, text},
    yaml::Values,
};
use crate::config::{
    Span,
    written_tree::{Core, Entry, Kind, Node, Problem, core},
};

/// One variable as it is written.
#[derive(Clone, Debug)]
pub(super) struct Variable<'n> {
    pub(super) name: &'n str,
    /// `None` for one that is handed on from the caller.
    pub(super) value: Option<&'n str>,
    /// A number or a boolean, without quotes.
    is_plain: bool,
    /// Where the name stands.
    pub(super) at: Span,
    span: Span,
}

/// The variables in order; the last one of a name counts.
pub(super) fn variables<'n>(values: Values<'_>, entry: &'n Entry) -> Vec<Variable<'n>> {
    let found: Vec<Variable<'n>> = match &entry.value.kind {
        Kind::Scalar(_) if entry.value.is_null() => Vec::new(),
        Kind::Scalar(_) => {
            values.wrong(entry, "a mapping or a list of `NAME=value`");
            Vec::new()
        }
        Kind::Map(entries) => entries.iter().filter_map(|it| of_entry(values, it)).collect(),
        Kind::List(_) => values.texts(entry).into_iter().map(of_item).collect(),
    };
    let named: Vec<&Variable<'n>> =
        found.iter().filter(|variable| is_name(values, variable)).collect();
    let is_last =
        |index: usize, name: &str| named.iter().skip(index + 1).all(|later| later.name != name);
    let last = named.iter().enumerate().filter(|(index, it)| is_last(*index, it.name));
    last.map(|(_, variable)| (*variable).clone()).collect()
}

fn of_entry<'n>(values: Values<'_>, entry: &'n Entry) -> Option<Variable<'n>> {
    let value = match &entry.value.kind {
        _ if entry.value.is_null() => None,
        Kind::Scalar(scalar) => Some(scalar),
        Kind::List(_) | Kind::Map(_) => {
            values.wrong(entry, "one value");
            return None;
        }
    };
    let is_plain = value.is_some_and(|value| {
        value.plain && matches!(core(&value.text), Core::Int(_) | Core::UInt(_) | Core::Bool(_))
    });
    let value = value.map(|value| value.text.as_str());
    let (at, span) = (entry.key_span, entry.value.span);
    Some(Variable { name: &entry.key, value, is_plain, at, span })
}

fn of_item((text, span): (&str, Span)) -> Variable<'_> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let is_number = |value: &str| {
        value.len() < 10 && value.bytes().all(|it| it.is_ascii_digit()) && {
            matches!(core(value), Core::UInt(_))
        }
    };
    Variable { name, value, is_plain: value.is_some_and(is_number), at: span, span }
}

fn is_name(values: Values<'_>, variable: &Variable<'_>) -> bool {
    let name = variable.name;
    let is_good = !name.is_empty() && name.trim() == name && !name.contains(['\0', '=']);
    if !is_good {
        let message = "this variable has no name";
        let problem = Problem::new("env_name", message, variable.at, "expected `NAME=value`");
        values.log.push(problem);
    }
    is_good
}

impl Variable<'_> {
    /// Its value as ours, with what could not be said.
    pub(super) fn ours(&self, unset: Unset) -> (Rc<Node>, Ours) {
        match self.value {
            None => (template(self.span, format!("${{{}:-}}", self.name)), Ours::default()),
            Some(value) if self.is_plain => (plain(self.span, value), Ours::default()),
            Some(value) => {
                let ours = ours(value, unset);
                (template(self.span, ours.text.clone()), ours)
            }
        }
    }

    /// Its value, in which nothing is filled.
    pub(super) fn literal(&self) -> Rc<Node> {
        match self.value {
            Some(value) if self.is_plain => plain(self.span, value),
            Some(value) => text(self.span, value),
            None => template(self.span, format!("${{{}:-}}", self.name)),
        }
    }
}

/// What an entry says, for a reader that takes texts only.
pub(super) fn text_of(entry: Option<&Entry>) -> Option<&str> {
    entry.and_then(|entry| scalar(&entry.value))
}
