//! `depends_on`: what a process waits for, and what that makes of the other.

use std::collections::{HashMap, HashSet};

use super::{EXTENDS, Process};
use crate::{
    config::written_tree::{Entry, did_you_mean, quoted},
    import::{
        tree::{Map, scalar, text},
        yaml::{Values, at},
    },
};

/// What somebody waits for, by process.
#[derive(Debug, Default)]
pub(super) struct Awaited(HashMap<String, HashSet<String>>);

impl Awaited {
    pub(super) fn of(values: Values<'_>, processes: &[Entry]) -> Self {
        let mut found = Self::default();
        for process in processes {
            let depends_on = at(&process.value, &["depends_on"]);
            for entry in depends_on.and_then(|entry| values.map(entry)).unwrap_or_default() {
                let conditions = found.0.entry(entry.key.to_string()).or_default();
                conditions.insert(condition(entry).to_owned());
            }
        }
        found
    }

    /// Whether somebody waits for the end of this one.
    pub(super) fn to_end(&self, key: &str) -> bool {
        self.has(key, "process_completed_successfully") || self.has(key, "process_completed")
    }

    fn has(&self, key: &str, condition: &str) -> bool {
        self.0.get(key).is_some_and(|found| found.contains(condition))
    }
}

fn condition(entry: &Entry) -> &str {
    let written = at(&entry.value, &["condition"]);
    written.and_then(|entry| scalar(&entry.value)).unwrap_or("process_started")
}

impl Process<'_> {
    pub(super) fn depends_on(&self, app: &mut Map) {
        let Some(depends_on) = self.entry(&["depends_on"]) else { return };
        let mut map = Map::new(depends_on.value.span);
        for entry in depends_on.value.entries().unwrap_or_default() {
            let Some(node) = at(self.file.root, &["processes", &entry.key]) else {
                let known = self.file.names.keys().map(String::as_str);
                let near = did_you_mean(&entry.key, known);
                let near = near.map(|near| format!(" ({near})")).unwrap_or_default();
                let other = quoted(&entry.key);
                let what = format!("it waits for {other}, which is no process of this file{near}");
                self.say(entry, format!("{what}: left out"));
                continue;
            };
            let node = EXTENDS.of(self.file.root, self.file.values, node);
            let is_job = node.is_some_and(|node| self.file.is_job(&entry.key, &node));
            if let Some(word) = self.word(entry, is_job) {
                let name = self.file.name(&entry.key);
                map.put(&name, entry.key_span, text(entry.value.span, word));
            }
        }
        app.put_map("depends_on", depends_on.key_span, map);
    }

    /// The word of ours for a condition.
    fn word(&self, entry: &Entry, is_job: bool) -> Option<&'static str> {
        let other = quoted(&entry.key);
        match condition(entry) {
            "process_started" => Some("started"),
            "process_healthy" | "process_log_ready" if is_job => {
                self.say(
                    entry,
                    format!("{other} is a job, which is never ready: it has to end well"),
                );
                Some("completed")
            }
            "process_healthy" | "process_log_ready" => Some("ready"),
            "process_completed" | "process_completed_successfully" if !is_job => {
                let what = format!("{other} never ends, since it is always started again");
                self.say(entry, format!("{what}: this waits for its start only"));
                Some("started")
            }
            "process_completed" => {
                let what = format!("{other} has to end well here");
                self.say(entry, format!("{what}, where process-compose takes any exit code"));
                Some("completed")
            }
            "process_completed_successfully" => Some("completed"),
            _ => {
                if let Some(condition) = at(&entry.value, &["condition"]) {
                    self.file.values.wrong(condition, "a condition such as `process_healthy`");
                }
                None
            }
        }
    }
}
