//! What is known about keys and words: which are often mistaken for another, and how the mappings are
//! called.

use std::fmt;

use serde::de::Expected;

use super::{
    fault::{Problem, Span},
    suggest::{choices, nearest, quoted},
};

/// A mapping with known keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Struct {
    /// The name of its type.
    pub(super) name: &'static str,
    pub(super) fields: &'static [&'static str],
}

/// Words of other programs for keys: (type, word, key).
const OTHER_WORDS: &[(&str, &str, &str)] = &[
    ("App", "cmd", "command"),
    ("App", "script", "command"),
    ("App", "exec", "command"),
    ("App", "run", "command"),
    ("App", "program", "command"),
    ("App", "entrypoint", "command"),
    ("App", "args", "command"),
    ("App", "environment", "env"),
    ("App", "env_vars", "env"),
    ("App", "envFile", "env_file"),
    ("App", "dotenv", "env_file"),
    ("App", "working_dir", "cwd"),
    ("App", "working_directory", "cwd"),
    ("App", "directory", "cwd"),
    ("App", "dir", "cwd"),
    ("App", "replicas", "instances"),
    ("App", "scale", "instances"),
    ("App", "numprocs", "instances"),
    ("App", "count", "instances"),
    ("App", "autorestart", "restart"),
    ("App", "restart_policy", "restart"),
    ("App", "ignore_watch", "watch"),
    ("App", "labels", "tags"),
    ("App", "log_dir", "logs"),
    ("App", "port", "listen"),
    ("App", "ports", "listen"),
    ("App", "expose", "listen"),
    ("App", "bind", "listen"),
    ("App", "socket", "listen"),
    ("App", "listen_on", "listen"),
    ("App", "healthcheck", "ready"),
    ("App", "health_check", "ready"),
    ("App", "health", "ready"),
    ("App", "probe", "ready"),
    ("App", "readiness", "ready"),
    ("App", "readiness_probe", "ready"),
    ("App", "readinessProbe", "ready"),
    ("App", "startup_probe", "ready"),
    ("App", "startupProbe", "ready"),
    ("App", "wait_ready", "ready"),
    ("App", "liveness", "live"),
    ("App", "liveness_probe", "live"),
    ("App", "livenessProbe", "live"),
    ("App", "watchdog", "live"),
    ("Metrics", "address", "listen"),
    ("Metrics", "bind", "listen"),
    ("Metrics", "port", "listen"),
    ("Metrics", "public", "expose"),
    ("Alert", "if", "when"),
    ("Alert", "notify", "to"),
    ("Receiver", "url", "webhook"),
    ("Receiver", "exec", "command"),
    ("Document", "receivers", "notify"),
    ("Dashboard", "address", "listen"),
    ("Dashboard", "bind", "listen"),
    ("Dashboard", "port", "listen"),
    ("Dashboard", "readonly", "read_only"),
    ("Dashboard", "host", "hosts"),
    ("Tls", "certificate", "cert"),
    ("Tls", "private_key", "key"),
    ("Live", "retries", "failures"),
    ("Live", "failure_threshold", "failures"),
    ("Live", "failureThreshold", "failures"),
    ("Live", "period", "interval"),
    ("Live", "initial_delay", "start_period"),
    ("App", "strategy", "rollout"),
    ("App", "update_config", "rollout"),
    ("App", "type", "kind"),
    ("App", "depends", "depends_on"),
    ("App", "dependencies", "depends_on"),
    ("App", "needs", "depends_on"),
    ("App", "after", "depends_on"),
    ("App", "requires", "depends_on"),
    ("App", "tz", "timezone"),
    ("App", "time_zone", "timezone"),
    ("App", "concurrency", "overlap"),
    ("App", "concurrencyPolicy", "overlap"),
    ("Dependency", "condition", "is"),
    ("Dependency", "restart", "restart_with"),
    ("Listen", "ports", "port"),
    ("Listen", "address", "host"),
    ("Listen", "addr", "host"),
    ("Listen", "bind", "host"),
    ("Listen", "ip", "host"),
    ("Listen", "interface", "host"),
    ("Listen", "backlog", "queue"),
    ("Ready", "command", "exec"),
    ("Ready", "cmd", "exec"),
    ("Ready", "test", "exec"),
    ("Ready", "shell", "exec"),
    ("Ready", "httpGet", "http"),
    ("Ready", "url", "http"),
    ("Ready", "tcpSocket", "tcp"),
    ("Ready", "port", "tcp"),
    ("Ready", "regex", "log"),
    ("Ready", "log_line", "log"),
    ("Ready", "sd_notify", "notify"),
    ("Ready", "sleep", "delay"),
    ("Ready", "period", "interval"),
    ("Ready", "periodSeconds", "interval"),
    ("Ready", "timeoutSeconds", "timeout"),
    ("Ready", "successThreshold", "successes"),
    ("Ready", "initial_delay", "start_period"),
    ("Ready", "initialDelaySeconds", "start_period"),
    ("Http", "url", "path"),
    ("Http", "uri", "path"),
    ("Http", "code", "status"),
    ("Http", "expect", "status"),
    ("Rollout", "surge", "max_surge"),
    ("Rollout", "unavailable", "max_unavailable"),
    ("Rollout", "timeout", "deadline"),
    ("Rollout", "failure_action", "on_failure"),
    ("Rollout", "min_ready_seconds", "min_ready"),
    ("Logs", "path", "dir"),
    ("Logs", "directory", "dir"),
    ("Logs", "compression", "compress"),
    ("Logs", "rotation", "rotate"),
    ("Rotate", "max_size", "size"),
    ("Rotate", "files", "keep"),
    ("Rotate", "max_files", "keep"),
    ("Rotate", "max_age", "age"),
    ("Stop", "grace_period", "timeout"),
    ("App", "uid", "user"),
    ("App", "gid", "group"),
    ("App", "ulimits", "limits"),
    ("App", "resources", "limits"),
    ("App", "rlimits", "limits"),
    ("App", "priority", "nice"),
    ("Limits", "mem", "memory"),
    ("Limits", "max_memory", "memory"),
    ("Limits", "cpus", "cpu"),
    ("Limits", "pids", "processes"),
    ("Limits", "tasks", "processes"),
    ("Limits", "nproc", "processes"),
    ("Limits", "open_files", "nofile"),
    ("Limits", "fsize", "file_size"),
    ("Limits", "memlock", "locked_memory"),
    ("Stop", "kill_timeout", "timeout"),
];

