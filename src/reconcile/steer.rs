//! Who gets the connections of shared ports: which cohort the next run of an instance is of, how new
//! connections are divided among an app's cohorts, and when the sockets of a cohort are given up.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Cohort, Phase, Run, RunId, Time, Unfit, UnfitReason};

use super::{canary, view::View};

/// The cohort of a run of instance `index` that is started now: that of the last one, so that
/// connections which wait there are served.
///
/// But what uses too much memory accepts and answers until it is stopped. What takes its place is of
/// another cohort: then new connections can be kept away from the former one by steering, however it
/// waits for them. One that does not live may not even take those that wait for it; what takes its
/// place shares its queue and serves them.
pub(super) fn cohort(view: &View<'_>, index: u32) -> Cohort {
    let first = view.app.cohort(view.key, index);
    if first == Cohort::NONE {
        return first;
    }
    let live = view.runs_of(index);
    let ended = || view.history(index).into_iter().flat_map(|history| &history.exits);
    let heavy = |unfit: Option<Unfit>| unfit.is_some_and(|it| it.why == UnfitReason::OverMemory);
    let living = live.iter().filter(|(_, run)| heavy(run.unfit)).map(|(run_id, _)| *run_id);
    let replaced = living.chain(ended().filter(|it| heavy(it.unfit)).map(|exit| exit.run));
    let known: BTreeSet<Cohort> =
        replaced.map(|run_id| first.in_place_of(run_id)).chain([first]).collect();
    let goes_on = |run: &Run| view.unfit(run) == Some(UnfitReason::OverMemory);
    let live = live.iter().map(|(run_id, run)| (*run_id, run.cohort, goes_on(run)));
    let all = live.chain(ended().map(|exit| (exit.run, exit.cohort, false)));
    let last = all.filter(|(_, cohort, _)| known.contains(cohort)).max_by_key(|(run, ..)| *run);
    match last {
        Some((run, _, true)) => first.in_place_of(run),
        Some((_, cohort, false)) => cohort,
        None => first,
    }
}

/// How new connections are to be divided, if that is another way than now. `leaving` are the runs
/// that are being asked to stop.
///
/// A cohort weighs as much as it has runs that were ready for `min_ready`; while there are none,
/// as it has ready ones. While none is ready nothing changes: connections wait where they are. A
/// canary gets its share before it is proven.
pub(super) fn weights(view: &View<'_>, leaving: &BTreeSet<RunId>) -> Option<BTreeMap<Cohort, u32>> {
    view.cohorts().next()?;
    let staying = |(run_id, run): &&(RunId, &Run)| {
        run.cohort != Cohort::NONE
            && run.stopping.is_none()
            && run.index < view.app.wanted()
            && !leaving.contains(run_id)
    };
    let ready = |run: &Run| match run.phase {
        Phase::Ready { .. } => true,
        Phase::Launching | Phase::Starting { .. } | Phase::Exited { .. } => false,
    };
    let staying: Vec<&Run> = view.runs().iter().filter(staying).map(|(_, run)| *run).collect();
    let count = |counts: &dyn Fn(&Run) -> bool| {
        let mut weights: BTreeMap<Cohort, u32> = BTreeMap::new();
        for run in staying.iter().filter(|run| counts(run)) {
            let weight = weights.entry(run.cohort).or_default();
            *weight = weight.saturating_add(1);
        }
        weights
    };
    let tried = canary::weights(view, &staying);
    let mut weights = tried.unwrap_or_else(|| count(&|run| view.is_available(run)));
    // Of what no longer lives that was found out by a probe; nobody knows as much of what is new.
    if weights.is_empty() {
        weights = count(&|run| view.available_from(run).is_some_and(|from| from <= view.now));
    }
    if weights.is_empty() {
        weights = count(&ready);
    }
    if let [only] = weights.values_mut().collect::<Vec<_>>().as_mut_slice() {
        **only = 1;
    }
    (!weights.is_empty() && view.steering() != Some(&weights)).then_some(weights)
}

/// The cohorts without a run whose sockets are given up, and when: at once if no run of them will
/// be started any more and new connections go elsewhere, else when connections have waited for as
/// long as they may.
pub(super) fn to_retire(view: &View<'_>) -> Vec<(Cohort, Time)> {
    let wanted = view.app.wanted();
    let mut retired: Vec<(Cohort, Time)> =
        abandoned(view).into_iter().map(|cohort| (cohort, view.now)).collect();
    if view.cohorts().all(|(_, empty)| empty.is_none()) {
        return retired;
    }
    let current: BTreeSet<Cohort> = (0..wanted).map(|index| cohort(view, index)).collect();
    let steered = |cohort: &Cohort| view.steering().is_none_or(|it| it.contains_key(cohort));
    let waits = |cohort: &Cohort| current.contains(cohort) || (wanted != 0 && steered(cohort));
    let queue = view.app.spec.listen.as_ref().map(|listen| listen.queue).unwrap_or_default();
    let empty = view.cohorts().filter_map(|(cohort, empty)| Some((cohort, empty?)));
    let unused =
        empty.filter(|(cohort, _)| view.runs().iter().all(|(_, run)| run.cohort != *cohort));
    retired.extend(unused.map(|(cohort, since)| {
        (cohort, if waits(&cohort) { since.after(queue) } else { view.now })
    }));
    retired
}

/// The cohorts whose runs are all on their way out and whose ports nobody goes on serving: who
/// connects there now had better be told so than wait for nobody.
fn abandoned(view: &View<'_>) -> Vec<Cohort> {
    let wanted = view.app.wanted();
    let goes_on = |port: u16| {
        let listen = view.app.spec.listen.as_ref().filter(|_| wanted != 0);
        listen.is_some_and(|it| {
            it.ports.is_empty() || it.ports.iter().any(|declared| declared.port == port)
        })
    };
    let runs_of = |cohort: Cohort| view.runs().iter().filter(move |(_, run)| run.cohort == cohort);
    let is_abandoned = |cohort: &Cohort| {
        // Of what never listened nobody knows a port; its cohort may be one that goes on.
        runs_of(*cohort).any(|(_, run)| !run.sockets.shared.is_empty())
            && runs_of(*cohort).all(|(_, run)| {
                run.stopping.is_some() && !run.sockets.shared.iter().any(|port| goes_on(*port))
            })
    };
    view.cohorts().map(|(cohort, _)| cohort).filter(is_abandoned).collect()
}
