//! The class of every field of a spec: its name in the file, and what it takes to bring a change of
//! it in.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{
    alert, process_fields,
    words::{
        address_text, backoff_text, command_text, compression_text, dependency_text, env_text,
        exact, failure_text, limit_text, list_text, listen_text, none_text, pass_text, path_text,
        ports_text, probe_text, rotation_text, scope_text, share_text, statuses_text, then_text,
        when_text,
    },
};
use crate::model::{
    AppName, AppSpec, Artifacts, Backoff, Change, Cron, Dependency, Effect, HttpProbe, Limit,
    ListenPolicy, LivePolicy, LiveProbe, LogPolicy, LogRotation, ReadyPolicy, ReadyProbe,
    RestartPolicy, RolloutPolicy, Schedule, Share, StopPolicy, Template, WatchPolicy, exact_size,
};

/// Collects the changes of one app.
pub(super) struct Fields<'a> {
    app: &'a AppName,
    changes: Vec<Change>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(app: &'a AppName) -> Self {
        Self { app, changes: Vec::new() }
    }

    pub(super) fn finish(self) -> Vec<Change> {
        self.changes
    }

    /// The app as a whole comes or goes.
    pub(super) fn whole(&mut self, effect: Effect) {
        self.leaf(String::new(), effect, (None, None));
    }

    /// A field that is always there.
    pub(super) fn differ<T: PartialEq>(
        &mut self,
        field: &str,
        effect: Effect,
        (old, new): (&T, &T),
        show: impl Fn(&T) -> String,
    ) {
        if old != new {
            self.leaf(field.to_owned(), effect, (Some(show(old)), Some(show(new))));
        }
    }

    /// A field that may be missing.
    pub(super) fn maybe<T: PartialEq>(
        &mut self,
        field: &str,
        effect: Effect,
        (old, new): (Option<&T>, Option<&T>),
        show: impl Fn(&T) -> String,
    ) {
        if old != new {
            self.leaf(field.to_owned(), effect, (old.map(&show), new.map(&show)));
        }
    }

    /// One field for each key of a map.
    fn entries<T: PartialEq>(
        &mut self,
        field: &str,
        effect: Effect,
        (old, new): (&BTreeMap<String, T>, &BTreeMap<String, T>),
        show: impl Fn(&T) -> String,
    ) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            self.maybe(&format!("{field}.{key}"), effect, (old.get(key), new.get(key)), &show);
        }
    }

    fn leaf(
        &mut self,
        field: String,
        effect: Effect,
        (old, new): (Option<String>, Option<String>),
    ) {
        let masked = field.starts_with("env.") || field.contains(".http.headers.");
        self.changes.push(Change { app: self.app.clone(), field, old, new, effect, masked });
    }
}

/// Every field but those an override has a say in. Each is named, in this function and those it
/// calls: a new one does not compile until it has a class here.
pub(super) fn app_changes(fields: &mut Fields<'_>, old: &AppSpec, new: &AppSpec) {
    let AppSpec {
        command,
        cwd,
        // `diff::overrides` compares it.
        instances: _,
        env,
        // Captured, not written: alone it is no change.
        inherited: _,
        inherit_env,
        inherited_epoch,
        restart,
        stop,
        rollout,
        listen,
        ready,
        live,
        accepts_within,
        reload,
        watch,
        artifacts,
        observe,
        tags,
        logs,
        kind,
        schedule,
        depends_on,
        process,
        alerts,
    } = old;
    fields.differ("command", Effect::Rolling, (command, &new.command), command_text);
    fields.differ("cwd", Effect::Rolling, (cwd, &new.cwd), |path| path_text(path));
    fields.entries("env", Effect::Rolling, (env, &new.env), env_text);
    fields.differ("inherit_env", Effect::Rolling, (inherit_env, &new.inherit_env), |it| {
        list_text(it)
    });
    fields.differ("inherited", Effect::Rolling, (inherited_epoch, &new.inherited_epoch), |epoch| {
        format!("captured {epoch} times anew")
    });
    restart_changes(fields, restart, &new.restart);
    stop_changes(fields, stop, &new.stop);
    rollout_changes(fields, rollout, &new.rollout);
    listen_changes(fields, listen.as_ref(), new.listen.as_ref());
    ready_changes(fields, ready, &new.ready);
    live_changes(fields, live.as_ref(), new.live.as_ref());
    let times = (accepts_within.as_ref(), new.accepts_within.as_ref());
    fields.maybe("live.accept", Effect::Live, times, exact);
    let signals = (reload.as_ref(), new.reload.as_ref());
    fields.maybe("reload.signal", Effect::Live, signals, ToString::to_string);
    watch_changes(fields, watch.as_ref(), new.watch.as_ref());
    let Artifacts { patterns, files } = artifacts;
    fields
        .differ("artifacts", Effect::Live, (patterns, &new.artifacts.patterns), |it| list_text(it));
    fields.entries("artifacts", Effect::Rolling, (files, &new.artifacts.files), String::clone);
    fields.differ("observe", Effect::Rolling, (observe, &new.observe), |it| it.word().to_owned());
    fields.differ("tags", Effect::Live, (tags, &new.tags), |it| list_text(it));
    log_changes(fields, logs, &new.logs);
    fields.differ("kind", Effect::Recreate, (kind, &new.kind), |it| it.word().to_owned());
    schedule_changes(fields, schedule.as_ref(), new.schedule.as_ref());
    dependency_changes(fields, depends_on, &new.depends_on);
    process_fields::changes(fields, process, &new.process);
    alert::changes(fields, alerts, &new.alerts);
}

