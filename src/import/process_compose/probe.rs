//! Probes, and the line that says that a process is ready.

use std::rc::Rc;

use super::Process;
use crate::{
    config::written_tree::{Entry, Node},
    import::{
        tree::{Map, duration, plain, scalar, template, text},
        yaml::at,
    },
};

/// Seconds between two tries, unless the file says otherwise.
const PERIOD: u64 = 10;
/// So many failures are too many, unless the file says otherwise.
const FAILURES: u64 = 3;
/// How long a new instance of ours may take.
const DEADLINE: u64 = 60;

impl Process<'_> {
    pub(super) fn ready(&self, app: &mut Map) {
        let probe = self.entry(&["readiness_probe"]);
        let line = self.entry(&["ready_log_line"]);
        if self.is_job {
            for entry in probe.iter().chain(&line) {
                self.say(entry, format!("`{}` is left out: a job is never ready", entry.key));
            }
            return;
        }
        if let Some(entry) = probe {
            let Some(mut ready) = self.asked(entry) else { return };
            self.seconds(entry, "period_seconds", "interval", &mut ready);
            self.seconds(entry, "timeout_seconds", "timeout", &mut ready);
            if let Some((count, entry)) = self.count(entry, "success_threshold") {
                ready.put("successes", entry.key_span, plain(entry.value.span, &count));
            }
            self.seconds(entry, "initial_delay_seconds", "start_period", &mut ready);
            app.put_map("ready", entry.key_span, ready);
            self.deadline(entry, app);
        } else if let Some(entry) = line {
            let mut ready = Map::new(entry.value.span);
            let pattern = escaped(scalar(&entry.value).unwrap_or_default());
            ready.put("log", entry.key_span, text(entry.value.span, &pattern));
            app.put_map("ready", entry.key_span, ready);
        }
    }

    pub(super) fn live(&self, app: &mut Map) {
        let Some(entry) = self.entry(&["liveness_probe"]) else { return };
        if self.is_job {
            self.say(entry, "`liveness_probe` is left out: a job runs to its end");
            return;
        }
        let Some(mut live) = self.asked(entry) else { return };
        self.seconds(entry, "period_seconds", "interval", &mut live);
        self.seconds(entry, "timeout_seconds", "timeout", &mut live);
        if let Some((count, entry)) = self.count(entry, "failure_threshold") {
            live.put("failures", entry.key_span, plain(entry.value.span, &count));
        }
        self.seconds(entry, "initial_delay_seconds", "start_period", &mut live);
        app.put_map("live", entry.key_span, live);
    }

    /// Until when so many tries have failed: then process-compose gives it up.
    fn deadline(&self, probe: &Entry, app: &mut Map) {
        let of = |key, default| self.count(probe, key).map_or(default, |(count, _)| count);
        let delay = of("initial_delay_seconds", 0);
        let tries = of("failure_threshold", FAILURES).saturating_mul(of("period_seconds", PERIOD));
        let seconds = delay.saturating_add(tries).clamp(1, 86_400);
        if seconds != DEADLINE {
            let mut rollout = Map::new(probe.value.span);
            let value = duration(probe.value.span, seconds * 1000);
            rollout.put("deadline", probe.key_span, value);
            app.put_map("rollout", probe.key_span, rollout);
        }
    }

    /// A number that is at least 1: 0 is as if it were not there.
    fn count<'n>(&self, probe: &'n Entry, key: &str) -> Option<(u64, &'n Entry)> {
        let entry = at(&probe.value, &[key])?;
        let count = self.file.values.number(entry)?;
        (0 < count).then_some((count, entry))
    }

    fn seconds(&self, probe: &Entry, key: &str, ours: &str, to: &mut Map) {
        if let Some((seconds, entry)) = self.count(probe, key) {
            let value = duration(entry.value.span, seconds.saturating_mul(1000));
            to.put(ours, entry.key_span, value);
        }
    }

    /// What is asked: `exec` or `http`.
    fn asked(&self, probe: &Entry) -> Option<Map> {
        let mut map = Map::new(probe.value.span);
        if let Some(command) = at(&probe.value, &["exec", "command"]) {
            let line = self.line(command);
            let line = match at(&probe.value, &["exec", "working_dir"]) {
                Some(dir) => format!("cd '{}' && {line}", self.line(dir)),
                None => line,
            };
            map.put("exec", command.key_span, self.shell(command, line));
            return Some(map);
        }
        if let Some(entry) = at(&probe.value, &["http_get"]) {
            self.http(entry, &mut map);
            return Some(map);
        }
        if at(&probe.value, &["grpc"]).is_none() {
            let message = format!("`{}` does not say how to ask", probe.key);
            self.file.values.odd(probe, &message, "expected `exec` or `http_get`");
        }
        None
    }

    fn http(&self, get: &Entry, map: &mut Map) {
        let said = |key: &str| at(&get.value, &[key]).map(|entry| self.filled(entry));
        let path = said("path").filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned());
        let host = said("host").unwrap_or_else(|| "127.0.0.1".to_owned());
        let port = said("port").or_else(|| said("num_port"));
        let status = said("status_code").unwrap_or_else(|| "200".to_owned());
        let span = get.value.span;
        if said("scheme").is_some_and(|scheme| scheme == "https") {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let words = ["curl", "-fsSk", &format!("https://{host}{port}{path}")];
            let words = words.map(|word| template(span, word)).to_vec();
            map.put("exec", get.key_span, Node::list(span, words));
            self.say(get, "eco's own probes speak plain HTTP: `curl` asks by HTTPS");
            return;
        }
        let mut http = Map::new(span);
        http.put("path", get.key_span, template(span, path));
        http.put("port", get.key_span, number(get, port.unwrap_or_else(|| "80".to_owned())));
        if !matches!(host.as_str(), "127.0.0.1" | "localhost" | "") {
            http.put("host", get.key_span, template(span, host));
        }
        http.put("status", get.key_span, number(get, status));
        let mut headers = Map::new(span);
        let written = at(&get.value, &["headers"]).and_then(|entry| entry.value.entries());
        for entry in written.unwrap_or_default() {
            headers.put(&entry.key, entry.key_span, template(entry.value.span, self.filled(entry)));
        }
        http.put_map("headers", get.key_span, headers);
        map.put_map("http", get.key_span, http);
    }
}

/// A number if it is one, else the text that becomes one.
fn number(at: &Entry, text: String) -> Rc<Node> {
    match text.parse::<u64>() {
        Ok(number) => plain(at.value.span, &number),
        Err(_) => template(at.value.span, text),
    }
}

/// A regular expression for this text.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
