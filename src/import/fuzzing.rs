//! Reading texts as data, for the fuzz targets and the tests of their inputs.

use std::{path::Path, rc::Rc};

use serde_json::Value;

use super::{
    Native, Options,
    literal::{self, Stop},
    native::native_of_data,
};
use crate::config::{
    Faults, Source, Span,
    written_tree::{Kind, Log, Node, Text, check_tree},
};

/// A text that is data.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// What it says.
    pub value: Value,
    /// The place of every key and value in it.
    pub spans: Vec<Span>,
}

/// Reads one value in the syntax of JavaScript; `None` if something in it would have to be evaluated.
///
/// # Errors
/// What is wrong with it.
pub fn value(path: &Path, bytes: &[u8]) -> Result<Option<Data>, Faults> {
    data(path, bytes, literal::value)
}

/// Reads a module that exports one value.
///
/// # Errors
/// What is wrong with it.
pub fn module(path: &Path, bytes: &[u8]) -> Result<Option<Data>, Faults> {
    data(path, bytes, literal::module)
}

fn data(
    path: &Path,
    bytes: &[u8],
    read: fn(&Log) -> Result<Rc<Node>, Stop>,
) -> Result<Option<Data>, Faults> {
    let text = Text::new(path, bytes)?;
    let root = match read(&text.log) {
        Ok(root) => Some(root),
        Err(Stop::NotLiteral(_)) => None,
        Err(Stop::Wrong(problem)) => {
            text.log.push(*problem);
            None
        }
    };
    // Nothing more is looked for in it.
    check_tree(text, None)?;
    Ok(root.map(|root| {
        let mut spans = Vec::new();
        collect(&root, &mut spans);
        Data { value: root.to_json(), spans }
    }))
}

fn collect(node: &Node, spans: &mut Vec<Span>) {
    spans.push(node.span);
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => items.iter().for_each(|item| collect(item, spans)),
        Kind::Map(entries) => {
            for entry in entries {
                spans.push(entry.key_span);
                collect(&entry.value, spans);
            }
        }
    }
}

/// What a PM2 file with this text says in our format; `None` if it is our own, or a program.
///
/// # Errors
/// All its faults.
pub fn pm2(
    path: &Path,
    bytes: &[u8],
    source: &Source<'_>,
    options: Options,
) -> Result<Option<Native>, Faults> {
    native_of_data(Text::new(path, bytes)?, source, options)
}
