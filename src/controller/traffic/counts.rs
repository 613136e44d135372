//! How often which duration was seen: buckets of two significant digits, of which only those are
//! stored that hold something.
//!
//! The buckets are those of an HDR histogram of two digits, from 1 µs to 71 min: below 256 µs one for
//! each, above that 128 for each power of two, none wider than 1/128 of what is in it. A dense
//! histogram of them takes 13 KB, whatever it holds. What is seen within seconds of one program lies
//! close together, so here it is 8 bytes for each duration that differs: some bytes for probes, 2 to
//! 4 KB for a busy server, never more than twice the dense one.

use std::time::Duration;

/// So many buckets.
pub(in crate::controller) const BUCKETS: u16 = 256 + 24 * 128;

/// Shorter durations have a bucket for each microsecond.
const LINEAR: u32 = 256;
/// Buckets for each power of two from there on, as a power of two.
const PER_OCTAVE: u32 = 7;

/// Where a duration is counted; one too long for any in the last.
pub(in crate::controller) fn bucket_of(duration: Duration) -> u16 {
    let micros = micros_of(duration);
    if micros < LINEAR {
        return u16::try_from(micros).unwrap_or_default();
    }
    let octave = micros.ilog2();
    let within = (micros >> (octave - PER_OCTAVE)) - (1 << PER_OCTAVE);
    u16::try_from(LINEAR + ((octave - 8) << PER_OCTAVE) + within).unwrap_or(BUCKETS - 1)
}

/// The longest duration of a bucket, in µs.
pub(in crate::controller) fn micros_of_bucket(bucket: u16) -> u32 {
    let Some(above) = u32::from(bucket.min(BUCKETS - 1)).checked_sub(LINEAR) else {
        return bucket.into();
    };
    let (octave, within) = (8 + (above >> PER_OCTAVE), above & ((1 << PER_OCTAVE) - 1));
    let width = 1 << (octave - PER_OCTAVE);
    ((1 << PER_OCTAVE) + within) * width + (width - 1)
}

/// A duration in µs; one too long for that is the longest.
pub(super) fn micros_of(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

/// What ended within a while.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::controller) struct Counts {
    /// Buckets and how many are in each; by bucket, none empty.
    buckets: Vec<(u16, u32)>,
    /// How many of them failed.
    failed: u64,
    /// Not among them: answers whose client left before they were whole.
    aborted: u64,
    /// The longest, in µs.
    longest: u32,
}

impl Counts {
    /// Counts `times` durations of a bucket.
    pub(super) fn add(&mut self, bucket: u16, times: u32) {
        if times == 0 {
            return;
        }
        match self.buckets.binary_search_by_key(&bucket, |(known, _)| *known) {
            Ok(at) => {
                if let Some((_, count)) = self.buckets.get_mut(at) {
                    *count = count.saturating_add(times);
                }
            }
            Err(at) => self.buckets.insert(at, (bucket, times)),
        }
    }

    /// The longest of them was so long, more exactly than its bucket says.
    pub(super) fn add_longest(&mut self, micros: u32) {
        self.longest = self.longest.max(micros);
    }

    /// So many of them failed.
    pub(super) fn add_failed(&mut self, failed: u64) {
        self.failed = self.failed.saturating_add(failed);
    }

    /// So many others were never answered in full.
    pub(super) fn add_aborted(&mut self, aborted: u64) {
        self.aborted = self.aborted.saturating_add(aborted);
    }