/// Keys that are easily put one level too high: (type, key, where it belongs).
const DEEPER: &[(&str, &str, &str)] = &[
    ("App", "policy", "restart"),
    ("App", "backoff", "restart"),
    ("App", "limit", "restart"),
    ("App", "stop_exit_codes", "restart"),
    ("App", "signal", "stop"),
    ("App", "timeout", "stop"),
    ("App", "kill", "stop"),
    ("App", "drain", "stop"),
    ("App", "min_ready", "rollout"),
    ("App", "max_surge", "rollout"),
    ("App", "max_unavailable", "rollout"),
    ("App", "deadline", "rollout"),
    ("App", "on_failure", "rollout"),
    ("App", "canary", "rollout"),
    ("App", "ignore", "watch"),
    ("App", "cron", "restart"),
    ("App", "memory", "limits"),
    ("App", "cpu", "limits"),
    ("App", "processes", "limits"),
    ("App", "nofile", "limits"),
    ("App", "queue", "listen"),
    ("App", "close_idle", "listen"),
    ("App", "pass", "listen"),
    ("App", "share", "listen"),
    ("App", "host", "listen"),
    ("App", "http", "ready"),
    ("App", "tcp", "ready"),
    ("App", "notify", "ready"),
    ("App", "delay", "ready"),
    ("App", "interval", "ready"),
    ("App", "start_period", "ready"),
    ("Logs", "size", "rotate"),
    ("Logs", "keep", "rotate"),
    ("Logs", "age", "rotate"),
    ("Ready", "path", "http"),
    ("Ready", "host", "http"),
    ("Ready", "status", "http"),
    ("Ready", "headers", "http"),
    ("Ready", "socket", "http"),
];

