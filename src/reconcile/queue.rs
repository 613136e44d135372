//! Connections that wait and that nobody takes: whose they are, and how long that may go on.

use std::{net::SocketAddr, time::Duration};

use crate::model::{App, AppKey, AppObserved, Cohort, Observed, Phase, RunId, Stuck, Time};

use super::{health::is_watched, observe::Observation, readiness::spec_of};

/// So long none is taken before that is told, if the file does not say how long that may go on.
const TOLD_AFTER: Duration = Duration::from_secs(10);

/// How long a queue may go on without anybody taking from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueWatch {
    /// The runs that take from it, and their first processes.
    pub runs: Vec<(RunId, u32)>,
    /// Since when all of them could have taken something.
    pub from: Time,
    /// So long that may go on.
    pub within: Duration,
    /// Whether they are replaced then.
    pub replaces: bool,
}

/// How long a queue of a cohort, or of one run, may go on from which nothing was taken since `since`;
/// `None` while nobody is to take anything: before a run is ready, and once all of them are to stop.
#[must_use]
pub fn queue_watch(
    app: &App,
    observed: Option<&AppObserved>,
    (cohort, of): (Cohort, Option<RunId>),
    since: Time,
) -> Option<QueueWatch> {
    let runs = observed?.runs.iter().filter(|(id, run)| {
        run.cohort == cohort && of.is_none_or(|of| of == **id) && is_watched(run)
    });
    let mut watch: Option<QueueWatch> = None;
    for (id, run) in runs {
        let Phase::Ready { since: ready, .. } = run.phase else { continue };
        let spec = spec_of(app, run);
        let (within, replaces) =
            spec.accepts_within.map_or((TOLD_AFTER, false), |within| (within, true));
        let empty = QueueWatch { runs: Vec::new(), from: since, within, replaces };
        let watch = watch.get_or_insert(empty);
        watch.runs.push((*id, run.pid));
        watch.from = watch.from.max(ready);
    }
    watch
}

/// Connections wait for runs and none is taken, or again one is.
pub(super) fn found(
    observed: &mut Observed,
    key: &AppKey,
    (cohort, of): (Cohort, Option<RunId>),
    (address, stuck): (SocketAddr, Option<Stuck>),
) -> Observation {
    let mut changed = false;
    let runs = observed.apps.get_mut(key).into_iter().flat_map(|app| &mut app.runs);
    let theirs = runs.filter(|(id, run)| run.cohort == cohort && of.is_none_or(|of| of == **id));
    for (_, run) in theirs {
        let other = run.stuck.is_some_and(|before| before.address != address);
        if run.stuck != stuck && !(stuck.is_none() && other) {
            run.stuck = stuck.filter(|_| is_watched(run));
            changed = true;
        }
    }
    Observation { app: changed.then(|| key.clone()), retired: None }
}
