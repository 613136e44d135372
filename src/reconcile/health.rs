//! Whether runs that are ready still are fit to go on: which have to be asked, which say so by
//! themselves, and what one that does not live counts as.

use crate::model::{
    App, AppObserved, AppSpec, Exit, ExitStatus, Hold, LiveProbe, Observed, Phase, ReadyProbe, Run,
    RunId, Time, Unfit, UnfitReason,
};

use super::{
    history::{end_of, is_request},
    observe::{Observation, find},
    readiness::spec_of,
    restart::{Standing, longest_wait},
    view::View,
};

/// What is known of the life of a run that is ready and is to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It has to be asked, again and again.
    Probed,
    /// It says so by itself, and has done so in time.
    Awaited,
    /// It should have said so by itself and has not for too long.
    Silent(Unfit),
}

/// How those runs of an app stand at `now` whose life is asked about.
#[must_use]
pub fn liveness(app: &App, observed: Option<&AppObserved>, now: Time) -> Vec<(RunId, Liveness)> {
    let runs = observed.into_iter().flat_map(|observed| &observed.runs);
    runs.filter(|(_, run)| is_watched(run))
        .filter_map(|(run_id, run)| {
            let spec = spec_of(app, run);
            let liveness = match spec.live.as_ref()?.probe {
                LiveProbe::Http(_) | LiveProbe::Tcp(_) | LiveProbe::Exec(_) => Liveness::Probed,
                LiveProbe::Notify => match silent_by(spec, run).filter(|by| *by <= now) {
                    Some(at) => {
                        let why = UnfitReason::NotLive;
                        Liveness::Silent(Unfit { why, at, well: run.watchdog })
                    }
                    None => Liveness::Awaited,
                },
            };
            Some((*run_id, liveness))
        })
        .collect()
}

/// A run whose memory is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryWatch {
    /// The run.
    pub run: RunId,
    /// So many bytes are too many,
    pub limit: u64,
    /// from then on.
    pub from: Time,
}

/// The runs of an app whose memory is looked at.
///
/// One that uses too much right from its start must not be replaced again and again: it counts once it
/// was ready for `min_ready`, and so long after the last one of its instance as `backoff.max` says.
#[must_use]
pub fn memory_watches(app: &App, observed: Option<&AppObserved>) -> Vec<MemoryWatch> {
    let Some(observed) = observed else { return Vec::new() };
    let watch = |(run_id, run): (&RunId, &Run)| {
        let spec = spec_of(app, run);
        let limit = spec.restart.max_memory?;
        let Phase::Ready { since, .. } = run.phase else { return None };
        let good = since.after(spec.rollout.min_ready);
        let pause = longest_wait(&spec.restart);
        let from = last_over(observed, run.index).map_or(good, |at| at.after(pause).max(good));
        is_watched(run).then_some(MemoryWatch { run: *run_id, limit, from })
    };
    observed.runs.iter().filter_map(watch).collect()
}

/// When a run of this instance was last found to use too much memory.
fn last_over(observed: &AppObserved, index: u32) -> Option<Time> {
    let exits = observed.history.get(&index).into_iter().flat_map(|history| &history.exits);
    let runs = observed.runs.values().filter(|run| run.index == index);
    let found = exits.filter_map(|exit| exit.unfit).chain(runs.filter_map(|run| run.unfit));
    found.filter(|unfit| unfit.why == UnfitReason::OverMemory).map(|unfit| unfit.at).max()
}

pub(super) fn is_watched(run: &Run) -> bool {
    match run.phase {
        Phase::Ready { .. } => run.stopping.is_none() && run.unfit.is_none(),
        Phase::Launching | Phase::Starting { .. } | Phase::Exited { .. } => false,
    }
}

/// Until when a run has to say that it lives, if it was told at its start to do so.
pub(super) fn silent_by(spec: &AppSpec, run: &Run) -> Option<Time> {
    let policy = spec.live.as_ref().filter(|live| live.probe == LiveProbe::Notify)?;
    let Phase::Ready { since, .. } = run.phase else { return None };
    let every = run.watched.filter(|_| is_watched(run))?;
    let last = run.watchdog.unwrap_or_default().max(since.after(policy.start_period));
    Some(last.after(every.saturating_mul(policy.failures.max(1))))
}

/// Whether the file still asks about what was found.
pub(super) fn is_asked(spec: &AppSpec, why: UnfitReason) -> bool {
    match why {
        UnfitReason::NotLive => spec.live.is_some() || spec.accepts_within.is_some(),
        UnfitReason::OverMemory => spec.restart.max_memory.is_some(),
    }
}

/// A run that does not live, as the failure it is, before all of it is gone.
pub(super) fn as_exit(run_id: RunId, run: &Run) -> Option<Exit> {
    let unfit = run.unfit?;
    let (started, ready, ended, status) = match run.phase {
        Phase::Ready { started, since } => (started, Some(since), unfit.at, ExitStatus::Unknown),
        Phase::Exited { started, ready, at, status } => (started, ready, at, status),
        Phase::Launching | Phase::Starting { .. } => return None,
    };
    // Whenever it was asked: what is not gone yet is looked at as it is.
    let requested = run.stopping.is_some_and(|it| is_request(it.reason));
    Some(Exit { ready, requested, ..end_of(run_id, run, (started, ended), status) })
}

impl View<'_> {
    /// What a run waits for that is not as desired and may go on until others can take its place.
    pub(super) fn waits_by(&self, run: &Run) -> Hold {
        let Some(why) = self.unfit(run).filter(|_| self.is_current(run)) else {
            return Hold::Outdated;
        };
        let taken = self.runs_of(run.index).iter().any(|(_, other)| self.is_new(other));
        let wait = match self.standing(run.index) {
            Standing::Retry { at, .. } if !taken => at.since(self.now),
            Standing::Retry { .. }
            | Standing::Free
            | Standing::Idle
            | Standing::GaveUp { .. }
            | Standing::Left { .. } => std::time::Duration::ZERO,
        };
        Hold::Unfit { why, wait }
    }
}

/// That a run is not fit to go on is latched, as its readiness is.
pub(super) fn found_unfit(observed: &mut Observed, run: RunId, unfit: Unfit) -> Observation {
    let Some((key, run)) = find(observed, run) else { return Observation::default() };
    if !is_watched(run) {
        return Observation::default();
    }
    run.unfit = Some(unfit);
    Observation { app: Some(key), retired: None }
}

/// That a run may say that it reads its files again.
pub(super) fn asked_to_reload(observed: &mut Observed, run: RunId, until: Time) -> Observation {
    let Some((key, run)) = find(observed, run) else { return Observation::default() };
    run.reload_until = Some(until);
    Observation { app: Some(key), retired: None }
}

/// Whether a run reads its files again, or may begin to say so. Only one that says by itself that it is
/// ready says that.
pub(super) fn reloads(spec: &AppSpec, run: &Run, now: Time) -> bool {
    let ready = matches!(run.phase, Phase::Ready { .. }) && run.stopping.is_none();
    let may = run.reload_until.is_some_and(|until| now < until);
    ready && spec.ready.probe == ReadyProbe::Notify && (run.reloading || may)
}
