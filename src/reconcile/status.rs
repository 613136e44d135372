//! How an app is doing: the state in one word, and every run and missing instance with its reason.

use std::collections::BTreeSet;

use crate::model::{
    App, AppKey, AppObserved, AppState, Exit, Generation, Hold, InstanceId, InstancePhase, Phase,
    Revision, RolloutFailure, Run, RunId, StopReason, Stopping, Time,
};

use super::{
    canary, health, job,
    restart::Standing,
    rollout,
    view::{Slot, View},
};

/// How an app is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct AppStatus {
    /// In one word.
    pub state: AppState,
    /// How many instances should run, overrides included.
    pub wanted: u32,
    /// How many instances are ready, as desired or not.
    pub ready: u32,
    /// The most serious hold of an instance.
    pub hold: Option<Hold>,
    /// Every run, and every wanted instance that has none, by index.
    pub instances: Vec<InstanceStatus>,
}

/// How an instance is doing. One that is being replaced may be there twice.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceStatus {
    /// The instance.
    pub id: InstanceId,
    /// Its run, if it has one.
    pub run: Option<RunId>,
    /// Process id, once there is one.
    pub pid: Option<u32>,
    /// In one word.
    pub phase: InstancePhase,
    /// How often it was started again after an exit nobody asked for.
    pub restarts: u64,
    /// Since when it is in this phase.
    pub since: Option<Time>,
    /// The revision of its run.
    pub revision: Option<Revision>,
    /// The generation of its run.
    pub generation: Option<Generation>,
    /// Why it is not as desired.
    pub hold: Option<Hold>,
    /// How its last run ended.
    pub exit: Option<Exit>,
}

/// How the app is doing at `now`.
#[must_use]
pub fn status(key: &AppKey, app: &App, observed: Option<&AppObserved>, now: Time) -> AppStatus {
    let view = View::new(key, app, observed, now);
    let mut instances: Vec<_> =
        view.runs().iter().map(|(run_id, run)| of_run(&view, *run_id, run)).collect();
    instances.extend((0..app.wanted()).filter_map(|index| of_missing(&view, index)));
    instances.sort_by_key(|instance| (instance.id.index, instance.run));
    // An instance that is being replaced counts once.
    let ready: BTreeSet<u32> = instances
        .iter()
        .filter(|it| it.phase == InstancePhase::Ready)
        .map(|it| it.id.index)
        .collect();
    AppStatus {
        state: state(&view, &instances),
        wanted: app.wanted(),
        ready: u32::try_from(ready.len()).unwrap_or(u32::MAX),
        hold: change_hold(&view).or_else(|| {
            let holds = instances.iter().filter_map(|it| it.hold.as_ref());
            holds.min_by_key(|hold| rank(hold)).cloned()
        }),
        instances,
    }
}

/// Why the app as a whole is not what its file says.
fn change_hold(view: &View<'_>) -> Option<Hold> {
    if let Some(failure) = rollout::failure(view) {
        return Some(Hold::Paused(failure));
    }
    let undone = view.app.rolled_back.as_ref().filter(|undone| !undone.by_operator);
    undone.map(|undone| Hold::RolledBack {
        revision: undone.revision,
        failure: RolloutFailure { index: undone.index, reason: undone.reason.clone() },
    })
}

fn of_run(view: &View<'_>, run_id: RunId, run: &Run) -> InstanceStatus {
    let history = view.history(run.index);
    let (phase, since) = phase(run);
    InstanceStatus {
        id: view.key.instance(run.index),
        run: Some(run_id),
        pid: Some(run.pid).filter(|pid| *pid != 0),
        phase,
        restarts: history.map_or(0, |history| history.restarts),
        since: Some(since),
        revision: Some(run.revision),
        generation: Some(run.generation),
        hold: hold(view, run),
        exit: history.and_then(|history| history.exits.back().copied()),
    }
}

