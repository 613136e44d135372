//! The end of a change: it is good, or it failed and is undone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{events::Told, projects::Reason, state::State};
use crate::{
    api::{ApiError, EventType},
    host::{clock, store::StoredProject},
    model::{App, AppKey, AppName, Generation, ProjectName, RolledBack, RolloutFailure, Time},
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
        let failed = app.revision;
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
                self.send_sinks(|other| other == key);
                self.tell(Told::about_app(EventType::RolledBack, key, text).by("eco"));
            }
            Err(error) => tracing::error!(%error, "cannot roll back {key}"),
        }
    }

    /// What an operator brings back: the apps of the generation asked for, else of the newest one in
    /// which an app of the scope was of another revision.
    pub(super) fn earlier(
        &self,
        name: &ProjectName,
        scope: &BTreeSet<AppName>,
        to: Option<u64>,
    ) -> Result<StoredProject, ApiError> {
        let present = self.present(name);
        if let Some(to) = to {
            return self.store.revision(name, Generation(to)).map_err(|error| {
                ApiError::input(
                    "no_generation",
                    format!("cannot go back to generation {to}: {error}"),
                )
                .help(format!("see `eco history -p {name}`"))
            });
        }
        let differs = |stored: &StoredProject| {
            scope.iter().any(|app| {
                let revision = |apps: &BTreeMap<AppName, App>| {
                    apps.get(app).filter(|app| !app.removed).map(|app| app.revision)
                };
                revision(&stored.project.apps)
                    .is_some_and(|before| revision(&present.apps).is_some_and(|now| before != now))
            })
        };
        let summaries = self.store.history(name).into_iter().rev();
        let earlier = summaries.filter(|found| found.generation < present.generation);
        let mut earlier =
            earlier.filter_map(|found| self.store.revision(name, found.generation).ok());
        earlier.find(differs).ok_or_else(|| {
            ApiError::refused("nothing_before", format!("nothing of {name} was different before"))
                .help(format!("see `eco history -p {name}`"))
        })
    }

    /// Notes that every instance of an app is good. On disk that comes a moment later: if it is
    /// lost meanwhile, the same is found again.
    pub(super) fn complete(&mut self, key: &AppKey) {
        let project = self.desired.projects.get_mut(&key.project);
        let Some(app) = project.and_then(|project| project.apps.get_mut(&key.app)) else { return };
        app.good = true;
        app.former = None;
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
        if let Err(error) = self.store.amend(name, project) {
            tracing::warn!(%error, "cannot note that the apps of {name} are good");
        }
    }
}

/// Makes an app what it was in an earlier generation. A file that is followed does not bring the
/// present revision again by itself.
pub(super) fn go_back(app: &mut App, earlier: &App, next: Generation) {
    if app.revision == earlier.revision {
        return;
    }
    let why = RolledBack {
        revision: app.revision,
        generation: next,
        index: 0,
        reason: "an operator asked for it".to_owned(),
        by_operator: true,
    };
    app.begin_change(next);
    app.spec = earlier.spec.clone();
    app.revision = earlier.revision;
    app.rolled_back = Some(why);
}
