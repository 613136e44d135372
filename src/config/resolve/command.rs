//! Commands: split into words, then filled, so that one value stays one word.

use super::{Context, env::fill};
use crate::{
    config::{
        command_words::{Part, Unsplittable, split},
        fault::{Problem, Span},
        field::{At, Field},
        fill::locate,
        scalar::Text,
        vars::Place,
        written::{Command as Written, Shell},
    },
    model::{Command, Template},
};

/// What a command is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Role<'a> {
    /// Its key in the file.
    pub(super) key: &'static str,
    /// What `${PORT}` is in it, escaped.
    pub(super) port: Option<&'a str>,
}

impl<'a> Role<'a> {
    fn place(self) -> Place<'a> {
        Place::Instance { port: self.port }
    }
}

/// The command for the spec; `None` if something is wrong with it, which was said.
pub(super) fn resolve(
    context: &Context<'_>,
    written: &Written,
    at: At,
    role: Role<'_>,
) -> Option<Command> {
    match written {
        Written::Line(text) => line(context, text, at.value, role),
        Written::Words(words) => argv(context, words, at.value, role),
        Written::Shell(shell) => script(context, shell, at, role),
    }
}

fn empty(context: &Context<'_>, span: Span, key: &str) {
    let message = format!("`{key}` is empty");
    let problem = Problem::new("empty_command", message, span, "there is no program");
    context.push(problem.help(format!("name the program to run, as in `{key}: node server.js`")));
}

fn line(context: &Context<'_>, text: &str, span: Span, role: Role<'_>) -> Option<Command> {
    let words = match split(text) {
        Ok(words) => words,
        Err(error) => {
            context.push(unsplittable(context, error, (text, span), role.key));
            return None;
        }
    };
    if words.is_empty() {
        empty(context, span, role.key);
        return None;
    }
    let mut argv = Vec::new();
    let mut is_complete = true;
    for word in words {
        let mut filled = String::new();
        for part in word {
            match part {
                Part::Text(plain) => filled.push_str(Template::literal(&plain).as_escaped()),
                Part::Reference(range) => {
                    match fill_reference(context, text, range, span, role.place()) {
                        Some(value) => filled.push_str(&value),
                        None => is_complete = false,
                    }
                }
            }
        }
        argv.push(Template::from_escaped(filled));
    }
    if is_complete { with_program(context, argv, span, role) } else { None }
}

fn fill_reference(
    context: &Context<'_>,
    text: &str,
    range: std::ops::Range<usize>,
    span: Span,
    place: Place<'_>,
) -> Option<String> {
    let reference = text.get(range.clone()).unwrap_or_default();
    match context.vars.fill(reference, place) {
        Ok(crate::config::vars::Filled::Text(value)) => Some(value),
        Ok(crate::config::vars::Filled::Unknown) => None,
        Err(mut unfilled) => {
            unfilled.range = unfilled.range.start + range.start..unfilled.range.end + range.start;
            context.unfilled(unfilled, span, text);
            None
        }
    }
}

fn unsplittable(
    context: &Context<'_>,
    error: Unsplittable,
    (text, span): (&str, Span),
    key: &str,
) -> Problem {
    let place = locate(&context.log.source.text, span, text, error.range.clone());
    let Some(instead) = error.without_shell else {
        return Problem::new("command_syntax", error.message, place, error.label);
    };
    let problem = Problem::new("needs_shell", error.message, place, error.label);
    let line = text.trim();
    let quoted = match line.split('\n').count() {
        1 if line.chars().count() <= 60 && !line.contains('\'') => format!("'{line}'"),
        _ => "…".to_owned(),
    };
    problem.help(format!("{instead}, or let a shell do it: `{key}: {{ shell: {quoted} }}`"))
}

fn argv(
    context: &Context<'_>,
    words: &[Field<Text>],
    span: Span,
    role: Role<'_>,
) -> Option<Command> {
    if words.is_empty() {
        empty(context, span, role.key);
        return None;
    }
    let mut argv = Vec::new();
    for word in words {
        if let Some((text, at)) = word.get_at() {
            argv.extend(fill(context, &text.0, at.value, role.place()).map(Template::from_escaped));
        }
    }
    if argv.len() == words.len() { with_program(context, argv, span, role) } else { None }
}

fn with_program(
    context: &Context<'_>,
    argv: Vec<Template>,
    span: Span,
    role: Role<'_>,
) -> Option<Command> {
    if argv.first().is_none_or(|program| program.as_escaped().is_empty()) {
        empty(context, span, role.key);
        return None;
    }
    Some(Command::Argv(argv))
}

fn script(context: &Context<'_>, shell: &Shell, at: At, role: Role<'_>) -> Option<Command> {
    let Some((text, at)) = shell.shell.get_at() else {
        if shell.shell.is_unset() && !context.is_misspelled(at.key, "shell") {
            let message = format!("`{}` is a mapping without `shell`", role.key);
            context.push(Problem::new("missing_key", message, at.value, "`shell` is missing"));
        }
        return None;
    };
    if text.0.trim().is_empty() {
        empty(context, at.value, role.key);
        return None;
    }
    let filled = fill(context, &text.0, at.value, role.place())?;
    Some(Command::Shell(Template::from_escaped(filled)))
}
