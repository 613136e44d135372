//! A resolved spec in words, field by field, for `eco describe`. Values of env are never shown.

use std::path::Path;

use crate::model::{
    App, AppSpec, Command, EnvValue, LivePolicy, LiveProbe, LogCompression, LogDestination,
    LogPolicy, Observe, ProbeAddress, ReadyPolicy, ReadyProbe, RestartPolicy, RestartWhen,
    StopPolicy, exact_size, human_duration,
};

/// The fields of an app as the file would name them.
pub(super) fn fields(app: &App) -> Vec<(String, String)> {
    let spec = &app.spec;
    let mut fields = Vec::new();
    let mut add = |name: &str, value: String| fields.push((name.to_owned(), value));
    add("command", command(&spec.command));
    add("cwd", path(&spec.cwd));
    add("instances", spec.instances.to_string());
    for (name, value) in &spec.env {
        add(&format!("env.{name}"), env_value(value));
    }
    add("inherit_env", inherited(spec));
    restart(&spec.restart, &mut add);
    stop(&spec.stop, &mut add);
    if let Some(listen) = &spec.listen {
        let ports: Vec<_> = listen.ports.iter().map(ToString::to_string).collect();
        add("listen", if ports.is_empty() { "auto".to_owned() } else { ports.join(", ") });
        add("listen.queue", human_duration(listen.queue));
        add("listen.close_idle", listen.close_idle.to_string());
        add("listen.share", format!("{:?}", listen.share).to_lowercase());
        add("stop.drain", human_duration(spec.stop.drain));
    }
    add("ready", ready(&spec.ready));
    lives(spec, &mut add);
    let rollout = &spec.rollout;
    add("rollout.max_surge", rollout.max_surge.to_string());
    add("rollout.max_unavailable", rollout.max_unavailable.to_string());
    add("rollout.min_ready", human_duration(rollout.min_ready));
    add("rollout.deadline", human_duration(rollout.deadline));
    add("rollout.on_failure", format!("{:?}", rollout.on_failure).to_lowercase());
    if let Some(canary) = rollout.canary {
        add("rollout.canary", canary.to_string());
    }
    if let Some(signal) = spec.reload {
        add("reload.signal", signal.to_string());
    }
    if let Some(watch) = &spec.watch {
        let paths: Vec<_> = watch.paths.iter().map(|found| path(found)).collect();
        add("watch.paths", paths.join(", "));
        if !watch.ignore.is_empty() {
            add("watch.ignore", watch.ignore.join(", "));
        }
    }
    if !spec.artifacts.patterns.is_empty() {
        let count = spec.artifacts.files.len();
        add("artifacts", format!("{} ({count} files)", spec.artifacts.patterns.join(", ")));
    }
    if !spec.tags.is_empty() {
        let tags: Vec<_> = spec.tags.iter().map(String::as_str).collect();
        add("tags", tags.join(", "));
    }
    if let Some(dir) = &spec.logs.dir {
        add("logs.dir", path(dir));
    }
    logs(&spec.logs, &mut add);
    if !spec.alerts.is_empty() {
        let alerts: Vec<_> = spec.alerts.iter().map(crate::reconcile::alert_text).collect();
        add("alerts", alerts.join(", "));
    }
    order(spec, &mut add);
    fields
}

fn lives(spec: &AppSpec, add: &mut impl FnMut(&str, String)) {
    if let Some(policy) = &spec.live {
        add("live", live(policy));
    }
    if let Some(within) = spec.accepts_within {
        let within = human_duration(within);
        add("live.accept", format!("waiting connections are taken within {within}"));
    }
    if spec.observe != Observe::Off {
        add("observe", spec.observe.word().to_owned());
    }
}

fn order(spec: &AppSpec, add: &mut impl FnMut(&str, String)) {
    if spec.is_job() {
        add("kind", spec.kind.word().to_owned());
    }
    if let Some(schedule) = &spec.schedule {
        add("schedule", schedule.cron.to_string());
        add("overlap", schedule.overlap.word().to_owned());
        add("catch_up", schedule.catch_up.to_string());
    }
    if let Some(cron) = &spec.restart.cron {
        add("restart.cron", cron.to_string());
    }
    for (name, dependency) in &spec.depends_on {
        let with = if dependency.restart_with { ", restarted with it" } else { "" };
        add(&format!("depends_on.{name}"), format!("{}{with}", dependency.is.word()));
    }
}

fn logs(policy: &LogPolicy, add: &mut impl FnMut(&str, String)) {
    let rotate = policy.rotate.map_or_else(
        || "none".to_owned(),
        |it| {
            let age = it.age.map_or_else(String::new, |age| format!(" or {}", human_duration(age)));
            format!("at {}{age}, {} kept", exact_size(it.size), it.keep)
        },
    );
    add("logs.rotate", rotate);
    match policy.compress {
        LogCompression::None => {}
        LogCompression::Zstd => add("logs.compress", "zstd".to_owned()),
        LogCompression::Gzip => add("logs.compress", "gzip".to_owned()),
    }
    if policy.to != LogDestination::File {
        add("logs.to", policy.to.word().to_owned());
    }
    if let Some(total) = policy.max_total {
        add("logs.max_total", exact_size(total));
    }
}

