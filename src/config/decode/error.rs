//! What is wrong with one value, in people's words.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use super::Place;
use crate::config::{
    fault::Problem,
    known,
    scalar::Complaint,
    suggest::{choices, quoted},
    tree::{Kind, Node},
};

/// Why a value cannot be read.
#[derive(Debug)]
pub(in crate::config) enum DecodeError {
    /// It is in the log already, or the value is not known yet.
    Said,
    /// To be put into the log by whoever knows the place.
    Complaint(&'static str, Complaint),
}

impl DecodeError {
    pub(super) fn not_a(wanted: &str, node: &Node) -> Self {
        let found = match &node.kind {
            Kind::Scalar(scalar) => quoted(&scalar.text),
            Kind::List(_) | Kind::Map(_) => node.noun().to_owned(),
        };
        Self::wrong_type(wanted, &found)
    }

    fn wrong_type(wanted: &str, found: &str) -> Self {
        let complaint = Complaint {
            message: format!("{wanted} is needed, not {found}"),
            label: match found {
                "a list" | "a mapping" => format!("this is {found}"),
                "nothing" => "nothing here".to_owned(),
                _ => format!("expected {wanted}"),
            },
            help: None,
        };
        Self::Complaint("type", complaint)
    }

    pub(super) fn not_a_word(
        name: &'static str,
        text: &str,
        words: &'static [&'static str],
    ) -> Self {
        let complaint = Complaint {
            message: format!("{} is not {}", quoted(text), known::noun(name)),
            label: format!("expected {}", choices(words)),
            help: known::meant_word(name, text, words),
        };
        Self::Complaint("value", complaint)
    }

    /// The problem to log, unless it was said.
    pub(super) fn into_problem(self, node: &Node, place: &Place<'_>) -> Option<Problem> {
        let Self::Complaint(code, complaint) = self else { return None };
        let span = if node.span.is_empty() { place.key_span } else { node.span };
        let path = place.path();
        let message = if path.is_empty() {
            complaint.message
        } else {
            format!("`{path}`: {}", complaint.message)
        };
        let example = match path.rsplit('.').next() {
            Some(name) if path == format!("apps.{name}") => {
                Some(format!("as in `{name}: {{ command: node server.js }}`"))
            }
            Some(key) => known::example(key).map(str::to_owned),
            None => None,
        };
        let problem = Problem::new(code, message, span, complaint.label).maybe_help(complaint.help);
        Some(if takes_example(code, node) { problem.maybe_help(example) } else { problem })
    }
}

/// Whether it helps to show how the mapping is written that should stand here.
fn takes_example(code: &str, node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar(_) => true,
        Kind::List(_) => code == "type",
        Kind::Map(_) => false,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "our deserializer hands out text, lists and mappings only"
)]
fn noun(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => quoted(text),
        Unexpected::Map => "a mapping".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Unit => "nothing".to_owned(),
        other => other.to_string(),
    }
}

impl Error for DecodeError {
    /// Our own types complain through here; see `Complaint`.
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Complaint("value", Complaint::from_text(&message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::wrong_type(&expected.to_string(), &noun(found))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said => f.write_str("already reported"),
            Self::Complaint(_, complaint) => f.write_str(&complaint.message),
        }
    }
}

impl std::error::Error for DecodeError {}
