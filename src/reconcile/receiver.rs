//! Telling receivers of alerts: how often, when again after a failure, and what an edit of them
//! changes.

use std::{collections::BTreeMap, time::Duration};

use super::words::{command_text, path_text};
use crate::model::{Receiver, Receivers, Secret, Time};

/// One receiver is told once in this time on average,
const EVERY: Duration = Duration::from_secs(10);
/// and so often at once after it was quiet for long.
const AT_ONCE: u32 = 5;
/// How long to wait after each failed try; after the last there is none.
const RETRIES: [Duration; 4] = [
    Duration::from_secs(2),
    Duration::from_secs(20),
    Duration::from_secs(120),
    Duration::from_secs(420),
];

/// How often a receiver may be told (the generic cell rate algorithm): when all that was sent would
/// have been sent, had it been sent at the average rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace(Time);

impl Pace {
    /// How many may be sent now.
    pub fn free(self, now: Time) -> u32 {
        let left = now.after(EVERY * AT_ONCE).since(self.0.max(now));
        u32::try_from(left.as_nanos() / EVERY.as_nanos()).unwrap_or(0).min(AT_ONCE)
    }

    /// When the next may be sent.
    pub fn next(self, now: Time) -> Time {
        Time(self.0.0.saturating_sub(EVERY * (AT_ONCE - 1))).max(now)
    }

    /// One is sent.
    #[must_use]
    pub fn taken(self, now: Time) -> Self {
        Self(self.0.max(now).after(EVERY))
    }
}

/// How long to wait after so many failed tries, at least one; `None` if it is not tried again. `by`
/// spreads those that failed at the same time, by a tenth up or down.
pub fn retry_after(tries: u32, by: u64) -> Option<Duration> {
    let index = usize::try_from(tries.checked_sub(1)?).ok()?;
    let wait = *RETRIES.get(index)?;
    let spread = u32::try_from(by.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56).unwrap_or(0);
    // 0.9 to 1.1 of it.
    Some(wait * 9 / 10 + wait * spread / 255 / 5)
}

/// One leaf of `notify` that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverChange {
    /// As in `notify.ops.webhook`.
    pub field: String,
    /// As it was, and as it is to be; absent too if it is shown to nobody.
    pub values: (Option<String>, Option<String>),
    /// Whether it is shown to nobody.
    pub masked: bool,
}

#[derive(Clone, PartialEq)]
enum Leaf<'a> {
    Hidden(&'a Secret),
    Shown(String),
}

/// What an edit of `notify` changes, leaf by leaf.
pub fn receiver_changes(old: &Receivers, new: &Receivers) -> Vec<ReceiverChange> {
    let (old, new) = (leaves(old), leaves(new));
    let mut fields: Vec<&String> = old.keys().chain(new.keys()).collect();
    fields.sort();
    fields.dedup();
    let differing = fields.into_iter().filter(|field| old.get(*field) != new.get(*field));
    let change = |field: &String| {
        let pair = (old.get(field), new.get(field));
        let is_hidden = |leaf: Option<&Leaf<'_>>| {
            leaf.is_some_and(|leaf| matches!(leaf, Leaf::Hidden(Secret::Text(_))))
        };
        let masked = is_hidden(pair.0) || is_hidden(pair.1);
        let shown = |leaf: Option<&Leaf<'_>>| leaf.filter(|_| !masked).and_then(in_words);
        ReceiverChange { field: field.clone(), values: (shown(pair.0), shown(pair.1)), masked }
    };
    differing.map(change).collect()
}

fn in_words(leaf: &Leaf<'_>) -> Option<String> {
    match leaf {
        Leaf::Shown(text) => Some(text.clone()),
        Leaf::Hidden(Secret::File(path)) => Some(format!("{{file: {}}}", path_text(path))),
        Leaf::Hidden(Secret::Text(_)) => None,
    }
}

fn leaves(receivers: &Receivers) -> BTreeMap<String, Leaf<'_>> {
    let mut found = BTreeMap::new();
    for (name, receiver) in receivers {
        match receiver {
            Receiver::Webhook { url, headers } => {
                found.insert(format!("notify.{name}.webhook"), Leaf::Hidden(url));
                for (header, value) in headers {
                    let field = format!("notify.{name}.headers.{header}");
                    found.insert(field, Leaf::Hidden(value));
                }
            }
            Receiver::Command(command) => {
                let text = Leaf::Shown(command_text(command));
                found.insert(format!("notify.{name}.command"), text);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time(Duration::from_secs(seconds))
    }

    #[test]
    fn five_at_once_then_one_each_ten_seconds() {
        let mut pace = Pace::default();
        let start = at(1_000);
        for free in (1..=5).rev() {
            assert_eq!((pace.free(start), pace.next(start)), (free, start));
            pace = pace.taken(start);
        }
        assert_eq!((pace.free(start), pace.next(start)), (0, at(1_010)));
        assert_eq!((pace.free(at(1_009)), pace.free(at(1_010))), (0, 1));
        pace = pace.taken(at(1_010));
        assert_eq!(pace.next(at(1_010)), at(1_020));
        assert_eq!(pace.free(at(9_999)), 5);
    }

    #[test]
    fn it_is_tried_five_times_within_ten_minutes() {
        for by in 0..300 {
            let waits: Vec<Duration> = (1..9).map_while(|tries| retry_after(tries, by)).collect();
            assert_eq!(waits.len(), 4);
            let sum: Duration = waits.iter().sum();
            assert!((Duration::from_secs(500)..Duration::from_secs(625)).contains(&sum));
        }
        assert_eq!(retry_after(0, 1), None);
    }
}
