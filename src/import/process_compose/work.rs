//! What else a process has: a schedule, what it watches, where its output goes, its namespace.

use super::Process;
use crate::{
    config::written_tree::{Kind, Node},
    import::{
        tree::{Map, plain, scalar, template, text},
        yaml::{at, go_duration},
    },
};

impl Process<'_> {
    pub(super) fn schedule(&self, app: &mut Map) {
        if let Some(entry) = self.entry(&["schedule", "cron"]) {
            app.put("schedule", entry.key_span, template(entry.value.span, self.filled(entry)));
            if let Some(zone) = self.entry(&["schedule", "timezone"]) {
                app.put("timezone", zone.key_span, template(zone.value.span, self.filled(zone)));
            }
        } else if let Some(entry) = self.entry(&["schedule", "interval"]) {
            let millis = go_duration(scalar(&entry.value).unwrap_or_default());
            match millis {
                None => self.file.values.wrong(entry, "a duration such as `30m`"),
                Some(millis) => match every(millis / 1000) {
                    Some(cron) => {
                        app.put("schedule", entry.key_span, text(entry.value.span, &cron));
                    }
                    None => self.say(
                        entry,
                        "no cron expression says this `interval`: write a `schedule` that comes near",
                    ),
                },
            }
        }
    }

    pub(super) fn watch(&self, app: &mut Map) {
        let Some(watch) = self.entry(&["watch"]) else { return };
        if self.is_job {
            self.say(watch, "`watch` is left out: a job runs on its own; see `artifacts`");
            return;
        }
        let Some(entry) = at(&watch.value, &["paths"]) else { return };
        let Kind::List(items) = &entry.value.kind else {
            self.file.values.wrong(entry, "a list");
            return;
        };
        let dir = self.entry(&["working_dir"]).map(|dir| self.filled(dir));
        let below = |path: &str| match &dir {
            Some(dir) if !path.starts_with(['/', '~', '$']) => format!("{dir}/{path}"),
            Some(_) | None => path.to_owned(),
        };
        let (mut paths, mut ignored) = (Vec::new(), Vec::new());
        for item in items {
            if let Some(path) = at(item, &["path"]) {
                paths.push(template(path.value.span, below(&self.filled(path))));
            }
            if let Some(exclude) = at(item, &["exclude"]) {
                let found = self.file.values.texts(exclude);
                ignored.extend(found.iter().map(|(pattern, span)| text(*span, pattern)));
            }
        }
        let mut map = Map::new(watch.value.span);
        map.put("paths", entry.key_span, Node::list(entry.value.span, paths));
        if !ignored.is_empty() {
            map.put("ignore", entry.key_span, Node::list(entry.value.span, ignored));
        }
        app.put_map("watch", watch.key_span, map);
    }

    pub(super) fn logs(&self, app: &mut Map) {
        let rotation = |key| self.entry(&["log_configuration", "rotation", key]);
        let mut logs = Map::new(self.whole);
        if let Some(entry) = rotation("directory") {
            logs.put("dir", entry.key_span, template(entry.value.span, self.filled(entry)));
        } else if let Some(entry) = self.entry(&["log_location"]) {
            let path = self.filled(entry);
            if path == "/dev/null" {
                logs.put("to", entry.key_span, text(entry.value.span, "none"));
                app.put_map("logs", self.whole, logs);
                return;
            }
            let dir = path.rsplit_once('/').map(|(dir, _)| dir).filter(|dir| !dir.is_empty());
            let dir = dir.filter(|dir| !dir.contains("${ECO_INSTANCE}"));
            let dir = template(entry.value.span, dir.unwrap_or("."));
            logs.put("dir", entry.key_span, dir);
        }
        let mut rotate = Map::new(self.whole);
        let number = |key| self.number(&["log_configuration", "rotation", key]);
        if let Some((size, entry)) = number("max_size_mb").filter(|(size, _)| 0 < *size) {
            rotate.put("size", entry.key_span, text(entry.value.span, &format!("{size}M")));
        }
        if let Some((keep, entry)) = number("max_backups").filter(|(keep, _)| 0 < *keep) {
            rotate.put("keep", entry.key_span, plain(entry.value.span, &keep));
        }
        logs.put_map("rotate", self.whole, rotate);
        if self.flag(&["log_configuration", "rotation", "compress"]) {
            logs.put("compress", self.whole, text(self.whole, "gzip"));
        }
        app.put_map("logs", self.whole, logs);
    }

    pub(super) fn tags(&self, app: &mut Map) {
        let Some(entry) = self.entry(&["namespace"]) else { return };
        let fine = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
        let tags = self.file.values.texts(entry);
        let tags = tags.iter().filter(|(tag, _)| !matches!(*tag, "default" | ""));
        let tags: Vec<_> = tags
            .map(|(tag, span)| {
                let tag: String = tag.chars().map(fine).take(63).collect();
                text(*span, tag.trim_start_matches(['-', '.']))
            })
            .collect();
        if !tags.is_empty() {
            app.put("tags", entry.key_span, Node::list(entry.value.span, tags));
        }
    }
}

/// A cron expression for every so many seconds, if one says so exactly.
fn every(seconds: u64) -> Option<String> {
    let divides = |all: u64, part: u64| 0 < part && all.is_multiple_of(part);
    match seconds {
        0 => None,
        60 => Some("* * * * *".to_owned()),
        3600 => Some("0 * * * *".to_owned()),
        86_400 => Some("0 0 * * *".to_owned()),
        1 => Some("* * * * * *".to_owned()),
        _ if seconds < 60 && divides(60, seconds) => Some(format!("*/{seconds} * * * * *")),
        _ if divides(seconds, 60) && divides(60, seconds / 60) => {
            Some(format!("*/{} * * * *", seconds / 60))
        }
        _ if divides(seconds, 3600) && divides(24, seconds / 3600) => {
            Some(format!("0 */{} * * *", seconds / 3600))
        }
        _ => None,
    }
}
