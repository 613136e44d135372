//! Every key of a PM2 file, and what becomes of it here: the one table that reading, warnings and
//! `eco import --fields` follow.

use std::borrow::Cow;

use Answer::{Differs, Mapped, Nothing, Refused};

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This key of our format says the same.
    Mapped(&'static str),
    /// This key of our format comes near; the difference in words, told once when it is used.
    Differs(&'static str, &'static str),
    /// It is left out, and nothing is lost; why.
    Nothing(&'static str),
    /// It is a fault; what to do instead.
    Refused(&'static str),
}

/// A key, with its other names in the snake case. Each may be written in camel case too.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name that is used here.
    pub name: &'static str,
    /// Other names of the same.
    pub aliases: &'static [&'static str],
    /// What becomes of it.
    pub answer: Answer,
}

impl Field {
    /// Whether `key` is one of its names.
    pub fn is(&self, key: &str) -> bool {
        self.names().iter().any(|name| name == key)
    }

    /// All its names.
    pub fn names(&self) -> Vec<Cow<'static, str>> {
        let mut out = Vec::new();
        for snake in std::iter::once(&self.name).chain(self.aliases) {
            out.push(Cow::Borrowed(*snake));
            // `env_NAME` stands for names that nobody writes in another way.
            if self.name != PROFILE {
                out.push(Cow::Owned(camel(snake)));
            }
        }
        out.dedup();
        out
    }
}

