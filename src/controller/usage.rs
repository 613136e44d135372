//! What runs use of processors and memory, read when somebody asks and never by itself.
//!
//! How busy a run is can only be told of a while: from one look of somebody's to the next. The last
//! look at each run is kept for that, for as long as the run is there.

use std::{collections::BTreeMap, time::Duration};

use super::state::State;
use crate::{
    host::{clock, stats},
    model::{AppKey, Phase, Run, RunId, Time},
};

/// Within this time nothing is read again, however many ask.
const FRESH: Duration = Duration::from_millis(100);
/// A look that is older says nothing about now.
const OLD: Duration = Duration::from_secs(60);

/// What one run uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// Bytes: resident of the first process, and what its descendants have for themselves.
    pub(super) memory: Option<u64>,
    /// Cores in use by all of them.
    pub(super) cpu: Option<f64>,
}

/// The last look at each run.
#[derive(Debug, Default)]
pub(super) struct Usages(BTreeMap<RunId, Look>);

#[derive(Debug)]
struct Look {
    at: Time,
    computed: Duration,
    usage: Usage,
}

impl Usages {
    /// What was seen of a run when somebody looked last.
    pub(super) fn of(&self, run: RunId) -> Usage {
        self.0.get(&run).map(|look| look.usage).unwrap_or_default()
    }
}

impl Look {
    /// Cores in use: since the look `before` if that is not too long ago, else over the run's life.
    fn after(before: Option<&Self>, (started, now): (Time, Time), seen: stats::TreeUse) -> Self {
        let recent = before.filter(|before| now.since(before.at) <= OLD);
        let (from, computed) =
            recent.map_or((started, Duration::ZERO), |before| (before.at, before.computed));
        let while_ = now.since(from).max(Duration::from_millis(1));
        // What a child has computed that nobody waited for is lost with it.
        let computed = seen.computed.saturating_sub(computed);
        let cpu = computed.as_secs_f64() / while_.as_secs_f64();
        let usage = Usage { memory: Some(seen.memory), cpu: Some(cpu) };
        Self { at: now, computed: seen.computed, usage }
    }
}

impl State {
    /// Reads what the runs of these apps use.
    pub(super) fn look_at_usage(&mut self, meant: impl Fn(&AppKey) -> bool) {
        let now = clock::now();
        let known = &mut self.metrics.usages.0;
        known.retain(|run, _| self.observed.owners.contains_key(run));
        let apps = self.observed.apps.iter().filter(|(key, _)| meant(key));
        for (id, run) in apps.flat_map(|(_, app)| &app.runs) {
            let before = known.get(id);
            if before.is_some_and(|before| now.since(before.at) < FRESH) {
                continue;
            }
            let seen = began(run).and_then(|at| Some((at, stats::tree_use(run.pid)?)));
            match seen {
                Some((started, seen)) => {
                    let look = Look::after(before, (started, now), seen);
                    known.insert(*id, look);
                }
                None => drop(known.remove(id)),
            }
        }
    }
}

/// When the first process of a run began, if it is there.
fn began(run: &Run) -> Option<Time> {
    match run.phase {
        Phase::Starting { started } | Phase::Ready { started, .. } if run.pid != 0 => Some(started),
        Phase::Launching | Phase::Starting { .. } | Phase::Ready { .. } | Phase::Exited { .. } => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time(Duration::from_millis(millis))
    }

    fn seen(millis: u64) -> stats::TreeUse {
        stats::TreeUse { memory: 1, computed: Duration::from_millis(millis) }
    }

    fn cores(before: Option<&Look>, now: u64, computed: u64) -> (Look, String) {
        let look = Look::after(before, (at(1_000), at(now)), seen(computed));
        let cpu = format!("{:.3}", look.usage.cpu.unwrap());
        (look, cpu)
    }

    #[test]
    fn a_run_is_as_busy_as_it_was_since_the_last_look() {
        let (first, cpu) = cores(None, 5_000, 2_000);
        assert_eq!(cpu, "0.500", "over its life");
        let (second, cpu) = cores(Some(&first), 6_000, 2_100);
        assert_eq!(cpu, "0.100", "over the second since then");
        let (third, cpu) = cores(Some(&second), 66_001, 65_001);
        assert_eq!(cpu, "1.000", "over its life again: the look before says nothing about now");
        let (_, cpu) = cores(Some(&third), 66_500, 1_000);
        assert_eq!(cpu, "0.000", "what a child had computed is gone with it");
        let (_, cpu) = cores(None, 1_000, 10);
        assert_eq!(cpu, "10.000", "what is told is a number also of a run that has just begun");
    }
}
