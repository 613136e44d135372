//! Bringing in a change without hurting: how many runs may start beside the former ones, which of
//! those may stop, when the change has failed and when it is good.
//!
//! The arithmetic is that of a Kubernetes deployment: at most `wanted + max_surge` runs that are
//! not stopping, at least `wanted - max_unavailable` that serve.

use std::{collections::BTreeSet, time::Duration};

use crate::model::{
    AppSpec, Exit, Former, Generation, LastExit, Phase, RolloutFailure, Run, RunId, StopReason,
    human_duration,
};

use super::{
    canary, health,
    history::{end_of, is_request},
    job, order,
    readiness::became_ready,
    restart::{Standing, Tally, is_left_good},
    view::{Slot, View},
};

impl View<'_> {
    /// Whether a run that is not as desired may go on until others can take its place.
    pub(super) fn may_wait(&self, run: &Run, reason: StopReason) -> bool {
        match reason {
            StopReason::Changed => !self.recreates || self.awaited().is_some(),
            StopReason::OverMemory => !self.recreates,
            // Whether it hurries is up to the latest restart that makes the run stale.
            StopReason::Restarted => {
                !self.recreates && self.app.restart_now_after < self.app.fresh_from(run.index)
            }
            // What is not to be tried again has nobody to wait for.
            StopReason::NotLive => {
                let given_up = matches!(
                    self.standing(run.index),
                    Standing::GaveUp { .. } | Standing::Left { .. }
                );
                !self.recreates && self.surge != 0 && !given_up
            }
            StopReason::Removed
            | StopReason::ScaledDown
            | StopReason::Stopped
            | StopReason::Leftover
            | StopReason::Duplicate
            | StopReason::NotReady
            | StopReason::Superseded => false,
        }
    }

    /// The runs of former revisions that go on until others can take their place.
    pub(super) fn outdated(&self) -> impl Iterator<Item = (RunId, &Run)> {
        self.runs().iter().map(|(run_id, run)| (*run_id, *run)).filter(|(run_id, run)| {
            run.stopping.is_none()
                && self.stop_reason(*run_id, run).is_some_and(|reason| self.may_wait(run, reason))
        })
    }
}

/// The outdated runs that may be stopped now: those that do not serve, and so many of the others
/// as can be missed. Those go first that were never good or whose successor is.
pub(super) fn to_stop<'v>(view: &'v View<'_>) -> Vec<(RunId, &'v Run)> {
    let serves = |run: &Run| matches!(run.phase, Phase::Ready { .. });
    // What does not live serves nobody for sure: others are not stopped on account of it.
    let (dead, alive): (Vec<_>, Vec<_>) = view.outdated().partition(|(_, run)| view.is_dead(run));
    let (mut serving, mut idle): (Vec<_>, Vec<_>) =
        alive.into_iter().partition(|(_, run)| serves(run));
    let new = view.runs().iter().filter(|(_, run)| view.is_new(run) && view.is_available(run));
    let available = new.count().saturating_add(serving.len());
    let needed = view.app.wanted().saturating_sub(view.unavailable());
    let spare = available.saturating_sub(usize::try_from(needed).unwrap_or(usize::MAX));
    let has_successor = |index: u32| {
        let mut runs = view.runs_of(index).iter();
        runs.any(|(_, run)| view.is_new(run) && view.is_available(run))
    };
    serving.sort_by_cached_key(|(_, run)| {
        (view.is_available(run), !has_successor(run.index), run.index)
    });
    let mut untried = canary::room(view, &BTreeSet::new());
    // What does not live needs the room beside it; elsewhere a second run is enough for one to go.
    let starved = dead.iter().any(|(run_id, run)| !is_succeeded(view, *run_id, run));
    let has_twin = |run_id: RunId, run: &Run| {
        let twin = |(other_id, other): &(RunId, &Run)| {
            *other_id != run_id
                && view.is_available(other)
                && (view.is_new(other) || run_id < *other_id)
        };
        view.runs_of(run.index).iter().any(twin)
    };
    let goes = |(at, (run_id, run)): &(usize, (RunId, &Run))| {
        *at < spare || starved && has_twin(*run_id, run)
    };
    let going = serving.into_iter().enumerate().filter(goes).map(|(_, it)| it);
    idle.extend(going.filter(|(_, run)| {
        if canary::is_touched(view, run.index) {
            return true;
        }
        let may_go = untried != 0;
        untried = untried.saturating_sub(1);
        may_go
    }));
    let may_go =
        |(run_id, run): &(RunId, &Run)| view.surge == 0 || is_succeeded(view, *run_id, run);
    idle.extend(dead.into_iter().filter(may_go));
    idle
}

/// Whether another run stands in the place of one that does not live: a good one, new or former, or a
/// later one that was ready and does not live either. So there are never more than two.
fn is_succeeded(view: &View<'_>, run_id: RunId, run: &Run) -> bool {
    let succeeds = |(other_id, other): &(RunId, &Run)| {
        view.is_available(other)
            || (run_id < *other_id && view.is_dead(other) && other.stopping.is_none())
    };
    view.runs_of(run.index).iter().any(succeeds)
}

/// How many instances may get a second run beside the one they have.
pub(super) struct Room {
    beside: u32,
    /// And of those that the change has not come to yet.
    untried: u32,
}

impl Room {
    /// Whether this instance may.
    pub(super) fn has_for(&self, view: &View<'_>, index: u32) -> bool {
        self.beside != 0 && (self.untried != 0 || canary::is_touched(view, index))
    }

    /// Notes that this instance gets one.
    pub(super) fn take(&mut self, view: &View<'_>, index: u32) {
        self.beside = self.beside.saturating_sub(1);
        if !canary::is_touched(view, index) {
            self.untried = self.untried.saturating_sub(1);
        }
    }
}

