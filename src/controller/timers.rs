//! Deadlines by key: the earliest is found without looking at the others.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Time;

/// At most one deadline for each key.
#[derive(Clone, Debug)]
pub(super) struct Timers<K> {
    by_key: BTreeMap<K, Time>,
    by_time: BTreeSet<(Time, K)>,
}

impl<K: Ord + Clone> Timers<K> {
    /// No deadlines.
    pub(super) fn new() -> Self {
        Self { by_key: BTreeMap::new(), by_time: BTreeSet::new() }
    }

    /// Sets, moves or takes away the deadline of a key.
    pub(super) fn set(&mut self, key: &K, at: Option<Time>) {
        if let Some(before) = self.by_key.remove(key) {
            self.by_time.remove(&(before, key.clone()));
        }
        if let Some(at) = at {
            self.by_key.insert(key.clone(), at);
            self.by_time.insert((at, key.clone()));
        }
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Time> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes one key whose deadline has come.
    pub(super) fn pop_due(&mut self, now: Time) -> Option<K> {
        let (at, _) = self.by_time.first()?;
        if now < *at {
            return None;
        }
        let (_, key) = self.by_time.pop_first()?;
        self.by_key.remove(&key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Time {
        Time(Duration::from_secs(seconds))
    }

    #[test]
    fn the_earliest_comes_first_and_a_key_has_one_deadline() {
        let mut timers = Timers::new();
        timers.set(&"a", Some(at(3)));
        timers.set(&"b", Some(at(2)));
        timers.set(&"a", Some(at(1)));
        assert_eq!(timers.next(), Some(at(1)));
        assert_eq!(timers.pop_due(at(0)), None);
        assert_eq!(timers.pop_due(at(5)), Some("a"));
        timers.set(&"b", None);
        assert_eq!(timers.pop_due(at(5)), None);
        assert_eq!(timers.next(), None);
    }
}