fn schedule_changes(fields: &mut Fields<'_>, old: Option<&Schedule>, new: Option<&Schedule>) {
    let (Some(old), Some(new)) = (old, new) else {
        fields.maybe("schedule", Effect::None, (old, new), |it| it.cron.to_string());
        return;
    };
    let Schedule { cron: Cron { expression, timezone }, overlap, catch_up } = old;
    let none = Effect::None;
    fields.differ("schedule", none, (expression, &new.cron.expression), String::clone);
    let zones = (timezone.as_ref(), new.cron.timezone.as_ref());
    fields.maybe("timezone", none, zones, String::clone);
    fields.differ("overlap", none, (overlap, &new.overlap), |it| it.word().to_owned());
    fields.differ("catch_up", none, (catch_up, &new.catch_up), bool::to_string);
}

fn dependency_changes(
    fields: &mut Fields<'_>,
    old: &BTreeMap<AppName, Dependency>,
    new: &BTreeMap<AppName, Dependency>,
) {
    let names: BTreeSet<&AppName> = old.keys().chain(new.keys()).collect();
    for name in names {
        let field = format!("depends_on.{name}");
        let entries = (old.get(name), new.get(name));
        fields.maybe(&field, Effect::None, entries, |it| dependency_text(*it));
    }
}

fn log_changes(fields: &mut Fields<'_>, old: &LogPolicy, new: &LogPolicy) {
    let LogPolicy { dir, rotate, compress, max_total, to, format, timestamps } = old;
    let live = Effect::Live;
    fields.maybe("logs.dir", live, (dir.as_ref(), new.dir.as_ref()), |path| path_text(path));
    if let (Some(LogRotation { size, age, keep }), Some(new)) = (rotate, &new.rotate) {
        fields.differ("logs.rotate.size", live, (size, &new.size), |it| exact_size(*it));
        fields.maybe("logs.rotate.age", live, (age.as_ref(), new.age.as_ref()), exact);
        fields.differ("logs.rotate.keep", live, (keep, &new.keep), u32::to_string);
    } else {
        fields.differ("logs.rotate", live, (rotate, &new.rotate), |it| {
            it.as_ref().map_or_else(none_text, rotation_text)
        });
    }
    fields.differ("logs.compress", live, (compress, &new.compress), |it| compression_text(*it));
    let total = (max_total.as_ref(), new.max_total.as_ref());
    fields.maybe("logs.max_total", live, total, |it| exact_size(*it));
    fields.differ("logs.to", live, (to, &new.to), |it| it.word().to_owned());
    fields.differ("logs.format", live, (format, &new.format), |it| it.word().to_owned());
    fields.differ("logs.timestamps", live, (timestamps, &new.timestamps), bool::to_string);
}

