//! What a service runs: to start, to read its files again, to end.

use std::rc::Rc;

use super::{
    exec::{self, Exec},
    service::{Service, Type},
    spans,
};
use crate::{
    config::{
        Span,
        written_tree::{Node, Problem},
    },
    import::{
        ini::Item,
        tree::{Map, duration, plain, shell, text},
        words::{command, line},
    },
};

/// How long systemd waits before it kills, in milliseconds.
const STOP_TIMEOUT: u64 = 90_000;
/// What stands for no end.
const FOR_EVER: u64 = 30 * 86_400_000;

impl Service<'_> {
    fn execs(&self, key: &str) -> Option<Vec<Exec>> {
        let lines = self.all(key).into_iter();
        let execs = lines.map(|item| exec::commands(self.reading.log, self.names, item));
        Some(execs.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// `None` without one, which is said.
    pub(super) fn command(&self) -> Option<(Span, Rc<Node>)> {
        let before = self.execs("ExecStartPre")?;
        let starts = self.execs("ExecStart")?;
        let Some((last, firsts)) = starts.split_last() else {
            let message = "the service has no `ExecStart`";
            let problem = Problem::new("missing_key", message, self.head, "nothing to run");
            self.reading.log.push(problem.help("as in `ExecStart=/usr/bin/node server.js`"));
            return None;
        };
        for exec in before.iter().chain(&starts) {
            if exec.is_privileged {
                self.say(
                    exec.at,
                    "a command with `+` or `!` runs as the app's `user` as all others do",
                );
            }
            if exec.is_renamed {
                self.say(exec.at, "a program finds its own name, also with `@` before it");
            }
        }
        if last.is_ignored {
            self.say(last.at, "`-` before a program: its failure is one here");
        }
        let at = last.at;
        if before.is_empty() && firsts.is_empty() {
            return Some((at, command(at, &last.words)));
        }
        let each = |exec: &Exec| {
            let line = exec.line();
            if exec.is_ignored { format!("{{ {line} || :; }}") } else { line }
        };
        let mut lines: Vec<String> = before.iter().chain(firsts).map(each).collect();
        lines.push(format!("exec {}", line(&last.words)));
        Some((at, shell(at, at, &lines.join(" && "))))
    }

    /// `ExecReload`
    pub(super) fn reload(&self, app: &mut Map) {
        let mut put = |name: &str, at: Span| {
            let mut reload = Map::new(at);
            reload.put("signal", at, text(at, name));
            app.put_map("reload", at, reload);
        };
        if let Some(item) = self.get("ReloadSignal") {
            put(&item.value, item.value_at);
            return;
        }
        let Some(execs) = self.execs("ExecReload") else { return };
        let Some(first) = execs.first() else {
            if self.kind == Type::NotifyReload {
                put("SIGHUP", self.head);
            }
            return;
        };
        if let Some(name) = execs.iter().find_map(Exec::signal) {
            put(&name, first.at);
            if 1 < execs.len() {
                let text = "only the signal is sent by `eco reload`, and no other command run";
                self.say(first.at, text);
            }
        } else {
            let why = "`eco reload` sends a signal, or else replaces one instance after the other";
            self.reading.notes.left_out(first.at, "ExecReload", why);
        }
    }

    /// `ExecStop`, the signal and the time it has.
    pub(super) fn stop(&self, app: &mut Map) {
        let mut stop = Map::new(self.head);
        let execs = self.execs("ExecStop").unwrap_or_default();
        let named = self.get("KillSignal");
        match execs.as_slice() {
            [] => {}
            [only] if only.signal().is_some() => {
                stop.put("signal", only.at, text(only.at, &only.signal().unwrap_or_default()));
            }
            [only] => stop.put("command", only.at, command(only.at, &only.words)),
            [first, ..] => {
                let lines: Vec<String> = execs.iter().map(Exec::line).collect();
                stop.put("command", first.at, shell(first.at, first.at, &lines.join("; ")));
            }
        }
        if let Some(item) = named.filter(|_| execs.iter().all(|exec| exec.signal().is_none())) {
            stop.put("signal", item.key_at, text(item.value_at, &item.value));
        }
        let limit = self.get("TimeoutStopSec").or_else(|| self.get("TimeoutSec"));
        let (millis, at) = match limit {
            None => (STOP_TIMEOUT, self.head),
            Some(item) => (self.timeout(item), item.key_at),
        };
        stop.put("timeout", at, duration(at, millis));
        if let Some(item) = self.get("KillMode") {
            self.kill_mode(item, &mut stop);
        }
        app.put_map("stop", self.head, stop);
    }

    fn kill_mode(&self, item: &Item, stop: &mut Map) {
        match item.value.as_str() {
            "control-group" => {}
            "mixed" => stop.put("kill", item.key_at, text(item.value_at, "main")),
            "process" | "none" => {
                stop.put("kill", item.key_at, text(item.value_at, "main"));
                self.say(
                    item.key_at,
                    format!(
                        "`KillMode={}` leaves processes behind; eco ends them once the first one is gone",
                        item.value
                    ),
                );
            }
            _ => self.wrong(item, "not known", "it may be `control-group`, `mixed` or `process`"),
        }
    }

    /// A time to wait, where none at all is for ever.
    fn timeout(&self, item: &Item) -> u64 {
        match spans::millis(&item.value) {
            Some(0) => self.no_end(item),
            None if item.value == "infinity" => self.no_end(item),
            Some(millis) => millis,
            None => {
                self.wrong(item, "expected a length of time", "as in `90s` or `2min`");
                STOP_TIMEOUT
            }
        }
    }

    fn no_end(&self, item: &Item) -> u64 {
        self.say(item.key_at, format!("`{}`: eco waits 30 days, not for ever", item.key));
        FOR_EVER
    }

    /// `Type=notify` and the watchdog.
    pub(super) fn readiness(&self, app: &mut Map) {
        let at = self.get("Type").map_or(self.head, |item| item.key_at);
        let notifies = matches!(self.kind, Type::Notify | Type::NotifyReload);
        if notifies && !self.is_job() {
            let mut ready = Map::new(at);
            ready.put("notify", at, plain(at, &true));
            app.put_map("ready", at, ready);
        }
        if self.kind == Type::Bus {
            self.say(at, "eco knows no D-Bus: it counts as ready once it runs; see `ready`");
        }
        let limit = self.get("TimeoutStartSec").or_else(|| self.get("TimeoutSec"));
        match limit {
            _ if self.is_job() => {
                if let Some(item) = limit.filter(|item| item.value != "infinity") {
                    let why =
                        "a job may run as long as it likes; put `timeout 1h` before its command";
                    self.reading.notes.left_out(item.key_at, &item.key, why);
                }
            }
            None if notifies => deadline(app, at, STOP_TIMEOUT),
            None => {}
            Some(item) => deadline(app, item.key_at, self.timeout(item)),
        }
        if let Some(item) = self.get("WatchdogSec").filter(|_| !self.is_job()) {
            match spans::millis(&item.value) {
                Some(0) => {}
                None if item.value == "infinity" => {}
                Some(millis) => {
                    let mut live = Map::new(item.value_at);
                    live.put("notify", item.key_at, plain(item.value_at, &true));
                    live.put("interval", item.key_at, duration(item.value_at, millis));
                    live.put("failures", item.key_at, plain(item.value_at, &1));
                    app.put_map("live", item.key_at, live);
                }
                None => self.wrong(item, "expected a length of time", "as in `30s`"),
            }
        }
    }
}

fn deadline(app: &mut Map, at: Span, millis: u64) {
    let mut rollout = Map::new(at);
    rollout.put("deadline", at, duration(at, millis));
    app.put_map("rollout", at, rollout);
}
