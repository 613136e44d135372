//! The order of a project's apps: nobody starts before what it depends on has come to what it waits
//! for, and nobody stops before those that depend on it have.
//!
//! Only first starts wait: of a new app, instance or revision, after a stop, a restart or a boot. An
//! instance that crashed is started again whatever its dependencies do, and one that runs goes on.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    App, AppKey, AppName, AppState, Awaited, Condition, Dependency, Desired, Hold, LastExit,
    Neighbours, Observed, Outlook, Phase, Project, RolloutFailure, Run, RunId, Time,
};

use super::{
    job,
    restart::Standing,
    status::status,
    view::{Slot, View},
};

/// What the neighbours of an app let it do at `now`. It is to be asked for, and put into what is
/// observed of the app, before the app is planned: whenever one of those named by `neighbours`
/// may have changed.
#[must_use]
pub fn look_around(desired: &Desired, observed: &Observed, key: &AppKey, now: Time) -> Neighbours {
    let project = desired.projects.get(&key.project);
    let Some((project, app)) = project.and_then(|it| Some((it, it.apps.get(&key.app)?))) else {
        return Neighbours::default();
    };
    let other = |name: &AppName| AppKey { project: key.project.clone(), app: name.clone() };
    let dependencies = dependencies(project, &key.app);
    let mut awaited: Vec<Awaited> = dependencies
        .filter_map(|(name, it)| {
            let view = project.apps.get(name).map(|found| (other(name), found));
            let outlook = match view {
                None => Some(Outlook::Absent("is not applied".to_owned())),
                Some((key, found)) => outlook((app, it.is), (&key, found), observed, now),
            };
            Some(Awaited { app: name.clone(), is: it.is, outlook: outlook? })
        })
        .collect();
    awaited.sort_by(|one, other| one.outlook.cmp(&other.outlook));
    let dependents = if app.wanted() == 0 {
        let runs = |name: &AppName| observed.apps.get(&other(name)).map_or(0, |it| it.runs.len());
        let stop_too = |name: &&AppName| {
            let stops = project.apps.get(*name).is_some_and(|it| it.wanted() == 0);
            stops && runs(name) != 0
        };
        dependents(project, &key.app).filter(stop_too).cloned().collect()
    } else {
        Vec::new()
    };
    Neighbours { awaited, dependents }
}

/// For each app those whose plan may change with it: those it depends on and those that depend on
/// it. Apps that have nothing to do with others are left out.
#[must_use]
pub fn neighbours(project: &Project) -> BTreeMap<AppName, Vec<AppName>> {
    let mut ties: BTreeMap<AppName, Vec<AppName>> = BTreeMap::new();
    for (name, app) in &project.apps {
        for other in app.spec.depends_on.keys() {
            ties.entry(name.clone()).or_default().push(other.clone());
            ties.entry(other.clone()).or_default().push(name.clone());
        }
    }
    ties
}

/// The apps that are restarted with these: those that depend on one of them and say so, and so on.
#[must_use]
pub fn restarted_with(project: &Project, roots: &BTreeSet<AppName>) -> BTreeSet<AppName> {
    let mut with = BTreeSet::new();
    let mut ahead: Vec<&AppName> = roots.iter().collect();
    while let Some(next) = ahead.pop() {
        for (name, app) in &project.apps {
            let tied = app.spec.depends_on.get(next).is_some_and(|it| it.restart_with);
            if tied && !app.removed && !roots.contains(name) && with.insert(name.clone()) {
                ahead.push(name);
            }
        }
    }
    with
}

fn dependencies<'p>(
    project: &'p Project,
    app: &'p AppName,
) -> impl Iterator<Item = (&'p AppName, &'p Dependency)> {
    let found = project.apps.get(app).into_iter().flat_map(|it| &it.spec.depends_on);
    found.filter(|(name, _)| !leads_to(project, name, app))
}

fn dependents<'p>(project: &'p Project, app: &'p AppName) -> impl Iterator<Item = &'p AppName> {
    let tied = |(_, it): &(&AppName, &App)| it.spec.depends_on.contains_key(app);
    let found = project.apps.iter().filter(tied).map(|(name, _)| name);
    found.filter(|name| !leads_to(project, app, name))
}

