//! The end of a change: it is good, or it failed and is undone.

use std::time::Duration;

use super::{events::Told, projects::Reason, state::State};
use crate::{
    api::EventType,
    host::clock,
    model::{AppKey, Project, ProjectName, RolledBack, RolloutFailure, Time},
    reconcile::{self, Step},
};

/// How long after a change was found good that is written down: others of the project follow
/// mostly.
const SETTLE: Duration = Duration::from_secs(1);

impl State {
    /// Makes the last good state of an app the desired one again.
    pub(super) fn roll_back(&mut self, key: &AppKey, failure: &RolloutFailure) {
        let mut project = self.present(&key.project);
        let next = project.generation.next();
        let Some(app) = project.apps.get_mut(&key.app) else { return };
        let Some(former) = app.former.clone() else { return };
        let (failed, failed_in) = (app.revision, former.changed_in);
        let mut failure = failure.clone();
        let seen = self.seen_of(&key.instance(failure.index), failed);
        if let Some(seen) = seen.filter(|seen| !failure.reason.contains(seen)) {
            failure.reason = format!("{}; {seen}", failure.reason);
        }
        let why = RolledBack {
            revision: failed,
            generation: next,
            index: failure.index,
            reason: failure.reason.clone(),
            by_operator: false,
        };
        *app = app.rolled_back(former, why);
        let text =
            format!("revision {failed} failed ({failure}); back to revision {}", app.revision);
        project.generation = next;
        let reason = Reason::new("eco", format!("rolled back {}: {failure}", key.app));
        match self.store_project(&key.project, project, &reason, false) {
            Ok(()) => {
                self.note_rolled_back(&key.project, failed_in);
                self.send_sinks(|other| other == key);
                self.tell(Told::about_app(EventType::RolledBack, key, text).by("eco"));
            }
            Err(error) => tracing::error!(%error, "cannot roll back {key}"),
        }
    }

    /// Tells of each app that becomes another one; that is before it is.
    pub(super) fn tell_begun(&mut self, name: &ProjectName, next: &Project, reason: &Reason) {
        let present = self.present(name);
        for (app_name, app) in next.apps.iter().filter(|(_, app)| app.wanted() != 0) {
            let before = present.apps.get(app_name).filter(|before| before.wanted() != 0);
            let Some(before) = before.filter(|before| before.revision != app.revision) else {
                continue;
            };
            // That an app went back is told as such.
            if app.good {
                continue;
            }
            let key = AppKey { project: name.clone(), app: app_name.clone() };
            self.steps.insert(key.clone(), None);
            let text = format!("begins: revision {} to {}", before.revision, app.revision);
            let told = Told::about_app(EventType::Rollout, &key, text).by(reason.by);
            self.tell(told.revision(app.revision));
        }
    }

    /// Tells how far the change of an app has come, if that is news. What an earlier controller may
    /// have told is none.
    pub(super) fn note_step(&mut self, key: &AppKey, now: Time) {
        let Some(app) = self.desired.app(key) else { return };
        let Some(step) = reconcile::step(key, app, self.observed.apps.get(key), now) else {
            self.steps.remove(key);
            return;
        };
        let revision = app.revision;
        let before = self.steps.insert(key.clone(), Some(step.clone()));
        let text = match (before, step) {
            (None, _) | (Some(Some(Step::Paused(_))), Step::Paused(_)) => return,
            (Some(Some(before)), step) if before == step => return,
            (_, Step::Canary(1)) => "one instance goes first, as a canary".to_owned(),
            (_, Step::Canary(size)) => format!("{size} instances go first, as a canary"),
            (Some(Some(Step::Canary(_))), Step::Others) => {
                "the canary is good: the other instances follow".to_owned()
            }
            (_, Step::Others) => return,
            (_, Step::Paused(failure)) => format!("paused: {failure}"),
        };
        self.tell(Told::about_app(EventType::Rollout, key, text).revision(revision));
    }

    /// Notes that every instance of an app is good. On disk that comes a moment later: if it is
    /// lost meanwhile, the same is found again.
    pub(super) fn complete(&mut self, key: &AppKey) {
        let project = self.desired.projects.get_mut(&key.project);
        let Some(app) = project.and_then(|project| project.apps.get_mut(&key.app)) else { return };
        app.good = true;
        app.former = None;
        let revision = app.revision;
        let text = match app.wanted() {
            _ if app.spec.is_job() => "complete: the job is done".to_owned(),
            1 => "complete: its instance is good".to_owned(),
            count => format!("complete: all {count} instances are good"),
        };
        self.tell(Told::about_app(EventType::Rollout, key, text).revision(revision));
        let at = clock::now().after(SETTLE);
        self.unsaved.entry(key.project.clone()).or_insert(at);
    }

    /// Writes down which apps are good.
    pub(super) fn save_goods(&mut self, now: Time) {
        let due = self.unsaved.iter().filter(|(_, at)| **at <= now);
        let due: Vec<_> = due.map(|(name, _)| name.clone()).collect();
        for name in due {
            self.save_good(&name);
        }
    }

    /// Writes down which apps of a project are good, if that is not on disk yet.
    pub(super) fn save_good(&mut self, name: &ProjectName) {
        if self.unsaved.remove(name).is_none() {
            return;
        }
        let Some(project) = self.desired.projects.get(name) else { return };
        if let Err(error) = self.store.amend(name, project, None) {
            tracing::warn!(%error, "cannot note that the apps of {name} are good");
        }
    }
}
