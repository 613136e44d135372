//! Queues from which nothing is taken: connections wait, and no program accepts them.
//!
//! Nobody looks while nothing waits. The first connection that comes to an empty queue is told, once;
//! a second later, and every second until the queue is empty again, it is looked at. So a busy server
//! costs a look in each second. Whether something was taken in between is told by what waits: who came
//! meanwhile is known by number, and if all are there that waited before or came, nobody was taken.
//! What went away by itself goes on waiting, as far as the system is concerned.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::fd::OwnedFd,
};

use rustix::{
    event::epoll::{self, CreateFlags, EventData, EventFlags},
    io::Errno,
    time::Timespec,
};

use super::{Share, held::Socket};
use crate::{
    keeper::{answers::Item, diag, event_loop::Keeper},
    protocol::Queue,
};

/// Time between two looks, in ns.
const LOOK: u64 = 1_000_000_000;
/// So many queues are taken note of before other events.
const AT_ONCE: usize = 64;
/// So many connections are known by number. Of a longer queue it is never told that nothing is taken.
const KNOWN: usize = 1 << 16;
/// So often what waits is listed, so that nobody comes or goes meanwhile.
const TRIES: u32 = 3;

/// What is looked at.
#[derive(Debug)]
pub(super) struct Queues {
    /// Readable once something waits in a queue that was empty.
    poll: OwnedFd,
    /// Queues in which something waited, by the inodes of their sockets.
    looks: BTreeMap<u64, Look>,
    /// What was told of queues from which nothing is taken, with the run whose own it is or 0.
    told: BTreeMap<u64, (u64, Queue)>,
}

/// A queue in which something waited.
#[derive(Debug)]
struct Look {
    /// When to look next, in ns.
    at: u64,
    seen: Seen,
}

#[derive(Debug)]
enum Seen {
    /// That something came.
    Something,
    /// How many waited.
    Count(u32),
    /// Who waited, and since when all of them or more have.
    All(Waiting, u64),
}

/// Who waits.
#[derive(Debug)]
struct Waiting {
    /// How many, those included that are not listed because they went away by a reset.
    count: u32,
    room: u32,
    listed: BTreeSet<u64>,
}

impl Waiting {
    /// Lists who waits at a socket; `None` if that cannot be had.
    fn at(socket: &Socket) -> Option<Self> {
        let mut before = diag::queue(&socket.fd).ok()?;
        let mut tries = 0;
        loop {
            let listed = diag::waiting(socket.place.address).ok()?;
            let after = diag::queue(&socket.fd).ok()?;
            tries += 1;
            if before == after || TRIES <= tries {
                let (count, room) = after;
                let listed = BTreeSet::from_iter(listed);
                return (listed.len() <= KNOWN).then_some(Self { count, room, listed });
            }
            before = after;
        }
    }

    /// Whether somebody was taken since `before`.
    fn is_shorter_than(&self, before: &Self) -> bool {
        let came = self.listed.difference(&before.listed).count();
        let came = u32::try_from(came).unwrap_or(u32::MAX);
        self.count < before.count.saturating_add(came)
    }
}

impl Queues {
    pub(super) fn new() -> io::Result<Self> {
        let poll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Self { poll, looks: BTreeMap::new(), told: BTreeMap::new() })
    }
}

impl Share {
    /// Readable once something waits in a queue that was empty.
    pub(in crate::keeper) fn waiting(&self) -> &OwnedFd {
        &self.queues.poll
    }

    /// Has it told when something waits. Once: it is a second waiter at the socket, which takes
    /// nothing from the programs, but is not to be woken for each connection.
    pub(super) fn arm(&self, inode: u64) {
        let Some(socket) = self.held.find(inode).filter(|socket| has_queue(socket)) else { return };
        let (data, flags) = (EventData::new_u64(inode), EventFlags::IN | EventFlags::ONESHOT);
        if epoll::add(&self.queues.poll, &socket.fd, data, flags) == Err(Errno::EXIST) {
            epoll::modify(&self.queues.poll, &socket.fd, data, flags).ok();
        }
    }