fn restart_changes(fields: &mut Fields<'_>, old: &RestartPolicy, new: &RestartPolicy) {
    let RestartPolicy { policy, backoff, limit, stop_exit_codes, max_memory, cron } = old;
    let memory = (max_memory.as_ref(), new.max_memory.as_ref());
    fields.maybe("restart.max_memory", Effect::Live, memory, |it| exact_size(*it));
    let crons = (cron.as_ref(), new.cron.as_ref());
    fields.maybe("restart.cron", Effect::None, crons, Cron::to_string);
    fields.differ("restart.policy", Effect::Live, (policy, &new.policy), |it| when_text(*it));
    match (backoff, &new.backoff) {
        (Some(old), Some(new)) => backoff_changes(fields, old, new),
        (old, new) => fields.differ("restart.backoff", Effect::Live, (old, new), |it| {
            it.as_ref().map_or_else(none_text, backoff_text)
        }),
    }
    match (limit, &new.limit) {
        (Some(old), Some(new)) => limit_changes(fields, old, new),
        (old, new) => fields.differ("restart.limit", Effect::Live, (old, new), |it| {
            it.as_ref().map_or_else(none_text, limit_text)
        }),
    }
    let codes = (stop_exit_codes, &new.stop_exit_codes);
    fields.differ("restart.stop_exit_codes", Effect::Live, codes, |it| list_text(it));
}

fn backoff_changes(fields: &mut Fields<'_>, old: &Backoff, new: &Backoff) {
    let Backoff { initial, factor, max, jitter, reset_after } = old;
    fields.differ("restart.backoff.initial", Effect::Live, (initial, &new.initial), exact);
    fields.differ("restart.backoff.factor", Effect::Live, (factor, &new.factor), f64::to_string);
    fields.differ("restart.backoff.max", Effect::Live, (max, &new.max), exact);
    fields.differ("restart.backoff.jitter", Effect::Live, (jitter, &new.jitter), f64::to_string);
    let reset = (reset_after, &new.reset_after);
    fields.differ("restart.backoff.reset_after", Effect::Live, reset, exact);
}

fn limit_changes(fields: &mut Fields<'_>, old: &Limit, new: &Limit) {
    let Limit { failures, within, then } = old;
    fields.differ(
        "restart.limit.failures",
        Effect::Live,
        (failures, &new.failures),
        u32::to_string,
    );
    fields.differ("restart.limit.within", Effect::Live, (within, &new.within), exact);
    fields.differ("restart.limit.then", Effect::Live, (then, &new.then), |it| then_text(*it));
}

fn stop_changes(fields: &mut Fields<'_>, old: &StopPolicy, new: &StopPolicy) {
    let StopPolicy { command, signal, timeout, kill, drain, message, close } = old;
    let commands = (command.as_ref(), new.command.as_ref());
    fields.maybe("stop.command", Effect::Live, commands, command_text);
    fields.differ("stop.signal", Effect::Live, (signal, &new.signal), ToString::to_string);
    fields.differ("stop.timeout", Effect::Live, (timeout, &new.timeout), exact);
    fields.differ("stop.kill", Effect::Live, (kill, &new.kill), |it| scope_text(*it));
    fields.differ("stop.drain", Effect::Live, (drain, &new.drain), exact);
    // Told to the program in its environment.
    let messages = (message.as_ref(), new.message.as_ref());
    fields.maybe("stop.message", Effect::Rolling, messages, String::clone);
    fields.differ("stop.close", Effect::Rolling, (close, &new.close), bool::to_string);
}

fn rollout_changes(fields: &mut Fields<'_>, old: &RolloutPolicy, new: &RolloutPolicy) {
    let RolloutPolicy { min_ready, max_surge, max_unavailable, deadline, on_failure, canary } = old;
    fields.differ("rollout.min_ready", Effect::Live, (min_ready, &new.min_ready), exact);
    fields.differ("rollout.max_surge", Effect::Live, (max_surge, &new.max_surge), Share::to_string);
    let missing = (max_unavailable, &new.max_unavailable);
    fields.differ("rollout.max_unavailable", Effect::Live, missing, Share::to_string);
    fields.differ("rollout.deadline", Effect::Live, (deadline, &new.deadline), exact);
    fields.differ("rollout.on_failure", Effect::Live, (on_failure, &new.on_failure), |it| {
        failure_text(*it)
    });
    let first = (canary.as_ref(), new.canary.as_ref());
    fields.maybe("rollout.canary", Effect::Live, first, Share::to_string);
}

