//! Jobs and what is due at certain times: `kind`, `schedule`, `timezone`, `overlap`, `catch_up` and
//! `restart.cron`.

use super::Context;
use crate::{
    config::{
        fault::Problem,
        field::{At, Field},
        scalar::{CronText, Instances},
        written::{self, App},
    },
    model::{Cron, Kind, Overlap, RestartWhen, Schedule},
};

/// The keys of `defaults` that are for what runs all the time, and pass jobs by.
pub(in crate::config) const NOT_FOR_JOBS: [&str; 8] =
    ["instances", "listen", "live", "ready", "reload", "restart", "rollout", "watch"];

pub(super) fn kind(app: &App) -> Kind {
    match app.kind.get() {
        Some(written::Kind::Service) | None => Kind::Service,
        Some(written::Kind::Job) => Kind::Job,
    }
}

fn at_of<T>(field: &Field<T>) -> Option<At> {
    match field {
        Field::Set(_, at) | Field::Bad(at) => Some(*at),
        Field::Absent | Field::Null(_) => None,
    }
}

/// Says which keys make no sense for what it is.
pub(super) fn check(context: &Context<'_>, app: &App) {
    if matches!(app.kind, Field::Bad(_)) {
        return;
    }
    match kind(app) {
        Kind::Job => check_job(context, app),
        Kind::Service => check_service(context, app),
    }
}

fn check_job(context: &Context<'_>, app: &App) {
    let problem = |at: At, key: &str, why: &str| {
        let message = format!("`{key}` makes no sense for a job: {why}");
        context.push(Problem::new("not_for_jobs", message, at.key, "remove it"));
    };
    if let Some(at) = at_of(&app.listen) {
        problem(at, "listen", "nobody can rely on a port of what ends");
    }
    if let Some(at) = at_of(&app.ready) {
        problem(at, "ready", "a job is never ready, it completes");
    }
    if let Some(at) = at_of(&app.rollout) {
        problem(at, "rollout", "it has one run at a time, which is never replaced by another");
    }
    if let Some(at) = at_of(&app.watch) {
        problem(
            at,
            "watch",
            "it runs for a change of the file or its `artifacts`, or on a schedule",
        );
    }
    let alone = matches!(app.instances.get(), Some(Instances::Count(0 | 1)));
    if let Some(at) = at_of(&app.instances).filter(|_| !alone) {
        problem(at, "instances", "a job runs once; 0 switches it off");
    }
    let restart = app.restart.get();
    if let Some(at) = restart.and_then(|it| at_of(&it.cron)) {
        problem(at, "restart.cron", "`schedule` says when it runs");
    }
    if let Some((written::RestartWhen::Always, at)) = restart.and_then(|it| it.policy.get_at()) {
        let message = "a job that is always started again never completes";
        let problem = Problem::new("not_for_jobs", message, at.value, "not for a job");
        context.push(problem.help("`never` is the default for jobs; `on-failure` tries again"));
    }
    if app.schedule.is_unset() {
        for (at, key) in [(at_of(&app.overlap), "overlap"), (at_of(&app.catch_up), "catch_up")] {
            needs_schedule(context, at, key);
        }
        needs_schedule(context, at_of(&app.timezone), "timezone");
    }
}

fn needs_schedule(context: &Context<'_>, at: Option<At>, key: &str) {
    let Some(at) = at else { return };
    let message = format!("`{key}` without `schedule` says nothing");
    let problem = Problem::new("missing_key", message, at.key, "of which schedule?");
    context.push(problem.help("add `schedule: \"0 3 * * *\"`, or remove it"));
}

fn check_service(context: &Context<'_>, app: &App) {
    let keys = [
        (at_of(&app.schedule), "schedule"),
        (at_of(&app.overlap), "overlap"),
        (at_of(&app.catch_up), "catch_up"),
    ];
    for (at, key) in keys {
        let Some(at) = at else { continue };
        let message = format!("`{key}` is for jobs");
        let problem = Problem::new("only_for_jobs", message, at.key, "this is no job");
        context.push(
            problem.help(
                "add `kind: job`; what runs all the time is replaced by `restart: { cron: … }`",
            ),
        );
    }
    let cron = app.restart.get().is_some_and(|it| !it.cron.is_unset());
    if !cron && let Some(at) = at_of(&app.timezone).filter(|_| app.schedule.is_unset()) {
        let message = "`timezone` without `schedule` or `restart.cron` says nothing";
        let problem = Problem::new("missing_key", message, at.key, "of which times?");
        context.push(problem.help("for the app itself it is `env: { TZ: … }`"));
    }
}

/// `schedule` with what belongs to it.
pub(super) fn schedule(app: &App) -> Option<Schedule> {
    Some(Schedule {
        cron: cron(app, &app.schedule)?,
        overlap: match app.overlap.get() {
            Some(written::Overlap::Skip) | None => Overlap::Skip,
            Some(written::Overlap::Queue) => Overlap::Queue,
            Some(written::Overlap::Replace) => Overlap::Replace,
        },
        catch_up: app.catch_up.get().is_some_and(|flag| flag.0),
    })
}

/// Times of an app, in its time zone.
pub(super) fn cron(app: &App, field: &Field<CronText>) -> Option<Cron> {
    let timezone = app.timezone.get().map(|zone| zone.0.clone());
    field.get().map(|cron| Cron { expression: cron.0.clone(), timezone })
}

/// The restart policy of what says nothing about it.
pub(super) fn default_policy(app: &App) -> RestartWhen {
    match kind(app) {
        Kind::Service => RestartWhen::Always,
        Kind::Job => RestartWhen::Never,
    }
}
