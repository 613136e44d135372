//! Bringing in a change without hurting: how many runs may start beside the former ones, which of
//! those may stop, when the change has failed and when it is good.
//!
//! The arithmetic is that of a Kubernetes deployment: at most `wanted + max_surge` runs that are
//! not stopping, at least `wanted - max_unavailable` that serve.

use crate::model::{
    Exit, ExitStatus, LastExit, Phase, RolloutFailure, Run, RunId, StopReason, Time,
};

use super::{
    restart::{Standing, is_left_good, ran},
    view::{Slot, View},
};

impl View<'_> {
    /// Whether a run that is not as desired may go on until others can take its place.
    pub(super) fn may_wait(&self, run: &Run, reason: StopReason) -> bool {
        match reason {
            StopReason::Changed => !self.recreates,
            StopReason::Restarted => {
                !self.recreates && self.app.restart_now_after <= run.generation
            }
            StopReason::Removed
            | StopReason::ScaledDown
            | StopReason::Stopped
            | StopReason::Leftover
            | StopReason::Duplicate
            | StopReason::NotReady => false,
        }
    }

    /// The runs of former revisions that go on until others can take their place.
    fn outdated(&self) -> impl Iterator<Item = (RunId, &Run)> {
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
    let (mut serving, mut idle): (Vec<_>, Vec<_>) =
        view.outdated().partition(|(_, run)| serves(run));
    let new = view.runs().iter().filter(|(_, run)| view.is_new(run) && view.is_available(run));
    let available = new.count().saturating_add(serving.len());
    let needed = view.app.wanted().saturating_sub(view.unavailable());
    let spare = available.saturating_sub(usize::try_from(needed).unwrap_or(usize::MAX));
    let has_successor = |index: u32| {
        let mut runs = view.runs_of(index).iter();
        runs.any(|(_, run)| view.is_new(run) && view.is_available(run))
    };
    serving.sort_by_key(|(_, run)| (view.is_available(run), !has_successor(run.index), run.index));
    idle.extend(serving.into_iter().take(spare));
    idle
}

/// How many runs may start beside those there are.
pub(super) fn room(view: &View<'_>) -> u32 {
    let staying = view.runs().iter().filter(|(run_id, run)| {
        run.stopping.is_none()
            && view.stop_reason(*run_id, run).is_none_or(|reason| view.may_wait(run, reason))
    });
    let leaving = to_stop(view).len();
    let staying = u32::try_from(staying.count().saturating_sub(leaving)).unwrap_or(u32::MAX);
    let most = view.app.wanted().saturating_add(view.surge());
    most.saturating_sub(staying)
}

/// How the change under way has failed: an instance of it ended before it was good, or did not
/// become ready in time. `None` if nothing says so.
pub(super) fn failure(view: &View<'_>) -> Option<RolloutFailure> {
    if view.app.good || view.app.removed || view.app.stopped {
        return None;
    }
    let from = view.app.former.as_ref()?.changed_in;
    (0..view.app.wanted()).find_map(|index| {
        let reason = ended_early(view, index, from).or_else(|| fails_now(view, index))?;
        Some(RolloutFailure { index, reason })
    })
}

fn ended_early(view: &View<'_>, index: u32, from: crate::model::Generation) -> Option<String> {
    let from = from.max(view.app.counts_from(index));
    let exits = &view.history(index)?.exits;
    let counts = |exit: &&Exit| exit.revision == view.app.revision && from <= exit.generation;
    let failed = exits.iter().rev().filter(counts).find(|exit| {
        !exit.requested
            && is_early(exit, view.app.spec.rollout.min_ready)
            && !is_left_good(&view.app.spec.restart, exit)
    })?;
    let last = LastExit { status: failed.status, failure: failed.failure, ran: ran(failed) };
    Some(last.to_string())
}

fn fails_now(view: &View<'_>, index: u32) -> Option<String> {
    view.runs_of(index).iter().filter(|(_, run)| view.is_new(run)).find_map(|(_, run)| {
        let unasked = run.stopping.is_none_or(|it| it.reason == StopReason::NotReady);
        match run.phase {
            Phase::Starting { .. } => {
                let by = view.ready_by(run).filter(|by| *by <= view.now)?;
                Some(not_ready(view, run, by))
            }
            Phase::Exited { status, started, ready, at } if unasked => {
                let min_ready = view.app.spec.rollout.min_ready;
                let early = ready.is_none_or(|ready| at.since(ready) < min_ready);
                // An exit that its policy is content with is judged once the run is gone.
                let good = status == ExitStatus::Code(0);
                let last = LastExit { status, failure: None, ran: at.since(started) };
                (early && !good).then(|| last.to_string())
            }
            Phase::Launching | Phase::Ready { .. } | Phase::Exited { .. } => None,
        }
    })
}

fn not_ready(view: &View<'_>, run: &Run, by: Time) -> String {
    let deadline = view.spec_of(run).rollout.deadline;
    let hold = crate::model::Hold::NotReady {
        wait: by.since(view.now),
        sockets: run.sockets.clone(),
        expected: view.expected_ports(run),
    };
    let words = hold.to_string();
    let words = words.trim_end_matches("; given up in 0ms").replace("not ready yet", "not ready");
    format!("{words} after {}", crate::model::human_duration(deadline))
}

/// Whether a run ended before it was good.
pub(super) fn is_early(exit: &Exit, min_ready: std::time::Duration) -> bool {
    exit.failure.is_some() || exit.ready.is_none_or(|ready| exit.ended.since(ready) < min_ready)
}

/// Whether every instance of the desired revision has become good, and nothing former goes on.
pub(super) fn is_complete(view: &View<'_>) -> bool {
    if view.app.good || view.app.wanted() == 0 || view.outdated().next().is_some() {
        return false;
    }
    (0..view.app.wanted()).all(|index| match view.slot(index) {
        Slot::Taken => {
            view.runs_of(index).iter().any(|(_, run)| view.is_new(run) && view.is_available(run))
        }
        Slot::Empty(standing) => matches!(standing, Standing::Left { good: true, .. }),
        Slot::Outdated | Slot::Blocked => false,
    })
}