fn ready(policy: &ReadyPolicy) -> String {
    let what = match &policy.probe {
        ReadyProbe::Started => return "its program was executed".to_owned(),
        ReadyProbe::Listen => return "it listens on its ports".to_owned(),
        ReadyProbe::Notify => return "it says so at NOTIFY_SOCKET".to_owned(),
        ReadyProbe::Message(text) => return format!("it says process.send('{text}')"),
        ReadyProbe::Delay(delay) => return format!("{} after its start", human_duration(*delay)),
        ReadyProbe::Log(pattern) => return format!("a line of its output matches `{pattern}`"),
        ReadyProbe::Http(http) => {
            format!("GET {} at {} is answered", http.path.display(), address(&http.address))
        }
        ReadyProbe::Tcp(at) => format!("{} accepts a connection", address(at)),
        ReadyProbe::Exec(words) => format!("`{}` succeeds", command(words)),
    };
    format!(
        "{what} (every {}, within {}, {} in a row)",
        human_duration(policy.interval),
        human_duration(policy.timeout),
        policy.successes
    )
}

fn live(policy: &LivePolicy) -> String {
    let LivePolicy { probe, interval, timeout, failures, start_period } = policy;
    let every = human_duration(*interval);
    if *probe == LiveProbe::Notify {
        return format!("it says WATCHDOG=1 at least every {every}, {failures} may be missing");
    }
    let asked = ready(&ReadyPolicy {
        probe: probe.as_ready(),
        interval: *interval,
        timeout: *timeout,
        successes: 1,
        start_period: *start_period,
    });
    asked.replace("1 in a row", &format!("{failures} failures in a row replace it"))
}

fn address(address: &ProbeAddress) -> String {
    match address {
        ProbeAddress::Tcp { host, port } => format!("{host}:{}", port.display()),
        ProbeAddress::Unix(path) => path.display(),
    }
}

fn stop(policy: &StopPolicy, add: &mut impl FnMut(&str, String)) {
    if let Some(words) = &policy.command {
        add("stop.command", command(words));
    }
    add("stop.signal", policy.signal.to_string());
    add("stop.timeout", human_duration(policy.timeout));
    add("stop.kill", format!("{:?}", policy.kill).to_lowercase());
    if let Some(message) = &policy.message {
        add("stop.message", message.clone());
    }
    if policy.close {
        add("stop.close", "true".to_owned());
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn command(command: &Command) -> String {
    match command {
        Command::Argv(words) => {
            let words: Vec<_> = words.iter().map(crate::model::Template::display).collect();
            words.join(" ")
        }
        Command::Shell(text) => format!("/bin/sh -c {}", text.display()),
    }
}

fn env_value(value: &EnvValue) -> String {
    match value {
        EnvValue::Set(_) => "(hidden)".to_owned(),
        EnvValue::Unset => "(unset)".to_owned(),
        EnvValue::File { path: file, .. } => format!("(from {})", path(file)),
    }
}

fn inherited(spec: &AppSpec) -> String {
    let names: Vec<_> = spec.inherited.keys().map(String::as_str).collect();
    format!("{} (captured: {})", spec.inherit_env.join(", "), names.join(", "))
}

fn restart(policy: &RestartPolicy, add: &mut impl FnMut(&str, String)) {
    let when = match policy.policy {
        RestartWhen::Always => "always",
        RestartWhen::OnFailure => "on-failure",
        RestartWhen::Never => "never",
    };
    add("restart.policy", when.to_owned());
    match &policy.backoff {
        None => add("restart.backoff", "none".to_owned()),
        Some(backoff) => add(
            "restart.backoff",
            format!(
                "{} × {} up to {}, reset after {}",
                human_duration(backoff.initial),
                backoff.factor,
                human_duration(backoff.max),
                human_duration(backoff.reset_after)
            ),
        ),
    }
    match &policy.limit {
        None => add("restart.limit", "none".to_owned()),
        Some(limit) => add(
            "restart.limit",
            format!(
                "{} failures within {}, then {}",
                limit.failures,
                human_duration(limit.within),
                format!("{:?}", limit.then).to_lowercase()
            ),
        ),
    }
    if let Some(bytes) = policy.max_memory {
        add("restart.max_memory", exact_size(bytes));
    }
    if !policy.stop_exit_codes.is_empty() {
        let codes: Vec<_> = policy.stop_exit_codes.iter().map(ToString::to_string).collect();
        add("restart.stop_exit_codes", codes.join(", "));
    }
}
