//! The environment and command line of one instance, from its spec.

use std::{collections::BTreeMap, ffi::OsString, io, os::unix::ffi::OsStringExt as _};

use super::surroundings;
use crate::model::{AppSpec, Command, EnvValue, InstanceId, InstanceVars};

/// What is executed, and with which environment.
#[derive(Debug)]
pub(super) struct Program {
    /// The words of the command line.
    pub(super) argv: Vec<OsString>,
    /// Names and values, each name once.
    pub(super) env: Vec<(OsString, OsString)>,
}

/// What `${PORT}` is for the instances of an app. A port of its own was checked against `listen`
/// when the file was read.
pub(super) fn port(spec: &AppSpec) -> Option<String> {
    match spec.env.get("PORT") {
        Some(EnvValue::Set(port)) => Some(port.display()),
        Some(EnvValue::Unset | EnvValue::File { .. }) | None => shared_port(spec),
    }
}

/// Composes what runs `command` for an instance. Its environment is, low to high: inherited, the
/// port of `listen` when it has one, the file's, eco's own.
///
/// # Errors
/// A value that lies in a file cannot be read.
pub(super) fn compose(id: &InstanceId, spec: &AppSpec, command: &Command) -> io::Result<Program> {
    let shared = shared_port(spec);
    let port = port(spec);
    let vars = InstanceVars { id, port: port.as_deref() };
    let mut values: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for (name, value) in &spec.inherited {
        values.insert(name, value.clone().into_bytes());
    }
    if let Some(port) = shared {
        values.insert("PORT", port.into_bytes());
    }
    for (name, value) in &spec.env {
        match value {
            EnvValue::Set(template) => {
                values.insert(name, template.fill(&vars).into_bytes());
            }
            EnvValue::Unset => {
                values.remove(name.as_str());
            }
            EnvValue::File { path, .. } => {
                let mut bytes = std::fs::read(path)?;
                if bytes.last() == Some(&b'\n') {
                    bytes.pop();
                }
                values.insert(name, bytes);
            }
        }
    }
    let index = id.index.to_string();
    for (name, value) in [
        ("ECO_PROJECT", id.key.project.as_str()),
        ("ECO_APP", id.key.app.as_str()),
        ("ECO_INSTANCE", &index),
        ("NODE_APP_INSTANCE", &index),
    ] {
        values.insert(name, value.as_bytes().to_vec());
    }
    let env = values.into_iter().map(|(name, value)| (name.into(), OsString::from_vec(value)));
    let env = env.collect();
    let mut program = Program { argv: argv(command, &vars), env };
    surroundings::name_user(&mut program, spec);
    Ok(program)
}

/// The one port of `listen`.
fn shared_port(spec: &AppSpec) -> Option<String> {
    match spec.listen.as_ref()?.ports.as_slice() {
        [only] => Some(only.port.to_string()),
        _ => None,
    }
}

fn argv(command: &Command, vars: &InstanceVars<'_>) -> Vec<OsString> {
    match command {
        Command::Argv(words) => words.iter().map(|word| word.fill(vars).into()).collect(),
        Command::Shell(text) => vec!["/bin/sh".into(), "-c".into(), text.fill(vars).into()],
    }
}
