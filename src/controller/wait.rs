//! Callers that wait until the machine is as they asked, and what they are told meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use tokio::sync::mpsc;

use super::{
    seen::AllSeen,
    words::{app_hold, explained, named, seen_when_paused},
};

use crate::{
    api::{AppProgress, FailedInstance, Outcome, OutcomeKind, Progress, SCHEMA},
    model::{
        App, AppKey, AppName, AppState, Desired, Generation, Hold, InstancePhase, LastExit,
        Observed, ProjectName, RunId, Time,
    },
    reconcile::{self, AppStatus, InstanceStatus, Verdict},
};

/// One caller that waits.
#[derive(Debug)]
pub(super) struct Waiter {
    /// The project.
    pub(super) project: ProjectName,
    /// The generation it asked for.
    pub(super) generation: Generation,
    /// When it asked.
    pub(super) asked: Time,
    /// When it gives up waiting.
    pub(super) deadline: Time,
    /// Where its lines go.
    pub(super) lines: mpsc::UnboundedSender<Progress>,
    /// What it was told last of each app in scope.
    told: BTreeMap<AppName, AppProgress>,
    /// Apps that may still come to be as asked, and when to look again without an event.
    converging: BTreeMap<AppName, Option<Time>>,
    /// Apps that will not.
    failed: BTreeSet<AppName>,
    superseded: bool,
    /// Jobs that it has asked to run, each after this run.
    asked_jobs: BTreeMap<AppName, RunId>,
}

/// What a waiter is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct World<'a> {
    pub(super) desired: &'a Desired,
    pub(super) observed: &'a Observed,
    pub(super) seen: &'a AllSeen,
    pub(super) now: Time,
}

impl Waiter {
    /// A caller that waits for these apps.
    pub(super) fn new(
        (project, generation): (ProjectName, Generation),
        scope: impl IntoIterator<Item = AppName>,
        (asked, deadline): (Time, Time),
        lines: mpsc::UnboundedSender<Progress>,
    ) -> Self {
        let converging = scope.into_iter().map(|app| (app, Some(asked))).collect();
        Self {
            project,
            generation,
            asked,
            deadline,
            lines,
            told: BTreeMap::new(),
            converging,
            failed: BTreeSet::new(),
            superseded: false,
            asked_jobs: BTreeMap::new(),
        }
    }

    /// The caller has asked these jobs to run, each after that run.
    pub(super) fn ask(&mut self, jobs: &BTreeMap<AppKey, RunId>) {
        let mine = jobs.iter().filter(|(key, _)| key.project == self.project);
        self.asked_jobs.extend(mine.map(|(key, after)| (key.app.clone(), *after)));
    }

    /// Whether the caller waits for this app.
    pub(super) fn waits_for(&self, app: &AppName) -> bool {
        self.converging.contains_key(app)
            || self.failed.contains(app)
            || self.told.contains_key(app)
    }

    /// A later change took the place of what this caller asked for.
    pub(super) fn supersede(&mut self) {
        self.superseded = true;
    }

    /// Looks at one app again and tells the caller if it moved.
    pub(super) fn look(&mut self, app: &AppName, world: World<'_>) {
        let key = AppKey { project: self.project.clone(), app: app.clone() };
        let after = self.asked_jobs.get(app).copied();
        let (progress, verdict) = judge(&key, (self.asked, self.generation, after), world);
        self.converging.remove(app);
        self.failed.remove(app);
        match verdict {
            Verdict::Settled => {}
            Verdict::Converging { wake_at } => {
                self.converging.insert(app.clone(), wake_at);
            }
            Verdict::Failed => {
                self.failed.insert(app.clone());
            }
        }
        if self.told.get(app).is_none_or(|before| differs(before, &progress)) {
            // A caller that went away is noticed when its connection closes.
            let _ignored = self.lines.send(Progress::App(progress.clone()));
        }
        self.told.insert(app.clone(), progress);
    }

