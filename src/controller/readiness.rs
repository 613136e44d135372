//! When runs become ready: by what the keeper knows of them, or by being asked.

use super::state::State;
use crate::{
    model::{AppKey, Event, ReadyProbe, RunId, Time},
    reconcile::{self, Readiness},
};

impl State {
    /// Finds the runs of an app that have become ready.
    pub(super) fn find_ready(&mut self, key: &AppKey, now: Time) {
        let Some(app) = self.desired.app(key) else { return };
        for (run, readiness) in reconcile::readiness(app, self.observed.apps.get(key), now) {
            match readiness {
                Readiness::Ready(at) => self.on_ready(run, at),
                Readiness::Awaited | Readiness::Probed => {}
            }
        }
    }

    /// A run is ready. That is kept, unless it follows from its having been started: a later
    /// controller could not always find it out again.
    pub(super) fn on_ready(&mut self, run: RunId, at: Time) {
        if !self.is_told_by_start(run)
            && let Err(error) = self.journal.ready(run, at)
        {
            tracing::warn!(%error, "cannot write the journal");
        }
        self.observe(&Event::Ready { run, at });
    }

    fn is_told_by_start(&self, run: RunId) -> bool {
        let Some(key) = self.observed.owners.get(&run) else { return true };
        let found = self.observed.apps.get(key).and_then(|app| app.runs.get(&run));
        let app = self.desired.app(key);
        let spec = app.zip(found).map(|(app, run)| reconcile::spec_of(app, run));
        spec.is_none_or(|spec| spec.ready.probe == ReadyProbe::Started)
    }
}