/// The room there is now. That an instance has no run now gives nothing to others: it may get one
/// again at any time. `leaves` are the former runs that are being stopped.
pub(super) fn room(view: &View<'_>, leaves: &BTreeSet<RunId>) -> Room {
    let stays = |(run_id, run): &&(RunId, &Run)| {
        run.stopping.is_none()
            && !leaves.contains(run_id)
            && view.stop_reason(*run_id, run).is_none_or(|reason| view.may_wait(run, reason))
    };
    let mut beside: u32 = 0;
    let mut last = None;
    for (_, run) in view.runs().iter().filter(stays) {
        if last == Some(run.index) {
            beside = beside.saturating_add(1);
        }
        last = Some(run.index);
    }
    Room { beside: view.surge.saturating_sub(beside), untried: canary::room(view, leaves) }
}

/// How the change under way has failed: an instance of it ended before it was good, or again and
/// again, or did not become ready in time. `None` if nothing says so, or if there is nothing to go
/// back to.
pub(super) fn failure(view: &View<'_>) -> Option<RolloutFailure> {
    if view.app.good || view.app.removed || view.app.stopped {
        return None;
    }
    let former = view.app.former.as_ref().filter(|former| !is_same(view, former))?;
    if let Some(failure) = order::failure(view) {
        return Some(failure);
    }
    if view.app.spec.is_job() {
        return job::failure(view);
    }
    (0..view.app.wanted()).find_map(|index| {
        let ended = ended_early(view, index, former.changed_in);
        let reason = ended
            .or_else(|| ends_again(view, index, former.changed_in))
            .or_else(|| fails_now(view, index, former.changed_in))?;
        Some(RolloutFailure { index, reason })
    })
}

/// Whether what there is to go back to is what is desired: a change that was taken back.
fn is_same(view: &View<'_>, former: &Former) -> bool {
    former.revision == view.app.revision
        && former.restart_after == view.app.restart_after
        && former.restart_instance_after == view.app.restart_instance_after
}

fn ended_early(view: &View<'_>, index: u32, from: Generation) -> Option<String> {
    let from = from.max(view.app.counts_from(index));
    let exits = &view.history(index)?.exits;
    let counts = |exit: &&Exit| exit.revision == view.app.revision && from <= exit.generation;
    let failed = exits.iter().rev().filter(counts).find(|exit| is_failure(view, exit))?;
    Some(LastExit::of(failed).to_string())
}

/// An instance that was good for a moment and ended, once replaced only to do so again: until all
/// others are replaced too, the former ones are still there to go back to.
fn ends_again(view: &View<'_>, index: u32, from: Generation) -> Option<String> {
    let Tally { last, failures, .. } = view.tally(index)?;
    let counts =
        from <= last.generation && !last.requested && !is_left_good(&view.app.spec.restart, &last);
    let last = LastExit::of(&last);
    (counts && 1 < failures).then(|| format!("{last}, twice in a row"))
}

fn is_failure(view: &View<'_>, exit: &Exit) -> bool {
    exit.is_failure()
        && is_early(&view.app.spec, exit)
        && !is_left_good(&view.app.spec.restart, exit)
}

fn fails_now(view: &View<'_>, index: u32, from: Generation) -> Option<String> {
    // An instance that the change does not touch cannot make it fail.
    let counts = |run: &Run| view.is_current(run) && from <= run.generation;
    view.runs_of(index).iter().filter(|(_, run)| counts(run)).find_map(|(run_id, run)| {
        match run.phase {
            Phase::Starting { started } if run.stopping.is_none_or(|it| !is_request(it.reason)) => {
                let by = view.ready_by(run).filter(|by| *by <= view.now)?;
                Some(not_ready(view, run, by.since(started)))
            }
            Phase::Exited { status, started, ready, at } => {
                let exit = Exit { ready, ..end_of(*run_id, run, (started, at), status) };
                is_failure(view, &exit).then(|| LastExit::of(&exit).to_string())
            }
            // Also what no longer lives may have been asked to be forgotten, as the end of a run.
            Phase::Ready { .. }
                if view.is_dead(run) && view.app.counts_from(index) <= run.generation =>
            {
                let exit = health::as_exit(*run_id, run).filter(|exit| is_failure(view, exit))?;
                Some(LastExit::of(&exit).to_string())
            }
            Phase::Launching | Phase::Starting { .. } | Phase::Ready { .. } => None,
        }
    })
}

fn not_ready(view: &View<'_>, run: &Run, after: Duration) -> String {
    let why = run.sockets.explain(&view.expected_ports(run));
    let why = why.map(|why| format!("; {why}")).unwrap_or_default();
    format!("not ready after {}{why}", human_duration(after))
}

/// Whether a run ended before it was good.
pub(super) fn is_early(spec: &AppSpec, exit: &Exit) -> bool {
    let ready = became_ready(spec, (exit.started, exit.ready));
    exit.failure.is_some()
        || ready.is_none_or(|ready| exit.over().since(ready) < spec.rollout.min_ready)
}

/// Whether every instance of the desired revision has become good, and nothing former goes on.
pub(super) fn is_complete(view: &View<'_>) -> bool {
    if view.app.good || view.app.wanted() == 0 || view.outdated().next().is_some() {
        return false;
    }
    if job::is_scheduled(view.app) {
        return true;
    }
    (0..view.app.wanted()).all(|index| match view.slot(index) {
        Slot::Taken => {
            !view.app.spec.is_job()
                && view
                    .runs_of(index)
                    .iter()
                    .any(|(_, run)| view.is_new(run) && view.is_available(run))
        }
        Slot::Empty(standing) => matches!(standing, Standing::Left { good: true, .. }),
        Slot::Outdated | Slot::Blocked => false,
    })
}
