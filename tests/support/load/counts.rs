//! What can become of a request, and the counts of that.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

/// After this long a request that travels on the same machine has arrived, if nothing else keeps
/// the processors busy; half of the time that the servers take to answer.
const LATE: Duration = Duration::from_millis(10);

/// What became of one request. All but the first are failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A whole answer with a status of 2xx, by the instance of this pid.
    Ok(String),
    /// The connection was refused.
    Refused,
    /// The connection was not made in time.
    ConnectTimeout,
    /// A new connection ended before one byte of the answer.
    Fresh,
    /// A connection that had served before ended before one byte of the answer. Most of these are
    /// the idle race: the server closes an idle connection while the request is under way to it.
    /// The longer the server had the request, the less likely that is: hence the time since it was
    /// sent.
    Reused(Duration),
    /// The answer broke off.
    Partial,
    /// The answer was not whole in time.
    Timeout,
    /// A whole answer with another status.
    BadStatus,
    /// Anything else, such as no local port left.
    Other(String),
}

/// What has become of the requests of all clients.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Counts,
    latencies: Vec<Duration>,
    last_ok: Option<Instant>,
}

/// Counts of a load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) ok: u64,
    pub(crate) refused: u64,
    pub(crate) connect_timeouts: u64,
    pub(crate) fresh_ends: u64,
    pub(crate) idle_races: u64,
    /// Those of them that may rather be answers cut off: the server had had the request for long.
    pub(crate) late_races: u64,
    pub(crate) partial: u64,
    pub(crate) timeouts: u64,
    pub(crate) bad_status: u64,
    pub(crate) other: u64,
    /// What the last of `other` was.
    pub(crate) problem: Option<String>,
    /// Connections that were found closed before the next request was sent: no failure.
    pub(crate) closed_idle: u64,
    /// Connections made.
    pub(crate) connections: u64,
    /// Answers by the pid that gave them.
    pub(crate) by_pid: BTreeMap<String, u64>,
    /// The longest time a request that ended as `idle_races` had been with the server.
    pub(crate) slowest_race: Duration,
    /// The longest time a client waited for a request that failed.
    pub(crate) slowest_failure: Duration,
    /// The longest time without any answer.
    pub(crate) gap: Duration,
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
    pub(crate) slowest: Duration,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self { counts: Counts::default(), latencies: Vec::new(), last_ok: None }
    }

    pub(super) fn connected(&mut self) {
        self.counts.connections += 1;
    }

    pub(super) fn closed_idle(&mut self) {
        self.counts.closed_idle += 1;
    }

    /// Adds what became of a request that began at `begin`.
    pub(super) fn add(&mut self, begin: Instant, outcome: Outcome) {
        let (now, counts) = (Instant::now(), &mut self.counts);
        if !matches!(outcome, Outcome::Ok(_)) {
            let waited = now.saturating_duration_since(begin);
            counts.slowest_failure = counts.slowest_failure.max(waited);
        }
        match outcome {
            Outcome::Ok(pid) => {
                counts.ok += 1;
                *counts.by_pid.entry(pid).or_default() += 1;
                if let Some(last) = self.last_ok.replace(now) {
                    counts.gap = counts.gap.max(now.saturating_duration_since(last));
                }
                self.latencies.push(now.saturating_duration_since(begin));
            }
            Outcome::Refused => counts.refused += 1,
            Outcome::ConnectTimeout => counts.connect_timeouts += 1,
            Outcome::Fresh => counts.fresh_ends += 1,
            Outcome::Reused(after) => {
                counts.idle_races += 1;
                counts.late_races += u64::from(after >= LATE);
                counts.slowest_race = counts.slowest_race.max(after);
            }
            Outcome::Partial => counts.partial += 1,
            Outcome::Timeout => counts.timeouts += 1,
            Outcome::BadStatus => counts.bad_status += 1,
            Outcome::Other(problem) => {
                counts.other += 1;
                counts.problem = Some(problem);
            }
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let mut latencies = self.latencies.clone();
        latencies.sort_unstable();
        let at = |percent: usize| {
            let last = latencies.len().saturating_sub(1);
            latencies.get(last * percent / 100).copied().unwrap_or_default()
        };
        let mut counts = self.counts.clone();
        (counts.median, counts.p99, counts.slowest) = (at(50), at(99), at(100));
        // What has not ended yet counts, too.
        if let Some(last) = self.last_ok {
            counts.gap = counts.gap.max(last.elapsed());
        }
        counts
    }
}

impl Counts {
    /// Failures that no client would forgive: all but the idle races.
    pub(crate) fn hard(&self) -> u64 {
        self.refused + self.hung() + self.cut() + self.bad_status + self.other
    }

    /// Requests that waited until the client gave up.
    pub(crate) fn hung(&self) -> u64 {
        self.connect_timeouts + self.timeouts
    }

    /// Requests cut off, the idle races left out.
    pub(crate) fn cut(&self) -> u64 {
        self.fresh_ends + self.partial
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ok, {} failed", self.ok, self.hard())?;
        let kinds = [
            ("refused", self.refused),
            ("not connected in time", self.connect_timeouts),
            ("ended on a new connection", self.fresh_ends),
            ("broken off", self.partial),
            ("not answered in time", self.timeouts),
            ("bad status", self.bad_status),
            ("other", self.other),
        ];
        for (kind, count) in kinds.into_iter().filter(|(_, count)| *count > 0) {
            write!(f, ", {count} {kind}")?;
        }
        if let Some(problem) = &self.problem {
            write!(f, " ({problem})")?;
        }
        if self.hard() > 0 {
            write!(f, ", after up to {:.0?}", self.slowest_failure)?;
        }
        write!(f, "; {} idle races", self.idle_races)?;
        if self.idle_races > 0 {
            let (late, slowest) = (self.late_races, self.slowest_race);
            write!(f, " ({late} of them late, up to {slowest:.1?} after sending)")?;
        }
        write!(f, "; {} connections, {} found closed", self.connections, self.closed_idle)?;
        write!(f, "; gap {:.0?}, median {:.1?}, p99 {:.1?}", self.gap, self.median, self.p99)?;
        write!(f, ", slowest {:.1?}; by {} pids", self.slowest, self.by_pid.len())
    }
}
