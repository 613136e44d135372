//! `depends_on`: every name is that of another app, which can come to what it is waited for, and
//! nobody waits in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::{Context, job};
use crate::{
    config::{
        fault::{Problem, Span},
        field::{At, Field},
        suggest::{did_you_mean, quoted},
        written::{self, App, Apps},
    },
    model::{AppName, AppSpec, Condition, Dependency, Kind},
};

/// Fills in what each app depends on, and says what is wrong with it.
pub(in crate::config) fn resolve(
    context: &Context<'_>,
    apps: &Apps,
    found: &mut BTreeMap<AppName, AppSpec>,
) {
    let written = |name: &str| match apps.0.get(name) {
        Some(Field::Set(app, _)) => Some(app),
        Some(Field::Absent | Field::Null(_) | Field::Bad(_)) | None => None,
    };
    for name in apps.0.keys() {
        let Some(app) = written(name) else { continue };
        let mut entries = BTreeMap::new();
        for (other, field) in app.depends_on.get().into_iter().flat_map(|it| &it.0) {
            let (Field::Set(_, at) | Field::Null(at) | Field::Bad(at)) = field else { continue };
            if !apps.0.contains_key(other) {
                context.push(unknown((name, other), *at, apps));
            } else if let Some(entry) = dependency(context, (name, other), field, written(other))
                && let Ok(other) = other.parse()
            {
                entries.insert(other, entry);
            }
        }
        if let Some(spec) = name.parse().ok().and_then(|name: AppName| found.get_mut(&name)) {
            spec.depends_on = entries;
        }
    }
    report_circles(context, apps);
}

fn unknown((name, other): (&str, &str), at: At, apps: &Apps) -> Problem {
    let message = format!("`apps.{name}` depends on {}, which is no app here", quoted(other));
    let names = apps.0.keys().map(String::as_str).filter(|it| *it != name);
    let known: Vec<&str> = names.clone().collect();
    let known = match known.as_slice() {
        [] => "the file has no other apps".to_owned(),
        known => format!("the other apps are {}", known.join(", ")),
    };
    let problem = Problem::new("unknown_app", message, at.key, "no such app");
    problem.maybe_help(did_you_mean(other, names)).maybe_help(Some(known))
}

fn dependency(
    context: &Context<'_>,
    (name, other): (&str, &str),
    field: &Field<written::Dependency>,
    on: Option<&App>,
) -> Option<Dependency> {
    let (written, at) = match field {
        Field::Set(written, at) => (written.clone(), *at),
        Field::Null(at) => (written::Dependency::default(), *at),
        Field::Absent | Field::Bad(_) => return None,
    };
    let is_job = on.is_some_and(|it| job::kind(it) == Kind::Job);
    let is = match written.is.get() {
        Some(written::Condition::Started) => Condition::Started,
        Some(written::Condition::Completed) => Condition::Completed,
        None if is_job => Condition::Completed,
        Some(written::Condition::Ready) | None => Condition::Ready,
    };
    let place = written.is.get_at().map_or(at.key, |(_, at)| at.value);
    let restarts_with = written.restart_with.get().is_some_and(|flag| flag.0);
    if let Some(on) = on {
        check_condition(context, (name, other), (is, place), on);
    }
    Some(Dependency { is, restart_with: restarts_with })
}

/// Whether an app can ever come to what it is waited for.
fn check_condition(
    context: &Context<'_>,
    (name, other): (&str, &str),
    (is, place): (Condition, Span),
    on: &App,
) {
    let problem = |message: String, label: &str, help: &str| {
        context.push(Problem::new("never_met", message, place, label).help(help));
    };
    let is_job = job::kind(on) == Kind::Job;
    if is_job && !on.schedule.is_unset() {
        let message = format!("`{name}` would wait for `{other}`, which runs by its schedule only");
        let help = "leave the dependency out, or give the work to a job without `schedule`";
        return problem(message, "never at start", help);
    }
    match (is, is_job) {
        (Condition::Ready, true) => {
            let message = format!("`{other}` is a job: it is never ready, it completes");
            problem(message, "not for a job", "write `completed`, or `started`");
        }
        (Condition::Completed, false) if restarts_always(on) => {
            let message =
                format!("`{other}` never completes: it is started again whenever it ends");
            problem(message, "not for this app", "write `ready`, or make it a job: `kind: job`");
        }
        (Condition::Started | Condition::Ready | Condition::Completed, _) => {}
    }
}

fn restarts_always(app: &App) -> bool {
    match app.restart.get().and_then(|restart| restart.policy.get()) {
        Some(written::RestartWhen::Always) | None => true,
        Some(written::RestartWhen::OnFailure | written::RestartWhen::Never) => false,
    }
}

/// One fault for each circle, with every member's entry underlined.
fn report_circles(context: &Context<'_>, apps: &Apps) {
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for name in apps.0.keys() {
        if told.contains(name.as_str()) {
            continue;
        }
        let Some(circle) = circle_from(name, apps) else { continue };
        told.extend(circle.iter().map(|(member, ..)| *member));
        let names: Vec<_> = circle.iter().map(|(member, ..)| format!("`{member}`")).collect();
        let message = match names.as_slice() {
            [only] => format!("{only} depends on itself"),
            _ => format!("{} wait for each other", names.join(", ")),
        };
        let mut members = circle.iter();
        let Some((first, next, span)) = members.next() else { continue };
        let label = |from: &str, to: &str| format!("`{from}` waits for `{to}`");
        let mut problem = Problem::new("circle", message, *span, label(first, next));
        for (from, to, span) in members {
            problem = problem.also(*span, label(from, to));
        }
        context.push(problem.help("take one of these out: none of them could ever start"));
    }
}

/// The shortest way from an app back to itself: who, on whom, and where that is written.
fn circle_from<'a>(start: &'a str, apps: &'a Apps) -> Option<Vec<(&'a str, &'a str, Span)>> {
    let mut came_from: BTreeMap<&str, (&str, Span)> = BTreeMap::new();
    let mut ahead = std::collections::VecDeque::from([start]);
    while let Some(from) = ahead.pop_front() {
        for (to, span) in entries(from, apps) {
            if to == start {
                let mut circle = vec![(from, to, span)];
                let mut at = from;
                while let Some((before, span)) = came_from.get(at) {
                    circle.push((before, at, *span));
                    at = before;
                }
                circle.reverse();
                return Some(circle);
            }
            if !came_from.contains_key(to) && apps.0.contains_key(to) {
                came_from.insert(to, (from, span));
                ahead.push_back(to);
            }
        }
    }
    None
}

fn entries<'a>(name: &str, apps: &'a Apps) -> impl Iterator<Item = (&'a str, Span)> {
    let app = apps.0.get(name).and_then(Field::get);
    let entries = app.and_then(|app| app.depends_on.get()).into_iter().flat_map(|it| &it.0);
    entries.filter_map(|(other, field)| match field {
        Field::Set(_, at) | Field::Null(at) | Field::Bad(at) => Some((other.as_str(), at.key)),
        Field::Absent => None,
    })
}