    /// The apps to look at: those touched that it waits for, and those that time alone may have
    /// changed by `now`.
    pub(super) fn to_look_at(&self, touched: &BTreeSet<AppKey>, now: Time) -> BTreeSet<AppName> {
        if self.lines.is_closed() {
            return BTreeSet::new();
        }
        let due = self.converging.iter().filter(|(_, at)| at.is_some_and(|at| at <= now));
        let mine = touched.iter().filter(|key| key.project == self.project);
        let mine = mine.map(|key| &key.app).filter(|app| self.waits_for(app));
        mine.chain(due.map(|(app, _)| app)).cloned().collect()
    }

    /// When to look again if nothing happens.
    pub(super) fn wake_at(&self) -> Time {
        self.converging.values().flatten().min().map_or(self.deadline, |at| self.deadline.min(*at))
    }

    /// How it ended, if it has.
    pub(super) fn outcome(&self, now: Time) -> Option<OutcomeKind> {
        if self.superseded {
            Some(OutcomeKind::Superseded)
        } else if self.converging.is_empty() {
            let failed = !self.failed.is_empty();
            Some(if failed { OutcomeKind::Failed } else { OutcomeKind::Converged })
        } else if self.deadline <= now {
            Some(OutcomeKind::TimedOut)
        } else {
            None
        }
    }

    /// Tells the caller how it ended.
    pub(super) fn finish(
        self,
        kind: OutcomeKind,
        world: World<'_>,
        stderr: impl Fn(&AppKey, u32) -> Option<PathBuf>,
    ) {
        let mut failed = Vec::new();
        let apps = self.failed.iter().chain(self.converging.keys());
        // Once something else is wanted, it does not matter what still stood in the way.
        for app in apps.filter(|_| kind != OutcomeKind::Superseded) {
            let key = AppKey { project: self.project.clone(), app: app.clone() };
            failed.extend(instances_not_ready(&key, world, &stderr));
        }
        let outcome = Outcome {
            schema: SCHEMA,
            result: kind,
            exit: exit_code(kind),
            generation: self.generation.0,
            apps: self.told.into_values().collect(),
            failed,
            seconds: world.now.since(self.asked).as_secs_f64(),
        };
        // A caller that went away is noticed when its connection closes.
        let _ignored = self.lines.send(Progress::Result(outcome));
    }
}

fn exit_code(kind: OutcomeKind) -> u8 {
    match kind {
        OutcomeKind::Converged | OutcomeKind::Accepted => 0,
        OutcomeKind::Failed | OutcomeKind::TimedOut | OutcomeKind::Superseded => 1,
    }
}

/// Whether a caller should hear of it: waits that merely got shorter are no news.
fn differs(before: &AppProgress, after: &AppProgress) -> bool {
    (before.state, before.ready, before.desired, before.updated, before.settled)
        != (after.state, after.ready, after.desired, after.updated, after.settled)
        || before.hold.is_some() != after.hold.is_some()
}

fn judge(
    key: &AppKey,
    (asked, generation, after): (Time, Generation, Option<RunId>),
    world: World<'_>,
) -> (AppProgress, Verdict) {
    let Some(app) = world.desired.app(key) else { return (absent(key), Verdict::Settled) };
    let observed = world.observed.apps.get(key);
    let status = reconcile::status(key, app, observed, world.now);
    let verdict = match after {
        Some(after) => reconcile::verdict_of_asked(key, app, observed, (after, world.now)),
        None => reconcile::verdict(key, app, observed, asked, world.now),
    };
    let undone = app.rolled_back.as_ref().is_some_and(|it| generation < it.generation);
    let verdict = if undone && verdict == Verdict::Settled { Verdict::Failed } else { verdict };
    let progress = AppProgress {
        schema: SCHEMA,
        app: key.app.to_string(),
        state: status.state,
        ready: status.ready,
        desired: status.wanted,
        updated: app.former.is_some().then(|| updated(app, &status)),
        hold: app_hold(&status, (&app.spec, key), world.seen),
        settled: matches!(verdict, Verdict::Settled),
    };
    (progress, verdict)
}

