//! What must hold in the simulated world at every moment, judged by what the fake processes really
//! did and not by what the core believes.

use std::time::Duration;

use eco::model::{
    Action, App, AppKey, Event, Exit, ExitStatus, Hold, InstanceId, KillScope, LimitThen, Observed,
    Phase, Plan, RestartWhen, RunId, RunState, StopReason, Time,
};

use super::{keeper::Process, promises, world::World};

/// Checks an action at the moment it is decided.
pub(crate) fn check_action(world: &World, action: &Action) {
    match action {
        Action::Start { id, .. } => check_start(world, id),
        Action::Stop { id, run, scope, reason, .. } => {
            // A stop of a run that was never spawned concerns nobody.
            if let Some(process) = world.keeper.processes.get(run) {
                check_stop(world, id, (*run, process), (*scope, *reason));
            }
        }
        Action::StopByCommand { id, run, reason } => {
            assert!(!world.keeper.stoppers.contains_key(run), "a command is run twice");
            if let Some(process) = world.keeper.processes.get(run) {
                check_stop(world, id, (*run, process), (KillScope::Main, *reason));
            }
        }
        Action::Kill { run, .. } => {
            let key = &world.observed.owners[run];
            let app = world.desired.app(key).unwrap();
            let stopping = world.observed.apps[key].runs[run].stopping.unwrap();
            assert_eq!(stopping.since, world.journal.stops[run].since);
            let deadline = stopping.since.after(app.spec.stop.timeout);
            assert!(deadline <= world.now, "killed before its time");
            assert!(stopping.killed.is_none(), "killed twice");
        }
        Action::Drain { .. }
        | Action::Steer { .. }
        | Action::Retire { .. }
        | Action::RollBack { .. }
        | Action::Complete { .. } => {}
    }
}

fn check_start(world: &World, id: &InstanceId) {
    let app = world.desired.app(&id.key).expect("only what is desired is started");
    assert!(!app.removed && !app.stopped, "{id} is started though it was to stop");
    let wanted = app.scale.unwrap_or(app.spec.instances);
    assert!(id.index < wanted, "{id} is started, but only {wanted} are wanted");
    for (run, process) in world.keeper.processes.iter().filter(|(_, it)| it.tag.id == *id) {
        let former = process.tag.revision != app.revision
            || process.tag.generation < app.fresh_from(id.index)
            || world.journal.unfit.contains_key(run);
        let beside = promises::surge(world, &id.key) != 0 && former;
        assert!(!process.is_alive() || beside, "run {} of {id} lives", run.0);
    }
    check_rate(world, app, id);
}

