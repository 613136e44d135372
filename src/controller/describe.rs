//! A resolved spec in words, field by field, for `eco describe`. Values of env are never shown.

use std::path::Path;

use crate::model::{App, AppSpec, Command, EnvValue, RestartPolicy, human_duration};

/// The fields of an app as the file would name them.
pub(super) fn fields(app: &App) -> Vec<(String, String)> {
    let spec = &app.spec;
    let mut fields = Vec::new();
    let mut add = |name: &str, value: String| fields.push((name.to_owned(), value));
    add("command", command(&spec.command));
    add("cwd", path(&spec.cwd));
    add("instances", spec.instances.to_string());
    for (name, value) in &spec.env {
        add(&format!("env.{name}"), env_value(value));
    }
    add("inherit_env", inherited(spec));
    restart(&spec.restart, &mut add);
    add("stop.signal", spec.stop.signal.to_string());
    add("stop.timeout", human_duration(spec.stop.timeout));
    add("stop.kill", format!("{:?}", spec.stop.kill).to_lowercase());
    add("rollout.min_ready", human_duration(spec.rollout.min_ready));
    if let Some(watch) = &spec.watch {
        let paths: Vec<_> = watch.paths.iter().map(|found| path(found)).collect();
        add("watch.paths", paths.join(", "));
        if !watch.ignore.is_empty() {
            add("watch.ignore", watch.ignore.join(", "));
        }
    }
    if !spec.artifacts.patterns.is_empty() {
        let count = spec.artifacts.files.len();
        add("artifacts", format!("{} ({count} files)", spec.artifacts.patterns.join(", ")));
    }
    if !spec.tags.is_empty() {
        let tags: Vec<_> = spec.tags.iter().map(String::as_str).collect();
        add("tags", tags.join(", "));
    }
    if let Some(dir) = &spec.logs.dir {
        add("logs.dir", path(dir));
    }
    fields
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn command(command: &Command) -> String {
    match command {
        Command::Argv(words) => {
            let words: Vec<_> = words.iter().map(crate::model::Template::display).collect();
            words.join(" ")
        }
        Command::Shell(text) => format!("/bin/sh -c {}", text.display()),
    }
}

fn env_value(value: &EnvValue) -> String {
    match value {
        EnvValue::Set(_) => "(hidden)".to_owned(),
        EnvValue::Unset => "(unset)".to_owned(),
        EnvValue::File { path: file, .. } => format!("(from {})", path(file)),
    }
}

fn inherited(spec: &AppSpec) -> String {
    let names: Vec<_> = spec.inherited.keys().map(String::as_str).collect();
    format!("{} (captured: {})", spec.inherit_env.join(", "), names.join(", "))
}

fn restart(policy: &RestartPolicy, add: &mut impl FnMut(&str, String)) {
    add("restart.policy", format!("{:?}", policy.policy).to_lowercase());
    match &policy.backoff {
        None => add("restart.backoff", "none".to_owned()),
        Some(backoff) => add(
            "restart.backoff",
            format!(
                "{} × {} up to {}, reset after {}",
                human_duration(backoff.initial),
                backoff.factor,
                human_duration(backoff.max),
                human_duration(backoff.reset_after)
            ),
        ),
    }
    match &policy.limit {
        None => add("restart.limit", "none".to_owned()),
        Some(limit) => add(
            "restart.limit",
            format!(
                "{} failures within {}, then {}",
                limit.failures,
                human_duration(limit.within),
                format!("{:?}", limit.then).to_lowercase()
            ),
        ),
    }
    if !policy.stop_exit_codes.is_empty() {
        let codes: Vec<_> = policy.stop_exit_codes.iter().map(ToString::to_string).collect();
        add("restart.stop_exit_codes", codes.join(", "));
    }
}