/// How many instances are ready with what is wanted now.
fn updated(app: &App, status: &AppStatus) -> u32 {
    let is_new = |it: &&InstanceStatus| {
        let fresh = it.generation.is_some_and(|found| app.fresh_from(it.id.index) <= found);
        fresh && it.revision == Some(app.revision) && it.phase == InstancePhase::Ready
    };
    let new: BTreeSet<u32> = status.instances.iter().filter(is_new).map(|it| it.id.index).collect();
    u32::try_from(new.len()).unwrap_or(u32::MAX)
}

/// An app that is gone for good.
fn absent(key: &AppKey) -> AppProgress {
    AppProgress {
        schema: SCHEMA,
        app: key.app.to_string(),
        state: AppState::Off,
        ready: 0,
        desired: 0,
        updated: None,
        hold: None,
        settled: true,
    }
}

fn instances_not_ready(
    key: &AppKey,
    world: World<'_>,
    stderr: &impl Fn(&AppKey, u32) -> Option<PathBuf>,
) -> Vec<FailedInstance> {
    let Some(app) = world.desired.app(key) else { return Vec::new() };
    let status: AppStatus = reconcile::status(key, app, world.observed.apps.get(key), world.now);
    if let Some(hold @ (Hold::Paused(failure) | Hold::RolledBack { failure, .. })) = &status.hold {
        let seen = seen_when_paused(hold, key, world.seen);
        return vec![FailedInstance {
            id: key.instance(failure.index).short(),
            hold: seen.map_or_else(
                || failure.reason.clone(),
                |seen| format!("{}; {seen}", failure.reason),
            ),
            hold_code: status.hold.as_ref().map(|it| it.code().to_owned()).unwrap_or_default(),
            stderr: stderr(key, failure.index),
        }];
    }
    let holding = status.instances.iter().filter_map(|instance| {
        let (hold, hold_code) = match reason(instance, world.seen)? {
            (Some(before), code) => (named(&before, &app.spec), code),
            (None, code) => {
                let hold = instance.hold.as_ref()?;
                (explained(hold, (&app.spec, key), Some(instance), world.seen), code)
            }
        };
        Some(FailedInstance {
            id: instance.id.short(),
            hold,
            hold_code,
            stderr: stderr(key, instance.id.index),
        })
    });
    holding.collect()
}

/// Why an instance is not as desired. One that is just being tried again has failed all the same:
/// what counts is how it ended before. The words are `None` if they are those of its hold.
fn reason(instance: &InstanceStatus, seen: &AllSeen) -> Option<(Option<String>, String)> {
    let hold = instance.hold.as_ref()?;
    let code = hold.code().to_owned();
    let before = instance.exit.filter(|exit| !exit.requested);
    match (hold, before) {
        (Hold::Starting | Hold::Settling { .. }, Some(exit)) => {
            let last = LastExit::of(&exit);
            let seen = seen.get(&instance.id).filter(|seen| seen.run == exit.run);
            let words = seen.map(|seen| format!("; {}", seen.words)).unwrap_or_default();
            Some((Some(format!("{last}{words}; started again, {hold}")), code))
        }
        (
            Hold::Starting
            | Hold::Settling { .. }
            | Hold::Backoff { .. }
            | Hold::CrashLooping { .. }
            | Hold::GaveUp { .. }
            | Hold::NotRestarted { .. }
            | Hold::Stopping { .. }
            | Hold::Replacing
            | Hold::NotReady { .. }
            | Hold::Draining { .. }
            | Hold::Outdated
            | Hold::Unfit { .. }
            | Hold::Stuck { .. }
            | Hold::Unanswered
            | Hold::Awaits(_)
            | Hold::StopsAfter(_)
            | Hold::JobRuns
            | Hold::Reloading
            | Hold::Paused(_)
            | Hold::RolledBack { .. },
            _,
        ) => Some((None, code)),
    }
}
