//! How the event loops and heaps of a Node program do, by what its agents say.

use std::{collections::BTreeMap, time::Duration};

use super::{
    agent::Said,
    series::{Ring, real},
};
use crate::{api::NodeReply, model::Time};

/// So many event loops of one run are told apart; of more, the one heard of longest ago is forgotten.
const LOOPS: usize = 64;
/// What was said so long ago is not how things are.
const STALE: Duration = Duration::from_secs(60);
/// The length of a slot of `busy`.
const SLOT_SECONDS: u64 = 5;

/// A run of a Node program.
#[derive(Debug)]
pub(super) struct Loops {
    began: Time,
    lags: Ring,
    /// By process and thread.
    known: BTreeMap<(u32, u32), Loop>,
}

#[derive(Debug)]
struct Loop {
    began: Time,
    heard: Time,
    /// How long it was busy in each of the last slots, in µs: number of the slot, time.
    busy: [(u64, u64); 12],
    heap_used: u64,
    heap_limit: u64,
}

impl Loops {
    /// None yet.
    pub(super) fn new(now: Time) -> Self {
        Self { began: now, lags: Ring::minute(), known: BTreeMap::new() }
    }

    /// One of them has said something.
    pub(super) fn hear(&mut self, pid: u32, said: &Said, now: Time) {
        if let Some(lags) = self.lags.current(now) {
            lags.merge(&said.lags);
        }
        let id = (pid, said.thread);
        if self.known.len() == LOOPS && !self.known.contains_key(&id) {
            let oldest = self.known.iter().min_by_key(|(_, it)| it.heard).map(|(id, _)| *id);
            oldest.map(|id| self.known.remove(&id));
        }
        let known = self.known.entry(id).or_insert_with(|| Loop::new(now));
        known.heard = now;
        known.heap_used = said.heap_used;
        known.heap_limit = said.heap_limit;
        known.worked(said.busy_micros.into(), now);
    }

    /// How they do: the delays of all, the work of the busiest, the heap of the one nearest to its
    /// limit.
    pub(super) fn reply(&self, now: Time) -> NodeReply {
        let lags = self.lags.window(self.began, now).counts;
        let seconds = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64();
        let newest = self.known.values().map(|it| it.heard).max().unwrap_or_default();
        let current = self.known.values().filter(|it| newest.since(it.heard) < STALE);
        let fullest = current.clone().max_by(|one, other| one.fill().total_cmp(&other.fill()));
        NodeReply {
            lag_p50: seconds(lags.percentile(50)),
            lag_p99: seconds(lags.percentile(99)),
            lag_max: seconds(lags.longest()),
            utilization: current.map(|it| it.utilization(now)).fold(0.0, f64::max),
            heap_used: fullest.map_or(0, |it| it.heap_used),
            heap_limit: fullest.map_or(0, |it| it.heap_limit),
        }
    }
}

impl Loop {
    fn new(now: Time) -> Self {
        Self { began: now, heard: now, busy: [(0, 0); 12], heap_used: 0, heap_limit: 0 }
    }

    fn worked(&mut self, micros: u64, now: Time) {
        let number = now.0.as_secs() / SLOT_SECONDS;
        let slots = u64::try_from(self.busy.len()).unwrap_or(1);
        let at = usize::try_from(number % slots).unwrap_or_default();
        let Some((of, busy)) = self.busy.get_mut(at) else { return };
        if *of != number {
            (*of, *busy) = (number, 0);
        }
        *busy = busy.saturating_add(micros);
    }

    /// Of the last minute, or since it was first heard of, the part it was busy in.
    fn utilization(&self, now: Time) -> f64 {
        let number = now.0.as_secs() / SLOT_SECONDS;
        let first = number.saturating_sub(11);
        let recent = self.busy.iter().filter(|(of, _)| first <= *of && *of <= number);
        let busy: u64 = recent.map(|(_, busy)| *busy).sum();
        let from = Time(Duration::from_secs(first * SLOT_SECONDS));
        // What is first heard tells of the second before.
        let over = now.since(from.max(self.began)).max(Duration::from_secs(1));
        (real(busy) / 1e6 / over.as_secs_f64()).min(1.0)
    }

    fn fill(&self) -> f64 {
        if self.heap_limit == 0 { 0.0 } else { real(self.heap_used) / real(self.heap_limit) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time(Duration::from_secs(seconds))
    }

    fn said(thread: u32, busy_micros: u32, heap_used: u64) -> Said {
        Said { thread, busy_micros, heap_used, heap_limit: 100, ..Said::default() }
    }

    #[test]
    fn the_busiest_loop_and_the_fullest_heap_count() {
        let mut loops = Loops::new(at(100));
        for second in 101..=120 {
            loops.hear(7, &said(0, 250_000, 10), at(second));
            loops.hear(8, &said(0, 500_000, 20), at(second));
        }
        let reply = loops.reply(at(120));
        assert!((0.5..0.55).contains(&reply.utilization), "{reply:?}");
        assert_eq!((reply.heap_used, reply.heap_limit), (20, 100));
        loops.hear(7, &said(0, 0, 11), at(300));
        let reply = loops.reply(at(300));
        assert!(reply.utilization <= 0.0 && reply.heap_used == 11, "{reply:?}");
    }

    #[test]
    fn delays_are_of_the_last_minute_and_loops_are_bounded() {
        let mut loops = Loops::new(at(100));
        let late = super::super::agent::read(br#"{"lags":[200,99,300,1],"longest_lag":343}"#);
        loops.hear(1, &late.unwrap(), at(100));
        let reply = loops.reply(at(100));
        assert_eq!((reply.lag_p50, reply.lag_p99, reply.lag_max), (200e-6, 200e-6, 343e-6));
        assert!(loops.reply(at(200)).lag_max <= 0.0);
        (0..1000).for_each(|thread| loops.hear(1, &said(thread, 1, 1), at(200)));
        assert_eq!(loops.known.len(), LOOPS);
    }
}
