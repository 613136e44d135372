//! The revision of a spec: a hash of exactly what needs a replacement to take effect.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::process_fields::limits_in_words;
use crate::model::{
    AppSpec, Artifacts, Command, EnvValue, Kind, ListenPolicy, ListenPort, Observe, Pass,
    ProcessPolicy, ReadyPolicy, ReadyProbe, Revision, ShareBy, StopPolicy,
};

/// The revision of `spec`: equal for two specs exactly when `diff` finds nothing between them that
/// replaces instances. It does not change with the version of eco.
pub fn revision(spec: &AppSpec) -> Revision {
    // Every field is named, so that a new one does not compile until it is decided whether it
    // belongs into the hash; `fields::app_changes` holds the same decision as an effect.
    let AppSpec {
        command,
        cwd,
        env,
        inherited_epoch,
        artifacts: Artifacts { files, patterns: _ },
        instances: _,
        inherited: _,
        inherit_env,
        restart: _,
        stop: StopPolicy { message, close, command: _, signal: _, timeout: _, kill: _, drain: _ },
        listen,
        ready: ReadyPolicy { probe, interval: _, timeout: _, successes: _, start_period: _ },
        live: _,
        accepts_within: _,
        reload: _,
        rollout: _,
        watch: _,
        observe,
        tags: _,
        logs: _,
        kind,
        schedule: _,
        depends_on: _,
        process,
        alerts: _,
    } = spec;
    let mut form = CanonicalForm::new();
    form.command(command);
    form.path(cwd);
    form.count(env.len());
    for (name, value) in env {
        form.text(name);
        form.env_value(value);
    }
    form.count(inherit_env.len());
    for pattern in inherit_env {
        form.text(pattern);
    }
    form.number(*inherited_epoch);
    form.count(files.len());
    for (path, digest) in files {
        form.text(path);
        form.text(digest);
    }
    // Nothing for an app without: its revision is that of a version that knew no `listen`.
    if let Some(listen) = listen {
        form.listen(listen);
    }
    // Likewise for what is no job.
    if *kind == Kind::Job {
        form.text("job");
    }
    // Likewise.
    if *process != ProcessPolicy::default() {
        form.process(process);
    }
    form.node(probe, message.as_deref(), *close);
    // Likewise.
    if *observe != Observe::Off {
        form.text("observe");
        form.text(observe.word());
    }
    form.finish()
}

/// Bytes in which no two different specs look the same: every text has its length before it and
/// every choice a mark.
struct CanonicalForm(Sha256);

impl CanonicalForm {
    fn new() -> Self {
        let mut form = Self(Sha256::new());
        form.text("eco revision 1");
        form
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn path(&mut self, path: &Path) {
        self.bytes(path.as_os_str().as_encoded_bytes());
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Argv(words) => {
                self.text("argv");
                self.count(words.len());
                for word in words {
                    self.text(word.as_escaped());
                }
            }
            Command::Shell(text) => {
                self.text("shell");
                self.text(text.as_escaped());
            }
        }
    }

    fn env_value(&mut self, value: &EnvValue) {
        match value {
            EnvValue::Set(text) => {
                self.text("set");
                self.text(text.as_escaped());
            }
            EnvValue::Unset => self.text("unset"),
            EnvValue::File { path, digest } => {
                self.text("file");
                self.path(path);
                self.text(digest);
            }
        }
    }

    fn listen(&mut self, listen: &ListenPolicy) {
        let ListenPolicy { ports, pass, share, queue: _, close_idle: _ } = listen;
        self.text("listen");
        self.count(ports.len());
        for ListenPort { host, port } in ports {
            self.text(&host.map(|host| host.to_string()).unwrap_or_default());
            self.number(u64::from(*port));
        }
        self.text(match pass {
            Pass::Inject => "inject",
            Pass::Fds => "fds",
        });
        match share {
            // The revisions of before there was a choice stay what they were.
            ShareBy::Queue => {}
            ShareBy::Port => self.text("share port"),
        }
    }

    fn process(&mut self, process: &ProcessPolicy) {
        let ProcessPolicy { user, group, umask, nice, oom_score_adj, limits } = process;
        self.text("process");
        for account in [user, group] {
            self.text(account.as_deref().unwrap_or_default());
        }
        let signed = |number: &Option<i32>| number.map(i64::from);
        for number in [umask.map(i64::from), signed(nice), signed(oom_score_adj)] {
            self.text(&number.map(|number| number.to_string()).unwrap_or_default());
        }
        let limits = limits_in_words(limits);
        self.count(limits.len());
        for (key, value) in limits {
            self.text(&key.to_string());
            self.text(&value);
        }
    }

    /// What is put into the environment of a Node program. Likewise nothing for all others.
    fn node(&mut self, ready: &ReadyProbe, shutdown: Option<&str>, close: bool) {
        for (key, value) in
            [("ready", ready.message()), ("message", shutdown), ("close", close.then_some(""))]
        {
            if let Some(value) = value {
                self.text(key);
                self.text(value);
            }
        }
    }

    fn finish(self) -> Revision {
        let hash = self.0.finalize();
        let first = hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        Revision(first)
    }
}
