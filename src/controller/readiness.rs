//! When runs become ready: by the keeper's records, or by being asked.

use super::state::State;
use crate::{
    host::clock,
    model::{AppSpec, Event, ReadyProbe, RunId, RunRecord, Time},
    reconcile::{self, Readiness},
};

impl State {
    /// Looks whether a run is ready by what the keeper says of it.
    pub(super) fn look_at_readiness(&mut self, record: &RunRecord) {
        if !self.is_starting(record.run) {
            return;
        }
        let Some(spec) = self.spec_of(record) else { return };
        match reconcile::readiness(&spec, record, clock::now()) {
            // This much the record says again at any time.
            Readiness::Ready(at) if spec.ready.probe == ReadyProbe::Started => {
                self.observe(&Event::Ready { run: record.run, at });
            }
            Readiness::Ready(at) => self.on_ready(record.run, at),
            Readiness::Awaited | Readiness::Probed => {}
        }
    }

    /// A run is ready. That is kept: a later controller cannot always find it out again.
    pub(super) fn on_ready(&mut self, run: RunId, at: Time) {
        if !self.is_starting(run) {
            return;
        }
        if let Err(error) = self.journal.ready(run, at) {
            tracing::warn!(%error, "cannot write the journal");
        }
        self.observe(&Event::Ready { run, at });
    }

    /// The spec a run was started with, as far as it is still known.
    fn spec_of(&self, record: &RunRecord) -> Option<std::sync::Arc<AppSpec>> {
        let app = self.desired.app(&record.tag.id.key)?;
        let former = app.former.as_ref().filter(|it| it.revision == record.tag.revision);
        Some(match former {
            Some(former) if app.revision != record.tag.revision => former.spec.clone(),
            Some(_) | None => app.spec.clone(),
        })
    }

    /// Whether a run is being executed or not ready yet.
    fn is_starting(&self, run: RunId) -> bool {
        use crate::model::Phase;
        let app = self.observed.owners.get(&run).and_then(|key| self.observed.apps.get(key));
        app.and_then(|app| app.runs.get(&run)).is_some_and(|run| match run.phase {
            Phase::Launching | Phase::Starting { .. } => true,
            Phase::Ready { .. } | Phase::Exited { .. } => false,
        })
    }
}