fn phase(run: &Run) -> (InstancePhase, Time) {
    match (run.phase, run.stopping) {
        (Phase::Exited { at, .. }, None | Some(Stopping { reason: StopReason::Leftover, .. })) => {
            (InstancePhase::Exited, at)
        }
        (_, Some(stopping)) => (InstancePhase::Stopping, stopping.since),
        (Phase::Launching, None) => (InstancePhase::Starting, run.asked),
        (Phase::Starting { started }, None) => (InstancePhase::Starting, started),
        (Phase::Ready { since, .. }, None) => (InstancePhase::Ready, since),
    }
}

fn hold(view: &View<'_>, run: &Run) -> Option<Hold> {
    let asked_to_stop = view.app.removed || view.app.stopped;
    if run.stopping.is_none() && asked_to_stop && !view.stops_after().is_empty() {
        return Some(Hold::StopsAfter(view.stops_after().to_vec()));
    }
    if let Some(stopping) = run.stopping.filter(|stopping| stopping.draining) {
        let deadline = stopping.since.after(view.app.spec.stop.drain);
        let wait = deadline.since(view.now);
        return Some(Hold::Draining { reason: stopping.reason, wait });
    }
    if let Some(stopping) = run.stopping {
        let deadline = stopping.since.after(view.app.spec.stop.timeout);
        let kill_in = stopping.killed.is_none().then(|| deadline.since(view.now));
        return Some(Hold::Stopping { reason: stopping.reason, kill_in });
    }
    match run.phase {
        Phase::Launching => Some(Hold::Starting),
        Phase::Starting { .. } => view.ready_by(run).map(|by| Hold::NotReady {
            wait: by.since(view.now),
            sockets: run.sockets.clone(),
            expected: view.expected_ports(run),
        }),
        Phase::Ready { .. } if !view.is_new(run) => {
            let awaited = view.awaited().filter(|_| view.waits());
            Some(awaited.cloned().map_or_else(|| view.waits_by(run), Hold::Awaits))
        }
        Phase::Ready { .. } if view.app.spec.is_job() => {
            job::is_to_complete(view.app).then_some(Hold::JobRuns)
        }
        Phase::Ready { since, .. } => {
            let good = since.after(view.app.spec.rollout.min_ready);
            let until = view.proves_until(run).map_or(good, |until| until.max(good));
            let settles = (view.now < until).then(|| Hold::Settling {
                wait: until.since(view.now),
                canary: canary::is_out(view),
            });
            let reloading = run.reloading && health::reloads(view.spec_of(run), run, view.now);
            settles
                .or_else(|| run.stuck.map(|stuck| Hold::Stuck { stuck, now: view.now }))
                .or_else(|| reloading.then_some(Hold::Reloading))
                .or_else(|| run.sockets.unanswered.then_some(Hold::Unanswered))
        }
        Phase::Exited { .. } => None,
    }
}

fn of_missing(view: &View<'_>, index: u32) -> Option<InstanceStatus> {
    let (phase, hold) = match view.slot(index) {
        Slot::Taken | Slot::Outdated => return None,
        Slot::Blocked => (InstancePhase::Waiting, Some(Hold::Replacing)),
        Slot::Empty(Standing::Free) => {
            (InstancePhase::Waiting, view.awaited().cloned().map(Hold::Awaits))
        }
        Slot::Empty(standing) => (idle_phase(&standing), standing.hold(view.now)),
    };
    let history = view.history(index);
    let exit = history.and_then(|history| history.exits.back().copied());
    Some(InstanceStatus {
        id: view.key.instance(index),
        run: None,
        pid: None,
        phase,
        restarts: history.map_or(0, |history| history.restarts),
        since: exit.map(|exit| exit.ended),
        revision: None,
        generation: None,
        hold,
        exit,
    })
}

fn idle_phase(standing: &Standing) -> InstancePhase {
    match standing {
        Standing::Free | Standing::Retry { .. } => InstancePhase::Waiting,
        Standing::GaveUp { .. } | Standing::Left { good: false, .. } => InstancePhase::Failed,
        Standing::Idle | Standing::Left { good: true, .. } => InstancePhase::Done,
    }
}

