//! One app, field by field.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use ignore::gitignore::GitignoreBuilder;

use super::{
    Context, alert, artifacts,
    command::{self, Role},
    env, job, listen, live, logs, node, paths, process, ready,
    rollout::{self, duration},
};
use crate::{
    config::{
        fault::{Problem, Span},
        field::{At, Field, Many},
        scalar::Instances,
        suggest::quoted,
        written::{self, App, BackoffForm, LimitForm},
    },
    model::{AppSpec, Backoff, Command, Limit, LimitThen, RestartPolicy, RestartWhen, WatchPolicy},
};

/// The app as it should be. `None` if something is wrong that leaves no way to make one; what is
/// wrong is in the log in any case.
pub(in crate::config) fn resolve_app(
    context: &Context<'_>,
    name: &str,
    app: &App,
    at: At,
) -> Option<AppSpec> {
    let listening = listen::resolve(context, name, app);
    let env = env::resolve(context, app, &listening);
    listen::check_variable(context, app, &env, &listening);
    let own = ready::Own::new(context, app, &env, &listening);
    let command = resolve_command(context, (name, app, at), own.port.as_deref());
    let cwd = cwd(context, app);
    job::check(context, app);
    node::check(context, app, command.as_ref());
    let inherit_env = env::patterns(context, app);
    let live = live::resolve(context, app, &own);
    let spec_parts = (
        restart(context, app),
        rollout::stop(context, app.stop.get(), own.port.as_deref()),
        watch(context, &app.watch),
        artifacts::resolve(context, app.artifacts.get()),
        ready::resolve(context, app, &own),
        rollout::resolve(context, app, &listening),
    );
    let (restart, stop, watch, artifacts, ready, rollout) = spec_parts;
    Some(AppSpec {
        command: command?,
        cwd: cwd?,
        instances: app.instances.or(Instances::Count(1)).resolve(context.cpus),
        env,
        inherited: env::inherited(context, &inherit_env),
        inherit_env,
        inherited_epoch: 0,
        restart,
        stop,
        rollout,
        listen: listening.policy,
        ready,
        live,
        accepts_within: live::accept(context, app),
        reload: live::reload(context, app),
        watch,
        artifacts,
        observe: node::observe(app),
        tags: app.tags.get().into_iter().flat_map(Many::items).map(|(t, _)| t.0.clone()).collect(),
        logs: logs::resolve(context, app),
        kind: job::kind(app),
        schedule: job::schedule(app),
        // Filled in once all apps are known.
        depends_on: BTreeMap::new(),
        process: process::resolve(context, app),
        alerts: alert::alerts(context, app),
    })
}

fn resolve_command(
    context: &Context<'_>,
    (name, app, at): (&str, &App, At),
    port: Option<&str>,
) -> Option<Command> {
    if let Some((written, place)) = app.command.get_at() {
        return command::resolve(context, written, place, Role { key: "command", port });
    }
    if app.command.is_unset() && !context.is_misspelled(at.key, "command") {
        let message = format!("`apps.{name}` has no `command`");
        let problem = Problem::new("missing_key", message, at.key, "what should it run?");
        context.push(problem.help("add `command: …`, as in `command: node server.js`"));
    }
    None
}

fn cwd(context: &Context<'_>, app: &App) -> Option<PathBuf> {
    let (written, span) = match (app.cwd.get_at(), app.cwd.is_unset()) {
        (Some((text, at)), _) => (text.0.as_str(), at.value),
        (None, true) => (".", Span::default()),
        (None, false) => return None,
    };
    let path = context.path(written);
    if !context.has_files() {
        return Some(path);
    }
    if let Some(known) = context.directories.borrow().get(&path) {
        return Some(known.clone());
    }
    match real_directory(context, &path, written, span) {
        Ok(real) => {
            context.directories.borrow_mut().insert(path, real.clone());
            Some(real)
        }
        Err(problem) => {
            context.push(problem);
            None
        }
    }
}

fn real_directory(
    context: &Context<'_>,
    path: &Path,
    written: &str,
    span: Span,
) -> Result<PathBuf, Problem> {
    let looked = context.looked(path);
    let what = format!("the directory {}", quoted(written));
    if context.files.is_some_and(|files| files.has_directory(path)) {
        return Ok(path.to_owned());
    }
    let real = fs::canonicalize(path).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            paths::not_found(&looked, span, &what, "no such directory")
        } else {
            paths::not_readable(&looked, span, &what, &error)
        }
    })?;
    if real.is_dir() {
        return Ok(real);
    }
    let message = format!("`cwd` {} is not a directory", quoted(written));
    Err(Problem::new("not_a_directory", message, span, "this is a file"))
}

