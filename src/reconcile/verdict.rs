//! What a command that waits for an app is to be told: settled, not yet, or failed.

use crate::model::{
    App, AppKey, AppObserved, AppState, Awaited, Generation, Outlook, Phase, Run, RunId, Time,
};

use super::{
    health, job,
    plan::{earliest, plan_app},
    readiness::became_ready,
    restart::Standing,
    rollout::is_early,
    status::status,
    view::{Slot, View},
};

/// How far an app has come with what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every wanted instance has been ready for `min_ready` at the desired revision, or ended as its
    /// policy has it, and nothing else runs.
    Settled,
    /// Not yet.
    Converging {
        /// When time alone will change that, if nothing happens before.
        wake_at: Option<Time>,
    },
    /// It failed; waiting longer is not expected to help.
    Failed,
}

/// How far the app has come at `now` with what was asked at `asked`.
#[must_use]
pub fn verdict(
    key: &AppKey,
    app: &App,
    observed: Option<&AppObserved>,
    asked: Time,
    now: Time,
) -> Verdict {
    let view = View::new(key, app, observed, now);
    let state = status(key, app, observed, now).state;
    // What runs by a schedule is nothing to wait for.
    if job::is_scheduled(app) && app.wanted() != 0 {
        return Verdict::Settled;
    }
    if let Some(Awaited { outlook: Outlook::Failing(_), .. }) = view.awaited()
        && view.waits()
    {
        return Verdict::Failed;
    }
    match state {
        AppState::Failed | AppState::CrashLooping => Verdict::Failed,
        AppState::Stopped | AppState::Off | AppState::Done => Verdict::Settled,
        AppState::Ready | AppState::Converging | AppState::Degraded => {
            let ripe = ripe_at(&view);
            let reloads = |(_, run): &(RunId, &Run)| health::reloads(view.spec_of(run), run, now);
            if state == AppState::Ready && ripe.is_none() && !view.runs().iter().any(reloads) {
                Verdict::Settled
            } else if !app.spec.is_job()
                && (0..app.wanted()).any(|index| has_failed(&view, index, asked))
            {
                Verdict::Failed
            } else {
                let next = plan_app(key, Generation::default(), Some(app), observed, now).wake_at;
                Verdict::Converging { wake_at: earliest(earliest(ripe, next), until_reload(&view)) }
            }
        }
    }
}

/// When the next instance that is as desired will have been ready for long enough; `None` if all
/// of them have.
fn ripe_at(view: &View<'_>) -> Option<Time> {
    view.runs()
        .iter()
        .filter(|(run_id, run)| !view.app.spec.is_job() && view.is_fit(*run_id, run))
        .filter_map(|(_, run)| match run.phase {
            Phase::Ready { since, .. } => Some(since.after(view.app.spec.rollout.min_ready)),
            Phase::Launching | Phase::Starting { .. } | Phase::Exited { .. } => None,
        })
        .filter(|ripe| view.now < *ripe)
        .min()
}

/// When to look again for what instances say that were asked to read their files again.
fn until_reload(view: &View<'_>) -> Option<Time> {
    let until = view.runs().iter().filter_map(|(_, run)| run.reload_until);
    until.filter(|until| view.now < *until).min()
}

/// Whether the instance ended before it was good, since `asked`, and has not become good after all.
fn has_failed(view: &View<'_>, index: u32, asked: Time) -> bool {
    let settled = match view.slot(index) {
        Slot::Empty(standing) => matches!(standing, Standing::Left { good: true, .. }),
        Slot::Taken => view.runs_of(index).iter().any(|it| is_good(view, *it)),
        Slot::Outdated | Slot::Blocked => false,
    };
    !settled && (exited_early(view, index, asked) || leader_exited_early(view, index, asked))
}

fn is_good(view: &View<'_>, (run_id, run): (RunId, &Run)) -> bool {
    match run.phase {
        Phase::Ready { since, .. } => {
            view.is_fit(run_id, run) && since.after(view.app.spec.rollout.min_ready) <= view.now
        }
        Phase::Launching | Phase::Starting { .. } | Phase::Exited { .. } => false,
    }
}

/// Whether an earlier run of the desired revision ended so.
fn exited_early(view: &View<'_>, index: u32, asked: Time) -> bool {
    let from = view.app.counts_from(index);
    view.history(index).is_some_and(|history| {
        history.exits.iter().any(|exit| {
            let counts = exit.revision == view.app.revision && from <= exit.generation;
            let early = is_early(&view.app.spec, exit);
            counts && early && !exit.requested && asked <= exit.ended
        })
    })
}

/// Whether the first process of the present run ended so and only others of its group live.
fn leader_exited_early(view: &View<'_>, index: u32, asked: Time) -> bool {
    let min_ready = view.app.spec.rollout.min_ready;
    view.runs_of(index).iter().any(|(_, run)| match run.phase {
        Phase::Exited { started, ready, at, .. } => {
            let unasked = run.stopping.is_none_or(|stopping| at < stopping.since);
            let current =
                run.revision == view.app.revision && view.app.counts_from(index) <= run.generation;
            let ready = became_ready(&view.app.spec, (started, ready));
            let early = ready.is_none_or(|ready| at.since(ready) < min_ready);
            current && unasked && asked <= at && early
        }
        Phase::Launching | Phase::Starting { .. } | Phase::Ready { .. } => false,
    })
}