fn state(view: &View<'_>, instances: &[InstanceStatus]) -> AppState {
    if view.app.wanted() == 0 {
        return match (instances.is_empty(), view.app.stopped) {
            (false, _) => AppState::Converging,
            (true, true) => AppState::Stopped,
            (true, false) => AppState::Off,
        };
    }
    let any = |phase| instances.iter().any(|it| it.phase == phase);
    let all = |wanted: &[InstancePhase]| instances.iter().all(|it| wanted.contains(&it.phase));
    let fit = |(run_id, run): &(RunId, &Run)| view.is_fit(*run_id, run);
    let settles =
        |it: &InstanceStatus| matches!(it.hold, Some(Hold::Settling { .. } | Hold::JobRuns));
    if any(InstancePhase::Failed) || rollout::failure(view).is_some() || is_stuck(view) {
        AppState::Failed
    } else if is_crash_looping(view, instances) {
        AppState::CrashLooping
    } else if is_degraded(view, instances) {
        AppState::Degraded
    } else if all(&[InstancePhase::Done]) {
        AppState::Done
    } else if all(&[InstancePhase::Ready, InstancePhase::Done])
        && view.runs().iter().all(fit)
        && !instances.iter().any(settles)
    {
        AppState::Ready
    } else {
        AppState::Converging
    }
}

/// Whether an instance waits for what does not come by itself.
fn is_stuck(view: &View<'_>) -> bool {
    view.awaited().is_some_and(|awaited| awaited.outlook.is_hopeless()) && view.waits()
}

fn is_crash_looping(view: &View<'_>, instances: &[InstanceStatus]) -> bool {
    let waits = |it: &InstanceStatus| matches!(it.hold, Some(Hold::CrashLooping { .. }));
    let proves = |(_, run): &(RunId, &Run)| view.proves_until(run).is_some();
    let dead = |(_, run): &(RunId, &Run)| {
        view.is_dead(run) && view.tally(run.index).is_some_and(|tally| tally.looping)
    };
    instances.iter().any(waits) || view.runs().iter().any(|it| proves(it) || dead(it))
}

/// Whether an instance that failed is being tried again and has not become ready yet, or takes no
/// connections.
fn is_degraded(view: &View<'_>, instances: &[InstanceStatus]) -> bool {
    let dead = |it: &(RunId, &Run)| view.is_dead(it.1) && it.1.stopping.is_none();
    let tried = instances.iter().any(|it| match it.phase {
        InstancePhase::Waiting => matches!(it.hold, Some(Hold::Backoff { .. })),
        InstancePhase::Starting => {
            view.tally(it.id.index).is_some_and(|tally| !tally.last.requested)
        }
        InstancePhase::Exited => true,
        InstancePhase::Ready => matches!(it.hold, Some(Hold::Stuck { .. })),
        InstancePhase::Stopping | InstancePhase::Done | InstancePhase::Failed => false,
    });
    tried || view.runs().iter().any(dead)
}

/// The order of holds from the most serious on.
fn rank(hold: &Hold) -> u8 {
    match hold {
        Hold::GaveUp { .. } => 0,
        Hold::CrashLooping { .. } => 1,
        Hold::Paused(_) => 2,
        Hold::RolledBack { .. } => 3,
        Hold::Awaits(awaited) if awaited.outlook.is_hopeless() => 4,
        Hold::Backoff { .. } => 4,
        Hold::NotRestarted { .. } => 5,
        Hold::NotReady { .. } | Hold::Awaits(_) => 6,
        Hold::Stuck { .. } | Hold::Unfit { .. } | Hold::Stopping { .. } | Hold::StopsAfter(_) => 7,
        Hold::Replacing => 8,
        Hold::Starting => 9,
        Hold::Settling { .. } | Hold::JobRuns => 10,
        Hold::Draining { .. } => 11,
        Hold::Outdated => 12,
        Hold::Unanswered => 13,
        Hold::Reloading => 14,
    }
}