/// `max_restarts` as `maxRestarts`.
fn camel(snake: &str) -> String {
    let mut out = String::new();
    let mut upper = false;
    for c in snake.chars() {
        if c == '_' {
            upper = true;
        } else {
            out.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
    }
    out
}

const fn field(name: &'static str, aliases: &'static [&'static str], answer: Answer) -> Field {
    Field { name, aliases, answer }
}

/// Stands for every key that is `env_` and a name.
pub(super) const PROFILE: &str = "env_NAME";
const METRICS: &str = "eco has `observe: node` for that";
const DEPLOY: &str = "eco brings nothing onto machines: copy the release there by what you have (git, \
                      rsync, CI), then run `eco apply`";

/// The keys at the top of a file.
pub const TOP: &[Field] = &[
    field("apps", &["pm2"], Mapped("apps")),
    field("deploy", &[], Nothing(DEPLOY)),
    field(
        "static",
        &[],
        Refused(
            "eco serves no files itself: make it an app, as in `script: 'npx serve -l 8080 dist'`",
        ),
    ),
];

/// The keys of an app. `env_NAME` stands for any such name.
pub const FIELDS: &[Field] = &[
    field(
        "name",
        &[],
        Differs("apps.NAME", "names are letters, digits, `.`, `_` and `-`; others become `-`"),
    ),
    field("name_prefix", &[], Differs("apps.NAME", "the prefix is joined by `-`")),
    field(
        "namespace",
        &[],
        Differs("tags", "a tag: `eco restart tag:NAME` means all that have it"),
    ),
    field("script", &["exec", "cmd", "command"], Mapped("command")),
    field("cwd", &[], Differs("cwd", "relative to the file, wherever eco is called from")),
    field("args", &[], Mapped("command")),
    field("exec_interpreter", &["interpreter"], Mapped("command")),
    field("node_args", &["interpreter_args"], Mapped("command")),
    field("instances", &[], Mapped("instances")),
    field(
        "exec_mode",
        &[],
        Differs(
            "listen",
            "`cluster` is `listen: auto`: programs in any language share their ports, and are ready once \
             they listen",
        ),
    ),
    field("execute_command", &[], Mapped("listen")),
    field(
        "force",
        &[],
        Nothing("every app of a file has a name of its own, so the same script may run twice"),
    ),
    field("increment_var", &[], Mapped("command")),
    field("instance_var", &[], Mapped("env")),
    field("port", &[], Mapped("env.PORT")),
    field("env", &[], Mapped("env")),
    field(PROFILE, &[], Mapped("profiles.NAME.apps")),
    field(
        "filter_env",
        &[],
        Differs(
            "inherit_env",
            "with it an app inherits only eco's own short list (`PATH HOME USER …`), less what is named",
        ),
    ),
    field(
        "append_env_to_name",
        &[],
        Refused("names do not depend on the profile: give each its own `name`"),
    ),
    field("out_file", &["out", "output", "out_log"], Differs("logs.dir", LOG_NAMES)),
    field("error_file", &["error", "err", "err_file", "err_log"], Differs("logs.dir", LOG_NAMES)),
    field("log_file", &["log"], Differs("logs.dir", LOG_NAMES)),
    field(
        "pid_file",
        &["pid"],
        Nothing("pids are in `eco status --json`, and no file can be stale"),
    ),
    field(
        "merge_logs",
        &["combine_logs"],
        Nothing("`eco logs` shows all instances of an app merged by time"),
    ),
    field("disable_logs", &[], Mapped("logs.to")),
    field(
        "log_type",
        &[],
        Nothing("log files hold the bytes as they came; `eco logs --json` prints objects"),
    ),
    field("log_date_format", &[], Nothing(TIMES)),
    field("time", &[], Nothing(TIMES)),
    field(
        "autostart",
        &[],
        Differs("instances", "`false` is `instances: 0`; `eco scale NAME 1` starts it"),
    ),
    field("autorestart", &[], Mapped("restart.policy")),
    field("stop_exit_codes", &[], Mapped("restart.stop_exit_codes")),
    field("min_uptime", &[], Differs("restart.limit", LIMIT)),
    field("max_restarts", &[], Differs("restart.limit", LIMIT)),
    field("restart_delay", &[], Mapped("restart.backoff")),
    field("exp_backoff_restart_delay", &[], Mapped("restart.backoff")),
    field(
        "max_memory_restart",
        &[],
        Differs(
            "restart.max_memory",
            "all processes of an instance count, and they are looked at every second",
        ),
    ),
    field("cron_restart", &["cron"], Mapped("restart.cron")),
    field(
        "watch",
        &[],
        Differs("watch", "instances are replaced once edits have settled, also while they start"),
    ),
    field(
        "ignore_watch",
        &[],
        Differs("watch.ignore", "patterns as in `.gitignore`, which is heeded too"),
    ),
    field("watch_delay", &[], Nothing("eco waits by itself until edits have settled")),
    field(
        "watch_options",
        &[],
        Nothing("eco watches by what the system has for it, and follows no links"),
    ),
    field(
        "wait_ready",
        &[],
        Differs(
            "ready.message",
            "an instance that has not called `process.send('ready')` in time has failed, where PM2 takes it \
             for ready; without `listen_timeout` it has 60 s",
        ),
    ),
    field(
        "listen_timeout",
        &[],
        Differs(
            "rollout.deadline",
            "an instance that is not ready by then has failed; its predecessor stays",
        ),
    ),
    field("kill_timeout", &[], Mapped("stop.timeout")),
    field("kill_retry_time", &[], Nothing("the system tells when a process has ended")),
    field("shutdown_with_message", &[], Mapped("stop.message")),
    field("treekill", &[], Mapped("stop.kill")),
    field("uid", &["user"], Mapped("user")),
    field("gid", &[], Mapped("group")),
    field("username", &[], Nothing("it was for display only")),
    field("source_map_support", &[], Differs("command", "node's own `--enable-source-maps`")),
    field("disable_source_map_support", &[], Nothing("eco puts no code into programs")),
    field("vizion", &[], Nothing("the commit of the file is in `eco history`")),
    field("post_update", &[], Nothing("there is no `pull`: run the steps, then `eco apply`")),
    field("pmx", &["automation"], Nothing(METRICS)),
    field("trace", &[], Nothing(METRICS)),
    field("disable_trace", &[], Nothing(METRICS)),
    field("v8", &[], Nothing(METRICS)),
    field("event_loop_inspector", &[], Nothing(METRICS)),
    field("deep_monitoring", &[], Nothing(METRICS)),
    field("io", &[], Nothing(METRICS)),
    field("windowsHide", &[], Nothing("there is no Windows here")),
    field("install_url", &[], Nothing("it is PM2's own")),
    field("write", &[], Nothing("it is PM2's own")),
];

const LOG_NAMES: &str =
    "files keep eco's names, in the directory that is named; `eco logs` finds them";
const TIMES: &str =
    "log files hold the bytes as they came; times are kept beside them: `eco logs --timestamps`";
const LIMIT: &str =
    "that many failures count at any age of the app, within as many times `min_uptime` and delay";

/// The key of an app with this name.
pub(super) fn find(key: &str) -> Option<&'static Field> {
    let wanted = if is_profile(key) { PROFILE } else { key };
    FIELDS.iter().find(|field| field.is(wanted))
}

/// Whether a key is `env_` and the name of a profile.
pub(super) fn is_profile(key: &str) -> bool {
    key.strip_prefix("env_").is_some_and(|name| !name.is_empty() && name != "file")
}
