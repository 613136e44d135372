//! How the simulated controller watches what is ready: whether it lives.

use eco::{
    model::{AppKey, Event, RunId, Time, Unfit, UnfitReason},
    reconcile::{self, Liveness},
};

use super::{fixtures::ms, world::World};

impl World {
    /// Finds the runs of an app that are to be watched, and what will come of it.
    pub(super) fn find_live(&mut self, key: &AppKey) {
        let Some(app) = self.desired.app(key) else { return };
        let found = reconcile::liveness(app, self.observed.apps.get(key), self.now);
        let probed: Vec<RunId> = found
            .iter()
            .filter(|(_, liveness)| *liveness == Liveness::Probed)
            .map(|(run, _)| *run)
            .collect();
        let owners = &self.observed.owners;
        let of_app = |run: &RunId| owners.get(run) == Some(key);
        self.watching.retain(|run, _| !of_app(run) || probed.contains(run));
        for run in probed {
            if !self.watching.contains_key(&run) {
                let unfit = self.doom_of(key, run);
                self.watching.insert(run, unfit);
                if let Some(unfit) = unfit {
                    self.schedule_not_live(run, unfit);
                }
            }
        }
    }

    /// When a run will have failed its probe too often, if it hangs.
    fn doom_of(&self, key: &AppKey, run: RunId) -> Option<Unfit> {
        let found = self.observed.apps[key].runs.get(&run)?;
        let policy = reconcile::spec_of(self.desired.app(key)?, found).live.as_ref()?;
        let process = self.keeper.processes.get(&run)?;
        let hangs = process.executed?.after(process.nature.hangs?);
        let well = Some(hangs).filter(|hangs| self.now < *hangs);
        let first = well.map_or(self.now.after(ms(20)), |at: Time| at.after(policy.interval));
        let at = first.after(policy.interval * (policy.failures - 1));
        Some(Unfit { why: UnfitReason::NotLive, at, well })
    }

    /// Finds the runs of an app that will use too much memory.
    pub(super) fn find_heavy(&mut self, key: &AppKey) {
        let Some(app) = self.desired.app(key) else { return };
        for watch in reconcile::memory_watches(app, self.observed.apps.get(key)) {
            let Some(at) = self.swells_at(watch.run) else { continue };
            if self.weighing.insert(watch.run) {
                self.schedule_weighing(watch.run, at.max(watch.from));
            }
        }
    }

    fn swells_at(&self, run: RunId) -> Option<Time> {
        let process = self.keeper.processes.get(&run)?;
        Some(process.executed?.after(process.nature.swells?))
    }

    /// Looks at the memory of a run that uses too much.
    pub(super) fn weigh(&mut self, run: RunId) {
        let Some(key) = self.observed.owners.get(&run).cloned() else { return };
        let Some(app) = self.desired.app(&key) else { return };
        // What has ended uses no memory, though nobody may have heard of its end.
        if self.keeper.processes[&run].ended.is_some() {
            return;
        }
        let watches = reconcile::memory_watches(app, self.observed.apps.get(&key));
        match watches.iter().find(|watch| watch.run == run) {
            Some(watch) if watch.from <= self.now => {
                let (why, at) = (UnfitReason::OverMemory, self.now);
                self.on_unfit(run, Unfit { why, at, well: Some(at) });
            }
            Some(_) => self.find_heavy(&key),
            None => {}
        }
    }

    /// Notes that a run is not fit to go on, in the journal first.
    pub(super) fn on_unfit(&mut self, run: RunId, unfit: Unfit) {
        let Some(key) = self.observed.owners.get(&run).cloned() else { return };
        self.journal.unfit.entry(run).or_insert(unfit);
        let seen = reconcile::observe(&mut self.observed, &Event::Unfit { run, unfit }, self.now);
        if seen.app.is_some() {
            self.note(&format!("unfit {key}: run {}, {}", run.0, unfit.why));
        }
        self.drive(&key);
    }
}
