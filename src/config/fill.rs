//! Filling `${…}` in the tree, and finding a piece of a value's text in the file again.

use std::{ops::Range, rc::Rc};

use super::{
    fault::Span,
    log::Log,
    merge::map_entries,
    tree::{Entry, Kind, Node, Scalar},
    vars::{Filled, Place, Vars},
};

/// Fills every value of the merged document, but `command`, `env` and probes of apps, and commands of
/// receivers: those may hold variables of the instance, and commands are filled after splitting.
pub(super) fn document(root: &Rc<Node>, vars: &Vars<'_>, log: &Log) -> Rc<Node> {
    entries(root, |entry| match &*entry.key {
        // Names of apps and variables are free: there `x-` means nothing.
        "apps" => map_entries(&entry.value, |app| {
            entries(&app.value, |field| match &*field.key {
                "command" => Rc::clone(&field.value),
                "env" => map_entries(&field.value, |variable| match variable.value.kind {
                    Kind::Scalar(_) => Rc::clone(&variable.value),
                    Kind::List(_) | Kind::Map(_) => value(&variable.value, vars, log),
                }),
                "ready" | "live" => ready(&field.value, vars, log),
                _ => value(&field.value, vars, log),
            })
        }),
        "notify" => map_entries(&entry.value, |receiver| {
            entries(&receiver.value, |part| match &*part.key {
                "command" => Rc::clone(&part.value),
                _ => value(&part.value, vars, log),
            })
        }),
        _ => value(&entry.value, vars, log),
    })
}

/// Fills what is the same for all instances.
fn ready(node: &Rc<Node>, vars: &Vars<'_>, log: &Log) -> Rc<Node> {
    entries(node, |part| match &*part.key {
        "tcp" | "exec" => Rc::clone(&part.value),
        "http" => entries(&part.value, |detail| match &*detail.key {
            "path" | "port" | "socket" | "headers" => Rc::clone(&detail.value),
            _ => value(&detail.value, vars, log),
        }),
        _ => value(&part.value, vars, log),
    })
}

/// `map_entries`, but for what is only a place for anchors.
fn entries(node: &Rc<Node>, change: impl Fn(&Entry) -> Rc<Node>) -> Rc<Node> {
    map_entries(node, |entry| {
        if entry.key.starts_with("x-") && entry.value.entries().is_some() {
            Rc::clone(&entry.value)
        } else {
            change(entry)
        }
    })
}

/// Fills one value and all below it.
pub(super) fn value(node: &Rc<Node>, vars: &Vars<'_>, log: &Log) -> Rc<Node> {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.text.contains('$') => text(node, scalar, vars, log),
        Kind::Scalar(_) => Rc::clone(node),
        Kind::Map(_) => entries(node, |entry| value(&entry.value, vars, log)),
        Kind::List(items) => {
            let new: Vec<_> = items.iter().map(|item| value(item, vars, log)).collect();
            if new.iter().zip(items).all(|(new, old)| Rc::ptr_eq(new, old)) {
                return Rc::clone(node);
            }
            Node::list(node.span, new)
        }
    }
}

fn text(node: &Rc<Node>, scalar: &Scalar, vars: &Vars<'_>, log: &Log) -> Rc<Node> {
    match vars.fill(&scalar.text, Place::File) {
        // A filled value is text: a variable that is empty does not become `null`.
        Ok(Filled::Text(filled)) => Node::scalar(node.span, filled, false),
        Ok(Filled::Unknown) => Rc::clone(node),
        Err(unfilled) => {
            let place = |range| locate(&log.source.text, node.span, &scalar.text, range);
            log.push(unfilled.problem(place));
            Node::unfilled(node.span)
        }
    }
}

/// Where a range of a value's text stands in the file. Quotes, escapes and folded lines shift it,
/// so characters are counted: the n-th `$` of the text is the n-th of the source.
pub(super) fn locate(source: &str, span: Span, text: &str, range: Range<usize>) -> Span {
    let raw = source.get(span.start..span.end).unwrap_or_default();
    let wanted = text.get(range.clone()).unwrap_or_default();
    let exact = || {
        let mut occurrences = raw.match_indices(wanted);
        let (at, _) = occurrences.next()?;
        occurrences.next().is_none().then_some(at)
    };
    let counted = || {
        let first = wanted.chars().next()?;
        let before = text.get(..range.start)?.matches(first).count();
        let same = raw.matches(first).count() == text.matches(first).count();
        let at = raw.match_indices(first).nth(before).map(|(at, _)| at)?;
        (same && raw.get(at..)?.starts_with(wanted)).then_some(at)
    };
    if wanted.is_empty() {
        return span;
    }
    match exact().or_else(counted) {
        Some(at) => Span::new(span.start + at, span.start + at + wanted.len()),
        None => span,
    }
}