fn restart(context: &Context<'_>, app: &App) -> RestartPolicy {
    let written = app.restart.get().cloned().unwrap_or_default();
    let policy = match written.policy.get() {
        Some(written::RestartWhen::Always) => RestartWhen::Always,
        None => job::default_policy(app),
        Some(written::RestartWhen::OnFailure) => RestartWhen::OnFailure,
        Some(written::RestartWhen::Never) => RestartWhen::Never,
    };
    let backoff = match written.backoff.get() {
        Some(BackoffForm::None) => None,
        Some(BackoffForm::Full(full)) => Some(backoff(context, full)),
        None => Some(backoff(context, &written::Backoff::default())),
    };
    let limit = match written.limit.get() {
        Some(LimitForm::None) => None,
        Some(LimitForm::Full(full)) => Some(limit(context, full)),
        None => Some(limit(context, &written::Limit::default())),
    };
    let codes = written.stop_exit_codes.get();
    let codes = codes.into_iter().flat_map(Many::items).map(|(code, _)| code.0);
    let cron = job::cron(app, &written.cron);
    let max_memory = written.max_memory.get().map(|size| size.0);
    RestartPolicy { policy, backoff, limit, stop_exit_codes: codes.collect(), max_memory, cron }
}

fn backoff(context: &Context<'_>, written: &written::Backoff) -> Backoff {
    let initial = duration(&written.initial, Duration::from_millis(100));
    let max = duration(&written.max, Duration::from_secs(30));
    if max < initial {
        let places = (written.initial.get_at(), written.max.get_at());
        let problem = match places {
            (Some((_, first)), Some((_, top))) => {
                problem_with_waits(top.value, "shorter than the first wait")
                    .also(first.value, "the first wait")
            }
            (Some((_, first)), None) => {
                problem_with_waits(first.value, "longer than `max`, which is 30s")
            }
            (None, Some((_, top))) => {
                problem_with_waits(top.value, "shorter than `initial`, which is 100ms")
            }
            (None, None) => problem_with_waits(Span::default(), ""),
        };
        context.push(problem.help("make `max` at least as long as `initial`"));
    }
    Backoff {
        initial,
        factor: written.factor.get().map_or(2.0, |factor| factor.0),
        max,
        jitter: written.jitter.get().map_or(0.1, |jitter| jitter.0),
        reset_after: duration(&written.reset_after, Duration::from_secs(10)),
    }
}

fn problem_with_waits(span: Span, label: &str) -> Problem {
    Problem::new("value", "the longest wait is shorter than the first one", span, label)
}

fn limit(context: &Context<'_>, written: &written::Limit) -> Limit {
    let within = duration(&written.within, Duration::from_secs(60));
    if let Some((_, at)) = written.within.get_at()
        && within.is_zero()
    {
        let message = "within no time there can be no failures";
        let problem = Problem::new("value", message, at.value, "needs to be longer");
        context.push(problem.help("`limit: none` switches the limit off"));
    }
    let then = match written.then.get() {
        Some(written::LimitThen::Slow) | None => LimitThen::Slow,
        Some(written::LimitThen::Stop) => LimitThen::Stop,
    };
    Limit { failures: written.failures.get().map_or(10, |failures| failures.0), within, then }
}

fn watch(context: &Context<'_>, field: &Field<written::Watch>) -> Option<WatchPolicy> {
    let (written, at) = field.get_at()?;
    if written.paths.is_unset() && !context.is_misspelled(at.key, "paths") {
        let problem =
            Problem::new("missing_key", "`watch` has no `paths`", at.value, "what to watch?");
        context.push(problem.help("write `watch: src`, or `watch: { paths: src, ignore: … }`"));
    }
    let mut paths = Vec::new();
    for (path, at) in written.paths.get().into_iter().flat_map(Many::items) {
        let full = context.path(&path.0);
        let is_there = full.exists() || context.files.is_some_and(|files| files.has(&full));
        if context.has_files() && !is_there {
            let what = format!("the watched path {}", quoted(&path.0));
            context.push(paths::not_found(
                &context.looked(&full),
                at.value,
                &what,
                "nothing there",
            ));
        }
        paths.push(full);
    }
    let mut ignore = Vec::new();
    for (pattern, at) in written.ignore.get().into_iter().flat_map(Many::items) {
        if GitignoreBuilder::new(context.dir).add_line(None, &pattern.0).is_err() {
            let message = format!("{} is not a pattern", quoted(&pattern.0));
            let label = "expected one as in a `.gitignore`";
            context.push(Problem::new("pattern", message, at.value, label));
        }
        ignore.push(pattern.0.clone());
    }
    Some(WatchPolicy { paths, ignore, base: context.dir.to_owned() })
}
