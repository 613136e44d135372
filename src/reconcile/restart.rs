//! What becomes of an instance that has ended: left alone, started again, and when. Everything
//! follows from the facts in its history, so an edited policy holds at once for a wait under way.

use std::time::Duration;

use crate::model::{
    App, Backoff, Exit, ExitStatus, Hold, InstanceId, LastExit, Limit, LimitThen, RestartPolicy,
    RestartWhen, Time,
};

/// The wait of a crash-looping instance that has no back-off.
const SLOW_WITHOUT_BACKOFF: Duration = Duration::from_secs(30);

/// Where an instance without a process stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Standing {
    /// Nothing speaks against a start.
    Free,
    /// There is nothing to start: a job that is not due, or has done its work.
    Idle,
    /// It failed and is tried again at `at`.
    Retry { at: Time, last: LastExit, failures: u32, looping: bool },
    /// It failed too often and is not tried again.
    GaveUp { last: LastExit, failures: u32 },
    /// It is left alone after an exit that was `good` or not.
    Left { last: LastExit, good: bool },
}

/// The sum of the exits of an instance that still count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tally {
    /// The last of them.
    pub(super) last: Exit,
    /// Failures in a row: since the last run that was long enough to start the series anew.
    pub(super) failures: u32,
    /// Whether there were too many failures within the window of the limit, and no run since then
    /// that was long enough to make up for it.
    pub(super) looping: bool,
}

/// Where instance `id` stands if it has no process.
pub(super) fn standing(id: &InstanceId, app: &App, exits: &[Exit]) -> Standing {
    let policy = &app.spec.restart;
    let Some(tally) = tally(id.index, app, exits) else { return Standing::Free };
    if tally.last.requested {
        return Standing::Free;
    }
    let Tally { last: exit, failures, looping } = tally;
    let last = LastExit::of(&exit);
    if let Some(good) = left_alone(policy, &exit) {
        return Standing::Left { last, good };
    }
    let gives_up = policy.limit.as_ref().is_some_and(|limit| limit.then == LimitThen::Stop);
    if looping && gives_up {
        return Standing::GaveUp { last, failures };
    }
    let wait = match (&policy.backoff, looping) {
        (Some(backoff), true) => vary(backoff, backoff.max, id, &exit),
        (Some(backoff), false) => vary(backoff, nth_wait(backoff, failures), id, &exit),
        (None, true) => SLOW_WITHOUT_BACKOFF,
        (None, false) => Duration::ZERO,
    };
    Standing::Retry { at: exit.over().after(wait), last, failures, looping }
}

/// The exits of instance `index` that still count: of the desired revision, without another one
/// since, and of a generation nobody has asked to forget. `None` if there are none.
pub(super) fn tally(index: u32, app: &App, exits: &[Exit]) -> Option<Tally> {
    let from = app.counts_from(index);
    let counts = |exit: &Exit| exit.revision == app.revision && from <= exit.generation;
    let first = exits.iter().rposition(|exit| !counts(exit)).map_or(0, |before| before + 1);
    let last = *exits.iter().skip(first).next_back()?;
    let policy = &app.spec.restart;
    let calm = calm_after(policy);
    let stable = policy.backoff.as_ref().map_or(calm, |backoff| backoff.reset_after);
    let mut failures = 0_u32;
    let mut looping = false;
    let mut ends = Vec::new();
    let mut is_over = false;
    for exit in exits.iter().skip(first) {
        // What a job does after an exit that is left alone was asked for: it does not try again.
        if is_over || stable <= was_well(exit) {
            failures = 0;
        }
        if is_over {
            ends.clear();
        }
        looping &= was_well(exit) < calm;
        if exit.is_failure() {
            failures = failures.saturating_add(1);
            ends.push(exit.over());
            looping |= policy.limit.as_ref().is_some_and(|limit| is_reached(limit, &ends));
        }
        is_over = app.spec.is_job() && left_alone(policy, exit).is_some();
        looping &= !is_over;
    }
    Some(Tally { last, failures, looping })
}

/// The longest wait there is between two tries.
pub(super) fn longest_wait(policy: &RestartPolicy) -> Duration {
    policy.backoff.as_ref().map_or(SLOW_WITHOUT_BACKOFF, |backoff| backoff.max)
}

/// How long a run must last to end a crash loop.
pub(super) fn calm_after(policy: &RestartPolicy) -> Duration {
    let reset = policy.backoff.as_ref().map_or(Duration::ZERO, |backoff| backoff.reset_after);
    let window = policy.limit.as_ref().map_or(Duration::ZERO, |limit| limit.within);
    reset.max(window)
}