    /// Something waits where nothing did.
    pub(in crate::keeper) fn something_waits(&mut self, now: u64) {
        let mut events = Vec::with_capacity(AT_ONCE);
        let buffer = rustix::buffer::spare_capacity(&mut events);
        if epoll::wait(&self.queues.poll, buffer, Some(&Timespec::default())).is_err() {
            return;
        }
        for event in events {
            let inode = event.data.u64();
            if self.held.find(inode).is_some_and(has_queue) {
                let look = Look { at: now.saturating_add(LOOK), seen: Seen::Something };
                self.queues.looks.entry(inode).or_insert(look);
            }
        }
    }

    /// When a queue is to be looked at.
    pub(in crate::keeper) fn look_at(&self) -> Option<u64> {
        self.queues.looks.values().map(|look| look.at).min()
    }

    /// What is to be told of a queue, and the run whose own it is or 0.
    pub(in crate::keeper) fn queue(&self, inode: u64) -> Option<(u64, Queue)> {
        self.queues.told.get(&inode).copied()
    }

    /// A queue was told of; one that is well is told of once.
    pub(in crate::keeper) fn queue_was_told(&mut self, inode: u64) {
        self.queues.told.retain(|other, (_, queue)| *other != inode || queue.since != 0);
    }

    /// Looks at the queue of a socket; `None` if nobody has to look again.
    fn look(&self, inode: u64, before: Seen, now: u64) -> Option<Seen> {
        let socket = self.held.find(inode).filter(|socket| has_queue(socket))?;
        let (count, _) = diag::queue(&socket.fd).ok()?;
        if count == 0 {
            self.arm(inode);
            return None;
        }
        let listed = || Waiting::at(socket).map(|waiting| Seen::All(waiting, now));
        Some(match before {
            Seen::Something => Seen::Count(count),
            Seen::Count(before) | Seen::All(Waiting { count: before, .. }, _) if count < before => {
                Seen::Count(count)
            }
            Seen::Count(_) => listed().unwrap_or(Seen::Count(count)),
            Seen::All(before, since) => match Waiting::at(socket) {
                None => Seen::Count(count),
                Some(waiting) if waiting.is_shorter_than(&before) => Seen::All(waiting, now),
                Some(waiting) => Seen::All(waiting, since),
            },
        })
    }
}

impl Keeper {
    /// Looks at the queues that are due, and tells of those from which nothing is taken.
    pub(in crate::keeper) fn look_at_queues(&mut self, now: u64) {
        let looks = std::mem::take(&mut self.share.queues.looks);
        for (inode, look) in looks {
            if now < look.at {
                self.share.queues.looks.insert(inode, look);
                continue;
            }
            let seen = self.share.look(inode, look.seen, now);
            self.tell_queue(inode, seen.as_ref(), now);
            if let Some(seen) = seen {
                let look = Look { at: now.saturating_add(LOOK), seen };
                self.share.queues.looks.insert(inode, look);
            }
        }
    }

    fn tell_queue(&mut self, inode: u64, seen: Option<&Seen>, now: u64) {
        let stuck = match seen {
            Some(Seen::All(waiting, since)) if *since < now => Some((waiting, *since)),
            Some(_) | None => None,
        };
        let before = self.share.queues.told.get(&inode).copied();
        let socket = self.share.held.find(inode);
        let told = match (stuck, socket, before) {
            (Some((waiting, since)), Some(socket), _) => {
                let Waiting { count, room, .. } = *waiting;
                let (cohort, address) = (socket.owner.cohort, socket.place.address);
                let queue = Queue { cohort, address, waiting: count, room, since };
                (socket.only_of.unwrap_or(0), queue)
            }
            (_, _, Some((run, before))) => (run, Queue { waiting: 0, since: 0, ..before }),
            (_, _, None) => return,
        };
        if before == Some(told) {
            return;
        }
        self.share.queues.told.insert(inode, told);
        if self.greeted {
            self.answers.push(Item::Queue(inode));
        }
    }

    /// Queues what is known of queues from which nothing is taken.
    pub(in crate::keeper) fn list_queues(&mut self) {
        self.share.queues.told.retain(|_, (_, queue)| queue.since != 0);
        for inode in self.share.queues.told.keys().copied().collect::<Vec<_>>() {
            self.answers.push(Item::Queue(inode));
        }
    }
}

/// Whether programs take connections from a socket.
fn has_queue(socket: &Socket) -> bool {
    socket.listening && !socket.parked
}
