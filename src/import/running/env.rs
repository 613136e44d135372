//! Which of the variables that PM2 keeps are the app's own.

use std::collections::BTreeMap;

use crate::config::written_tree::{Entry, Kind};

/// What a login has, and no app was given on purpose.
const SESSION: [&str; 33] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
    "TERM",
    "COLORTERM",
    "TERM_PROGRAM",
    "MAIL",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "LESS",
    "LESSOPEN",
    "LESSCLOSE",
    "LS_COLORS",
    "HISTCONTROL",
    "HISTSIZE",
    "PS1",
    "DISPLAY",
    "WINDOWID",
    "TMUX",
    "TMUX_PANE",
    "STY",
    "HOSTNAME",
    "HOSTTYPE",
    "INIT_CWD",
];

/// How names of such variables begin.
const SESSION_BEGINS: [&str; 9] =
    ["LC_", "SSH_", "XDG_", "DBUS_", "SUDO_", "npm_", "NVM_", "VTE_", "TERM_"];

/// Names that PM2 adds.
const OWN: [&str; 5] = ["unique_id", "NODE_APP_INSTANCE", "km_link", "pm_id", "status"];

/// The variables of an app, and the names of those that are left out though this shell has not the same.
pub(super) struct Found<'a> {
    pub(super) kept: Vec<&'a Entry>,
    pub(super) left: Vec<&'a str>,
}

/// PM2 keeps the environment of the shell, then its own marks, then what its file says of the app.
pub(super) fn of_app<'a>(
    name: &str,
    entries: &'a [Entry],
    shell: &BTreeMap<String, String>,
) -> Found<'a> {
    let is_mark = |entry: &Entry| entry.key.starts_with("PM2_");
    let marks = entries.iter().rposition(is_mark).map_or(0, |last| last + 1);
    let mut found = Found { kept: Vec::new(), left: Vec::new() };
    for (index, entry) in entries.iter().enumerate() {
        let key = &*entry.key;
        let is_pm2 = is_mark(entry) || OWN.contains(&key) || key == name;
        let is_session =
            SESSION.contains(&key) || SESSION_BEGINS.iter().any(|it| key.starts_with(it));
        let is_shells = match &entry.value.kind {
            Kind::Scalar(scalar) => shell.get(key).is_some_and(|value| *value == scalar.text),
            Kind::List(_) | Kind::Map(_) => false,
        };
        if is_pm2 {
            continue;
        }
        if marks <= index && 0 < marks {
            found.kept.push(entry);
        } else if is_session {
            if !is_shells && !matches!(key, "_" | "PWD" | "OLDPWD" | "SHLVL") {
                found.left.push(key);
            }
        } else if !is_shells {
            found.kept.push(entry);
        }
    }
    found
}
