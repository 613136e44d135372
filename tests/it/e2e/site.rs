//! A web app with two releases and what can be seen of it, for tests of changes.

use std::collections::{BTreeMap, BTreeSet};

use super::server;
use crate::harness::{Signal, TestEnv, alive, free_port, http_get, send};

/// `server.py` under `listen`, with an app beside it that shows that eco is at work.
pub(super) struct Site {
    pub(super) env: TestEnv,
    pub(super) port: u16,
    pub(super) instances: u32,
    pub(super) rollout: &'static str,
    pub(super) vars: String,
    /// More lines of the app.
    pub(super) more: &'static str,
    other: u32,
}

impl Site {
    pub(super) fn start(instances: u32) -> Self {
        let rollout = "min_ready: 100ms";
        let vars = "VERSION: one".to_owned();
        let site =
            Self { env: server(), port: free_port(), instances, rollout, vars, more: "", other: 0 };
        site.save();
        site.env.apply();
        assert_eq!(site.version(), "one");
        site
    }

    pub(super) fn save(&self) {
        self.env.apps(&format!(
            "  web:\n    command: python3 server.py\n    instances: {}\n    listen: {}\n    \
             env: {{ {} }}\n    rollout: {{ {} }}\n{}\
             \x20 other: {{ command: sleep 100000, env: {{ N: {} }} }}\n",
            self.instances, self.port, self.vars, self.rollout, self.more, self.other
        ));
    }

    pub(super) fn release(&mut self, vars: &str) {
        vars.clone_into(&mut self.vars);
        self.save();
    }

    /// Edits the other app and waits until that came in: eco has seen the file as it is now.
    pub(super) fn edit_other(&mut self) {
        let before = self.env.pid("other");
        self.other += 1;
        self.save();
        self.env.wait_for("the other app's edit", || {
            self.env.pids("other").get("other/0").is_some_and(|pid| *pid != before)
                && self.env.is("other", "ready")
        });
    }

    pub(super) fn pids(&self) -> BTreeMap<String, u32> {
        self.env.pids("web")
    }

    pub(super) fn version(&self) -> String {
        let body = http_get(self.port, "/").unwrap_or_default();
        body.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    pub(super) fn server_pids(&self) -> BTreeSet<u32> {
        let processes = self.env.processes().into_iter();
        // An instance leads its session; what it forks for a moment is none.
        let leads = processes.filter(|it| it.pid == it.session);
        let servers = leads.filter(|it| it.to_string().contains("server.py"));
        servers.map(|it| it.pid).collect()
    }

    pub(super) fn servers(&self) -> usize {
        self.server_pids().len()
    }

    pub(super) fn events(&self, kind: &str) -> usize {
        self.env.events().iter().filter(|it| it["type"] == kind).count()
    }

    pub(super) fn kill_controller(&self) {
        let controller = self.env.daemon_pid("controller");
        send(controller, Signal::KILL);
        self.env.wait_for("another controller", || {
            let now = self.env.eco(&["daemon", "status", "--json"]);
            now.code == Some(0) && now.json()["controller_pid"] != controller
        });
    }

    /// A release that fails: exit 1 with these words, the old instances untouched.
    #[track_caller]
    pub(super) fn refuse(&mut self, vars: &str, rollout: &'static str, words: &[&str]) {
        let before = self.pids();
        self.rollout = rollout;
        self.release(vars);
        let mut output = self.env.eco(&["apply"]).exits(1).says("rolled back");
        for words in words {
            output = output.says(words);
        }
        assert_eq!(self.pids(), before, "{vars}: {output}");
        assert!(before.values().all(|pid| alive(*pid)));
        assert_eq!(self.version(), "one");
        self.env.eco(&["status"]).exits(1).says("rolled back");
        assert_eq!(self.env.status()["file"]["state"], "rolled_back");
        self.env.eco(&["diff"]).exits(1).says("env.VERSION");
        self.env.wait_for("only the old ones", || self.servers() == before.len());
    }
}

/// Begins a release whose instances listen only once there is the file `go`.
pub(super) fn begin(site: &mut Site, version: &str) {
    let before = site.server_pids();
    site.release(&format!("VERSION: {version}, LISTEN_WITH: go"));
    site.env.eco(&["apply", "--no-wait"]).ok();
    site.env.wait_for("a new instance", || !site.server_pids().is_subset(&before));
}