/// Checks that an instance that failed is not started again too soon, or against its policy.
fn check_rate(world: &World, app: &App, id: &InstanceId) {
    let from = app.counts_from(id.index);
    // The keeper has no record of a run it refused: what was before one is not judged.
    let refused = world.refused.iter().filter(|(_, of)| of == id).map(|(run, _)| *run).max();
    let ended: Vec<(&RunId, &Process)> = world
        .keeper
        .processes
        .iter()
        .rev()
        .filter(|(_, it)| it.tag.id == *id)
        .take_while(|(run, _)| refused.is_none_or(|refused| refused < **run))
        .take_while(|(_, it)| it.tag.revision == app.revision && from <= it.tag.generation)
        .collect();
    let policy = &app.spec.restart;
    let failed = |(run, process): &&(&RunId, &Process)| {
        ended_by_itself(world, **run, process) || was_not_live(world, **run, process)
    };
    let over =
        |(run, process): &(&RunId, &Process)| found_dead(world, **run, process).or(process.over());
    let Some(last) = ended.first().filter(failed) else { return };
    // A job that was asked to run does so whatever became of its run before.
    if world.journal.asked.get(&id.key).is_some_and(|asked| *last.0 <= asked.after) {
        return;
    }
    let status =
        last.1.ended.map(|(status, _)| status).filter(|_| !was_not_live(world, *last.0, last.1));
    let over_at = over(last).expect("it is not alive");
    let success = status == Some(ExitStatus::Code(0));
    let code = match status {
        Some(ExitStatus::Code(code)) => Some(code),
        Some(ExitStatus::Signal(_) | ExitStatus::Unknown) | None => None,
    };
    assert!(policy.policy != RestartWhen::Never, "{id} is started again against its policy");
    assert!(policy.policy != RestartWhen::OnFailure || !success, "{id} is started again after 0");
    assert!(!code.is_some_and(|code| policy.stop_exit_codes.contains(&code)), "{id}: {code:?}");
    let waited = world.now.since(over_at);
    let floor = |wait: Duration, jitter: f64| wait.mul_f64(1.0 - jitter);
    if let Some(backoff) = &policy.backoff {
        assert!(
            floor(backoff.initial, backoff.jitter) <= waited,
            "{id} is started again too soon: {:#?}",
            world.log
        );
    }
    // What a job does after an end that was left alone is no try at the same again.
    let left = |(_, process): &&(&RunId, &Process)| {
        let success = process.ended.is_some_and(|(status, _)| status == ExitStatus::Code(0));
        app.spec.is_job() && policy.policy == RestartWhen::OnFailure && success
    };
    let series = ended.iter().take_while(|it| !left(it));
    let ends: Vec<_> = series.filter(failed).filter_map(over).collect();
    let Some(limit) = &policy.limit else { return };
    let first = ends.get(limit.failures as usize - 1);
    if first.is_some_and(|first| over_at.since(*first) < limit.within) {
        assert!(limit.then == LimitThen::Slow, "{id} is started again after giving up");
        let slow = policy
            .backoff
            .as_ref()
            .map_or(Duration::from_secs(30), |backoff| floor(backoff.max, backoff.jitter));
        assert!(slow <= waited, "{id} crash-loops and is started again too soon");
    }
}

/// Whether a run that is stopped for this reason has failed.
fn is_blamed(reason: StopReason) -> bool {
    matches!(reason, StopReason::Leftover | StopReason::NotReady | StopReason::NotLive)
}

/// Whether a run was found not to live, and nobody asked it to stop for another reason.
fn was_not_live(world: &World, run: RunId, process: &Process) -> bool {
    let asked = world.journal.stops.get(&run).is_some_and(|it| !is_blamed(it.reason));
    !asked && found_dead(world, run, process).is_some()
}

/// When a run was found not to live, if that was before its end.
fn found_dead(world: &World, run: RunId, process: &Process) -> Option<Time> {
    let dead = world.journal.unfit.get(&run).filter(|unfit| unfit.why.is_failure())?;
    process.over().is_none_or(|over| dead.at <= over).then_some(dead.at)
}

/// Whether a process was over before it was decided to stop it.
fn ended_by_itself(world: &World, run: RunId, process: &Process) -> bool {
    let asked = world.journal.stops.get(&run).filter(|it| !is_blamed(it.reason));
    process.over().is_some_and(|over| asked.is_none_or(|stop| over < stop.since))
}

fn check_stop(
    world: &World,
    id: &InstanceId,
    (run, process): (RunId, &Process),
    how: (KillScope, StopReason),
) {
    let (scope, reason) = how;
    let app = world.desired.app(&id.key).expect("only what is desired is touched");
    if process.signalled.is_some() {
        assert!(scope == KillScope::Group, "{id} is asked twice");
        assert!(!process.group_signalled, "the group of {id} is asked twice");
        return;
    }
    // What is drained, or stopped by its command, is not taken back into service, whatever is wanted
    // meanwhile.
    let begun = world.keeper.quiet.contains(&run) || world.keeper.stoppers.contains_key(&run);
    let unfit = world.journal.unfit.contains_key(&run);
    let excused =
        matches!(reason, StopReason::NotReady | StopReason::Duplicate | StopReason::Superseded)
            || begun
            || unfit && matches!(reason, StopReason::NotLive | StopReason::OverMemory);
    let good = !excused
        && process.ended.is_none()
        && process.failed.is_none()
        && process.tag.revision == app.revision
        && app.fresh_from(id.index) <= process.tag.generation
        && id.index < app.wanted();
    assert!(!good, "{id} is as desired and stopped all the same: {reason}");
    if reason == StopReason::ScaledDown && !begun {
        let higher = world.keeper.processes.iter().find(|(run, other)| {
            let unasked = !world.journal.stops.contains_key(run);
            let seen = world.observed.owners.contains_key(run);
            let up = other.is_alive() && other.ended.is_none();
            other.tag.id.key == id.key && id.index < other.tag.id.index && unasked && seen && up
        });
        assert!(higher.is_none(), "{id} is stopped before a higher index: {:#?}", world.log);
    }
}

