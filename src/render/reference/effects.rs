//! What it takes to bring a change of a key in. A test compares it with what `diff` says.

/// For each key of an app, or for all below it, what a change does.
pub const EFFECTS: &[(&str, &str)] = &[
    ("command", REPLACED),
    ("cwd", REPLACED),
    ("instances", "only those added or removed"),
    ("listen", REPLACED),
    ("listen.queue", UNTOUCHED),
    ("listen.close_idle", UNTOUCHED),
    ("ready", UNTOUCHED),
    ("ready.message", REPLACED),
    ("live", UNTOUCHED),
    ("env", REPLACED),
    ("env_file", REPLACED),
    ("inherit_env", REPLACED),
    ("restart", UNTOUCHED),
    ("stop", UNTOUCHED),
    ("stop.message", REPLACED),
    ("stop.close", REPLACED),
    ("rollout", UNTOUCHED),
    ("reload", UNTOUCHED),
    ("watch", UNTOUCHED),
    ("artifacts", "replaced, if a file changes; no process touched, if the patterns do"),
    ("observe", REPLACED),
    ("tags", UNTOUCHED),
    ("logs", UNTOUCHED),
    ("depends_on", UNTOUCHED),
    ("kind", "all stop, then new ones start"),
    ("schedule", UNTOUCHED),
    ("timezone", UNTOUCHED),
    ("overlap", UNTOUCHED),
    ("catch_up", UNTOUCHED),
    ("user", REPLACED),
    ("group", REPLACED),
    ("umask", REPLACED),
    ("nice", REPLACED),
    ("oom_score_adj", REPLACED),
    ("limits", REPLACED),
];

const REPLACED: &str = "replaced one after the other";
const UNTOUCHED: &str = "no process touched";

/// The types at the top of the file, whose keys are none of an app.
const TOP: [&str; 3] = ["Ecosystem", "Profile", "Metrics"];

/// What a change of the key at a path does; unknown of what is of no app.
pub(super) fn of(section: &str, path: &str) -> Option<&'static str> {
    if TOP.contains(&section) {
        return None;
    }
    let covers = |key: &str| {
        path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let known = EFFECTS.iter().filter(|(key, _)| covers(key));
    known.max_by_key(|(key, _)| key.len()).map(|(_, effect)| *effect)
}
