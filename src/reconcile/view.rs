//! One app, desired and observed side by side: which run is as desired, which is not and why, and
//! where an instance without a run stands. Plan, status and verdict all look through this.

use crate::model::{App, AppKey, AppObserved, History, Phase, Run, RunId, StopReason, Time};

use super::restart::{self, Standing, Tally};

/// One app at one time.
pub(super) struct View<'a> {
    pub(super) key: &'a AppKey,
    pub(super) app: &'a App,
    pub(super) now: Time,
    observed: Option<&'a AppObserved>,
    /// By index, then run.
    runs: Vec<(RunId, &'a Run)>,
    /// Whether a run of another revision lives.
    has_former: bool,
}

/// What there is of one instance.
pub(super) enum Slot {
    /// It has a run, good or not.
    Taken,
    /// It waits until every run of the former revision is gone.
    Blocked,
    /// It has none.
    Empty(Standing),
}

impl<'a> View<'a> {
    pub(super) fn new(
        key: &'a AppKey,
        app: &'a App,
        observed: Option<&'a AppObserved>,
        now: Time,
    ) -> Self {
        let mut runs: Vec<(RunId, &Run)> = observed
            .into_iter()
            .flat_map(|observed| observed.runs.iter().map(|(run_id, run)| (*run_id, run)))
            .collect();
        runs.sort_by_key(|(run_id, run)| (run.index, *run_id));
        let has_former = runs.iter().any(|(_, run)| run.revision != app.revision);
        Self { key, app, now, observed, runs, has_former }
    }

    /// Every run, by index, then age.
    pub(super) fn runs(&self) -> &[(RunId, &'a Run)] {
        &self.runs
    }

    /// The runs of one instance, oldest first.
    pub(super) fn runs_of(&self, index: u32) -> &[(RunId, &'a Run)] {
        let first = self.runs.partition_point(|(_, run)| run.index < index);
        let end = self.runs.partition_point(|(_, run)| run.index <= index);
        self.runs.get(first..end).unwrap_or_default()
    }

    pub(super) fn history(&self, index: u32) -> Option<&'a History> {
        self.observed?.history.get(&index)
    }

    pub(super) fn tally(&self, index: u32) -> Option<Tally> {
        restart::tally(index, self.app, self.history(index))
    }

    /// What there is of wanted instance `index`.
    pub(super) fn slot(&self, index: u32) -> Slot {
        if !self.runs_of(index).is_empty() {
            Slot::Taken
        } else if self.has_former {
            Slot::Blocked
        } else {
            let id = self.key.instance(index);
            Slot::Empty(restart::standing(&id, self.app, self.history(index)))
        }
    }

    /// Why a run that nobody has asked to stop has to; `None` if it is as desired.
    pub(super) fn stop_reason(&self, run_id: RunId, run: &Run) -> Option<StopReason> {
        self.fault(run).or_else(|| {
            let newer = self.runs_of(run.index).iter().any(|(other_id, other)| {
                run_id < *other_id && other.stopping.is_none() && self.fault(other).is_none()
            });
            newer.then_some(StopReason::Duplicate)
        })
    }

    /// Whether this run is the one that is wanted of its instance.
    pub(super) fn is_fit(&self, run_id: RunId, run: &Run) -> bool {
        run.stopping.is_none() && self.stop_reason(run_id, run).is_none()
    }

    /// Whether the instance of this live run was in a crash loop that the run has not yet made up
    /// for, and then until when it has to last.
    pub(super) fn proves_until(&self, run: &Run) -> Option<Time> {
        let tally = self.tally(run.index).filter(|tally| tally.looping)?;
        let calm = restart::calm_after(&self.app.spec.restart);
        let since = match run.phase {
            Phase::Ready { since } => since,
            Phase::Launching | Phase::Exited { .. } => self.now.max(tally.last.ended),
        };
        Some(since.after(calm)).filter(|until| self.now < *until)
    }

    /// What is wrong with a run regardless of other runs.
    fn fault(&self, run: &Run) -> Option<StopReason> {
        if let Phase::Exited { .. } = run.phase {
            Some(StopReason::Leftover)
        } else if self.app.removed {
            Some(StopReason::Removed)
        } else if self.app.stopped {
            Some(StopReason::Stopped)
        } else if self.app.wanted() <= run.index {
            Some(StopReason::ScaledDown)
        } else if run.revision != self.app.revision {
            Some(StopReason::Changed)
        } else if run.generation < self.app.fresh_from(run.index) {
            Some(StopReason::Restarted)
        } else {
            None
        }
    }
}
