//! The environment of an app: `env_file` below `env`, and what it gets of the caller's.

use std::collections::BTreeMap;

use super::{Context, INHERITED, listen::Listening, paths};
use crate::{
    config::{
        fault::{Problem, Span},
        field::{At, Field, Many},
        suggest::quoted,
        vars::{Filled, Place},
        written::{App, EnvValue as Written},
    },
    model::{EnvValue, Template},
};

/// Variables that eco sets itself, above `env`.
const OURS: [&str; 7] = [
    "ECO_PROJECT",
    "ECO_APP",
    "ECO_INSTANCE",
    "NODE_APP_INSTANCE",
    "NOTIFY_SOCKET",
    "ECO_NOTIFY_FD",
    "ECO_NODE",
];

/// What `${PORT}` is, escaped: `PORT` as the app's own environment has it, else the one port of
/// `listen`.
pub(super) fn port(env: &BTreeMap<String, EnvValue>, listening: &Listening) -> Option<String> {
    match env.get("PORT") {
        Some(EnvValue::Set(text)) => Some(text.as_escaped().to_owned()),
        Some(EnvValue::Unset | EnvValue::File { .. }) | None => {
            listening.single().map(|only| only.port.to_string())
        }
    }
}

/// `env_file` and `env`, merged.
pub(super) fn resolve(
    context: &Context<'_>,
    app: &App,
    listening: &Listening,
) -> BTreeMap<String, EnvValue> {
    let mut out = BTreeMap::new();
    if context.has_files() {
        for (file, at) in app.env_file.get().into_iter().flat_map(Many::items) {
            let values = context.env_file(&file.0, at.value, "env file");
            for (name, value) in values.iter().flat_map(|values| values.iter()) {
                out.insert(name.clone(), EnvValue::Set(Template::literal(value)));
            }
        }
    }
    let Some(env) = app.env.get() else { return out };
    // `PORT` first: the others may use it.
    if let Some(port) = env.get("PORT").and_then(|field| variable(context, "PORT", field, None)) {
        out.insert("PORT".to_owned(), port);
    }
    let port = port(&out, listening);
    for (name, field) in env.iter().filter(|(name, _)| *name != "PORT") {
        check_name(context, name, field);
        if let Some(value) = variable(context, name, field, port.as_deref()) {
            out.insert(name.clone(), value);
        }
    }
    out
}

fn check_name(context: &Context<'_>, name: &str, field: &Field<Written>) {
    let (Field::Null(at) | Field::Set(_, at) | Field::Bad(at)) = field else { return };
    if name.is_empty() || name.contains(['=', '\0']) || name.trim() != name {
        let message = format!("{} cannot be the name of a variable", quoted(name));
        let label = "a name is not empty and has no `=` and no blanks around it";
        context.push(Problem::new("env_name", message, at.key, label));
    }
    if OURS.contains(&name) {
        let message = format!("`{name}` is set by eco itself: this value never arrives");
        let problem = Problem::new("env_reserved", message, at.key, "has no effect");
        context.log.warn(problem.help("remove it, or give it another name"));
    }
}

fn variable(
    context: &Context<'_>,
    name: &str,
    field: &Field<Written>,
    port: Option<&str>,
) -> Option<EnvValue> {
    match field {
        Field::Null(_) => Some(EnvValue::Unset),
        Field::Set(Written::Text(text), at) => {
            let place = Place::Instance { port };
            let value = fill(context, text, at.value, place)?;
            warn_of_shell_variable(context, name, text, *at);
            Some(EnvValue::Set(Template::from_escaped(value)))
        }
        Field::Set(Written::File(secret), at) => match secret.file.get_at() {
            Some((file, at)) => secret_file(context, name, &file.0, at.value),
            None if secret.file.is_unset() && !context.is_misspelled(at.key, "file") => {
                let message = format!("`env.{name}` is a mapping without `file`");
                let problem = Problem::new("missing_key", message, at.value, "`file` is missing");
                context.push(problem.help("write `{ file: PATH }`, or text"));
                None
            }
            None => None,
        },
        Field::Absent | Field::Bad(_) => None,
    }
}

/// A filled text, escaped; `None` if it cannot be filled.
pub(super) fn fill(
    context: &Context<'_>,
    text: &str,
    span: Span,
    place: Place<'_>,
) -> Option<String> {
    match context.vars.fill(text, place) {
        Ok(Filled::Text(filled)) => Some(filled),
        Ok(Filled::Unknown) => None,
        Err(unfilled) => {
            context.unfilled(unfilled, span, text);
            None
        }
    }
}

/// `$NAME` looks as if it would be filled, and is not.
fn warn_of_shell_variable(context: &Context<'_>, name: &str, text: &str, at: At) {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
    let mut after_dollars = text.split('$').skip(1);
    while let Some(rest) = after_dollars.next() {
        if rest.is_empty() {
            // The first half of `$$`: the second is no variable either.
            after_dollars.next();
            continue;
        }
        if !rest.starts_with(is_start) {
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
        let message = format!("`${word}` in `env.{name}` stays as it is");
        let problem = Problem::new("env_dollar", message, at.value, "not filled");
        context.log.warn(
            problem.help(format!("write `${{{word}}}` to fill it, or `$${word}` for this text")),
        );
        return;
    }
}

fn secret_file(context: &Context<'_>, name: &str, written: &str, span: Span) -> Option<EnvValue> {
    let path = context.path(written);
    let key = context.secret_key?;
    context.note_input(&path);
    match context.read(&path) {
        Ok(bytes) => Some(EnvValue::File { digest: key.digest(&bytes), path }),
        Err(error) => {
            let what = format!("the file {} of `env.{name}`", quoted(written));
            context.push(paths::not_readable(&context.looked(&path), span, &what, &error));
            None
        }
    }
}

/// The patterns of `inherit_env`.
pub(super) fn patterns(context: &Context<'_>, app: &App) -> Vec<String> {
    let Some(written) = app.inherit_env.get() else {
        return INHERITED.map(str::to_owned).to_vec();
    };
    let mut out = Vec::new();
    for (pattern, at) in written.items() {
        let name = pattern.0.strip_suffix('*').unwrap_or(&pattern.0);
        if name.contains(['*', '=', '?', '[']) || pattern.0.is_empty() {
            let message = format!("{} is not the name of a variable", quoted(&pattern.0));
            let label = "expected a name, or the beginning of names and `*`";
            context.push(Problem::new("value", message, at.value, label));
        }
        out.push(pattern.0.clone());
    }
    out
}

/// The caller's variables that match the patterns.
pub(super) fn inherited(context: &Context<'_>, patterns: &[String]) -> BTreeMap<String, String> {
    let matches = |name: &str| {
        patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        })
    };
    let env = context.env.into_iter().flatten();
    let taken = env.filter(|(name, _)| matches(name));
    let taken = taken.inspect(|(name, value)| context.vars.note(name, value));
    taken.map(|(name, value)| (name.clone(), value.clone())).collect()
}