/// Checks what the core made of the end of a run.
pub(crate) fn check_exit(world: &World, exit: &Exit) {
    let Some(process) = world.keeper.processes.get(&exit.run) else { return };
    let stop = world.journal.stops.get(&exit.run);
    if process.by_request && stop.is_some_and(|stop| !is_blamed(stop.reason)) {
        assert!(exit.requested, "a requested stop counts as a failure");
    }
    if ended_by_itself(world, exit.run, process) {
        assert!(!exit.requested, "a failure counts as a requested stop");
    }
    assert_eq!(Some(exit.ended), process.over());
}

/// Checks a plan without actions: everything that time will change has a time to wake at.
pub(crate) fn check_rest(world: &World, key: &AppKey, plan: &Plan) {
    assert!(plan.wake_at.is_none_or(|wake_at| world.now < wake_at), "woken for nothing");
    promises::check_rest(world, key);
    let by = |time: Time| plan.wake_at.is_some_and(|wake_at| wake_at <= time);
    for (id, hold) in &plan.holds {
        match hold {
            Hold::Backoff { wait, .. } | Hold::CrashLooping { wait, .. } => {
                assert!(by(world.now.after(*wait)), "{id} is not started in time");
            }
            Hold::GaveUp { .. }
            | Hold::NotRestarted { .. }
            | Hold::Stopping { .. }
            | Hold::Replacing
            | Hold::Starting
            | Hold::NotReady { .. }
            | Hold::Draining { .. }
            | Hold::Outdated
            | Hold::Unfit { .. }
            | Hold::Stuck { .. }
            | Hold::Unanswered
            | Hold::Awaits(_)
            | Hold::StopsAfter(_)
            | Hold::JobRuns
            | Hold::Reloading
            | Hold::Paused(_)
            | Hold::RolledBack { .. }
            | Hold::Settling { .. } => {}
        }
    }
    let Some((app, observed)) = world.desired.app(key).zip(world.observed.apps.get(key)) else {
        return;
    };
    for run in observed.runs.values() {
        let Some(stopping) = run.stopping else { continue };
        let policy = &app.spec.stop;
        let time = if stopping.draining { policy.drain } else { policy.timeout };
        let deadline = stopping.since.after(time);
        assert!(stopping.killed.is_some() || by(deadline), "a stop has no deadline");
        let rest = matches!(run.phase, Phase::Exited { .. }) && !stopping.group;
        assert!(!rest || !stopping.draining, "what has ended is drained");
        assert!(!rest || stopping.killed.is_some(), "a group is left alone");
    }
}

/// What was known before, if the event is one that must not change anything.
pub(crate) fn if_late(observed: &Observed, event: &Event) -> Option<Observed> {
    let (run, state) = match event {
        Event::Record(record) => (record.run, Some(&record.state)),
        Event::Refused { run, .. } => (*run, None),
        Event::Ready { .. }
        | Event::Drained { .. }
        | Event::StopCommand { .. }
        | Event::Unfit { .. }
        | Event::Queue { .. }
        | Event::Reload { .. }
        | Event::Cohort { .. }
        | Event::Asked { .. } => return None,
    };
    let phase = observed
        .owners
        .get(&run)
        .and_then(|key| observed.apps.get(key)?.runs.get(&run).map(|run| run.phase));
    let late = match (phase, state) {
        (None, _)
        | (
            Some(Phase::Starting { .. } | Phase::Ready { .. } | Phase::Exited { .. }),
            Some(RunState::Launching),
        )
        | (Some(Phase::Exited { .. }), Some(RunState::Running)) => true,
        (Some(_), _) => false,
    };
    late.then(|| observed.clone())
}
