//! Where `${…}` gets its values: the caller's environment, then the `vars_file`. Remembers what was
//! taken from the environment, for reading the file again later without it.

use std::{cell::RefCell, collections::BTreeMap};

use super::{
    fault::Problem,
    fault::Span,
    interpolate::{Malformed, Otherwise, Piece, Reference, pieces},
    suggest::{did_you_mean, quoted},
};
use crate::model::Template;

/// The values at hand.
#[derive(Debug)]
pub(super) struct Vars<'a> {
    /// `None` if values are not known at all: only the form is checked.
    env: Option<&'a BTreeMap<String, String>>,
    file: BTreeMap<String, String>,
    used: RefCell<BTreeMap<String, String>>,
}

/// A filled text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    Text(String),
    /// It has variables, and values are not known.
    Unknown,
}

/// What may stand in a text, and what the result is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// Plain text.
    File,
    /// A template: `${ECO_…}` stays, every other `$` is escaped. With the app's `PORT`, escaped.
    Instance { port: Option<&'a str> },
}

/// What is wrong, with a range of the text.
pub(super) struct Unfilled {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: Option<String>,
    pub(super) range: std::ops::Range<usize>,
}

impl Unfilled {
    pub(super) fn problem(self, place: impl Fn(std::ops::Range<usize>) -> Span) -> Problem {
        Problem::new(self.code, self.message, place(self.range), self.label).maybe_help(self.help)
    }
}

impl From<Malformed> for Unfilled {
    fn from(found: Malformed) -> Self {
        Self {
            code: "variable",
            message: found.message.to_owned(),
            label: "here".to_owned(),
            help: Some(found.help.to_owned()),
            range: found.range,
        }
    }
}

enum Lookup {
    Value(String),
    Missing,
    Unknown,
}

impl<'a> Vars<'a> {
    pub(super) fn new(env: Option<&'a BTreeMap<String, String>>) -> Self {
        Self { env, file: BTreeMap::new(), used: RefCell::default() }
    }

    /// Adds the values of the `vars_file`.
    pub(super) fn set_file(&mut self, values: BTreeMap<String, String>) {
        self.file = values;
    }

    /// Whether values are known.
    pub(super) fn are_known(&self) -> bool {
        self.env.is_some()
    }

    /// Notes a value that was taken from the environment for another purpose.
    pub(super) fn note(&self, name: &str, value: &str) {
        self.used.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    /// What was taken from the environment.
    pub(super) fn used(self) -> BTreeMap<String, String> {
        self.used.into_inner()
    }

    fn look_up(&self, name: &str) -> Lookup {
        let Some(env) = self.env else { return Lookup::Unknown };
        if let Some(value) = env.get(name) {
            self.note(name, value);
            return Lookup::Value(value.clone());
        }
        self.file.get(name).map_or(Lookup::Missing, |value| Lookup::Value(value.clone()))
    }

    /// Fills a text.
    pub(super) fn fill(&self, text: &str, place: Place<'_>) -> Result<Filled, Unfilled> {
        if !text.contains('$') {
            return Ok(Filled::Text(text.to_owned()));
        }
        let mut out = String::new();
        let is_known = self.fill_pieces(&pieces(text)?, place, &mut out)?;
        Ok(if is_known { Filled::Text(out) } else { Filled::Unknown })
    }

    /// Whether all values were known.
    fn fill_pieces(
        &self,
        pieces: &[Piece<'_>],
        place: Place<'_>,
        out: &mut String,
    ) -> Result<bool, Unfilled> {
        let mut is_known = true;
        for piece in pieces {
            match piece {
                Piece::Text(text) => push(out, text, place),
                Piece::Dollar => push(out, "$", place),
                Piece::Reference(reference) => is_known &= self.fill_one(reference, place, out)?,
            }
        }
        Ok(is_known)
    }

    fn fill_one(
        &self,
        reference: &Reference<'_>,
        place: Place<'_>,
        out: &mut String,
    ) -> Result<bool, Unfilled> {
        if reference.name.starts_with("ECO_") && Template::is_instance_variable(reference.name) {
            return match place {
                Place::Instance { .. } => {
                    out.push_str("${");
                    out.push_str(reference.name);
                    out.push('}');
                    Ok(true)
                }
                Place::File => Err(not_here(reference)),
            };
        }
        if let (Place::Instance { port: Some(port) }, "PORT") = (place, reference.name) {
            out.push_str(port);
            return Ok(true);
        }
        match self.look_up(reference.name) {
            Lookup::Unknown => {
                if let Otherwise::Default(default) = &reference.otherwise {
                    self.fill_pieces(default, place, &mut String::new())?;
                }
                Ok(false)
            }
            Lookup::Value(value) if !(value.is_empty() && reference.empty_is_unset) => {
                push(out, &value, place);
                Ok(true)
            }
            found @ (Lookup::Value(_) | Lookup::Missing) => match &reference.otherwise {
                Otherwise::Default(default) => self.fill_pieces(default, place, out),
                Otherwise::Fault | Otherwise::Message(_) => {
                    let is_empty = matches!(found, Lookup::Value(_));
                    Err(self.missing(reference, if is_empty { "is empty" } else { "is not set" }))
                }
            },
        }
    }

    fn missing(&self, reference: &Reference<'_>, state: &str) -> Unfilled {
        let name = reference.name;
        let message = match reference.otherwise {
            Otherwise::Message(text) if !text.is_empty() => {
                format!("the variable `{name}` {state}: {}", quoted(text).trim_matches('`'))
            }
            Otherwise::Message(_) | Otherwise::Fault | Otherwise::Default(_) => {
                format!("the variable `{name}` {state}")
            }
        };
        let known = self.env.into_iter().flatten().map(|(name, _)| name);
        let known = known.chain(self.file.keys()).map(String::as_str);
        let near = did_you_mean(name, known.filter(|known| *known != name));
        let advice = format!(
            "set it in the environment or the `vars_file`, or write `${{{name}:-default}}`"
        );
        Unfilled {
            code: "unset_variable",
            message,
            label: "no value for this".to_owned(),
            help: Some(near.map_or_else(|| advice.clone(), |near| format!("{near} Or {advice}"))),
            range: reference.range.clone(),
        }
    }
}

fn push(out: &mut String, text: &str, place: Place<'_>) {
    match place {
        Place::File => out.push_str(text),
        Place::Instance { .. } => out.push_str(Template::literal(text).as_escaped()),
    }
}

fn not_here(reference: &Reference<'_>) -> Unfilled {
    Unfilled {
        code: "variable",
        message: format!("`{}` differs between instances and cannot be used here", reference.name),
        label: "only in `command`, `env` and probes".to_owned(),
        help: None,
        range: reference.range.clone(),
    }
}
