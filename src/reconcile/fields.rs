//! The class of every field of a spec: its name in the file, its value in words, and what it takes
//! to bring a change of it in.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::model::{
    AppName, AppSpec, Artifacts, Backoff, Change, Command, Effect, EnvValue, KillScope, Limit,
    LimitThen, LogPolicy, RestartPolicy, RestartWhen, RolloutPolicy, StopPolicy, WatchPolicy,
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
    fn maybe<T: PartialEq>(
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
        let masked = field.starts_with("env.");
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
        listen: _,
        ready: _,
        watch,
        artifacts,
        tags,
        logs,
    } = old;
    fields.differ("command", Effect::Recreate, (command, &new.command), command_text);
    fields.differ("cwd", Effect::Recreate, (cwd, &new.cwd), |path| path_text(path));
    fields.entries("env", Effect::Recreate, (env, &new.env), env_text);
    fields.differ("inherit_env", Effect::Recreate, (inherit_env, &new.inherit_env), |it| {
        list_text(it)
    });
    fields.differ(
        "inherited",
        Effect::Recreate,
        (inherited_epoch, &new.inherited_epoch),
        |epoch| format!("captured {epoch} times anew"),
    );
    restart_changes(fields, restart, &new.restart);
    stop_changes(fields, stop, &new.stop);
    let RolloutPolicy { min_ready, max_surge: _, max_unavailable: _, deadline: _, on_failure: _ } =
        rollout;
    fields.differ("rollout.min_ready", Effect::Live, (min_ready, &new.rollout.min_ready), exact);
    watch_changes(fields, watch.as_ref(), new.watch.as_ref());
    let Artifacts { patterns, files } = artifacts;
    fields
        .differ("artifacts", Effect::Live, (patterns, &new.artifacts.patterns), |it| list_text(it));
    fields.entries("artifacts", Effect::Recreate, (files, &new.artifacts.files), String::clone);
    fields.differ("tags", Effect::Live, (tags, &new.tags), |it| list_text(it));
    let LogPolicy { dir } = logs;
    fields.maybe("logs.dir", Effect::Live, (dir.as_ref(), new.logs.dir.as_ref()), |path| {
        path_text(path)
    });
}

fn restart_changes(fields: &mut Fields<'_>, old: &RestartPolicy, new: &RestartPolicy) {
    let RestartPolicy { policy, backoff, limit, stop_exit_codes } = old;
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
    let StopPolicy { signal, timeout, kill, drain: _ } = old;
    fields.differ("stop.signal", Effect::Live, (signal, &new.signal), ToString::to_string);
    fields.differ("stop.timeout", Effect::Live, (timeout, &new.timeout), exact);
    fields.differ("stop.kill", Effect::Live, (kill, &new.kill), |it| scope_text(*it));
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

fn none_text() -> String {
    "none".to_owned()
}

fn list_text<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("[{}]", items.join(", "))
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}

/// A duration as the file would have it, without rounding: two that differ never read the same.
fn exact(duration: &Duration) -> String {
    let nanos = duration.as_nanos();
    let units = [(86_400_000_000_000, "d"), (3_600_000_000_000, "h"), (60_000_000_000, "m")];
    let small = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    let fitting =
        units.into_iter().chain(small).find(|(unit, _)| nanos != 0 && nanos.is_multiple_of(*unit));
    match fitting {
        Some((unit, name)) => format!("{}{name}", nanos / unit),
        None if nanos == 0 => "0s".to_owned(),
        None => format!("{nanos}ns"),
    }
}

fn command_text(command: &Command) -> String {
    match command {
        Command::Argv(words) => {
            let words: Vec<String> = words.iter().map(|word| word_text(&word.display())).collect();
            words.join(" ")
        }
        Command::Shell(text) => format!("{{shell: {}}}", text.display()),
    }
}

/// One word of a command as a shell would take it.
fn word_text(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| format!("{word:?}"), Cow::into_owned)
}

fn env_text(value: &EnvValue) -> String {
    match value {
        EnvValue::Set(text) => text.display(),
        EnvValue::Unset => "null".to_owned(),
        EnvValue::File { path, digest } => {
            let digest: String = digest.chars().take(12).collect();
            format!("{{file: {}}} ({digest})", path.display())
        }
    }
}

fn when_text(when: RestartWhen) -> String {
    match when {
        RestartWhen::Always => "always",
        RestartWhen::OnFailure => "on-failure",
        RestartWhen::Never => "never",
    }
    .to_owned()
}

fn then_text(then: LimitThen) -> String {
    match then {
        LimitThen::Slow => "slow",
        LimitThen::Stop => "stop",
    }
    .to_owned()
}

fn scope_text(scope: KillScope) -> String {
    match scope {
        KillScope::Group => "group",
        KillScope::Main => "main",
    }
    .to_owned()
}

fn backoff_text(backoff: &Backoff) -> String {
    let Backoff { initial, factor, max, jitter, reset_after } = backoff;
    let [initial, max, reset_after] = [initial, max, reset_after].map(exact);
    format!(
        "{{initial: {initial}, factor: {factor}, max: {max}, jitter: {jitter}, reset_after: {reset_after}}}"
    )
}

fn limit_text(limit: &Limit) -> String {
    let Limit { failures, within, then } = limit;
    format!("{{failures: {failures}, within: {}, then: {}}}", exact(within), then_text(*then))
}
