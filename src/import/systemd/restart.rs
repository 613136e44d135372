//! When a service is started again.

use super::{service::Service, spans};
use crate::{
    config::written_tree::Node,
    import::{
        ini::Item,
        tree::{Map, duration, plain, text},
    },
};

/// systemd's defaults, for what is written only in part.
const LIMIT_BURST: u64 = 5;
const LIMIT_INTERVAL: u64 = 10_000;
const RESTART_DELAY: u64 = 100;

impl Service<'_> {
    pub(super) fn restart(&self, app: &mut Map) {
        let item = self.get("Restart");
        let at = item.map_or(self.head, |item| item.key_at);
        let written = item.map_or("no", |item| item.value.as_str());
        let policy = match written {
            "no" => "never",
            "always" => "always",
            "on-failure" => "on-failure",
            "on-abnormal" | "on-abort" | "on-watchdog" => {
                self.say(
                    at,
                    format!("`{written}` is `on-failure` here: exit codes other than 0 count too"),
                );
                "on-failure"
            }
            "on-success" => {
                self.say(at, "`on-success` is `always` here: failures are started again too");
                "always"
            }
            _ => {
                if let Some(item) = item {
                    let help = "it may be `no`, `always`, `on-failure` and the like";
                    self.wrong(item, "not known", help);
                }
                "never"
            }
        };
        let mut restart = Map::new(at);
        // For a job it is the default.
        if policy != "never" || !self.is_job() {
            restart.put("policy", at, text(at, policy));
        }
        if policy != "never" {
            self.backoff(&mut restart);
            self.limit(&mut restart);
            self.exit_codes(&mut restart);
        }
        app.put_map("restart", at, restart);
    }

    /// A length of time; a fault if it is none.
    fn millis(&self, item: &Item) -> Option<u64> {
        let found = spans::millis(&item.value);
        if found.is_none() && item.value != "infinity" {
            self.wrong(item, "expected a length of time", "as in `5s` or `1min 30s`");
        }
        found
    }

    fn backoff(&self, restart: &mut Map) {
        let longest = self.get("RestartMaxDelaySec");
        let first = self.get("RestartSec").or(longest);
        let Some(item) = first else { return };
        let delay =
            self.get("RestartSec").and_then(|item| self.millis(item)).unwrap_or(RESTART_DELAY);
        let most = longest.and_then(|item| self.millis(item)).filter(|most| delay < *most);
        let mut backoff = Map::new(item.value_at);
        backoff.put("initial", item.key_at, duration(item.value_at, delay));
        if most.is_none() {
            backoff.put("factor", item.key_at, plain(item.value_at, &1));
        }
        backoff.put("max", item.key_at, duration(item.value_at, most.unwrap_or(delay)));
        restart.put_map("backoff", item.key_at, backoff);
    }

    fn limit(&self, restart: &mut Map) {
        let find = |keys: &[&str]| {
            let sections = ["Unit", "Service"];
            let both =
                sections.iter().flat_map(|section| keys.iter().map(move |key| (*section, *key)));
            both.into_iter().find_map(|(section, key)| self.unit.last(section, key))
        };
        let burst = find(&["StartLimitBurst"]);
        let interval = find(&["StartLimitIntervalSec", "StartLimitInterval"]);
        let Some(item) = burst.or(interval) else {
            self.reading.told.once(
                self.head,
                "systemd gives up a service that starts 5 times within 10 seconds; eco tries on at longer \
                 and longer intervals, unless `restart: { limit: … }` says otherwise"
                    .to_owned(),
            );
            return;
        };
        let within = interval.and_then(|item| self.millis(item));
        let count = burst.map_or(Some(LIMIT_BURST), |item| {
            let count = item.value.parse().ok();
            if count.is_none() {
                self.wrong(item, "expected a whole number", "as in `5`");
            }
            count
        });
        let is_endless = interval.is_some_and(|item| item.value == "infinity");
        match (within.unwrap_or(LIMIT_INTERVAL), count.unwrap_or(LIMIT_BURST)) {
            // There is no limit then.
            (0, _) | (_, 0) => restart.put("limit", item.key_at, text(item.value_at, "none")),
            (within, count) => {
                let within = if is_endless { 86_400_000 } else { within.max(1000) };
                let mut limit = Map::new(item.value_at);
                limit.put("failures", item.key_at, plain(item.value_at, &count.min(100)));
                limit.put("within", item.key_at, duration(item.value_at, within));
                limit.put("then", item.key_at, text(item.value_at, "stop"));
                restart.put_map("limit", item.key_at, limit);
            }
        }
    }

    fn exit_codes(&self, restart: &mut Map) {
        let items = ["RestartPreventExitStatus", "SuccessExitStatus"].map(|key| self.all(key));
        let items = items.concat();
        let words = items
            .iter()
            .flat_map(|item| item.value.split_whitespace().map(move |word| (*item, word)));
        let is_code = |word: &str| word.parse::<u8>().is_ok_and(|code| code != 0);
        let (codes, others): (Vec<_>, Vec<_>) = words.partition(|(_, word)| is_code(word));
        for (item, word) in others.into_iter().filter(|(_, word)| *word != "0") {
            let why = "only exit codes from 1 to 255 can be named in `stop_exit_codes`";
            let what = format!("{}={word}", item.key);
            self.reading.notes.left_out(item.key_at, &what, why);
        }
        if let Some((first, _)) = codes.first() {
            let codes = codes.iter().map(|(item, word)| plain(item.value_at, *word)).collect();
            restart.put("stop_exit_codes", first.key_at, Node::list(first.value_at, codes));
        }
    }
}
