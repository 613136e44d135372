//! Closing connections that are never idle for long, between an answer and the next request.
//!
//! Only where an answer can be told to be whole: the segments sent so far are a multiple of those
//! that came, so that each request so far had an answer of as many parts; and its last part was seen
//! to be sent, or nothing has come or gone for a moment. An answer that is longer than all before it on its connection and that
//! pauses just after as many parts as they had is the one that is taken for whole too early.

use std::os::fd::OwnedFd;

use rustix::net::{Shutdown, shutdown};

use super::{is_answered, is_settled, look};
use crate::keeper::{diag::Connection, sys};

/// How long busy connections are watched in all for the end of an answer, in ns. The keeper does
/// nothing else meanwhile.
const WATCH: u64 = 4_000_000;
/// How long nothing may follow an answer that was not seen to be sent, in ns.
const PAUSE: u64 = 1_000_000;
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
}

/// What a look at a busy connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Watch,
    Close,
    Leave,
}

/// Watches busy connections, all used more than once, for a moment, and closes each when a whole
/// answer was sent on it and the next request is not there yet; says how many.
pub(super) fn close(busy: Vec<(OwnedFd, Connection)>) -> usize {
    let begin = sys::now();
    let mut busy: Vec<Busy> = busy
        .into_iter()
        .map(|(socket, last)| Busy { socket, last, since: begin, answered: false })
        .collect();
    let mut closed = 0_usize;
    while !busy.is_empty() && sys::now() < begin.saturating_add(WATCH) {
        busy.retain_mut(|one| {
            let next = one.look();
            if next == Next::Close {
                let done = shutdown(&one.socket, Shutdown::Both).is_ok();
                closed = closed.saturating_add(done.into());
            }
            next == Next::Watch
        });
        // It is the apps that have to get on.
        rustix::thread::sched_yield();
    }
    closed
}

impl Busy {
    fn look(&mut self) -> Next {
        let (at, Ok(now)) = (sys::now(), look(&self.socket)) else { return Next::Leave };
        let (before, flow) = (self.last.flow, now.flow);
        self.last = now;
        let has_come = before.received != flow.received;
        if has_come || before.sent != flow.sent {
            self.answered = !has_come;
            self.since = at;
        }
        if !is_settled(&now) || !is_whole(&now) {
            return Next::Watch;
        }
        // A busy client asks again at once: there is no time to wait for.
        if self.answered {
            return Next::Close;
        }
        if at.saturating_sub(self.since) < PAUSE {
            return Next::Watch;
        }
        // Telling it sends something, so it is tried once.
        if is_answered(&self.socket, &now) { Next::Close } else { Next::Leave }
    }
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
}
