//! When a service is started again.

use super::App;
use crate::{
    config::written_tree::{Core, Entry, Node, core},
    import::{
        tree::{Map, plain, put_restart, scalar, text},
        yaml::at,
    },
};

/// How a policy is called here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Always,
    OnFailure,
    Never,
}

/// So many tries, and what is written of them.
type Tries<'n> = Option<(u64, &'n Entry)>;

/// Whether a service is started again whenever it ends.
pub(super) fn is_always(node: &Node) -> bool {
    let word = at(node, &["restart"]).and_then(|entry| scalar(&entry.value));
    matches!(word, Some("always" | "unless-stopped"))
}

impl App<'_> {
    pub(super) fn restart(&self, app: &mut Map) {
        let whole = self.service.whole;
        let (policy, tries, place) = match self.entry(&["restart"]) {
            Some(entry) => {
                let Some((policy, tries)) = self.word(entry) else { return };
                (policy, tries.map(|tries| (tries, entry)), entry.key_span)
            }
            None => match self.entry(&["deploy", "restart_policy"]) {
                Some(entry) => (self.condition(entry), self.attempts(), entry.key_span),
                None => (Policy::Never, None, whole),
            },
        };
        let mut restart = Map::new(whole);
        let is_job = self.service.is_job;
        match policy {
            Policy::OnFailure => restart.put("policy", place, text(place, "on-failure")),
            Policy::Never if !is_job => restart.put("policy", place, text(place, "never")),
            // The defaults of services and jobs.
            Policy::Always | Policy::Never => {}
        }
        if policy != Policy::Never && !(is_job && policy == Policy::Always) {
            self.pace(&mut restart);
            self.limit(tries, &mut restart);
        }
        put_restart(app, place, restart);
    }

    /// `restart`, with how often.
    fn word(&self, entry: &Entry) -> Option<(Policy, Option<u64>)> {
        let word = self.file.values.text(entry)?;
        let (word, tries) =
            word.split_once(':').map_or((word, None), |(word, tries)| (word, Some(tries)));
        let is_false = matches!(core(word), Core::Bool(false));
        let policy = match word {
            "always" | "unless-stopped" => Policy::Always,
            "on-failure" => Policy::OnFailure,
            "no" | "" => Policy::Never,
            // `no` without quotes is `false` to some readers.
            _ if is_false => Policy::Never,
            _ if word.contains('$') => {
                self.say(entry, "the policy is not known before it is filled: write it itself");
                Policy::Never
            }
            _ => {
                let wanted = "`no`, `always`, `on-failure` or `unless-stopped`";
                self.file.values.wrong(entry, wanted);
                return None;
            }
        };
        Some((policy, tries.and_then(|tries| tries.parse().ok())))
    }

    /// `deploy.restart_policy`
    fn condition(&self, policy: &Entry) -> Policy {
        let Some(entry) = at(&policy.value, &["condition"]) else { return Policy::Always };
        match scalar(&entry.value) {
            Some("none") => Policy::Never,
            Some("on-failure") => Policy::OnFailure,
            Some("any") => Policy::Always,
            Some(_) | None => {
                self.file.values.wrong(entry, "`none`, `on-failure` or `any`");
                Policy::Always
            }
        }
    }

    fn attempts(&self) -> Tries<'_> {
        let entry = self.entry(&["deploy", "restart_policy", "max_attempts"])?;
        Some((self.file.values.number(entry)?, entry))
    }

    /// A wait that does not grow.
    fn pace(&self, restart: &mut Map) {
        let delay = self.duration(&["deploy", "restart_policy", "delay"]);
        let Some((entry, millis)) = delay.filter(|_| !self.has(&["restart"])) else { return };
        let mut backoff = Map::new(entry.value.span);
        backoff.put("initial", entry.key_span, self.time(entry, millis));
        backoff.put("max", entry.key_span, self.time(entry, millis));
        restart.put_map("backoff", entry.key_span, backoff);
    }

    fn limit(&self, tries: Tries<'_>, restart: &mut Map) {
        const MOST: u64 = 100;
        let Some((tries, entry)) = tries.filter(|(tries, _)| 0 < *tries) else { return };
        let mut limit = Map::new(entry.value.span);
        // The first run is none of the tries.
        let failures = tries.saturating_add(1).min(MOST);
        limit.put("failures", entry.key_span, plain(entry.value.span, &failures));
        let window = self.duration(&["deploy", "restart_policy", "window"]);
        let within = match window.filter(|_| !self.has(&["restart"])) {
            Some((entry, millis)) => self.time(entry, millis),
            None => text(entry.value.span, "1h"),
        };
        limit.put("within", entry.key_span, within);
        limit.put("then", entry.key_span, text(entry.value.span, "stop"));
        restart.put_map("limit", entry.key_span, limit);
        self.say(entry, "so many failures within that time, where docker counts those in a row");
    }
}