/// Whether `from` depends on `to`, directly or not. No file says so of two apps in both directions,
/// but parts of two files may, one of them applied with `--only`, or undone: such a tie binds nobody.
fn leads_to(project: &Project, from: &AppName, to: &AppName) -> bool {
    let mut seen = BTreeSet::new();
    let mut ahead = vec![from];
    while let Some(next) = ahead.pop() {
        if next == to {
            return true;
        }
        if seen.insert(next) {
            ahead.extend(
                project.apps.get(next).into_iter().flat_map(|it| it.spec.depends_on.keys()),
            );
        }
    }
    false
}

/// Why an app has not come to what another one waits for; `None` if it has.
fn outlook(
    (waiting, is): (&App, Condition),
    (key, app): (&AppKey, &App),
    observed: &Observed,
    now: Time,
) -> Option<Outlook> {
    let seen = observed.apps.get(key);
    // A change of the waiting app that came after the failure is judged by what runs now.
    let undone = app.rolled_back.as_ref().filter(|undone| {
        let before = |it: &crate::model::Former| it.changed_in < undone.generation;
        !undone.by_operator && !waiting.good && waiting.former.as_ref().is_none_or(before)
    });
    if let Some(undone) = undone {
        return Some(Outlook::Failed(undone.reason.clone()));
    }
    if app.removed {
        return Some(Outlook::Absent("is being removed".to_owned()));
    }
    if app.stopped {
        return Some(Outlook::Absent("is stopped by an operator".to_owned()));
    }
    if app.wanted() == 0 {
        return Some(Outlook::Absent("is off: it has no instances".to_owned()));
    }
    let view = View::new(key, app, seen, now);
    if has_come_to(&view, is) {
        return None;
    }
    let status = status(key, app, seen, now);
    // Words that do not change by themselves: others plan again when they do.
    let words = || {
        let exits = status.instances.iter().filter_map(|it| it.exit.as_ref());
        match (&status.hold, exits.max_by_key(|exit| exit.run)) {
            (Some(Hold::Awaits(awaited)), _) => awaited.to_string(),
            (Some(Hold::Paused(failure)), _) => failure.to_string(),
            (_, Some(exit)) => LastExit::of(exit).to_string(),
            (_, None) => "it does not come up".to_owned(),
        }
    };
    let failing = match status.state {
        AppState::Failed => return Some(Outlook::Failed(words())),
        AppState::CrashLooping => true,
        AppState::Degraded => !app.good,
        AppState::Ready
        | AppState::Converging
        | AppState::Stopped
        | AppState::Off
        | AppState::Done => false,
    };
    if failing {
        return Some(Outlook::Failing(words()));
    }
    Some(match view.awaited().map(|awaited| (awaited.to_string(), &awaited.outlook)) {
        Some((words, Outlook::Failing(_))) => Outlook::Failing(words),
        Some(_) | None => Outlook::Coming,
    })
}

fn has_come_to(view: &View<'_>, is: Condition) -> bool {
    let new = |index: u32| view.runs_of(index).iter().filter(|(_, run)| view.is_new(run));
    let stays = |run: &Run| run.stopping.is_none();
    let has = |index: u32| match is {
        Condition::Started => new(index).any(|(_, run)| match run.phase {
            Phase::Starting { .. } | Phase::Ready { .. } => stays(run),
            Phase::Launching | Phase::Exited { .. } => false,
        }),
        Condition::Ready => !view.app.spec.is_job() && new(index).any(|it| is_ready(view, it)),
        Condition::Completed => false,
    };
    let ended_well = |index: u32| match view.slot(index) {
        Slot::Empty(Standing::Left { good, .. }) => good,
        Slot::Empty(Standing::Idle) => !job::is_scheduled(view.app),
        Slot::Taken | Slot::Outdated | Slot::Blocked | Slot::Empty(_) => false,
    };
    (0..view.app.wanted()).all(|index| has(index) || ended_well(index))
}

/// Whether a run is ready, and its revision good as far as that depends on it.
fn is_ready(view: &View<'_>, (_, run): &(RunId, &Run)) -> bool {
    match run.phase {
        Phase::Ready { .. } => run.stopping.is_none() && (view.app.good || view.is_available(run)),
        Phase::Launching | Phase::Starting { .. } | Phase::Exited { .. } => false,
    }
}

/// How the change under way has failed before it began, with that of a dependency.
pub(super) fn failure(view: &View<'_>) -> Option<RolloutFailure> {
    let awaited = view.awaited().filter(|_| view.waits())?;
    match awaited.outlook {
        Outlook::Failed(_) => Some(RolloutFailure { index: 0, reason: awaited.to_string() }),
        Outlook::Absent(_) | Outlook::Failing(_) | Outlook::Coming => None,
    }
}
