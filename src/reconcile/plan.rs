//! What to do next: a function of desired state, observed state and time.

use crate::model::{
    Action, App, AppKey, AppObserved, Desired, Generation, Hold, KillScope, Observed, Phase, Plan,
    Run, RunId, StopReason, Stopping, Time,
};

use super::{
    restart::Standing,
    view::{Slot, View},
};

/// Compares what is desired with what is observed, for every app of every desired project. What
/// is of no desired app is not touched.
#[must_use]
pub fn plan(desired: &Desired, observed: &Observed, now: Time) -> Plan {
    let mut whole = Plan::default();
    for (project, found) in &desired.projects {
        for (name, app) in &found.apps {
            let key = AppKey { project: project.clone(), app: name.clone() };
            let part = plan_app(&key, found.generation, Some(app), observed.apps.get(&key), now);
            whole.actions.extend(part.actions);
            whole.holds.extend(part.holds);
            whole.wake_at = earliest(whole.wake_at, part.wake_at);
        }
    }
    whole
}

/// The part of `plan` about one app, at a cost that depends on this app only. `generation` is
/// that of its project.
#[must_use]
pub fn plan_app(
    key: &AppKey,
    generation: Generation,
    app: Option<&App>,
    observed: Option<&AppObserved>,
    now: Time,
) -> Plan {
    let Some(app) = app else { return Plan::default() };
    let view = View::new(key, app, observed, now);
    let mut planner = Planner { view: &view, generation, plan: Plan::default() };
    // From the highest index down: that is the order in which surplus instances go.
    for (run_id, run) in view.runs().iter().rev() {
        planner.keep_or_stop(*run_id, run);
    }
    for index in 0..app.wanted() {
        planner.fill(index);
    }
    planner.plan
}

/// The earlier of two times, where there are any.
pub(super) fn earliest(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

struct Planner<'a> {
    view: &'a View<'a>,
    generation: Generation,
    plan: Plan,
}

impl Planner<'_> {
    fn keep_or_stop(&mut self, run_id: RunId, run: &Run) {
        if let Some(stopping) = run.stopping {
            self.escalate(run_id, run, stopping);
        } else if let Some(reason) = self.view.stop_reason(run_id, run) {
            let scope = match reason {
                StopReason::Leftover => KillScope::Group,
                StopReason::Removed
                | StopReason::ScaledDown
                | StopReason::Stopped
                | StopReason::Changed
                | StopReason::Restarted
                | StopReason::Duplicate => self.view.app.spec.stop.kill,
            };
            self.stop(run_id, run, scope, reason);
        } else if run.phase == Phase::Launching {
            self.hold(run.index, Hold::Starting);
        }
    }

    /// Goes on with a stop that was begun.
    fn escalate(&mut self, run_id: RunId, run: &Run, stopping: Stopping) {
        let deadline = stopping.since.after(self.view.app.spec.stop.timeout);
        let leader_ended = matches!(run.phase, Phase::Exited { .. });
        if stopping.killed.is_some() {
            self.hold(run.index, Hold::Stopping { reason: stopping.reason, kill_in: None });
        } else if self.is_due(deadline) {
            let id = self.view.key.instance(run.index);
            self.plan.actions.push(Action::Kill { id, run: run_id });
        } else if leader_ended && !stopping.group {
            self.stop(run_id, run, KillScope::Group, stopping.reason);
        } else {
            let kill_in = Some(deadline.since(self.view.now));
            self.hold(run.index, Hold::Stopping { reason: stopping.reason, kill_in });
        }
    }

    fn stop(&mut self, run: RunId, about: &Run, scope: KillScope, reason: StopReason) {
        let id = self.view.key.instance(about.index);
        let signal = self.view.app.spec.stop.signal;
        self.plan.actions.push(Action::Stop { id, run, signal, scope, reason });
    }

    fn fill(&mut self, index: u32) {
        let standing = match self.view.slot(index) {
            Slot::Taken => return,
            Slot::Blocked => return self.hold(index, Hold::Replacing),
            Slot::Empty(standing) => standing,
        };
        let start = match standing {
            Standing::Free => true,
            Standing::Retry { at, .. } => self.is_due(at),
            Standing::GaveUp { .. } | Standing::Left { .. } => false,
        };
        if start {
            let id = self.view.key.instance(index);
            let (revision, generation) = (self.view.app.revision, self.generation);
            self.plan.actions.push(Action::Start { id, revision, generation });
        } else if let Some(hold) = standing.hold(self.view.now) {
            self.hold(index, hold);
        }
    }

    fn hold(&mut self, index: u32, hold: Hold) {
        self.plan.holds.push((self.view.key.instance(index), hold));
    }

    /// Whether `at` has come; if not, asks to be woken then.
    fn is_due(&mut self, at: Time) -> bool {
        if at <= self.view.now {
            return true;
        }
        self.plan.wake_at = earliest(self.plan.wake_at, Some(at));
        false
    }
}
