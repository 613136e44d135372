//! What is known of the world: events folded in, actions noted when they are issued, and both taken
//! up again by a controller that starts anew.

use std::time::Duration;

use crate::model::{
    Action, AppKey, AppObserved, Cohort, Event, Exit, InstanceId, KillScope, Observed, Phase, Run,
    RunId, RunRecord, RunState, SpawnFailure, Stopping, Time, Unfit,
};

use super::{
    health,
    history::{count_restart, end_of, failed_start, keep, knows_exit},
    job, queue, stop,
};

/// What folding something in has changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// The app to plan again; `None` if nothing changed.
    pub app: Option<AppKey>,
    /// The run that ended by this: to be put into the journal.
    pub retired: Option<(InstanceId, Exit)>,
}

/// Folds one event in.
///
/// An event of an unknown run is ignored, and a run only ever moves forward, so that events may be
/// repeated, merged or late.
pub fn observe(observed: &mut Observed, event: &Event, now: Time) -> Observation {
    match event {
        Event::Record(record) => advance(observed, record, now),
        Event::Refused { run, failure } => fail(observed, *run, *failure, now),
        Event::Ready { run, at } => ready(observed, *run, *at),
        Event::Drained { run } => drained(observed, *run),
        Event::StopCommand { run, succeeded } => stop::command_ended(observed, *run, *succeeded),
        Event::Reload { run, until } => health::asked_to_reload(observed, *run, *until),
        Event::Unfit { run, unfit } => health::found_unfit(observed, *run, *unfit),
        Event::Queue { key, cohort, of, address, stuck } => {
            queue::found(observed, key, (*cohort, *of), (*address, *stuck))
        }
        Event::Cohort { key, cohort } => {
            let app = observed.apps.entry(key.clone()).or_default();
            app.cohorts.entry(*cohort).or_insert(Some(now));
            Observation { app: Some(key.clone()), retired: None }
        }
        Event::Asked { key, asked } => job::ask(observed, key, *asked),
    }
}

/// What the journal says of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Journaled {
    /// The stop that was asked for.
    pub stopping: Option<Stopping>,
    /// When it had become ready.
    pub ready: Option<Time>,
    /// That it was found not fit to go on.
    pub unfit: Option<Unfit>,
}

impl From<Option<Stopping>> for Journaled {
    /// Nothing but a stop.
    fn from(stopping: Option<Stopping>) -> Self {
        Self { stopping, ..Self::default() }
    }
}

/// Takes up a run of the keeper's records when the controller starts, after every exit of the
/// journal was remembered, with what the journal says of it.
pub fn adopt(
    observed: &mut Observed,
    record: &RunRecord,
    journaled: impl Into<Journaled>,
    now: Time,
) -> Observation {
    let Journaled { stopping, ready: ready_at, unfit } = journaled.into();
    observed.last_run = observed.last_run.max(record.run);
    if observed.owners.contains_key(&record.run) {
        return advance(observed, record, now);
    }
    let id = &record.tag.id;
    let app = observed.apps.entry(id.key.clone()).or_default();
    if knows_exit(app, id.index, record.run) {
        return Observation::default();
    }
    let mut run = Run {
        index: id.index,
        revision: record.tag.revision,
        generation: record.tag.generation,
        cohort: record.cohort,
        sockets: record.sockets.clone(),
        says_ready: record.notify.ready,
        extended_to: record.notify.extended_to,
        reloading: record.notify.reloading,
        reload_until: None,
        watchdog: record.notify.watchdog,
        watched: record.tag.watchdog_us.map(Duration::from_micros),
        unfit,
        stuck: None,
        pid: record.pid,
        asked: record.started.unwrap_or(now),
        adopted: Some(now),
        phase: Phase::Launching,
        // Nobody knows whether a SIGKILL that was written down was sent before the controller died.
        // One more does no harm, none at all would leave the run for ever.
        stopping: stopping.map(|stopping| Stopping { killed: None, ..stopping }),
    };
    count_restart(app, run.index, (record.run, run.revision));
    let step = step(&run, record, now);
    match step {
        Step::Ended(exit) => {
            let ready = exit.ready.or(ready_at.filter(|at| *at <= exit.ended));
            retired(app, id.clone(), Exit { ready, ..exit })
        }
        Step::To(phase) => {
            run.phase = phase;
            insert(observed, &id.key, record.run, run);
            let ready = ready_at.map(|at| ready(observed, record.run, at));
            Observation { app: Some(id.key.clone()), ..ready.unwrap_or_default() }
        }
        Step::Nowhere => insert(observed, &id.key, record.run, run),
    }
}

/// Takes up an exit of the journal when the controller starts; in the order of the journal.
pub fn remember(observed: &mut Observed, id: &InstanceId, exit: Exit) {
    observed.last_run = observed.last_run.max(exit.run);
    let app = observed.apps.entry(id.key.clone()).or_default();
    if knows_exit(app, id.index, exit.run) {
        return;
    }
    count_restart(app, id.index, (exit.run, exit.revision));
    keep(app, id.index, exit);
}