    /// Counts what another has counted.
    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, times) in &other.buckets {
            self.add(*bucket, *times);
        }
        self.add_failed(other.failed);
        self.add_aborted(other.aborted);
        self.add_longest(other.longest);
    }

    /// Gives back what it does not need; nothing more will be counted.
    pub(super) fn shrink(&mut self) {
        self.buckets.shrink_to_fit();
    }

    /// How many there are.
    pub(super) fn total(&self) -> u64 {
        self.buckets.iter().map(|(_, times)| u64::from(*times)).sum()
    }

    pub(super) fn failed(&self) -> u64 {
        self.failed
    }

    pub(super) fn aborted(&self) -> u64 {
        self.aborted
    }

    /// Each bucket that holds something, and how many are in it.
    pub(super) fn buckets(&self) -> &[(u16, u32)] {
        &self.buckets
    }

    /// The longest; `None` if there is none.
    pub(super) fn longest(&self) -> Option<Duration> {
        (!self.buckets.is_empty()).then(|| Duration::from_micros(self.longest.into()))
    }

    /// What so many of a hundred took at most, by nearest rank; `None` if there is none.
    pub(super) fn percentile(&self, percent: u32) -> Option<Duration> {
        let rank = (self.total() * u64::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        let (bucket, _) = self.buckets.iter().find(|(_, times)| {
            seen += u64::from(*times);
            rank <= seen
        })?;
        Some(Duration::from_micros(micros_of_bucket(*bucket).min(self.longest).into()))
    }

    /// How much memory its buckets take, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.buckets.capacity() * size_of::<(u16, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;
    use proptest::prelude::*;

    use super::*;

    fn counted(micros: &[u32]) -> Counts {
        let mut counts = Counts::default();
        for micros in micros {
            counts.add(bucket_of(Duration::from_micros((*micros).into())), 1);
            counts.add_longest(*micros);
        }
        counts
    }

    #[test]
    fn the_ends_of_the_range_are_counted_too() {
        let bucket = |micros| bucket_of(Duration::from_micros(micros));
        assert_eq!((bucket(0), bucket(255), bucket(256), bucket(258)), (0, 255, 256, 257));
        assert_eq!(bucket(u32::MAX.into()), BUCKETS - 1);
        assert_eq!(bucket_of(Duration::MAX), BUCKETS - 1);
        assert_eq!(micros_of_bucket(BUCKETS - 1), u32::MAX);
        assert_eq!(micros_of_bucket(u16::MAX), u32::MAX);
        let counts = Counts::default();
        assert_eq!((counts.percentile(99), counts.longest(), counts.total()), (None, None, 0));
        let mut counts = Counts::default();
        counts.add(7, u32::MAX);
        counts.add(7, 9);
        assert_eq!(counts.total(), u64::from(u32::MAX));
    }

    #[test]
    fn every_bucket_is_where_its_durations_are_counted() {
        for bucket in 0..BUCKETS {
            let highest = micros_of_bucket(bucket);
            assert_eq!(bucket_of(Duration::from_micros(highest.into())), bucket);
            if let Some(next) = highest.checked_add(1) {
                assert_eq!(bucket_of(Duration::from_micros(next.into())), bucket + 1);
            }
        }
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_sorted_durations(
            micros in proptest::collection::vec(prop_oneof![0..2000_u32, any::<u32>()], 1..300),
            percent in 1..=100_u32,
            split in 0..300_usize,
        ) {
            let (one, other) = micros.split_at(split.min(micros.len()));
            let mut counts = counted(one);
            counts.merge(&counted(other));
            prop_assert_eq!(&counts, &counted(&micros));
            let mut sorted = micros.clone();
            sorted.sort_unstable();
            let rank = (sorted.len() * usize::try_from(percent).unwrap()).div_ceil(100);
            let exact = u64::from(sorted[rank - 1]);
            let found = u64::try_from(counts.percentile(percent).unwrap().as_micros()).unwrap();
            prop_assert!(exact <= found && found <= exact + exact / 128, "{exact} {found}");
            let longest = Duration::from_micros((*sorted.last().unwrap()).into());
            prop_assert_eq!(counts.longest(), Some(longest));
            prop_assert!(counts.bytes() <= 2 * 8 * micros.len().max(2));

            // The buckets are its too. Its rank is rounded otherwise where it is whole.
            let known = Histogram::<u32>::new_with_bounds(1, u32::MAX.into(), 2).unwrap();
            let most = u64::from(*sorted.last().unwrap());
            let theirs = known.highest_equivalent(exact).min(most);
            prop_assert_eq!(found, theirs);
        }
    }
}