/// How long a run was well: from when its program was executed until it ended, or until it was last
/// seen to live. What was never seen to do so was not well, however long it took to find out.
fn was_well(exit: &Exit) -> Duration {
    match (exit.failure, exit.failed_while_up()) {
        (Some(_), _) => Duration::ZERO,
        (None, Some(unfit)) => unfit.well.map_or(Duration::ZERO, |at| at.since(exit.started)),
        (None, None) => exit.ended.since(exit.started),
    }
}

/// Whether the policy leaves the instance alone after this exit, which is a good one.
pub(super) fn is_left_good(policy: &RestartPolicy, exit: &Exit) -> bool {
    left_alone(policy, exit) == Some(true)
}

/// Whether the policy leaves the instance alone after this exit, and then whether that is good.
fn left_alone(policy: &RestartPolicy, exit: &Exit) -> Option<bool> {
    // How one ended that was not live says nothing about its work.
    let executed = exit.failure.is_none() && exit.failed_while_up().is_none();
    let success = executed && exit.status.is_success();
    let told_to = executed
        && match exit.status {
            ExitStatus::Code(code) => policy.stop_exit_codes.contains(&code),
            ExitStatus::Signal(_) | ExitStatus::Unknown => false,
        };
    match policy.policy {
        _ if told_to => Some(true),
        RestartWhen::Always => None,
        RestartWhen::OnFailure => success.then_some(true),
        RestartWhen::Never => Some(success),
    }
}

/// Whether the latest of these failures makes too many within the window.
fn is_reached(limit: &Limit, ends: &[Time]) -> bool {
    let count = usize::try_from(limit.failures).unwrap_or(usize::MAX).max(1);
    let first = ends.len().checked_sub(count).and_then(|at| ends.get(at));
    match (first, ends.last()) {
        (Some(first), Some(last)) => count == 1 || last.since(*first) < limit.within,
        (None, _) | (_, None) => false,
    }
}

/// The wait after the `failures`th failure in a row, before it is varied.
fn nth_wait(backoff: &Backoff, failures: u32) -> Duration {
    let steps = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
    if backoff.initial.is_zero() {
        return Duration::ZERO;
    }
    let seconds = backoff.initial.as_secs_f64() * backoff.factor.max(1.0).powi(steps);
    Duration::try_from_secs_f64(seconds).map_or(backoff.max, |wait| wait.min(backoff.max))
}

/// Lengthens or shortens a wait by at most the share of the jitter, never above `max`. The same
/// run always gets the same wait: it is asked for again with every plan.
fn vary(backoff: &Backoff, wait: Duration, id: &InstanceId, exit: &Exit) -> Duration {
    let share = backoff.jitter.clamp(0.0, 1.0) * (2.0 * unit(id, exit) - 1.0);
    let varied = wait.as_secs_f64() * (1.0 + share);
    Duration::try_from_secs_f64(varied).map_or(wait, |varied| varied.min(backoff.max))
}

/// A number from 0 to 1 that is different for each run, and the same on every machine.
fn unit(id: &InstanceId, exit: &Exit) -> f64 {
    let parts = [id.key.project.as_str().as_bytes(), id.key.app.as_str().as_bytes()];
    let numbers = [u64::from(id.index), exit.run.0];
    let bytes = parts.into_iter().flatten().copied();
    let bytes = bytes.chain(numbers.into_iter().flat_map(u64::to_le_bytes));
    // FNV-1a, then the finishing steps of splitmix64: FNV alone leaves neighbours close.
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let high = u32::try_from((hash ^ (hash >> 31)) >> 32).unwrap_or(0);
    f64::from(high) / f64::from(u32::MAX)
}

impl Standing {
    /// Why the instance is not started now; `None` if it may be.
    pub(super) fn hold(self, now: Time) -> Option<Hold> {
        match self {
            Self::Free | Self::Idle => None,
            Self::Retry { at, last, failures, looping } => {
                let wait = at.since(now);
                Some(if looping {
                    Hold::CrashLooping { last, failures, wait }
                } else {
                    Hold::Backoff { last, failures, wait }
                })
            }
            Self::GaveUp { last, failures } => Some(Hold::GaveUp { last, failures }),
            Self::Left { last, .. } => Some(Hold::NotRestarted { last }),
        }
    }
}
