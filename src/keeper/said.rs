//! What agents inside processes of runs say: passed on to the controller, not read and not kept.
//!
//! They say what happened since they said something last, so each message counts once. So many wait for
//! a controller that is busy; of more, and while there is none, nothing is kept: it is about numbers.

use std::collections::VecDeque;

use super::{answers::Item, event_loop::Keeper};
use crate::protocol::{Event, MAX_SAID, Said};

/// What a message of an agent begins with.
const AGENT: &[u8] = b"X_ECO_AGENT=";
/// So many wait.
const WAITING: usize = 256;

/// Messages that wait for the controller, and of which runs they are.
pub(super) type AllSaid = VecDeque<(u64, Said)>;

/// What an agent says in a datagram, if it is one's.
pub(super) fn of_agent(datagram: &[u8]) -> Option<&[u8]> {
    datagram.strip_prefix(AGENT)
}

impl Keeper {
    /// An agent of a run has said something.
    pub(super) fn pass_on(&mut self, run: u64, pid: u32, said: &[u8]) {
        if self.greeted && self.said.len() < WAITING && said.len() <= MAX_SAID {
            self.said.push_back((run, Said { pid, bytes: said.to_vec() }));
            self.answers.push(Item::Said);
        }
    }

    /// The message that is to be sent next.
    pub(super) fn next_said(&self) -> Option<(u64, Event)> {
        let (run, said) = self.said.front()?;
        Some((*run, Event::Said(said.clone())))
    }
}
