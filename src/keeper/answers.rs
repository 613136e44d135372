//! What waits to be sent to the controller. Bounded: a run is in it at most once, and requests are
//! read only while few answers wait.

use std::collections::VecDeque;

use super::connections::Count;
use crate::protocol::Step;

/// So many answers may wait before no further request is read.
const ENOUGH: usize = 64;

/// One thing to send, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// The agreed version.
    Hello { seq: u64 },
    /// The state of a run as it is when it is sent.
    Run(u64),
    /// All records of this request are sent.
    ListEnd { seq: u64 },
    /// A request was not done.
    Refused { seq: u64, run: u64, request: u16, step: Step, errno: i32 },
    /// There are sockets of a cohort.
    Cohort { cohort: u64, group: u64 },
    /// How many connections a run has.
    Connections { seq: u64, run: u64, count: Count },
    /// The processes of a run, as they were found for this request.
    Members { seq: u64 },
    /// Another recorder runs.
    Recorder,
    /// What an agent of a run says.
    Said,
    /// Parts of a run's log were removed; how much is said as it is when it is sent.
    Removed(u64),
    /// How it is with the queue of a socket, by its inode, as it is when it is sent.
    Queue(u64),
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Answers {
    items: VecDeque<Item>,
    /// How many of them are not the state of a run.
    answers: usize,
}

impl Answers {
    /// Adds one thing. Whether a run is in the queue already is known to the run.
    pub(super) fn push(&mut self, item: Item) {
        let is_once = matches!(item, Item::Recorder | Item::Removed(_) | Item::Queue(_));
        if is_once && self.items.contains(&item) {
            return;
        }
        self.answers = self.answers.saturating_add(usize::from(!is_run(item)));
        self.items.push_back(item);
    }

    /// What is to be sent next.
    pub(super) fn first(&self) -> Option<Item> {
        self.items.front().copied()
    }

    /// The first thing was sent.
    pub(super) fn sent(&mut self) {
        if self.items.pop_front().is_some_and(|item| !is_run(item)) {
            self.answers = self.answers.saturating_sub(1);
        }
    }

    /// Whether so much waits that no further request should be read.
    pub(super) fn are_enough(&self) -> bool {
        ENOUGH <= self.answers
    }

    /// Forgets everything: whom it was for is dead.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn is_run(item: Item) -> bool {
    match item {
        Item::Run(_) | Item::Removed(_) | Item::Queue(_) | Item::Said => true,
        Item::Hello { .. }
        | Item::ListEnd { .. }
        | Item::Refused { .. }
        | Item::Cohort { .. }
        | Item::Connections { .. }
        | Item::Members { .. }
        | Item::Recorder => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_do_not_stop_requests_but_answers_do() {
        let mut answers = Answers::default();
        (0..1000).for_each(|run| answers.push(Item::Run(run)));
        assert!(!answers.are_enough());
        (0..64).for_each(|seq| answers.push(Item::ListEnd { seq }));
        assert!(answers.are_enough());
        (0..1001).for_each(|_| answers.sent());
        assert!(!answers.are_enough());
        assert_eq!(answers.first(), Some(Item::ListEnd { seq: 1 }));
    }
}
