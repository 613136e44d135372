//! One app, desired and observed side by side: which run is as desired, which is not and why, and
//! where an instance without a run stands. Plan, status and verdict all look through this.

use std::collections::BTreeMap;

use crate::model::{
    App, AppKey, AppName, AppObserved, AppSpec, Awaited, Cohort, Exit, History, Phase, ReadyProbe,
    Run, RunId, Sharing, StopReason, Time, UnfitReason,
};

use super::{
    health,
    history::ended_by_itself,
    job, readiness,
    restart::{self, Standing, Tally},
};

/// One app at one time.
pub(super) struct View<'a> {
    pub(super) key: &'a AppKey,
    pub(super) app: &'a App,
    pub(super) now: Time,
    observed: Option<&'a AppObserved>,
    /// By index, then run.
    runs: Vec<(RunId, &'a Run)>,
    /// Whether all former runs have to be gone before a new one starts.
    pub(super) recreates: bool,
    /// Whether there is anything that a new run cannot stand beside.
    has_former: bool,
    /// How many instances more than wanted may run now. None where two cannot hold one port.
    pub(super) surge: u32,
}

/// What there is of one instance.
pub(super) enum Slot {
    /// It has a run of the desired revision, good or not.
    Taken,
    /// It has a run of a former one, which is to be replaced when its turn comes.
    Outdated,
    /// It waits until its former run is gone, or until all of them are.
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
        let mut view =
            Self { key, app, now, observed, runs, recreates: false, has_former: false, surge: 0 };
        view.recreates = view.mixes_sharing();
        view.has_former = view.finds_former();
        view.surge = view.find_surge();
        view
    }

    /// Whether former runs hold their ports in another way than new ones would: then the two
    /// cannot be bound side by side.
    fn mixes_sharing(&self) -> bool {
        let shares = self.app.spec.listen.is_some();
        let mixed = |run: &Run| shares != (run.cohort != Cohort::NONE);
        let kind = self.app.former.as_ref().map_or(self.app.spec.kind, |it| it.spec.kind);
        self.has_stray_sockets()
            || kind != self.app.spec.kind
            || self.runs.iter().any(|(_, run)| !self.is_new(run) && mixed(run))
    }

    /// Whether there may be sockets of a former revision though the app has no `listen`.
    fn has_stray_sockets(&self) -> bool {
        self.app.spec.listen.is_none() && self.cohorts().next().is_some()
    }

    /// The cohorts that may have sockets, and since when each has had no run.
    pub(super) fn cohorts(&self) -> impl Iterator<Item = (Cohort, Option<Time>)> {
        self.observed.into_iter().flat_map(|it| it.cohorts.iter().map(|(id, at)| (*id, *at)))
    }

    /// How new connections were last asked to be divided.
    pub(super) fn steering(&self) -> Option<&'a BTreeMap<Cohort, u32>> {
        self.observed?.steering.as_ref()
    }

    /// Whether a run is of the desired revision, not to be restarted, and fit to go on.
    pub(super) fn is_new(&self, run: &Run) -> bool {
        self.is_current(run) && self.unfit(run).is_none()
    }

    /// Whether a run is of the desired revision and not to be restarted.
    pub(super) fn is_current(&self, run: &Run) -> bool {
        run.revision == self.app.revision && self.app.fresh_from(run.index) <= run.generation
    }

    /// Why a run is not fit to go on, if it is not. What the file no longer asks about counts no more,
    /// and what was to be replaced but ended by itself before has failed as any other.
    pub(super) fn unfit(&self, run: &Run) -> Option<UnfitReason> {
        let why = run.unfit?.why;
        let counts = why.is_failure() || !ended_by_itself(run);
        (counts && health::is_asked(self.spec_of(run), why)).then_some(why)
    }

    /// Whether a run was found not to live.
    pub(super) fn is_dead(&self, run: &Run) -> bool {
        self.unfit(run).is_some_and(UnfitReason::is_failure)
    }

    /// The spec a run was started with, as far as it is still known.
    pub(super) fn spec_of(&self, run: &Run) -> &AppSpec {
        readiness::spec_of(self.app, run)
    }

    /// When a run counts as available, if it is ready: when it has been so for `min_ready`.
    pub(super) fn available_from(&self, run: &Run) -> Option<Time> {
        match run.phase {
            Phase::Ready { since, .. } => Some(since.after(self.spec_of(run).rollout.min_ready)),
            Phase::Launching | Phase::Starting { .. } | Phase::Exited { .. } => None,
        }
    }

    /// Whether a run has been ready for long enough, and is to stay.
    pub(super) fn is_available(&self, run: &Run) -> bool {
        run.stopping.is_none()
            && !self.is_dead(run)
            && run.index < self.app.wanted()
            && self.available_from(run).is_some_and(|from| from <= self.now)
    }

    /// Until when a run that is not ready has to be.
    pub(super) fn ready_by(&self, run: &Run) -> Option<Time> {
        match run.phase {
            Phase::Starting { started } => {
                let spec = self.spec_of(run);
                let by = started.after(spec.rollout.deadline);
                // What is not known any more is asked for again before it is held against it.
                let asked = run.adopted.map(|at| at.after(readiness::time_to_ask(&spec.ready)));
                [run.extended_to, asked].into_iter().flatten().fold(by, Time::max).into()
            }
            Phase::Launching | Phase::Ready { .. } | Phase::Exited { .. } => None,
        }
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
        restart::tally(index, self.app, &self.exits(index))
    }

    /// How the runs of an instance ended, in the order of the runs. One that was found not to live has
    /// failed already, though it goes on until another one takes its place.
    pub(super) fn exits(&self, index: u32) -> Vec<Exit> {
        let ended = self.history(index).into_iter().flat_map(|history| &history.exits);
        let mut exits: Vec<Exit> = ended.copied().collect();
        let dead = self.runs_of(index).iter().filter(|(_, run)| self.is_dead(run));
        exits.extend(dead.filter_map(|(run_id, run)| health::as_exit(*run_id, run)));
        exits.sort_by_key(|exit| exit.run);
        exits
    }

    /// What there is of wanted instance `index`.
    pub(super) fn slot(&self, index: u32) -> Slot {
        let runs = self.runs_of(index);
        let asked_to_stop = |(_, run): &(RunId, &Run)| run.stopping.is_some();
        if runs.iter().any(|(_, run)| self.is_new(run)) {
            Slot::Taken
        } else if self.recreates && self.has_former {
            Slot::Blocked
        } else if runs.iter().any(|run| !asked_to_stop(run)) {
            Slot::Outdated
        } else if !runs.is_empty() && self.surge == 0 {
            Slot::Blocked
        } else {
            Slot::Empty(self.standing(index))
        }
    }

    /// Where instance `index` stands if it has no process of the desired revision.
    pub(super) fn standing(&self, index: u32) -> Standing {
        let id = self.key.instance(index);
        job::standing(self, index)
            .unwrap_or_else(|| restart::standing(&id, self.app, &self.exits(index)))
    }

    /// Whether it is a job that was asked to run and has not begun to.
    pub(super) fn is_asked(&self) -> bool {
        self.app.spec.is_job() && job::is_asked(self.observed)
    }

    /// What its first starts wait for; the most hopeless of several.
    pub(super) fn awaited(&self) -> Option<&'a Awaited> {
        self.observed?.neighbours.awaited.first()
    }

    /// The apps that are to stop before it.
    pub(super) fn stops_after(&self) -> &'a [AppName] {
        self.observed.map_or(&[], |it| &it.neighbours.dependents)
    }

    /// Whether an instance would be started for the first time if its dependencies let it.
    pub(super) fn waits(&self) -> bool {
        self.awaited().is_some()
            && (0..self.app.wanted()).any(|index| match self.slot(index) {
                Slot::Taken => false,
                Slot::Outdated | Slot::Blocked => self.standing(index) == Standing::Free,
                Slot::Empty(standing) => standing == Standing::Free,
            })
    }

    /// The ports a run has to listen on to be ready, if that is what it is waited for; 0 is any.
    pub(super) fn expected_ports(&self, run: &Run) -> Vec<u16> {
        let spec = self.spec_of(run);
        match (&spec.ready.probe, &spec.listen) {
            (ReadyProbe::Listen, Some(listen)) if listen.ports.is_empty() => vec![0],
            (ReadyProbe::Listen, Some(listen)) => listen.ports.iter().map(|it| it.port).collect(),
            (
                ReadyProbe::Listen
                | ReadyProbe::Started
                | ReadyProbe::Http(_)
                | ReadyProbe::Tcp(_)
                | ReadyProbe::Exec(_)
                | ReadyProbe::Log(_)
                | ReadyProbe::Notify
                | ReadyProbe::Message(_)
                | ReadyProbe::Delay(_),
                _,
            ) => Vec::new(),
        }
    }

    /// Whether anything of a former revision is left that a new run cannot stand beside.
    fn finds_former(&self) -> bool {
        self.has_stray_sockets() || self.runs.iter().any(|(_, run)| !self.is_new(run))
    }

    fn find_surge(&self) -> u32 {
        let unshared = self.runs.iter().any(|(_, run)| run.sockets.sharing == Sharing::Unavailable);
        if self.recreates || unshared {
            return 0;
        }
        self.app.spec.rollout.max_surge.rounded_up(self.app.wanted())
    }

    /// How many instances may be missing now; at least one where none more may run.
    pub(super) fn unavailable(&self) -> u32 {
        if self.recreates {
            return self.app.wanted();
        }
        let written = self.app.spec.rollout.max_unavailable.rounded_down(self.app.wanted());
        if self.surge == 0 { written.max(1) } else { written }
    }

    /// Why a run that nobody has asked to stop has to; `None` if it is as desired.
    pub(super) fn stop_reason(&self, run_id: RunId, run: &Run) -> Option<StopReason> {
        self.fault(run_id, run).or_else(|| {
            let worth = |run_id: RunId, run: &Run| {
                let ready = matches!(run.phase, Phase::Ready { .. });
                (self.is_available(run), ready, run_id)
            };
            let mine = worth(run_id, run);
            let better = self.runs_of(run.index).iter().any(|(other_id, other)| {
                mine < worth(*other_id, other)
                    && other.stopping.is_none()
                    && self.fault(*other_id, other).is_none()
            });
            better.then_some(StopReason::Duplicate)
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
            Phase::Ready { since, .. } => since,
            Phase::Launching | Phase::Starting { .. } | Phase::Exited { .. } => {
                self.now.max(tally.last.ended)
            }
        };
        Some(since.after(calm)).filter(|until| self.now < *until)
    }

    /// What is wrong with a run regardless of other runs.
    fn fault(&self, run_id: RunId, run: &Run) -> Option<StopReason> {
        if let Phase::Exited { .. } = run.phase {
            Some(StopReason::Leftover)
        } else if self.app.removed {
            Some(StopReason::Removed)
        } else if self.app.stopped {
            Some(StopReason::Stopped)
        } else if self.app.wanted() <= run.index {
            Some(StopReason::ScaledDown)
        } else if self.ready_by(run).is_some_and(|by| by <= self.now) {
            Some(StopReason::NotReady)
        } else if run.revision != self.app.revision {
            Some(StopReason::Changed)
        } else if run.generation < self.app.fresh_from(run.index) {
            Some(StopReason::Restarted)
        } else if self.app.spec.is_job() && job::is_superseded(self.observed, run_id) {
            Some(StopReason::Superseded)
        } else {
            self.unfit(run).map(StopReason::from)
        }
    }
}