/// Takes up a run id of the journal when the controller starts, so that it is never given again: a
/// run may have been asked to stop, and that noted, before the keeper ever heard of it.
pub fn reserve(observed: &mut Observed, run: RunId) {
    observed.last_run = observed.last_run.max(run);
}

/// Gives out a run id that was never given before.
pub fn next_run(observed: &mut Observed) -> RunId {
    observed.last_run = RunId(observed.last_run.0.saturating_add(1));
    observed.last_run
}

/// Notes that `action` is being done, so that the next plan does not ask for it again. A start
/// gets its run id here.
pub fn issue(observed: &mut Observed, action: &Action, now: Time) -> Option<RunId> {
    match action {
        Action::Start { id, revision, generation, cohort } => {
            let run = Run::asked(id.index, (*revision, *generation, *cohort), now);
            Some(begin(observed, &id.key, run))
        }
        Action::Stop { run, scope, reason, .. } => {
            let group = *scope == KillScope::Group;
            if let Some((_, found)) = find(observed, *run) {
                stop::by_signal(found, (*reason, group), now);
            }
            None
        }
        Action::StopByCommand { run, reason, .. } => {
            if let Some((_, found)) = find(observed, *run) {
                stop::by_command(found, *reason, now);
            }
            None
        }
        Action::Drain { run, reason, .. } => {
            if let Some((_, found)) = find(observed, *run) {
                let drain = Stopping { draining: true, ..stop::begun(*reason, now) };
                found.stopping.get_or_insert(drain);
            }
            None
        }
        Action::Steer { key, weights } => {
            observed.apps.entry(key.clone()).or_default().steering = Some(weights.clone());
            None
        }
        Action::Retire { key, cohort } => {
            if let Some(app) = observed.apps.get_mut(key) {
                app.cohorts.remove(cohort);
            }
            None
        }
        // What changes by these is desired, not observed.
        Action::RollBack { .. } | Action::Complete { .. } => None,
        Action::Kill { run, .. } => {
            if let Some((_, found)) = find(observed, *run)
                && let Some(stopping) = &mut found.stopping
            {
                stopping.killed.get_or_insert(now);
            }
            None
        }
    }
}

/// Gives a run that is asked for its id.
fn begin(observed: &mut Observed, key: &AppKey, run: Run) -> RunId {
    let run_id = next_run(observed);
    let app = observed.apps.entry(key.clone()).or_default();
    count_restart(app, run.index, (run_id, run.revision));
    insert(observed, key, run_id, run);
    run_id
}

/// Drops the history of an app that is gone for good; an app with runs is kept.
pub fn forget(observed: &mut Observed, key: &AppKey) {
    if observed.apps.get(key).is_some_and(|app| app.runs.is_empty()) {
        observed.apps.remove(key);
    }
}

/// What a record means for a run as it is known.
enum Step {
    /// Nothing new.
    Nowhere,
    /// It has come further.
    To(Phase),
    /// It is over.
    Ended(Exit),
}

fn step(run: &Run, record: &RunRecord, now: Time) -> Step {
    let (started, ready) = match run.phase {
        Phase::Launching => (record.started.unwrap_or(run.asked), None),
        Phase::Starting { started } => (started, None),
        Phase::Ready { started, since } => (started, Some(since)),
        Phase::Exited { started, ready, .. } => (started, ready),
    };
    let ended = match run.phase {
        Phase::Launching | Phase::Starting { .. } | Phase::Ready { .. } => {
            record.exited.unwrap_or(now)
        }
        Phase::Exited { at, .. } => at,
    };
    match (&record.state, run.phase) {
        (RunState::Failed(failure), Phase::Launching) => {
            Step::Ended(failed_start(record.run, run, *failure, ended))
        }
        (RunState::Running, Phase::Launching) => {
            Step::To(Phase::Starting { started: record.started.unwrap_or(now) })
        }
        (
            RunState::Exited(status),
            Phase::Launching | Phase::Starting { .. } | Phase::Ready { .. },
        ) => Step::To(Phase::Exited { status: *status, started, ready, at: ended }),
        (RunState::Gone(status), _) => {
            Step::Ended(Exit { ready, ..end_of(record.run, run, (started, ended), *status) })
        }
        (RunState::Launching, _)
        | (
            RunState::Failed(_) | RunState::Running,
            Phase::Starting { .. } | Phase::Ready { .. } | Phase::Exited { .. },
        )
        | (RunState::Exited(_), Phase::Exited { .. }) => Step::Nowhere,
    }
}

