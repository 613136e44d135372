//! Closing connections that are never idle for long, between an answer and the next request.
//!
//! Only where an answer can be told to be whole: the segments sent so far are a multiple of those
//! that came, so that each request so far had an answer of as many parts; and its last part was seen
//! to be sent, or nothing has come or gone for a moment. An answer that is longer than all before it on its connection and that
//! pauses just after as many parts as they had is the one that is taken for whole too early.
//!
//! A client that asks again at once leaves next to no time in which to see that. Where each answer
//! so far had one part, the system is asked to hold the next one back (`TCP_CORK`) while the
//! connection is watched; so it leaves together with the connection's end, and no request can come
//! in between. What is not closed is let go within ms.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{Shutdown, shutdown, sockopt},
    thread::sched_yield,
};

use super::{is_answered, is_settled, look};
use crate::keeper::{diag::Connection, sys};

/// How long busy connections are watched in all for the end of an answer, in ns. The keeper does
/// nothing else meanwhile.
const WATCH: u64 = 4_000_000;
/// How long nothing may follow an answer that was not seen to be sent, in ns.
const PAUSE: u64 = 1_000_000;
/// How long an answer that is held is waited for when the time is over, in ns.
const GRACE: u64 = 2 * PAUSE;
/// Time between two looks where answers are held back, in ns.
const REST: i64 = 200_000;
/// So many are watched at most.
pub(super) const WATCHED: usize = 256;

/// A connection that is watched.
#[derive(Debug)]
struct Busy {
    socket: OwnedFd,
    last: Connection,
    /// When it was first seen as it is, in ns.
    since: u64,
    /// Whether something was seen to be sent after the last that came.
    answered: bool,
    /// Whether the system holds its next answer back.
    held: bool,
}

/// What a look at a busy connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Watch,
    Close,
    Leave,
}

/// Watches busy connections, all used more than once, for a moment, and closes each when a whole
/// answer was sent on it and the next request is not there yet; says how many. The moment is over
/// once `urgent` is readable.
pub(super) fn close(busy: Vec<(OwnedFd, Connection)>, urgent: BorrowedFd<'_>) -> usize {
    let begin = sys::now();
    let mut busy: Vec<Busy> =
        busy.into_iter().map(|(socket, last)| Busy::watch(socket, last, begin)).collect();
    let end = begin.saturating_add(WATCH);
    let mut closed = 0_usize;
    while !busy.is_empty() {
        let now = sys::now();
        busy.retain_mut(|one| {
            let next = one.look();
            if next == Next::Close {
                let done = shutdown(&one.socket, Shutdown::Both).is_ok();
                closed = closed.saturating_add(done.into());
            }
            // An answer that is held already is worth waiting for.
            let over = if one.has_answer() { end.saturating_add(GRACE) } else { end };
            next == Next::Watch && now < over
        });
        // It is the apps that have to get on.
        let all_held = busy.iter().all(|one| one.held);
        let rest = Timespec { tv_sec: 0, tv_nsec: if all_held { REST } else { 0 } };
        if poll(&mut [PollFd::new(&urgent, PollFlags::IN)], Some(&rest)) != Ok(0) {
            break;
        }
        if !all_held {
            sched_yield();
        }
    }
    closed
}

impl Busy {
    fn watch(socket: OwnedFd, last: Connection, since: u64) -> Self {
        // What an app holds back itself is left to it.
        let held = has_single_parts(&last)
            && sockopt::tcp_cork(&socket).is_ok_and(|its_own| !its_own)
            && sockopt::set_tcp_cork(&socket, true).is_ok();
        Self { socket, last, since, answered: false, held }
    }

    /// Whether there is an answer that is held back, and the only one.
    fn has_answer(&self) -> bool {
        let flow = &self.last.flow;
        let is_next = flow.parts_in.checked_sub(1) == Some(flow.parts_out);
        self.held && is_next && self.last.unread == 0 && flow.unsent != 0
    }

    fn look(&mut self) -> Next {
        let (at, Ok(now)) = (sys::now(), look(&self.socket)) else { return Next::Leave };
        let (before, flow) = (self.last.flow, now.flow);
        self.last = now;
        let has_come = before.received != flow.received;
        if has_come || before.sent != flow.sent || before.unsent != flow.unsent {
            self.answered = !has_come;
            self.since = at;
        }
        let has_paused = PAUSE <= at.saturating_sub(self.since);
        if self.held {
            // A client that pauses may ask just now: its next answer is the better moment.
            return if has_paused && self.has_answer() { Next::Close } else { Next::Watch };
        }
        if !is_settled(&now) || !is_whole(&now) {
            return Next::Watch;
        }
        // A busy client asks again at once: there is no time to wait for.
        if self.answered {
            return Next::Close;
        }
        if !has_paused {
            return Next::Watch;
        }
        // Telling it sends something, so it is tried once.
        if is_answered(&self.socket, &now) { Next::Close } else { Next::Leave }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if self.held {
            sockopt::set_tcp_cork(&self.socket, false).ok();
        }
    }
}

/// Whether each request so far, but the last one perhaps, had an answer of one part. Of two it
/// cannot be told: they may be one with an answer of two parts, and one that waits for its own.
fn has_single_parts(now: &Connection) -> bool {
    let (came, sent) = (now.flow.parts_in, now.flow.parts_out);
    3 <= came && (came == sent || came.checked_sub(1) == Some(sent))
}

/// Whether each request so far had an answer of as many parts.
fn is_whole(now: &Connection) -> bool {
    let (came, sent) = (now.flow.parts_in, now.flow.parts_out);
    2 <= came && 0 < sent && sent.checked_rem(came) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::diag::Flow;

    #[test]
    fn parts_tell_whether_an_answer_is_whole() {
        let whole = |parts_in, parts_out| {
            let flow = Flow { parts_in, parts_out, ..Flow::default() };
            is_whole(&Connection { inode: 0, unread: 0, flow })
        };
        assert!(whole(2, 2) && whole(2, 4) && whole(9, 27));
        // One request may be the only one; two parts of three; a request in two parts.
        assert!(!whole(1, 1) && !whole(3, 5) && !whole(4, 2) && !whole(2, 0) && !whole(0, 0));
    }

    #[test]
    fn answers_of_one_part_are_told() {
        let single = |parts_in, parts_out| {
            let flow = Flow { parts_in, parts_out, ..Flow::default() };
            has_single_parts(&Connection { inode: 0, unread: 0, flow })
        };
        assert!(single(3, 3) && single(3, 2) && single(9, 8));
        assert!(!single(2, 2) && !single(1, 1) && !single(1, 0) && !single(0, 0));
        // Two parts each; a request in two parts.
        assert!(!single(3, 4) && !single(3, 6) && !single(4, 2));
    }
}