fn listen_changes(fields: &mut Fields<'_>, old: Option<&ListenPolicy>, new: Option<&ListenPolicy>) {
    let (Some(old), Some(new)) = (old, new) else {
        fields.maybe("listen", Effect::Rolling, (old, new), listen_text);
        return;
    };
    let ListenPolicy { ports, queue, close_idle, pass, share } = old;
    if *ports != new.ports {
        let values = (Some(ports_text(old)), Some(ports_text(new)));
        fields.leaf("listen.port".to_owned(), Effect::Rolling, values);
    }
    fields.differ("listen.pass", Effect::Rolling, (pass, &new.pass), |it| pass_text(*it));
    fields.differ("listen.share", Effect::Rolling, (share, &new.share), |it| share_text(*it));
    fields.differ("listen.queue", Effect::Live, (queue, &new.queue), exact);
    let close_idle = (close_idle, &new.close_idle);
    fields.differ("listen.close_idle", Effect::Live, close_idle, bool::to_string);
}

fn ready_changes(fields: &mut Fields<'_>, old: &ReadyPolicy, new: &ReadyPolicy) {
    let ReadyPolicy { probe, interval, timeout, successes, start_period } = old;
    match (probe, &new.probe) {
        (ReadyProbe::Http(old), ReadyProbe::Http(new)) => {
            http_changes(fields, "ready.http", (old, new));
        }
        // What a program is to send is told to it in its environment.
        (old @ ReadyProbe::Message(_), new) | (old, new @ ReadyProbe::Message(_)) => {
            fields.differ("ready", Effect::Rolling, (old, new), probe_text);
        }
        (old, new) => fields.differ("ready", Effect::Live, (old, new), probe_text),
    }
    fields.differ("ready.interval", Effect::Live, (interval, &new.interval), exact);
    fields.differ("ready.timeout", Effect::Live, (timeout, &new.timeout), exact);
    fields.differ("ready.successes", Effect::Live, (successes, &new.successes), u32::to_string);
    let period = (start_period, &new.start_period);
    fields.differ("ready.start_period", Effect::Live, period, exact);
}

fn live_changes(fields: &mut Fields<'_>, old: Option<&LivePolicy>, new: Option<&LivePolicy>) {
    let (Some(old), Some(new)) = (old, new) else {
        let show = |live: &LivePolicy| probe_text(&live.probe.as_ready());
        return fields.maybe("live", Effect::Live, (old, new), show);
    };
    let LivePolicy { probe, interval, timeout, failures, start_period } = old;
    match (probe, &new.probe) {
        (LiveProbe::Http(old), LiveProbe::Http(new)) => {
            http_changes(fields, "live.http", (old, new));
        }
        (old, new) => {
            fields.differ("live", Effect::Live, (old, new), |it| probe_text(&it.as_ready()));
        }
    }
    fields.differ("live.interval", Effect::Live, (interval, &new.interval), exact);
    fields.differ("live.timeout", Effect::Live, (timeout, &new.timeout), exact);
    fields.differ("live.failures", Effect::Live, (failures, &new.failures), u32::to_string);
    let period = (start_period, &new.start_period);
    fields.differ("live.start_period", Effect::Live, period, exact);
}

fn http_changes(fields: &mut Fields<'_>, of: &str, (old, new): (&HttpProbe, &HttpProbe)) {
    let HttpProbe { address, path, status, headers } = old;
    let address = (address, &new.address);
    fields.differ(&format!("{of}.address"), Effect::Live, address, address_text);
    fields.differ(&format!("{of}.path"), Effect::Live, (path, &new.path), Template::display);
    let status = (status, &new.status);
    fields.differ(&format!("{of}.status"), Effect::Live, status, |it| statuses_text(it));
    let headers = (headers, &new.headers);
    fields.entries(&format!("{of}.headers"), Effect::Live, headers, Template::display);
}

fn watch_changes(fields: &mut Fields<'_>, old: Option<&WatchPolicy>, new: Option<&WatchPolicy>) {
    let paths_text = |paths: &Vec<PathBuf>| list_text(paths.iter().map(|path| path_text(path)));
    match (old, new) {
        (Some(WatchPolicy { paths, ignore, base }), Some(new)) => {
            fields.differ("watch.paths", Effect::Live, (paths, &new.paths), paths_text);
            fields.differ("watch.ignore", Effect::Live, (ignore, &new.ignore), |it| list_text(it));
            fields.differ("watch.base", Effect::Live, (base, &new.base), |path| path_text(path));
        }
        (old, new) => {
            fields.maybe("watch", Effect::Live, (old, new), |watch| paths_text(&watch.paths));
        }
    }
}