fn advance(observed: &mut Observed, record: &RunRecord, now: Time) -> Observation {
    let Some((key, run)) = find(observed, record.run) else { return Observation::default() };
    match step(run, record, now) {
        Step::Ended(exit) => retire(observed, &key, exit, now),
        Step::To(phase) => {
            run.phase = phase;
            learn(run, record);
            Observation { app: Some(key), retired: None }
        }
        Step::Nowhere if is_current(record, run.phase) && learn(run, record) => {
            Observation { app: Some(key), retired: None }
        }
        Step::Nowhere => Observation::default(),
    }
}

/// Whether a record is not of an earlier phase than what is known: then what it says of the run's
/// sockets is old as well.
fn is_current(record: &RunRecord, phase: Phase) -> bool {
    match record.state {
        RunState::Launching => matches!(phase, Phase::Launching),
        RunState::Running => !matches!(phase, Phase::Exited { .. }),
        RunState::Failed(_) | RunState::Exited(_) | RunState::Gone(_) => true,
    }
}

/// Takes over what a record says beside how far the run has come; whether that is news.
fn learn(run: &mut Run, record: &RunRecord) -> bool {
    let extended_to = record.notify.extended_to;
    // That it still lives is no news: whoever waits for the contrary looks again in time.
    run.watchdog = run.watchdog.max(record.notify.watchdog);
    run.watched = record.tag.watchdog_us.map(Duration::from_micros);
    // It cannot take back that it is ready.
    let says_ready = run.says_ready || record.notify.ready;
    let news = run.pid != record.pid
        || run.sockets != record.sockets
        || run.says_ready != says_ready
        || run.extended_to != extended_to
        || run.reloading != record.notify.reloading;
    if news {
        run.pid = record.pid;
        run.sockets = record.sockets.clone();
        run.says_ready = says_ready;
        run.extended_to = extended_to;
        run.reloading = record.notify.reloading;
    }
    news
}

/// Readiness is latched: it comes at any time after the start, and only once. That a run which
/// has ended had been ready is news too.
fn ready(observed: &mut Observed, run: RunId, at: Time) -> Observation {
    let Some((key, run)) = find(observed, run) else { return Observation::default() };
    match run.phase {
        Phase::Starting { started } => {
            run.phase = Phase::Ready { started, since: at.max(started) };
            Observation { app: Some(key), retired: None }
        }
        Phase::Exited { status, started, ready: None, at: ended } if at <= ended => {
            let ready = Some(at.max(started));
            run.phase = Phase::Exited { status, started, ready, at: ended };
            Observation { app: Some(key), retired: None }
        }
        Phase::Launching | Phase::Ready { .. } | Phase::Exited { .. } => Observation::default(),
    }
}

fn drained(observed: &mut Observed, run: RunId) -> Observation {
    let Some((key, run)) = find(observed, run) else { return Observation::default() };
    match &mut run.stopping {
        Some(stopping) if stopping.draining => {
            stopping.drained = true;
            Observation { app: Some(key), retired: None }
        }
        Some(_) | None => Observation::default(),
    }
}

fn fail(observed: &mut Observed, run_id: RunId, failure: SpawnFailure, now: Time) -> Observation {
    let Some((key, run)) = find(observed, run_id) else { return Observation::default() };
    match run.phase {
        Phase::Launching => {
            let exit = failed_start(run_id, run, failure, now);
            retire(observed, &key, exit, now)
        }
        Phase::Starting { .. } | Phase::Ready { .. } | Phase::Exited { .. } => {
            Observation::default()
        }
    }
}

fn retire(observed: &mut Observed, key: &AppKey, exit: Exit, now: Time) -> Observation {
    observed.owners.remove(&exit.run);
    let app = observed.apps.entry(key.clone()).or_default();
    let Some(run) = app.runs.remove(&exit.run) else { return Observation::default() };
    if app.runs.values().all(|other| other.cohort != run.cohort)
        && let Some(empty_since) = app.cohorts.get_mut(&run.cohort)
    {
        *empty_since = Some(now);
    }
    retired(app, key.instance(run.index), exit)
}

fn retired(app: &mut AppObserved, id: InstanceId, exit: Exit) -> Observation {
    keep(app, id.index, exit);
    Observation { app: Some(id.key.clone()), retired: Some((id, exit)) }
}

fn insert(observed: &mut Observed, key: &AppKey, run_id: RunId, run: Run) -> Observation {
    observed.owners.insert(run_id, key.clone());
    let app = observed.apps.entry(key.clone()).or_default();
    if run.cohort != Cohort::NONE {
        app.cohorts.insert(run.cohort, None);
    }
    app.runs.insert(run_id, run);
    Observation { app: Some(key.clone()), retired: None }
}

pub(super) fn find(observed: &mut Observed, run: RunId) -> Option<(AppKey, &mut Run)> {
    let key = observed.owners.get(&run)?.clone();
    let run = observed.apps.get_mut(&key)?.runs.get_mut(&run)?;
    Some((key, run))
}
