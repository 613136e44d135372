//! What is known about keys and words: which come later, which are often mistaken for another,
//! and how the mappings are called.

use std::fmt;

use serde::de::Expected;

use super::{
    fault::{Problem, Span},
    suggest::{choices, nearest, quoted},
};

/// A mapping with known keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Struct {
    /// The name of its type.
    pub(super) name: &'static str,
    pub(super) fields: &'static [&'static str],
}

/// Keys that the format has, but this version does not act on yet: (type, keys).
const LATER: &[(&str, &[&str])] = &[
    ("Document", &["metrics", "dashboard"]),
    ("Profile", &["metrics", "dashboard"]),
    (
        "App",
        &[
            "listen",
            "ready",
            "live",
            "reload",
            "depends_on",
            "limits",
            "user",
            "kind",
            "schedule",
            "timezone",
            "overlap",
        ],
    ),
    ("Restart", &["max_memory", "cron"]),
    ("Stop", &["command", "drain"]),
    ("Rollout", &["max_surge", "max_unavailable", "deadline", "on_failure"]),
    ("Logs", &["rotate", "format"]),
];

/// Words of other programs for keys of an app.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("cmd", "command"),
    ("script", "command"),
    ("exec", "command"),
    ("run", "command"),
    ("program", "command"),
    ("entrypoint", "command"),
    ("args", "command"),
    ("environment", "env"),
    ("env_vars", "env"),
    ("envFile", "env_file"),
    ("dotenv", "env_file"),
    ("working_dir", "cwd"),
    ("working_directory", "cwd"),
    ("directory", "cwd"),
    ("dir", "cwd"),
    ("replicas", "instances"),
    ("scale", "instances"),
    ("numprocs", "instances"),
    ("count", "instances"),
    ("autorestart", "restart"),
    ("restart_policy", "restart"),
    ("ignore_watch", "watch"),
    ("labels", "tags"),
    ("log_dir", "logs"),
];

/// Keys of an app's parts that are easily put one level too high: (key, where it belongs).
const DEEPER: &[(&str, &str)] = &[
    ("policy", "restart"),
    ("backoff", "restart"),
    ("limit", "restart"),
    ("stop_exit_codes", "restart"),
    ("signal", "stop"),
    ("timeout", "stop"),
    ("kill", "stop"),
    ("min_ready", "rollout"),
    ("ignore", "watch"),
];

/// What is wrong with a key, and which one of the known keys was meant.
pub(super) struct Unknown {
    pub(super) problem: Problem,
    pub(super) meant: Option<&'static str>,
}

/// A key that its mapping does not have. `path` is the mapping's, empty for the whole file.
pub(super) fn unknown_key(known: &Struct, key: &str, span: Span, path: &str) -> Unknown {
    if LATER.iter().any(|(name, keys)| *name == known.name && keys.contains(&key)) {
        let message = format!("`{key}` is not yet supported");
        let problem = Problem::new("not_yet", message, span, "not in this version of eco").help(
            "it belongs to the format, and a later version will act on it; remove it until then",
        );
        return Unknown { problem, meant: None };
    }
    let place = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
    let message = format!("{place} has no key {}", quoted(key));
    let (help, meant) = advice(known, key);
    let problem = Problem::new("unknown_key", message, span, "unknown key").help(help);
    Unknown { problem, meant }
}

fn advice(known: &Struct, key: &str) -> (String, Option<&'static str>) {
    let word = |list: &[(&str, &'static str)]| {
        let found = list.iter().find(|(word, _)| *word == key);
        found.map(|(_, meant)| *meant).filter(|_| known.name == "App")
    };
    if let Some(parent) = word(DEEPER) {
        return (format!("it belongs under `{parent}`: `{parent}: {{ {key}: … }}`"), None);
    }
    let near = || nearest(key, known.fields.iter().copied());
    if let Some(meant) = word(OTHER_WORDS).or_else(near) {
        return (format!("did you mean `{meant}`?"), Some(meant));
    }
    if matches!(known.name, "Document") && DOCUMENT_BELOW.contains(&key) {
        return (format!("`{key}` belongs to an app: `apps: {{ NAME: {{ {key}: … }} }}`"), None);
    }
    let help = match known.fields {
        [only] => format!("the only key here is `{only}`"),
        all => format!("the keys here are {}", choices(all).replace(" or ", " and ")),
    };
    (help, None)
}

/// Keys of an app that may be found at the top of a file.
const DOCUMENT_BELOW: &[&str] =
    &["command", "env", "env_file", "instances", "cwd", "restart", "watch", "stop", "logs"];

/// What a type is called: of a mapping what is needed, of words what they are.
pub(super) fn noun(name: &str) -> &'static str {
    match name {
        "Document" => "a mapping with `apps`",
        "App" => "a mapping with the app's keys",
        "Profile" => "a mapping with the profile's keys",
        "Restart" => "a policy or a mapping",
        "Backoff" | "Limit" => "`none` or a mapping",
        "RestartWhen" => "a restart policy",
        "LimitThen" => "something to do about a crash loop",
        "KillScope" => "a choice of whom to signal",
        _ => "a mapping",
    }
}

/// How a mapping is written that stands under this key, for those who wrote something else.
pub(super) fn example(key: &str) -> Option<&'static str> {
    Some(match key {
        "apps" => "as in `apps: { web: { command: node server.js } }`",
        "env" => "as in `env: { NODE_ENV: production }`",
        "restart" => "as in `restart: on-failure`, or `restart: { policy: on-failure }`",
        "backoff" => "as in `backoff: { initial: 100ms, max: 30s }`",
        "limit" => "as in `limit: { failures: 10, within: 1m }`",
        "stop" => "as in `stop: { signal: SIGINT, timeout: 30s }`",
        "rollout" => "as in `rollout: { min_ready: 5s }`",
        "logs" => "as in `logs: { dir: logs }`",
        "defaults" => "as in `defaults: { restart: on-failure }`",
        "profiles" => "as in `profiles: { production: { apps: { web: { instances: max } } } }`",
        _ => return None,
    })
}

/// What someone meant who wrote another word than those that are possible.
pub(super) fn meant_word(name: &str, text: &str, words: &[&str]) -> Option<String> {
    let lower = text.to_lowercase();
    if name == "RestartWhen" {
        let meant = match lower.as_str() {
            "yes" | "true" | "on" | "1" | "unless-stopped" => Some("always"),
            "no" | "false" | "off" | "0" | "none" => Some("never"),
            "on_failure" | "unexpected" | "failure" | "on-abnormal" => Some("on-failure"),
            _ => None,
        };
        if let Some(meant) = meant {
            return Some(format!(
                "write `restart: {meant}`; the policies are {}",
                choices(words).replace(" or ", " and ")
            ));
        }
    }
    nearest(&lower, words.iter().copied()).map(|near| format!("did you mean `{near}`?"))
}

/// The words of an enum, as serde wants what was expected.
pub(super) struct OneOf(pub(super) &'static [&'static str]);

impl Expected for OneOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&choices(self.0))
    }
}
