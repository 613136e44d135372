//! What became of accepted states: noted once, when all that a state asks for is reached or an app of
//! it had to go back. Which apps are not there yet is found anew by the next controller.

use std::collections::{BTreeMap, BTreeSet};

use super::{events::Told, state::State};
use crate::{
    api::{EventType, HistoryResult},
    host::{clock, store::StoredResult},
    model::{AppKey, AppName, Generation, ProjectName, Time},
    reconcile::{self, Verdict},
};

/// The apps of each project that have not come to what its present state asks for, and when to look
/// again if nothing happens before.
pub(super) type Open = BTreeMap<ProjectName, BTreeMap<AppName, Option<Time>>>;

impl State {
    /// Waits for what the present state of a project asks for.
    pub(super) fn await_result(&mut self, name: &ProjectName) {
        let Some(project) = self.desired.projects.get(name) else { return };
        let now = clock::now();
        let apps = project.apps.keys().map(|app| (app.clone(), Some(now)));
        self.open.insert(name.clone(), apps.collect());
    }

    /// Looks at apps that were touched, and at those that time alone may have changed.
    pub(super) fn look_for_results(&mut self) {
        let now = clock::now();
        let mut open = std::mem::take(&mut self.open);
        let mut reached = BTreeSet::new();
        open.retain(|name, apps| {
            let touched = self.touched.iter().filter(|key| key.project == *name);
            let touched = touched.map(|key| &key.app).filter(|app| apps.contains_key(*app));
            let due = apps.iter().filter(|(_, at)| at.is_some_and(|at| at <= now));
            let looked: Vec<_> = touched.chain(due.map(|(app, _)| app)).cloned().collect();
            for app in looked {
                match self.is_there(name, &app, now) {
                    Verdict::Settled => _ = apps.remove(&app),
                    // What is due by now follows from something that happens.
                    Verdict::Converging { wake_at } => {
                        apps.insert(app, wake_at.filter(|at| now < *at));
                    }
                    // It may recover; then something happens to it.
                    Verdict::Failed => _ = apps.insert(app, None),
                }
            }
            !apps.is_empty() || !reached.insert(name.clone())
        });
        self.open = open;
        for name in reached {
            self.reached(&name);
        }
    }

    fn is_there(&self, name: &ProjectName, app: &AppName, now: Time) -> Verdict {
        let key = AppKey { project: name.clone(), app: app.clone() };
        let Some(app) = self.desired.app(&key) else { return Verdict::Settled };
        reconcile::verdict(&key, app, self.observed.apps.get(&key), now, now)
    }

    /// Notes that the present state of a project is reached.
    fn reached(&mut self, name: &ProjectName) {
        let Some(project) = self.desired.projects.get(name) else { return };
        // While eco itself ends, what is reached is nothing that was asked for.
        if self.ending.is_some() {
            return;
        }
        self.unsaved.remove(name);
        let generation = project.generation;
        if let Err(error) = self.store.amend(name, project, Some(StoredResult::Converged)) {
            tracing::warn!(%error, "cannot note what became of generation {} of {name}", generation.0);
        }
        let text = format!("generation {} is reached", generation.0);
        self.tell(Told::about(EventType::Converged, name, text));
    }

    /// Notes that an app went back from what a state had asked for.
    pub(super) fn note_rolled_back(&mut self, name: &ProjectName, generation: Generation) {
        if let Err(error) = self.store.note_result(name, generation, StoredResult::RolledBack) {
            // It may be one of those that are not kept any more.
            tracing::info!(%error, "cannot note that generation {} failed", generation.0);
        }
    }

    /// When to look for results if nothing happens.
    pub(super) fn next_look_for_results(&self) -> Option<Time> {
        self.open.values().flat_map(BTreeMap::values).flatten().min().copied()
    }
}

/// What became of a state, as it is shown.
pub(super) fn shown(stored: StoredResult, is_current: bool) -> Option<HistoryResult> {
    match stored {
        StoredResult::Unknown => None,
        StoredResult::Open => (!is_current).then_some(HistoryResult::Superseded),
        StoredResult::Converged => Some(HistoryResult::Converged),
        StoredResult::RolledBack => Some(HistoryResult::RolledBack),
    }
}
