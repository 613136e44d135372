//! The canary of a change: the instances that come first, take their share of the connections as
//! soon as they are ready, and have to prove themselves before any other is replaced.
//!
//! Nothing of this is stored: the canary is out as long as fewer new runs than it has instances are
//! good and there is a former run to be replaced.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Cohort, Phase, Run, RunId, Share};

use super::view::View;

/// How many instances come first; 0 if none do.
pub(super) fn size(view: &View<'_>) -> u32 {
    let wanted = view.app.wanted();
    let canary = view.app.spec.rollout.canary.filter(|_| !view.recreates);
    canary.map_or(0, |share| share.rounded_up(wanted).max(1).min(wanted))
}

/// Whether the canary has yet to prove itself.
pub(super) fn is_out(view: &View<'_>) -> bool {
    let size = usize::try_from(size(view)).unwrap_or(usize::MAX);
    let good = |(_, run): &&(RunId, &Run)| view.is_new(run) && view.is_available(run);
    size != 0 && view.runs().iter().filter(good).count() < size && former(view).next().is_some()
}

/// The runs that the change is to replace. What is replaced for its own sake is none of them.
fn former<'v>(view: &'v View<'_>) -> impl Iterator<Item = (RunId, &'v Run)> {
    view.outdated().filter(|(_, run)| !view.is_current(run))
}

/// How many more instances the change may touch now. `leaves` are former runs that are about to be
/// stopped.
pub(super) fn room(view: &View<'_>, leaves: &BTreeSet<RunId>) -> u32 {
    if !is_out(view) {
        return u32::MAX;
    }
    let goes_on = former(view).filter(|(run_id, _)| !leaves.contains(run_id));
    let untouched: BTreeSet<u32> =
        goes_on.map(|(_, run)| run.index).filter(|index| !is_touched(view, *index)).collect();
    let untouched = u32::try_from(untouched.len()).unwrap_or(u32::MAX);
    size(view).saturating_sub(view.app.wanted().saturating_sub(untouched))
}

/// Whether the change has come to an instance: it has a run of it, good or not.
pub(super) fn is_touched(view: &View<'_>, index: u32) -> bool {
    view.runs_of(index).iter().any(|(_, run)| view.is_current(run))
}

/// How connections are divided while the canary is out and one of it is ready: a percentage to the
/// letter, a number of instances as that many beside the former ones. `staying` are the runs that
/// are not asked to stop.
pub(super) fn weights(view: &View<'_>, staying: &[&Run]) -> Option<BTreeMap<Cohort, u32>> {
    let share = view.app.spec.rollout.canary.filter(|_| is_out(view))?;
    let count = |counts: &dyn Fn(&Run) -> bool| {
        let mut runs: BTreeMap<Cohort, u64> = BTreeMap::new();
        for run in staying.iter().filter(|run| counts(run)) {
            *runs.entry(run.cohort).or_default() += 1;
        }
        runs
    };
    let is_ready = |run: &Run| matches!(run.phase, Phase::Ready { .. });
    let new = count(&|run| view.is_current(run) && is_ready(run));
    let former = count(&|run| !view.is_current(run) && view.is_available(run));
    let (all_new, all_former): (u64, u64) = (new.values().sum(), former.values().sum());
    if all_new == 0 || all_former == 0 {
        return None;
    }
    let (to_new, to_former) = match share {
        Share::Percent(percent) => (
            u64::from(percent).saturating_mul(all_former),
            u64::from(100_u32.saturating_sub(percent)),
        ),
        Share::Count(count) => (all_new.min(u64::from(count)), 1),
    };
    let new = new.into_iter().map(|(cohort, runs)| (cohort, runs.saturating_mul(to_new)));
    let each = to_former.saturating_mul(all_new);
    let former = former.into_iter().map(|(cohort, runs)| (cohort, runs.saturating_mul(each)));
    let mut weights: BTreeMap<Cohort, u64> = BTreeMap::new();
    for (cohort, weight) in new.chain(former) {
        let sum = weights.entry(cohort).or_default();
        *sum = sum.saturating_add(weight);
    }
    let divisor = weights.values().copied().fold(0, greatest_common_divisor).max(1);
    let smallest = |weight: u64| u32::try_from(weight / divisor).unwrap_or(u32::MAX);
    Some(weights.into_iter().map(|(cohort, weight)| (cohort, smallest(weight))).collect())
}

/// By Euclid; of a number and 0 it is the number.
fn greatest_common_divisor(one: u64, other: u64) -> u64 {
    let (mut one, mut other) = (one, other);
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}
