//! Which runs are ready by what the keeper knows of them, and which have to be asked.

use std::time::Duration;

use crate::model::{
    App, AppObserved, AppSpec, Pass, Phase, ReadyPolicy, ReadyProbe, Run, RunId, Sharing, Sockets,
    Time,
};

/// What is known of the readiness of a run that runs and was not ready so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is ready, since then.
    Ready(Time),
    /// The keeper will tell.
    Awaited,
    /// It has to be asked.
    Probed,
}

/// How those runs of an app stand at `now` that run and are not ready yet.
#[must_use]
pub fn readiness(app: &App, observed: Option<&AppObserved>, now: Time) -> Vec<(RunId, Readiness)> {
    let runs = observed.into_iter().flat_map(|observed| &observed.runs);
    runs.filter_map(|(run_id, run)| match run.phase {
        Phase::Starting { started } => {
            Some((*run_id, of_run(spec_of(app, run), run, (started, now))))
        }
        Phase::Launching | Phase::Ready { .. } | Phase::Exited { .. } => None,
    })
    .collect()
}

/// The spec a run was started with, as far as it is still known.
#[must_use]
pub fn spec_of<'a>(app: &'a App, run: &Run) -> &'a AppSpec {
    match &app.former {
        Some(former) if run.revision != app.revision => &former.spec,
        Some(_) | None => &app.spec,
    }
}

/// The runs that are ready by having been started, and since when, of which that would not be known any
/// more once `next` takes the place of `app`: it asks for something else. To be put into the journal.
#[must_use]
pub fn ready_by_start(app: &App, next: &App, observed: Option<&AppObserved>) -> Vec<(RunId, Time)> {
    let by_start = |app, run| spec_of(app, run).ready.probe == ReadyProbe::Started;
    let runs = observed.into_iter().flat_map(|observed| &observed.runs);
    runs.filter(|(_, run)| by_start(app, run) && !by_start(next, run))
        .filter_map(|(run_id, run)| match run.phase {
            Phase::Ready { since, .. } => Some((*run_id, since)),
            Phase::Launching | Phase::Starting { .. } | Phase::Exited { .. } => None,
        })
        .collect()
}

/// When a run that ended had become ready, as far as that is known or follows from its start.
pub(super) fn became_ready(spec: &AppSpec, (started, ready): (Time, Option<Time>)) -> Option<Time> {
    ready.or_else(|| (spec.ready.probe == ReadyProbe::Started).then_some(started))
}

/// How long it takes to find out anew that a run is ready.
pub(super) fn time_to_ask(policy: &ReadyPolicy) -> Duration {
    let once = policy.interval.saturating_add(policy.timeout);
    once.saturating_mul(policy.successes.max(1))
}

fn of_run(spec: &AppSpec, run: &Run, (started, now): (Time, Time)) -> Readiness {
    match &spec.ready.probe {
        ReadyProbe::Started => Readiness::Ready(started),
        ReadyProbe::Listen if listens(spec, &run.sockets) => Readiness::Ready(now),
        ReadyProbe::Notify | ReadyProbe::Message(_) if run.says_ready => Readiness::Ready(now),
        ReadyProbe::Listen | ReadyProbe::Notify | ReadyProbe::Message(_) => Readiness::Awaited,
        ReadyProbe::Http(_)
        | ReadyProbe::Tcp(_)
        | ReadyProbe::Exec(_)
        | ReadyProbe::Log(_)
        | ReadyProbe::Delay(_) => Readiness::Probed,
    }
}

/// Whether the run listens on every port of `listen`, or on any if the file names none.
fn listens(spec: &AppSpec, sockets: &Sockets) -> bool {
    let Some(listen) = &spec.listen else { return true };
    if sockets.sharing == Sharing::Unavailable {
        // Nobody sees its ports unless it tells; that it runs is all there is to know.
        return true;
    }
    if listen.ports.is_empty() {
        return !sockets.shared.is_empty();
    }
    listen.pass == Pass::Fds || listen.ports.iter().all(|it| sockets.shared.contains(&it.port))
}
