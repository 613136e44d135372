//! What was seen within the last minute, five minutes and hour, and since counting began.
//!
//! Each window is a ring of twelve slots, the newest of which is still being filled: a window covers
//! its length at most, and eleven twelfths of it at least. A series holds 36 [`Counts`] at most:
//! measured, 6 KB for a probe every 10 s, 250 KB for a server whose requests take every duration from 1
//! to 100 ms all the time, and never more than 36 times 3,328 buckets of 8 bytes, 960 KB. Old slots are
//! freed when something is counted next.

use std::{collections::VecDeque, time::Duration};

use super::counts::{Counts, bucket_of, micros_of, micros_of_bucket};
use crate::model::Time;

/// A window has so many slots.
const SLOTS: u64 = 12;
/// How long the slots of each window are, in seconds.
const SLOT_SECONDS: [u32; 3] = [5, 25, 300];

/// What ended over a while.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::controller) struct Window {
    /// How long the window is.
    pub(in crate::controller) length: Duration,
    /// How much of it was counted.
    pub(in crate::controller) counted: Duration,
    /// What ended in it.
    pub(in crate::controller) counts: Counts,
}

impl Window {
    /// How many ended each second.
    pub(in crate::controller) fn rate(&self) -> f64 {
        // Nothing is told more exactly than by the second in which it came.
        real(self.counts.total()) / self.counted.as_secs_f64().max(1.0)
    }
}

/// A count as a number to calculate with; it is not exact from 2^53 on.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "no count comes near where it matters"
)]
pub(in crate::controller) fn real(count: u64) -> f64 {
    count as f64
}

/// The slots of one window, by their number since boot.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    slot: Duration,
    slots: VecDeque<(u64, Counts)>,
}

impl Ring {
    /// That of the last minute.
    pub(super) fn minute() -> Self {
        Self::new(SLOT_SECONDS[0])
    }

    fn new(seconds: u32) -> Self {
        Self { slot: Duration::from_secs(seconds.into()), slots: VecDeque::new() }
    }

    fn number(&self, now: Time) -> u64 {
        now.0.as_secs() / self.slot.as_secs().max(1)
    }

    fn forget(&mut self, now: Time) {
        let number = self.number(now);
        while self.slots.front().is_some_and(|(first, _)| first + SLOTS <= number) {
            self.slots.pop_front();
        }
    }

    /// The slot to count in.
    pub(super) fn current(&mut self, now: Time) -> Option<&mut Counts> {
        self.forget(now);
        let number = self.number(now);
        // What comes late is counted in the newest there is.
        if self.slots.back().is_none_or(|(last, _)| *last < number) {
            if let Some((_, full)) = self.slots.back_mut() {
                full.shrink();
            }
            self.slots.push_back((number, Counts::default()));
        }
        self.slots.back_mut().map(|(_, counts)| counts)
    }

    pub(super) fn window(&self, began: Time, now: Time) -> Window {
        let number = self.number(now);
        let mut counts = Counts::default();
        for (_, slot) in self.slots.iter().filter(|(at, _)| number < at + SLOTS) {
            counts.merge(slot);
        }
        let first = number.saturating_sub(SLOTS - 1);
        let from = Time(Duration::from_secs(first.saturating_mul(self.slot.as_secs())));
        let length = self.slot * u32::try_from(SLOTS).unwrap_or(1);
        Window { length, counted: now.since(from.max(began)), counts }
    }
}

/// What ended of one kind of work.
#[derive(Clone, Debug)]
pub(in crate::controller) struct Series {
    began: Time,
    rings: [Ring; 3],
}

impl Series {
    /// Nothing yet; it counts from now on.
    pub(super) fn new(now: Time) -> Self {
        Self { began: now, rings: SLOT_SECONDS.map(Ring::new) }
    }

    /// Counts what has ended by now.
    pub(super) fn add(&mut self, ended: &Counts, now: Time) {
        for counts in self.rings.iter_mut().filter_map(|ring| ring.current(now)) {
            counts.merge(ended);
        }
    }

    /// The last minute, five minutes and hour.
    pub(in crate::controller) fn windows(&self, now: Time) -> [Window; 3] {
        self.rings.each_ref().map(|ring| ring.window(self.began, now))
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        let rings = self.rings.iter().map(|ring| {
            let slots = ring.slots.capacity() * size_of::<(u64, Counts)>();
            slots + ring.slots.iter().map(|(_, counts)| counts.bytes()).sum::<usize>()
        });
        size_of::<Self>() + rings.sum::<usize>()
    }
}

/// Upper ends of the buckets that metrics tell of, in µs.
pub(in crate::controller) const BOUNDS: [u32; 14] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000,
];

/// What ended since counting began: only ever grows.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::controller) struct Totals {
    /// When counting began.
    pub(in crate::controller) began: Time,
    /// How many took at most as long as each of [`BOUNDS`], and more than the one before.
    pub(in crate::controller) within: [u64; BOUNDS.len()],
    /// How many there were.
    pub(in crate::controller) count: u64,
    /// How long they took together, in µs.
    pub(in crate::controller) sum_micros: u64,
    /// How many failed.
    pub(in crate::controller) failed: u64,
    /// How many others were never answered in full.
    pub(in crate::controller) aborted: u64,
}

impl Totals {
    /// Nothing yet; it counts from now on.
    pub(super) fn new(now: Time) -> Self {
        Self {
            began: now,
            within: [0; BOUNDS.len()],
            count: 0,
            sum_micros: 0,
            failed: 0,
            aborted: 0,
        }
    }