/// Keys of `ready` that are easily missed elsewhere, and keys put into `ready` that belong beside
/// it: (type, key, what to say).
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("Ready", "failures", "a failed try is repeated until `rollout.deadline`: set that instead"),
    ("Ready", "retries", "a failed try is repeated until `rollout.deadline`: set that instead"),
    (
        "Ready",
        "failureThreshold",
        "a failed try is repeated until `rollout.deadline`: set that instead",
    ),
    ("Ready", "deadline", "it belongs beside `ready`: `rollout: { deadline: … }`"),
    ("Ready", "min_ready", "it belongs beside `ready`: `rollout: { min_ready: … }`"),
    ("Listen", "protocol", "only TCP is shared; other sockets are left to the app"),
    ("App", "listen_timeout", "in `eco` this is `rollout: { deadline: … }`"),
    ("App", "kill_timeout", "in `eco` this is `stop: { timeout: … }`"),
    ("App", "stop_grace_period", "in `eco` this is `stop: { timeout: … }`"),
    ("App", "kill_signal", "in `eco` this is `stop: { signal: … }`"),
    ("App", "stop_signal", "in `eco` this is `stop: { signal: … }`"),
];

/// What is wrong with a key, and which one of the known keys was meant.
pub(super) struct Unknown {
    pub(super) problem: Problem,
    pub(super) meant: Option<&'static str>,
}

/// A key that its mapping does not have. `path` is the mapping's, empty for the whole file.
pub(super) fn unknown_key(known: &Struct, key: &str, span: Span, path: &str) -> Unknown {
    let place = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
    let message = format!("{place} has no key {}", quoted(key));
    let (help, meant) = advice(known, key);
    let problem = Problem::new("unknown_key", message, span, "unknown key").help(help);
    Unknown { problem, meant }
}

fn advice(known: &Struct, key: &str) -> (String, Option<&'static str>) {
    let word = |list: &[(&str, &str, &'static str)]| {
        list.iter().find(|(name, word, _)| *name == known.name && *word == key).map(|it| it.2)
    };
    if let Some(advice) = word(ELSEWHERE) {
        return (advice.to_owned(), None);
    }
    if let Some(parent) = word(DEEPER) {
        return (format!("it belongs under `{parent}`: `{parent}: {{ {key}: … }}`"), None);
    }
    let near = || nearest(key, known.fields.iter().copied());
    if let Some(meant) = word(OTHER_WORDS).or_else(near) {
        return (format!("did you mean `{meant}`?"), Some(meant));
    }
    if matches!(known.name, "Document") && DOCUMENT_BELOW.contains(&key) {
        return (format!("`{key}` belongs to an app: `apps: {{ NAME: {{ {key}: … }} }}`"), None);
    }
    let help = match known.fields {
        [only] => format!("the only key here is `{only}`"),
        all => format!("the keys here are {}", choices(all).replace(" or ", " and ")),
    };
    (help, None)
}

/// Keys of an app that may be found at the top of a file.
const DOCUMENT_BELOW: &[&str] = &[
    "command",
    "env",
    "env_file",
    "instances",
    "cwd",
    "listen",
    "ready",
    "live",
    "restart",
    "rollout",
    "watch",
    "stop",
    "logs",
    "alerts",
];

/// What a type is called: of a mapping what is needed, of words what they are.
pub(super) fn noun(name: &str) -> &'static str {
    match name {
        "Document" => "a mapping with `apps`",
        "App" => "a mapping with the app's keys",
        "Profile" => "a mapping with the profile's keys",
        "Restart" => "a policy or a mapping",
        "Backoff" | "Limit" | "Rotate" => "`none` or a mapping",
        "Compress" => "a way to compress",
        "To" => "something that takes output",
        "Format" => "a way to print output",
        "RestartWhen" => "a restart policy",
        "LimitThen" => "something to do about a crash loop",
        "KillScope" => "a choice of whom to signal",
        "Pass" => "a way to pass sockets",
        "OnFailure" => "something to do about a failure",
        "Listen" => "a port or a mapping",
        "Receiver" => "a URL or a mapping",
        "Ready" | "Live" => "a mapping with a probe",
        "Dependency" | "Alert" => "a condition or a mapping",
        "Condition" => "something to wait for",
        "Overlap" => "something to do about a run that goes on",
        "Kind" => "a kind of app",
        "Observe" => "something that measures",
        "Http" => "a path, a URL or a mapping",
        _ => "a mapping",
    }
}

