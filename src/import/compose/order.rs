//! What a service waits for, and when it is ready itself.

use super::{App, command::run, image::Fate};
use crate::{
    config::{
        Span,
        written_tree::{Entry, Kind, Node, did_you_mean, quoted},
    },
    import::{
        tree::{Map, duration, plain, scalar, shell, text},
        yaml::at,
    },
};

const ENDED: &str = "service_completed_successfully";

/// The services whose end this one waits for.
pub(super) fn waited_to_end(node: &Node) -> Vec<String> {
    let entries = at(node, &["depends_on"]).and_then(|entry| entry.value.entries());
    let ended = entries.unwrap_or_default().iter().filter(|entry| condition(entry) == ENDED);
    ended.map(|entry| entry.key.to_string()).collect()
}

fn condition(entry: &Entry) -> &str {
    let written = at(&entry.value, &["condition"]);
    written.and_then(|entry| scalar(&entry.value)).unwrap_or("service_started")
}

impl App<'_> {
    pub(super) fn depends_on(&self, app: &mut Map) {
        let Some(depends_on) = self.entry(&["depends_on"]) else { return };
        let mut map = Map::new(depends_on.value.span);
        match &depends_on.value.kind {
            Kind::Map(entries) => {
                for entry in entries {
                    self.dependency(&entry.key, entry.key_span, Some(entry), &mut map);
                }
            }
            Kind::List(_) | Kind::Scalar(_) => {
                for (name, span) in self.file.values.texts(depends_on) {
                    self.dependency(name, span, None, &mut map);
                }
            }
        }
        app.put_map("depends_on", depends_on.key_span, map);
    }

    fn dependency(&self, key: &str, span: Span, entry: Option<&Entry>, map: &mut Map) {
        let at_key = self.at(span);
        let other = quoted(key);
        let Some(service) = self.file.service(key) else {
            let near = did_you_mean(key, self.file.services.iter().map(|it| &*it.key));
            let near = near.map(|near| format!(" ({near})")).unwrap_or_default();
            let what = format!("it waits for {other}, which is no service of this file{near}");
            self.file.notes.say(at_key, format!("{what}: left out"));
            return;
        };
        if !matches!(service.fate, Fate::Runs) {
            let what = format!("it waits for {other}, which is left out: start that one before");
            self.file.notes.say(at_key, what);
            return;
        }
        let word = match entry.map_or("service_started", condition) {
            "service_started" => "started",
            "service_healthy" if service.is_job => "completed",
            "service_healthy" => "ready",
            ENDED if service.is_job => "completed",
            ENDED => {
                let what = format!("{other} never ends, since it is always started again");
                self.file.notes.say(at_key, format!("{what}: this waits for its start only"));
                "started"
            }
            _ => {
                if let Some(entry) = entry.and_then(|entry| at(&entry.value, &["condition"])) {
                    self.file.values.wrong(entry, "a condition such as `service_healthy`");
                }
                return;
            }
        };
        let required = entry.and_then(|entry| at(&entry.value, &["required"]));
        if required.is_some_and(|entry| self.file.values.flag(entry) == Some(false)) {
            let what = format!("it waits for {other}, which docker does not require");
            self.file.notes.say(at_key, format!("{what}: take it out if it may be missing"));
        }
        let restart = entry.and_then(|entry| at(&entry.value, &["restart"]));
        if restart.is_some_and(|entry| self.file.values.flag(entry) == Some(true)) {
            let mut full = Map::new(span);
            full.put("is", span, text(span, word));
            full.put("restart_with", span, plain(span, &true));
            map.put(&service.name, span, full.node());
        } else {
            map.put(&service.name, span, text(span, word));
        }
    }

    /// A health check says when it is ready; docker restarts nobody for it.
    pub(super) fn ready(&self, app: &mut Map) {
        let Some(entry) = self.entry(&["healthcheck"]) else { return };
        let is_off = self.entry(&["healthcheck", "disable"]);
        if is_off.is_some_and(|entry| self.file.values.flag(entry) == Some(true)) {
            return;
        }
        let Some(test) = self.entry(&["healthcheck", "test"]) else {
            self.say(entry, "the `test` of its image's health check is not known: add `ready`");
            return;
        };
        let Some(exec) = self.test(test) else { return };
        if self.service.is_job {
            self.say(entry, "`healthcheck` is left out: a job is never ready, it ends");
            return;
        }
        let mut ready = Map::new(entry.value.span);
        ready.put("exec", test.key_span, exec);
        for (key, ours) in [("interval", "interval"), ("timeout", "timeout")] {
            if let Some((entry, millis)) = self.duration(&["healthcheck", key]) {
                ready.put(ours, entry.key_span, self.time(entry, millis));
            }
        }
        app.put_map("ready", entry.key_span, ready);
        self.deadline(entry, app);
        if self.file.keys.said.borrow_mut().insert("live") {
            let sentence = "a health check says when it is ready; docker restarts nobody who is \
                            unhealthy, `live` would";
            self.say(entry, sentence);
        }
    }

    fn test(&self, test: &Entry) -> Option<std::rc::Rc<Node>> {
        let span = test.value.span;
        let shell = |line: &str| shell(test.key_span, span, line);
        if let Some(line) = scalar(&test.value) {
            return (line != "NONE").then(|| shell(&self.filled(line, test.key_span)));
        }
        let words = self.words(test)?;
        match words.split_first() {
            Some(((first, _), _)) if first == "NONE" => None,
            Some(((first, _), rest)) if first == "CMD" && !rest.is_empty() => Some(run(rest, test)),
            Some(((first, _), [(line, _)])) if first == "CMD-SHELL" => Some(shell(line)),
            Some(_) | None => {
                self.file.values.odd(
                    test,
                    "`test` does not say how to ask",
                    "expected a text, or a list that begins with `CMD` or `CMD-SHELL`",
                );
                None
            }
        }
    }

    /// Until when docker calls it unhealthy, which ours calls failed.
    fn deadline(&self, check: &Entry, app: &mut Map) {
        const INTERVAL: u64 = 30_000;
        const TIMEOUT: u64 = 30_000;
        const RETRIES: u64 = 3;
        const OURS: u64 = 60_000;
        let time = |key, default| match self.duration(&["healthcheck", key]) {
            Some((_, millis)) => millis.unwrap_or(default),
            None => default,
        };
        let retries = self.entry(&["healthcheck", "retries"]);
        let retries = retries.and_then(|entry| self.file.values.number(entry));
        let each = time("interval", INTERVAL).saturating_add(time("timeout", TIMEOUT));
        let tries = each.saturating_mul(retries.unwrap_or(RETRIES).max(1));
        let millis = time("start_period", 0).saturating_add(tries).clamp(1000, 86_400_000);
        if millis != OURS && !self.service.is_job {
            let mut rollout = Map::new(check.value.span);
            rollout.put("deadline", check.key_span, duration(check.value.span, millis));
            app.put_map("rollout", check.key_span, rollout);
        }
    }
}