    /// Counts what has ended, which took so long together.
    pub(super) fn add(&mut self, ended: &Counts, sum_micros: u64) {
        for (bucket, times) in ended.buckets() {
            let micros = micros_of_bucket(*bucket);
            // The end of a bucket is at most 1/128 beyond what was counted in it.
            let bounds = BOUNDS.iter().zip(&mut self.within);
            let found = { bounds }.find(|(bound, _)| micros - micros / 128 <= **bound);
            if let Some((_, within)) = found {
                *within = within.saturating_add((*times).into());
            }
        }
        self.count = self.count.saturating_add(ended.total());
        self.sum_micros = self.sum_micros.saturating_add(sum_micros);
        self.failed = self.failed.saturating_add(ended.failed());
        self.aborted = self.aborted.saturating_add(ended.aborted());
    }
}

/// One thing that took so long, as what is added to a series.
pub(super) fn one(took: Duration, failed: bool) -> Counts {
    let mut counts = Counts::default();
    counts.add(bucket_of(took), 1);
    counts.add_longest(micros_of(took));
    counts.add_failed(failed.into());
    counts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Time {
        Time(Duration::from_secs(seconds))
    }

    fn totals(series: &Series, now: u64) -> [u64; 3] {
        series.windows(at(now)).map(|window| window.counts.total())
    }

    #[test]
    fn windows_forget() {
        let mut series = Series::new(at(1000));
        series.add(&one(Duration::from_millis(3), true), at(1000));
        assert_eq!(totals(&series, 1000), [1, 1, 1]);
        assert_eq!(totals(&series, 1055), [1, 1, 1]);
        assert_eq!(totals(&series, 1060), [0, 1, 1]);
        assert_eq!(totals(&series, 1300), [0, 0, 1]);
        assert_eq!(totals(&series, 1000 + 3600), [0, 0, 0]);
        assert_eq!(totals(&series, 900_000), [0, 0, 0]);
        series.add(&Counts::default(), at(900_000));
        assert!(series.bytes() < 4 << 10, "{}", series.bytes());
    }

    #[test]
    fn the_rate_is_over_what_was_counted() {
        let mut series = Series::new(at(1000));
        for second in 0..10 {
            (0..20).for_each(|_| series.add(&one(Duration::ZERO, false), at(1000 + second)));
        }
        let [minute, five, hour] = series.windows(at(1010));
        assert_eq!((minute.rate(), five.rate(), hour.rate()), (20.0, 20.0, 20.0));
        assert_eq!(minute.length, Duration::from_secs(60));
        let [minute, five, _] = series.windows(at(1064));
        assert_eq!((minute.counts.total(), minute.counted.as_secs()), (100, 59));
        assert_eq!((five.counts.total(), five.counted.as_secs()), (200, 64));
        assert!(Series::new(at(5)).windows(at(5))[0].rate() <= 0.0);
    }

    #[test]
    fn totals_never_shrink_and_know_their_bounds() {
        let mut totals = Totals::new(at(1));
        for (millis, failed) in [(1, false), (10, true), (11, false), (1000, false), (60_000, true)]
        {
            let took = Duration::from_millis(millis);
            totals.add(&one(took, failed), took.as_micros().try_into().unwrap());
        }
        let found: Vec<_> = BOUNDS.iter().zip(totals.within).filter(|(_, n)| *n != 0).collect();
        assert_eq!(found, [(&1_000, 1), (&10_000, 1), (&25_000, 1), (&1_000_000, 1)]);
        assert_eq!((totals.count, totals.failed, totals.sum_micros), (5, 2, 61_022_000));
    }

    #[test]
    fn memory_is_bounded() {
        // A probe every 10 s for two hours.
        let mut probes = Series::new(at(0));
        for second in 0..720 {
            let took = Duration::from_micros(500 + second * 37 % 3000);
            probes.add(&one(took, false), at(second * 10));
        }
        assert!(probes.bytes() < 6 << 10, "{}", probes.bytes());
        // A server of which requests take 1 to 100 ms, all durations of them in every slot.
        let mut busy = Series::new(at(0));
        for second in (0..7200).step_by(5) {
            let mut counts = Counts::default();
            (bucket_of(Duration::from_millis(1))..bucket_of(Duration::from_millis(100)))
                .for_each(|bucket| counts.add(bucket, 100));
            busy.add(&counts, at(second));
        }
        assert!(busy.bytes() < 256 << 10, "{}", busy.bytes());
    }

    proptest! {
        #[test]
        fn a_window_is_what_came_in_its_slots(
            times in proptest::collection::vec((0..5000_u64, 0..3_000_000_u64), 0..100),
            later in 0..400_u64,
        ) {
            let mut times = times;
            times.sort_unstable();
            let mut series = Series::new(at(0));
            for (second, micros) in &times {
                series.add(&one(Duration::from_micros(*micros), micros % 2 == 0), at(*second));
            }
            let now = times.last().map_or(0, |(second, _)| *second) + later;
            for (window, slot) in series.windows(at(now)).iter().zip(SLOT_SECONDS) {
                let slot = u64::from(slot);
                let in_it = times.iter().filter(|(at, _)| now / slot < at / slot + SLOTS);
                let failed = in_it.clone().filter(|(_, micros)| micros % 2 == 0).count();
                prop_assert_eq!(window.counts.failed(), u64::try_from(failed).unwrap());
                prop_assert_eq!(window.counts.total(), u64::try_from(in_it.count()).unwrap());
                prop_assert!(window.counted <= window.length);
            }
        }
    }
}