/// How a mapping is written that stands under this key, for those who wrote something else.
pub(super) fn example(key: &str) -> Option<&'static str> {
    Some(match key {
        "apps" => "as in `apps: { web: { command: node server.js } }`",
        "env" => "as in `env: { NODE_ENV: production }`",
        "restart" => "as in `restart: on-failure`, or `restart: { policy: on-failure }`",
        "backoff" => "as in `backoff: { initial: 100ms, max: 30s }`",
        "limit" => "as in `limit: { failures: 10, within: 1m }`",
        "stop" => "as in `stop: { signal: SIGINT, timeout: 30s }`",
        "reload" => "as in `reload: { signal: SIGHUP }`",
        "rollout" => "as in `rollout: { max_surge: 1, min_ready: 5s }`",
        "listen" => "as in `listen: 3000`, or `listen: { port: 3000, queue: 10s }`",
        "ready" => "as in `ready: { http: /healthz }`, or `ready: { log: \"listening\" }`",
        "live" => "as in `live: { http: /healthz, interval: 10s, failures: 3 }`",
        "metrics" => "as in `metrics: { listen: \"127.0.0.1:9615\" }`",
        "alerts" => "as in `alerts: down`, or `alerts: [\"p99 > 500ms for 2m\"]`",
        "notify" => "as in `notify: { ops: { webhook: \"${SLACK_URL:?}\" } }`",
        "dashboard" => "as in `dashboard: { listen: \"127.0.0.1:9616\" }`",
        "tls" => "as in `tls: { cert: cert.pem, key: key.pem }`",
        "http" => "as in `http: /healthz`, or `http: { path: /healthz, port: 3000 }`",
        "depends_on" => {
            "as in `depends_on: db`, or `depends_on: { migrate: completed, db: ready }`"
        }
        "headers" => "as in `headers: { Host: example.org }`",
        "limits" => "as in `limits: { memory: 512M, nofile: 65536 }`",
        "logs" => "as in `logs: { dir: logs }`",
        "rotate" => "as in `rotate: { size: 100M, keep: 5 }`",
        "defaults" => "as in `defaults: { restart: on-failure }`",
        "profiles" => "as in `profiles: { production: { apps: { web: { instances: max } } } }`",
        _ => return None,
    })
}

/// What someone meant who wrote another word than those that are possible.
pub(super) fn meant_word(name: &str, text: &str, words: &[&str]) -> Option<String> {
    let lower = text.to_lowercase();
    if name == "RestartWhen" {
        let meant = match lower.as_str() {
            "yes" | "true" | "on" | "1" | "unless-stopped" => Some("always"),
            "no" | "false" | "off" | "0" | "none" => Some("never"),
            "on_failure" | "unexpected" | "failure" | "on-abnormal" => Some("on-failure"),
            _ => None,
        };
        if let Some(meant) = meant {
            return Some(format!(
                "write `restart: {meant}`; the policies are {}",
                choices(words).replace(" or ", " and ")
            ));
        }
    }
    let meant = match (name, lower.as_str()) {
        ("To", "journal" | "systemd") => Some("journald"),
        ("To", "files" | "disk") => Some("file"),
        ("To", "console" | "terminal" | "-" | "/dev/stdout") => Some("stdout"),
        ("To", "null" | "off" | "discard" | "/dev/null") => Some("none"),
        ("Pass", "listen_fds" | "systemd" | "fd" | "socket-activation") => Some("fds"),
        ("Pass", "auto" | "seccomp" | "bind") => Some("inject"),
        ("Condition", "healthy" | "service_healthy" | "process_healthy" | "up") => Some("ready"),
        ("Condition", "service_started" | "process_started" | "running") => Some("started"),
        (
            "Condition",
            "service_completed_successfully" | "process_completed_successfully" | "done",
        ) => Some("completed"),
        ("Observe", "nodejs" | "node.js" | "js" | "javascript" | "true" | "on" | "yes") => {
            Some("node")
        }
        ("Observe", "none" | "no" | "false" | "never") => Some("off"),
        ("Kind", "oneshot" | "one-shot" | "task" | "cron" | "once") => Some("job"),
        ("Kind", "daemon" | "simple" | "app" | "process") => Some("service"),
        ("Overlap", "forbid" | "no" | "false" | "never") => Some("skip"),
        ("OnFailure", "revert" | "undo" | "abort") => Some("rollback"),
        ("OnFailure", "stop" | "halt" | "continue" | "none") => Some("pause"),
        _ => None,
    };
    if let Some(meant) = meant {
        return Some(format!("did you mean `{meant}`?"));
    }
    nearest(&lower, words.iter().copied()).map(|near| format!("did you mean `{near}`?"))
}

/// The words of an enum, as serde wants what was expected.
pub(super) struct OneOf(pub(super) &'static [&'static str]);

impl Expected for OneOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&choices(self.0))
    }
}
