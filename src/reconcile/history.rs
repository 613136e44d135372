//! What became of the earlier runs of an instance: kept in order, counted the same whichever way they
//! are learned.

use crate::model::{
    AppObserved, Exit, ExitStatus, History, Phase, Revision, Run, RunId, SpawnFailure, StopReason,
    Time,
};

pub(super) fn knows_exit(app: &AppObserved, index: u32, run: RunId) -> bool {
    app.history.get(&index).is_some_and(|history| history.exits.iter().any(|it| it.run == run))
}

/// Keeps exits in the order in which their runs were started. Where runs overlapped, later ones now
/// follow this one.
pub(super) fn keep(app: &mut AppObserved, index: u32, exit: Exit) {
    let history = app.history.entry(index).or_default();
    let place = history.exits.partition_point(|earlier| earlier.run < exit.run);
    let next = history.exits.get(place).map(|next| (next.run, next.revision));
    let end = next.map_or(RunId(u64::MAX), |(run, _)| run);
    let live = app
        .runs
        .iter()
        .filter(|(run, found)| found.index == index && exit.run < **run && **run < end);
    let later: Vec<_> = live.map(|(run, found)| (*run, found.revision)).chain(next).collect();
    let restarts = |history: &History| {
        later.iter().filter(|(run, revision)| is_restart(history, *run, *revision)).count()
    };
    let before = restarts(history);
    history.exits.insert(place, exit);
    let (before, after) = (u64::try_from(before), u64::try_from(restarts(history)));
    let added = history.restarts.saturating_add(after.unwrap_or(0));
    history.restarts = added.saturating_sub(before.unwrap_or(0));
    while History::KEPT < history.exits.len() {
        history.exits.pop_front();
    }
}

/// Whether a run is a restart: the run of this instance before it was of the same revision and
/// ended without being asked to. This follows from the exits alone, so that remembering them all
/// gives the same count again.
fn is_restart(history: &History, run: RunId, revision: Revision) -> bool {
    let earlier = history.exits.iter().rev().find(|exit| exit.run < run);
    earlier.is_some_and(|exit| !exit.requested && exit.revision == revision)
}

/// Counts a run that is new here, if it is a restart.
pub(super) fn count_restart(app: &mut AppObserved, index: u32, (run, revision): (RunId, Revision)) {
    let history = app.history.entry(index).or_default();
    if is_restart(history, run, revision) {
        history.restarts = history.restarts.saturating_add(1);
    }
}

/// Whether a run that is stopped for this reason did nothing wrong.
pub(super) fn is_request(reason: StopReason) -> bool {
    match reason {
        StopReason::Leftover | StopReason::NotReady | StopReason::NotLive => false,
        StopReason::Removed
        | StopReason::ScaledDown
        | StopReason::Stopped
        | StopReason::Changed
        | StopReason::Restarted
        | StopReason::OverMemory
        | StopReason::Duplicate
        | StopReason::Superseded => true,
    }
}

/// Whether the first process of a run has ended and nobody had asked it to.
pub(super) fn ended_by_itself(run: &Run) -> bool {
    match run.phase {
        Phase::Exited { at, .. } => !is_requested(run, at),
        Phase::Launching | Phase::Starting { .. } | Phase::Ready { .. } => false,
    }
}

/// What ended before it was asked to ended by itself, even if that was learned afterwards.
fn is_requested(run: &Run, ended: Time) -> bool {
    run.stopping.is_some_and(|stopping| is_request(stopping.reason) && stopping.since <= ended)
}

/// A run whose program could not be executed.
pub(super) fn failed_start(run_id: RunId, run: &Run, failure: SpawnFailure, at: Time) -> Exit {
    let end = end_of(run_id, run, (run.asked, at), ExitStatus::Unknown);
    Exit { failure: Some(failure), ..end }
}

/// The end of a run that was executed.
pub(super) fn end_of(
    run_id: RunId,
    run: &Run,
    (started, ended): (Time, Time),
    status: ExitStatus,
) -> Exit {
    let requested = is_requested(run, ended);
    let late = run.stopping.filter(|it| it.reason == StopReason::NotReady && it.since <= ended);
    Exit {
        run: run_id,
        revision: run.revision,
        generation: run.generation,
        started,
        ended,
        status,
        failure: None,
        ready: None,
        requested,
        not_ready: late.is_some(),
        unfit: run.unfit.filter(|unfit| unfit.at <= ended),
        cohort: run.cohort,
    }
}
