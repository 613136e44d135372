//! `env`, `env_NAME`, `port`, `instance_var` and `filter_env`.

use std::rc::Rc;

use super::{
    app::Source,
    fields,
    given::{at, flag_of},
};
use crate::config::{
    Span,
    written_tree::{Entry, INHERITED, Kind, Node, Problem},
};
use crate::import::tree::{Map, template, text};

/// PM2's apps get the whole environment of the caller, less what is filtered.
pub(super) fn inherited(source: &Source<'_>, app: &mut Map) {
    let given = &source.given;
    let Some(entry) = given.entry("filter_env") else {
        app.put("inherit_env", given.span, text(given.span, "*"));
        return;
    };
    let at = at(entry);
    match flag_of(&entry.value) {
        Some(true) => return,
        Some(false) => {
            app.put("inherit_env", at.key, text(at.value, "*"));
            return;
        }
        None => {}
    }
    let Some((filters, is_list, _)) = given.list("filter_env") else { return };
    let is_filtered = |name: &str| {
        filters
            .iter()
            .any(|(filter, _)| if is_list { name.contains(filter) } else { name == *filter })
    };
    let kept = INHERITED.iter().filter(|name| !is_filtered(name));
    let kept = kept.map(|name| text(at.value, name)).collect();
    app.put("inherit_env", at.key, Node::list(at.value, kept));
}

/// `env` with what else becomes a variable.
pub(super) fn of(source: &Source<'_>, app: &mut Map) {
    let given = &source.given;
    let entry = given.entry("env");
    let mut env = Map::new(entry.map_or(given.span, |entry| entry.value.span));
    let entries = entry.and_then(|entry| variables(source, entry)).unwrap_or_default();
    let port = given.text("port");
    let instance = given.text("instance_var").filter(|(name, _)| *name != "NODE_APP_INSTANCE");
    for entry in entries {
        let replaced = (port.is_some() && &*entry.key == "PORT")
            || instance.is_some_and(|(name, _)| name == &*entry.key);
        if !replaced {
            put(source, &mut env, entry);
        }
    }
    if let Some((port, at)) = port {
        env.put("PORT", at.key, text(at.value, port));
    }
    if let Some((name, at)) = instance {
        env.put(name, at.value, template(at.value, "${ECO_INSTANCE}"));
    }
    app.put_map("env", given.span, env);
}

/// What each `env_NAME` adds under `--profile NAME`.
pub(super) fn profiles(source: &Source<'_>) -> Vec<(Rc<str>, Span, Rc<Node>)> {
    let mut out = Vec::new();
    for (_, entry) in source.given.entries().filter(|(field, _)| field.name == fields::PROFILE) {
        debug_assert!(fields::is_profile(&entry.key));
        let Some(name) = entry.key.strip_prefix("env_") else { continue };
        let Some(entries) = variables(source, entry) else { continue };
        let mut env = Map::new(entry.value.span);
        for variable in entries {
            put(source, &mut env, variable);
        }
        out.push((name.into(), entry.key_span, env.node()));
    }
    out
}

fn variables<'a>(source: &Source<'_>, entry: &'a Entry) -> Option<&'a [Entry]> {
    let entries = entry.value.entries();
    if entries.is_none() {
        source.given.wrong(entry, "a mapping", "write `{ NODE_ENV: 'production' }`");
    }
    entries
}

fn put(source: &Source<'_>, env: &mut Map, entry: &Entry) {
    let span = entry.value.span;
    let value = match &entry.value.kind {
        Kind::Scalar(scalar) if scalar.plain => Rc::clone(&entry.value),
        Kind::Scalar(scalar) => {
            if scalar.text.contains("${") {
                let message = format!("`${{…}}` in `{}` is not filled in a PM2 file", entry.key);
                let problem = Problem::new("env_dollar", message, span, "stays as it is");
                source.reading.log.warn(problem.help(
                    "`process.env.NAME` in a JavaScript file is; so is `${NAME}` in an eco file",
                ));
            }
            text(span, &scalar.text)
        }
        // As PM2 does.
        Kind::List(_) | Kind::Map(_) => text(span, &entry.value.to_json().to_string()),
    };
    env.put(&entry.key, entry.key_span, value);
}
