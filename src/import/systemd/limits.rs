//! Who a service runs as, what it may use, and where its output goes.

use super::{service::Service, spans};
use crate::import::{
    ini::Item,
    tree::{Map, plain, size, text},
};

/// Limits of sizes, and what each is here.
const SIZES: [(&str, &str); 4] = [
    ("LimitCORE", "core"),
    ("LimitFSIZE", "file_size"),
    ("LimitSTACK", "stack"),
    ("LimitMEMLOCK", "locked_memory"),
];

impl Service<'_> {
    pub(super) fn account(&self, app: &mut Map) {
        for (key, ours) in [("User", "user"), ("Group", "group")] {
            if let Some(item) = self.get(key) {
                self.put_filled(app, ours, item, &item.value);
            }
        }
        if self.get("User").is_none() {
            self.reading.told.once(
                self.head,
                "systemd runs a service without `User` as root, eco as whoever started eco"
                    .to_owned(),
            );
        }
        if let Some(item) = self.get("UMask") {
            app.put("umask", item.key_at, text(item.value_at, &item.value));
        }
        for (key, ours) in [("Nice", "nice"), ("OOMScoreAdjust", "oom_score_adj")] {
            if let Some(item) = self.get(key) {
                app.put(ours, item.key_at, plain(item.value_at, &item.value));
            }
        }
    }

    pub(super) fn limits(&self, app: &mut Map) {
        let mut limits = Map::new(self.head);
        let memory = self.get("MemoryMax").or_else(|| self.get("MemoryLimit"));
        if let Some(item) = memory.filter(|item| self.is_limit(item)) {
            match spans::bytes(&item.value) {
                Some(bytes) => limits.put("memory", item.key_at, text(item.value_at, &size(bytes))),
                None => self.wrong(item, "expected a size", "as in `512M`"),
            }
        }
        if let Some(item) = self.get("CPUQuota") {
            let percent = item.value.strip_suffix('%').and_then(|it| it.parse::<u32>().ok());
            match percent {
                Some(percent) => {
                    let cpu = format!("{}.{:02}", percent / 100, percent % 100);
                    let cpu = cpu.trim_end_matches('0').trim_end_matches('.');
                    limits.put("cpu", item.key_at, plain(item.value_at, cpu));
                }
                None => self.wrong(item, "expected a percentage", "as in `150%`"),
            }
        }
        if let Some(item) = self.get("TasksMax").filter(|item| self.is_limit(item)) {
            limits.put("processes", item.key_at, plain(item.value_at, &item.value));
        }
        if let Some(item) = self.get("LimitNOFILE") {
            match hard(&item.value) {
                "infinity" => self.no_limit(item, "eco keeps the limit it finds: write a number"),
                number => limits.put("nofile", item.key_at, plain(item.value_at, number)),
            }
        }
        for (key, ours) in SIZES {
            let Some(item) = self.get(key) else { continue };
            let written = hard(&item.value);
            let value = match (written, spans::bytes(written)) {
                ("infinity", _) => "unlimited".to_owned(),
                ("0", _) => "0".to_owned(),
                (_, Some(bytes)) => size(bytes),
                (_, None) => {
                    self.wrong(item, "expected a size", "as in `64M`, or `infinity`");
                    continue;
                }
            };
            limits.put(ours, item.key_at, text(item.value_at, &value));
        }
        app.put_map("limits", self.head, limits);
    }

    /// Whether a limit is one that eco has.
    fn is_limit(&self, item: &Item) -> bool {
        if item.value.ends_with('%') {
            self.no_limit(item, "eco has no shares of the machine: write a number");
            return false;
        }
        item.value != "infinity"
    }

    fn no_limit(&self, item: &Item, why: &str) {
        self.reading.notes.left_out(item.key_at, &format!("{}={}", item.key, item.value), why);
    }

    pub(super) fn logs(&self, app: &mut Map) {
        let found = self.get("StandardOutput").or_else(|| self.get("StandardError"));
        let Some(item) = found else {
            self.reading.told.once(
                self.head,
                "systemd sends output to the journal; eco writes files, which `eco logs` reads: `logs: { \
                 to: journald }` goes on with the journal"
                    .to_owned(),
            );
            return;
        };
        let mut logs = Map::new(item.value_at);
        let (kind, path) = item.value.split_once(':').unwrap_or((&item.value, ""));
        match kind {
            "journal" | "journal+console" | "kmsg" | "kmsg+console" => {
                logs.put("to", item.key_at, text(item.value_at, "journald"));
            }
            "syslog" | "syslog+console" => {
                logs.put("to", item.key_at, text(item.value_at, "syslog"));
            }
            "null" => logs.put("to", item.key_at, text(item.value_at, "none")),
            "file" | "append" | "truncate" => {
                let dir = path.rsplit_once('/').map_or(".", |(dir, _)| dir);
                let dir = if dir.is_empty() { "/" } else { dir };
                self.put_filled(&mut logs, "dir", item, dir);
                self.say(item.key_at, "log files keep eco's names, in the directory that is named");
            }
            "inherit" => {}
            "tty" | "socket" | "fd" => {
                self.no_limit(
                    item,
                    "eco keeps what programs print, in files or elsewhere: see `logs`",
                );
            }
            _ => self.wrong(
                item,
                "not known",
                "it may be `journal`, `null`, `append:PATH` and the like",
            ),
        }
        app.put_map("logs", item.key_at, logs);
    }
}

/// The hard limit of `soft:hard`.
fn hard(text: &str) -> &str {
    text.rsplit(':').next().unwrap_or(text)
}
