//! The end of a change: it is good, or it failed and is undone.

use std::time::Duration;

use super::{events::Told, projects::Reason, state::State};
use crate::{
    api::EventType,
    host::clock,
    model::{AppKey, RolledBack, RolloutFailure, Time},
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
        let why = RolledBack {
            revision: failed,
            generation: next,
            index: failure.index,
            reason: failure.reason.clone(),
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
            self.unsaved.remove(&name);
            let Some(project) = self.desired.projects.get(&name) else { continue };
            if let Err(error) = self.store.amend(&name, project) {
                tracing::warn!(%error, "cannot note that the apps of {name} are good");
            }
        }
    }
}
