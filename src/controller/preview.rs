//! What an apply would do, told before it is done: the plan played through in a world where every
//! start and stop succeeds.

use std::collections::BTreeMap;

use super::accept::Accepted;
use crate::{
    api::{ActionReply, ChangeReply, DiffReply, InterruptionReply, SCHEMA},
    model::{
        Action, App, AppKey, AppName, AppObserved, Desired, Event, ExitStatus, Hold, Neighbours,
        Notify, Observed, Project, ProjectName, RunRecord, RunState, RunTag, Time,
    },
    reconcile,
};

/// Rounds after which playing stops: for each instance a start, the wait until it is good, the
/// stop of the one before it, and some to spare.
const MAX_ROUNDS: usize = 4096;

/// What `accepted` would change, do and interrupt.
pub(super) fn preview(
    name: &ProjectName,
    present: &Project,
    accepted: &Accepted,
    observed: &Observed,
    (show_values, now): (bool, Time),
) -> DiffReply {
    let changes = accepted.changes.iter().map(|change| {
        let hidden = change.masked && !show_values;
        ChangeReply {
            app: change.app.to_string(),
            field: change.field.clone(),
            old: change.old.clone().filter(|_| !hidden),
            new: change.new.clone().filter(|_| !hidden),
            effect: change.effect,
            masked: hidden,
        }
    });
    let interruptions =
        reconcile::interruptions(&accepted.changes, &present.apps, &accepted.project.apps);
    DiffReply {
        schema: SCHEMA,
        project: name.to_string(),
        changes: changes.collect(),
        actions: play(name, accepted, observed, now),
        interruption: interruptions
            .into_iter()
            .map(|found| InterruptionReply {
                app: found.app.to_string(),
                instances: found.instances,
                text: found.text,
            })
            .collect(),
        notes: Vec::new(),
    }
}

fn play(
    name: &ProjectName,
    accepted: &Accepted,
    observed: &Observed,
    now: Time,
) -> Vec<ActionReply> {
    let mut replies = Vec::new();
    for app in &accepted.scope {
        let key = AppKey { project: name.clone(), app: app.clone() };
        let mut world = Observed { last_run: observed.last_run, ..Observed::default() };
        if let Some(found) = observed.apps.get(&key) {
            world.owners.extend(found.runs.keys().map(|run| (*run, key.clone())));
            // Who waits for others will not do so for ever, if all goes well.
            let neighbours = Neighbours::default();
            world.apps.insert(key.clone(), AppObserved { neighbours, ..found.clone() });
        }
        let desired = single(name, app, accepted);
        let mut now = now;
        for _ in 0..MAX_ROUNDS {
            let plan = reconcile::plan(&desired, &world, now);
            let turn = plan.holds.iter().any(|(_, hold)| *hold == Hold::Outdated);
            match plan.wake_at {
                // The next ones go when those that were started are good.
                Some(at) if plan.actions.iter().all(is_quiet) && turn => now = at,
                Some(_) | None if plan.actions.is_empty() => break,
                Some(_) | None => {}
            }
            for action in plan.actions {
                replies.extend(told(&action, world.apps.get(&key)));
                succeed(&mut world, &action, now);
            }
        }
    }
    replies
}

fn single(name: &ProjectName, app: &AppName, accepted: &Accepted) -> Desired {
    let apps: BTreeMap<AppName, App> = accepted
        .project
        .apps
        .get_key_value(app)
        .into_iter()
        .map(|(name, app)| (name.clone(), app.clone()))
        .collect();
    let project = Project { generation: accepted.project.generation, apps };
    Desired { projects: [(name.clone(), project)].into() }
}

/// Lets an action have the effect that is hoped for.
fn succeed(world: &mut Observed, action: &Action, now: Time) {
    let started = reconcile::issue(world, action, now);
    let (run, id, state) = match action {
        Action::Drain { run, .. } => {
            reconcile::observe(world, &Event::Drained { run: *run }, now);
            return;
        }
        Action::Steer { .. }
        | Action::Retire { .. }
        | Action::RollBack { .. }
        | Action::Complete { .. } => return,
        Action::Start { id, .. } => {
            let Some(run) = started else { return };
            (run, id, RunState::Running)
        }
        Action::StopByCommand { id, run, .. }
        | Action::Stop { id, run, .. }
        | Action::Kill { id, run } => (*run, id, RunState::Gone(ExitStatus::Code(0))),
    };
    let Some(found) = world.apps.get(&id.key).and_then(|app| app.runs.get(&run)) else { return };
    let tag = RunTag::new(id.clone(), found.revision, found.generation);
    let (cohort, sockets) = (found.cohort, found.sockets.clone());
    let times = (Some(now), Some(now));
    let record = RunRecord {
        run,
        tag,
        pid: 1,
        state,
        started: times.0,
        exited: times.1,
        cohort,
        sockets,
        notify: Notify::default(),
    };
    reconcile::observe(world, &Event::Record(record), now);
    reconcile::observe(world, &Event::Ready { run, at: now }, now);
}

/// Whether an action changes nothing a person sees.
fn is_quiet(action: &Action) -> bool {
    match action {
        Action::Steer { .. } | Action::Retire { .. } | Action::Complete { .. } => true,
        Action::Start { .. }
        | Action::Drain { .. }
        | Action::StopByCommand { .. }
        | Action::Stop { .. }
        | Action::Kill { .. }
        | Action::RollBack { .. } => false,
    }
}

fn told(action: &Action, observed: Option<&AppObserved>) -> Option<ActionReply> {
    let (word, id, reason) = match action {
        Action::Start { id, .. } => {
            let before = observed.and_then(|app| app.history.get(&id.index));
            let reason = if before.is_some_and(|history| !history.exits.is_empty()) {
                "to take the place of the run before it"
            } else {
                "to run as the file says"
            };
            ("start", id, reason.to_owned())
        }
        Action::StopByCommand { id, reason, .. } | Action::Stop { id, reason, .. } => {
            ("stop", id, reason.to_string())
        }
        Action::Kill { id, .. } => ("kill", id, "it does not stop".to_owned()),
        Action::Drain { .. }
        | Action::Steer { .. }
        | Action::Retire { .. }
        | Action::RollBack { .. }
        | Action::Complete { .. } => return None,
    };
    let (action, app) = (word.to_owned(), id.key.app.to_string());
    Some(ActionReply { action, app, instance: id.index, reason })
}
