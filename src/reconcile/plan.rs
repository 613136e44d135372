//! What to do next: a function of desired state, observed state and time.

use std::collections::BTreeSet;

use crate::model::{
    Action, App, AppKey, AppObserved, Desired, Generation, Hold, KillScope, Observed, OnFailure,
    Phase, Plan, Run, RunId, StopCommand, StopReason, Stopping, Time,
};

use super::{
    health,
    restart::Standing,
    rollout::{self, Room},
    steer, stop,
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
    let failure = rollout::failure(&view);
    if let Some(failure) = &failure
        && app.spec.rollout.on_failure == OnFailure::Rollback
    {
        // What is to be done follows from the app as it was; it is asked for again then.
        let failure = failure.clone();
        let actions = vec![Action::RollBack { key: key.clone(), failure }];
        return Plan { actions, ..Plan::default() };
    }
    let mut planner = Planner { view: &view, generation, plan: Plan::default() };
    // From the highest index down: that is the order in which surplus instances go.
    for (run_id, run) in view.runs().iter().rev() {
        planner.keep_or_stop(*run_id, run);
    }
    // What failed goes on by its restart policy; nothing else is replaced.
    let paused = failure.is_some();
    // The work of a job is let finish.
    let kept = paused || view.awaited().is_some() || app.spec.is_job();
    let leaves = planner.stop_outdated(kept);
    planner.fill(paused, &leaves);
    planner.share();
    if rollout::is_complete(&view) {
        planner.plan.actions.push(Action::Complete { key: key.clone() });
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
            return;
        }
        match self.view.stop_reason(run_id, run) {
            Some(StopReason::Removed | StopReason::Stopped)
                if !self.view.stops_after().is_empty() =>
            {
                self.hold(run.index, Hold::StopsAfter(self.view.stops_after().to_vec()));
            }
            Some(reason) if !self.view.may_wait(run, reason) => {
                self.begin_stop(run_id, run, reason);
            }
            Some(_) => self.hold(run.index, self.view.waits_by(run)),
            None => {}
        }
        if let Some(by) = health::silent_by(self.view.spec_of(run), run) {
            self.is_due(by);
        }
        if let Some(by) = self.view.ready_by(run) {
            self.is_due(by);
        } else if let Some(from) = self.view.available_from(run) {
            self.is_due(from);
        } else if run.phase == Phase::Launching {
            self.hold(run.index, Hold::Starting);
        }
    }

    /// Stops runs of former revisions, and what is not fit, as far as enough instances stay available.
    fn stop_outdated(&mut self, paused: bool) -> BTreeSet<RunId> {
        let mut leaves = BTreeSet::new();
        for (run_id, run) in rollout::to_stop(self.view) {
            if paused && !self.view.is_dead(run) {
                continue;
            }
            leaves.insert(run_id);
            if let Some(reason) = self.view.stop_reason(run_id, run) {
                self.begin_stop(run_id, run, reason);
            }
        }
        leaves
    }

    /// Starts what is missing, and as many beside former runs as there may be.
    fn fill(&mut self, paused: bool, leaves: &BTreeSet<RunId>) {
        let mut room = rollout::room(self.view, leaves);
        for index in 0..self.view.app.wanted() {
            self.fill_slot(index, paused, &mut room);
        }
    }

    /// Lets open requests end before the first signal, where connections are shared.
    fn begin_stop(&mut self, run_id: RunId, run: &Run, reason: StopReason) {
        let drains = match run.phase {
            // One that listens gets connections of its cohort, ready or not.
            Phase::Starting { .. } | Phase::Ready { .. } => {
                !run.sockets.shared.is_empty()
                    && !self.view.app.spec.stop.drain.is_zero()
                    && reason != StopReason::NotReady
                    // One that hangs would only keep its instance from coming back.
                    && (reason != StopReason::NotLive || self.view.surge != 0)
            }
            Phase::Launching | Phase::Exited { .. } => false,
        };
        if drains {
            let id = self.view.key.instance(run.index);
            self.plan.actions.push(Action::Drain { id, run: run_id, reason });
        } else {
            self.ask_to_stop(run_id, run, reason);
        }
    }

    /// The first thing that is done to a run that is to end.
    fn ask_to_stop(&mut self, run_id: RunId, run: &Run, reason: StopReason) {
        if stop::is_by_command(&self.view.app.spec, run) {
            let id = self.view.key.instance(run.index);
            self.plan.actions.push(Action::StopByCommand { id, run: run_id, reason });
        } else {
            self.stop(run_id, run, self.scope(reason), reason);
        }
    }

    fn scope(&self, reason: StopReason) -> KillScope {
        match reason {
            StopReason::Leftover => KillScope::Group,
            StopReason::Removed
            | StopReason::ScaledDown
            | StopReason::Stopped
            | StopReason::Changed
            | StopReason::Restarted
            | StopReason::Duplicate
            | StopReason::NotReady
            | StopReason::NotLive
            | StopReason::OverMemory
            | StopReason::Superseded => self.view.app.spec.stop.kill,
        }
    }

    /// Goes on with a stop that was begun.
    fn escalate(&mut self, run_id: RunId, run: &Run, stopping: Stopping) {
        let leader_ended = matches!(run.phase, Phase::Exited { .. });
        if stopping.draining {
            let deadline = stopping.since.after(self.view.app.spec.stop.drain);
            if stopping.drained || leader_ended || self.is_due(deadline) {
                self.ask_to_stop(run_id, run, stopping.reason);
            } else {
                let wait = deadline.since(self.view.now);
                self.hold(run.index, Hold::Draining { reason: stopping.reason, wait });
            }
            return;
        }
        let deadline = stopping.since.after(self.view.app.spec.stop.timeout);
        if stopping.killed.is_some() {
            self.hold(run.index, Hold::Stopping { reason: stopping.reason, kill_in: None });
        } else if self.is_due(deadline) {
            let id = self.view.key.instance(run.index);
            self.plan.actions.push(Action::Kill { id, run: run_id });
        } else if leader_ended && !stopping.group {
            self.stop(run_id, run, KillScope::Group, stopping.reason);
        } else if stopping.command == Some(StopCommand::Failed) {
            self.stop(run_id, run, self.scope(stopping.reason), stopping.reason);
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

    fn fill_slot(&mut self, index: u32, paused: bool, room: &mut Room) {
        let (standing, beside) = match self.view.slot(index) {
            Slot::Taken => return,
            Slot::Blocked => return self.hold(index, Hold::Replacing),
            Slot::Outdated if !room.has_for(self.view, index) => return,
            Slot::Outdated => (self.view.standing(index), true),
            Slot::Empty(standing) => (standing, false),
        };
        if paused && beside && standing == Standing::Free {
            return;
        }
        let start = match standing {
            Standing::Free => {
                if let Some(awaited) = self.view.awaited() {
                    return self.hold(index, Hold::Awaits(awaited.clone()));
                }
                true
            }
            Standing::Retry { at, .. } => self.is_due(at),
            Standing::Idle | Standing::GaveUp { .. } | Standing::Left { .. } => false,
        };
        if start {
            if beside {
                room.take(self.view, index);
            }
            let id = self.view.key.instance(index);
            let (revision, generation) = (self.view.app.revision, self.generation);
            let cohort = steer::cohort(self.view, index);
            self.plan.actions.push(Action::Start { id, revision, generation, cohort });
        } else if let Some(hold) = standing.hold(self.view.now) {
            self.hold(index, hold);
        }
    }

    /// Says who gets new connections, before anyone is drained of the old ones.
    fn share(&mut self) {
        let mut leaving = BTreeSet::new();
        let mut starting = BTreeSet::new();
        for action in &self.plan.actions {
            match action {
                Action::Drain { run, .. }
                | Action::StopByCommand { run, .. }
                | Action::Stop { run, .. }
                | Action::Kill { run, .. } => {
                    leaving.insert(*run);
                }
                Action::Start { cohort, .. } => {
                    starting.insert(*cohort);
                }
                Action::Steer { .. }
                | Action::Retire { .. }
                | Action::RollBack { .. }
                | Action::Complete { .. } => {}
            }
        }
        if let Some(weights) = steer::weights(self.view, &leaving) {
            let key = self.view.key.clone();
            self.plan.actions.insert(0, Action::Steer { key, weights });
        }
        for (cohort, at) in steer::to_retire(self.view) {
            if !starting.contains(&cohort) && self.is_due(at) {
                let key = self.view.key.clone();
                self.plan.actions.push(Action::Retire { key, cohort });
            }
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
