//! Keeps what apps know of their neighbours up to date, and knows who they are.

use std::collections::BTreeMap;

use super::state::State;
use crate::{
    model::{AppKey, AppName, Generation, Neighbours, ProjectName, Time},
    reconcile,
};

/// The neighbours of the apps that have any, by project, as of its generation.
pub(super) type Ties = BTreeMap<ProjectName, (Generation, BTreeMap<AppName, Vec<AppName>>)>;

impl State {
    /// Looks what the neighbours of an app let it do. If that is something else than before, they
    /// may have to do something else too.
    pub(super) fn look_around(&mut self, key: &AppKey, now: Time) {
        let found = reconcile::look_around(&self.desired, &self.observed, key, now);
        let known = self.observed.apps.get(key).map(|app| &app.neighbours);
        if known.map_or(found == Neighbours::default(), |known| *known == found) {
            return;
        }
        self.observed.apps.entry(key.clone()).or_default().neighbours = found;
        self.touched.insert(key.clone());
        self.touch_neighbours(key);
    }

    /// Marks those that may wait for an app, to be planned again.
    pub(super) fn touch_neighbours(&mut self, key: &AppKey) {
        let Some(project) = self.desired.projects.get(&key.project) else { return };
        let known = self.ties.get(&key.project).map(|(generation, _)| *generation);
        if known != Some(project.generation) {
            let ties = reconcile::neighbours(project);
            self.ties.insert(key.project.clone(), (project.generation, ties));
        }
        let ties = self.ties.get(&key.project).and_then(|(_, ties)| ties.get(&key.app));
        for app in ties.into_iter().flatten() {
            let key = AppKey { project: key.project.clone(), app: app.clone() };
            self.dirty.insert(key.clone());
            self.touched.insert(key);
        }
    }
}
