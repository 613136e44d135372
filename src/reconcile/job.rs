//! Jobs: what runs to its end, once for each revision, by its schedule or when it is asked to.

use crate::model::{
    App, AppKey, AppObserved, AppState, Asked, Event, Hold, Observed, Overlap, RolloutFailure,
    RunId, Time,
};

use super::{
    observe::Observation,
    restart::{self, Standing},
    status::status,
    verdict::Verdict,
    view::View,
};

/// Whether it runs by its schedule only.
pub(super) fn is_scheduled(app: &App) -> bool {
    app.spec.is_job() && app.spec.schedule.is_some()
}

/// Whether a job has to end well before the change under way is good.
pub(super) fn is_to_complete(app: &App) -> bool {
    app.spec.is_job() && app.spec.schedule.is_none() && !app.good
}

/// Whether a job was asked to run and there is no run of that yet.
pub(super) fn is_asked(observed: Option<&AppObserved>) -> bool {
    let Some((observed, asked)) = observed.and_then(|it| Some((it, it.asked?))) else {
        return false;
    };
    let ended = observed.history.values().flat_map(|history| &history.exits).map(|it| it.run);
    !observed.runs.keys().copied().chain(ended).any(|run| asked.after < run)
}

/// Whether this run is stopped so that the job can run again.
pub(super) fn is_superseded(observed: Option<&AppObserved>, run: RunId) -> bool {
    let asked = observed.and_then(|it| it.asked);
    asked.is_some_and(|asked| asked.replace && run <= asked.after)
}

/// Where a job without a process stands; `None` for what is no job.
pub(super) fn standing(view: &View<'_>, index: u32) -> Option<Standing> {
    if !view.app.spec.is_job() {
        return None;
    }
    if view.is_asked() {
        return Some(Standing::Free);
    }
    let id = view.key.instance(index);
    match restart::standing(&id, view.app, &view.exits(index)) {
        // What ended well stays so over a boot, when no exit is remembered any more.
        Standing::Free if view.app.good || is_scheduled(view.app) => Some(Standing::Idle),
        other @ (Standing::Free
        | Standing::Idle
        | Standing::Retry { .. }
        | Standing::GaveUp { .. }
        | Standing::Left { .. }) => Some(other),
    }
}

/// How the run of a job that had to complete has failed.
pub(super) fn failure(view: &View<'_>) -> Option<RolloutFailure> {
    if !is_to_complete(view.app) || !view.runs().is_empty() {
        return None;
    }
    let (last, words) = match view.standing(0) {
        Standing::Left { last, good: false } => (last, last.to_string()),
        Standing::GaveUp { last, failures } => (last, Hold::GaveUp { last, failures }.to_string()),
        Standing::Left { good: true, .. }
        | Standing::Idle
        | Standing::Free
        | Standing::Retry { .. } => return None,
    };
    let reason = if last.failure.is_some() { last.to_string() } else { words };
    Some(RolloutFailure { index: 0, reason })
}

/// Takes up that a job is asked to run.
pub(super) fn ask(observed: &mut Observed, key: &AppKey, asked: Asked) -> Observation {
    // A run of a later number has to be a later one, also if nobody remembers those before.
    observed.last_run = observed.last_run.max(asked.after);
    observed.apps.entry(key.clone()).or_default().asked = Some(asked);
    Observation { app: Some(key.clone()), retired: None }
}

/// What is done about a job that is due, or that an operator asks to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It runs, now or after the run that goes on.
    Asked(Asked),
    /// It does not: the run before goes on, or another one waits already.
    Overlaps,
    /// It does not: it is stopped, or removed.
    Off,
}

/// What is done about a job that is due at a time when this is known of all apps. `overlap`
/// overrides what its file says.
#[must_use]
pub fn due(key: &AppKey, app: &App, observed: &Observed, overlap: Option<Overlap>) -> Due {
    if app.wanted() == 0 {
        return Due::Off;
    }
    let seen = observed.apps.get(key);
    let runs = seen.is_some_and(|it| !it.runs.is_empty());
    let written = app.spec.schedule.as_ref().map(|it| it.overlap).unwrap_or_default();
    let asked = Asked { after: observed.last_run, replace: false, token: 0 };
    match overlap.unwrap_or(written) {
        Overlap::Skip | Overlap::Queue if is_asked(seen) => Due::Overlaps,
        Overlap::Skip if runs => Due::Overlaps,
        Overlap::Skip | Overlap::Queue => Due::Asked(asked),
        Overlap::Replace => Due::Asked(Asked { replace: true, ..asked }),
    }
}

/// The event by which a job is asked to run.
#[must_use]
pub fn asked(key: &AppKey, asked: Asked) -> Event {
    Event::Asked { key: key.clone(), asked }
}

/// How far a job has come that was asked to run after run `after`.
#[must_use]
pub fn verdict_of_asked(
    key: &AppKey,
    app: &App,
    observed: Option<&AppObserved>,
    (after, now): (RunId, Time),
) -> Verdict {
    let view = View::new(key, app, observed, now);
    if app.wanted() == 0 {
        return Verdict::Failed;
    }
    let exits = || view.history(0).into_iter().flat_map(|history| &history.exits);
    if !view.runs().is_empty() || view.is_asked() {
        let hopeless = view.awaited().is_some_and(|it| it.outlook.is_hopeless()) && view.waits();
        let state = status(key, app, observed, now).state;
        // Earlier failures say nothing about what was asked since.
        let has_failed = exits().any(|exit| after < exit.run);
        if hopeless || has_failed && state == AppState::CrashLooping {
            return Verdict::Failed;
        }
        return Verdict::Converging { wake_at: None };
    }
    let Some(last) = exits().rfind(|exit| after < exit.run) else {
        return Verdict::Failed;
    };
    match view.standing(0) {
        Standing::Retry { .. } => Verdict::Converging { wake_at: None },
        Standing::Free | Standing::Idle | Standing::GaveUp { .. } | Standing::Left { .. }
            if last.failure.is_none() && last.status.is_success() && !last.requested =>
        {
            Verdict::Settled
        }
        Standing::Left { good: true, .. } => Verdict::Settled,
        Standing::Free | Standing::Idle | Standing::GaveUp { .. } | Standing::Left { .. } => {
            Verdict::Failed
        }
    }
}
