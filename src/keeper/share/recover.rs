//! Taking up what an earlier keeper shared: sockets it gave to the recorder, the order in which the
//! kernel has them, the steering, and the calls that wait for answers.
//!
//! The note tells how things stood before what the dead keeper was just doing. It does one thing
//! between two notes, and what became of that is seen on the sockets themselves. Sockets that nobody
//! holds for us are taken from the processes that have them, if the system allows it. If it does not,
//! they keep their places in the line, so that connections can still be steered to others.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::SocketAddr,
    os::fd::OwnedFd,
};

use rustix::process::Pid;

use super::{
    LISTENS_AFTER, Share, Soon,
    group::Line,
    held::{Group, Held, Owner, SHORTEST_QUEUE, Socket},
    inspect::{Process, Seen},
    listeners::listeners,
    marked::Marked,
    saved::{Saved, SavedSocket},
    socket::{self, Place},
};
use crate::{
    keeper::{
        event_loop::Keeper,
        members::{self, Held as Holding},
        sys,
    },
    protocol::Sharing,
};

/// A socket of a run that nobody holds for us.
#[derive(Debug)]
struct Found {
    run: u64,
    process: Pid,
    /// `None` if the system does not let us have it.
    socket: Option<OwnedFd>,
}

impl Keeper {
    /// Takes up what was shared: as the note says, with the sockets and filters that were held.
    pub(in crate::keeper) fn recover_sharing(
        &mut self,
        mut sockets: BTreeMap<u64, OwnedFd>,
        filters: BTreeMap<u64, OwnedFd>,
    ) {
        let saved = Saved::read(self.slate.content());
        let noted = saved.is_ok();
        let mut saved = saved.unwrap_or_default();
        if !noted {
            self.declare_as_runs_say(&mut saved);
        }
        *self.share.cohorts =
            saved.cohorts.into_iter().map(|ports| (ports.cohort, ports)).collect();
        let mut groups: BTreeMap<u64, Group> = saved.groups.into_iter().collect();
        let listening = listeners();
        let mut missing: BTreeSet<u64> = saved.sockets.iter().map(|it| it.inode).collect();
        missing.retain(|inode| !sockets.contains_key(inode));
        missing.extend(self.unknown_listeners(&listening, &sockets));
        let mut found = self.find_in_runs(&missing, &saved.owners);
        let mut held = Vec::new();
        for about in saved.sockets {
            let fd =
                sockets.remove(&about.inode).or_else(|| found.get_mut(&about.inode)?.socket.take());
            held.extend(take_up(about, fd, &mut groups, &listening));
        }
        self.take_strangers(found, &mut groups, &mut held, &listening);
        self.share.held = Marked::new(Held::restore(groups, held));
        for cohort in self.share.cohorts.keys() {
            self.share.watch_all(*cohort);
        }
        self.recover_filters(filters, &saved.owners);
        self.await_silent_listeners();
        self.note_sharing();
        self.keep_sockets();
    }

    /// Without a note: what each run's file says about its cohort.
    fn declare_as_runs_say(&self, saved: &mut Saved) {
        for (id, run) in &self.runs {
            let Some(ports) = run.ports.as_ref().filter(|_| !run.is_over()) else { continue };
            if saved.cohorts.iter().all(|known| known.cohort != ports.cohort) {
                saved.cohorts.push(ports.clone());
            }
            saved.owners.push((*id, Owner { cohort: ports.cohort, group: ports.group }));
        }
    }

    /// Sockets that listen where a cohort wants to share, and are not held for us.
    fn unknown_listeners(
        &self,
        listening: &BTreeMap<u64, SocketAddr>,
        held: &BTreeMap<u64, OwnedFd>,
    ) -> Vec<u64> {
        let cohorts: Vec<u64> = self.share.cohorts.keys().copied().collect();
        let wanted =
            |address: SocketAddr| cohorts.iter().any(|cohort| self.share.wants(*cohort, address));
        let unknown =
            listening.iter().filter(|(inode, at)| !held.contains_key(inode) && wanted(**at));
        unknown.map(|(inode, _)| *inode).collect()
    }

    /// Looks for sockets in the processes of runs that share.
    fn find_in_runs(
        &self,
        missing: &BTreeSet<u64>,
        owners: &[(u64, Owner)],
    ) -> HashMap<u64, Found> {
        let mut found = HashMap::new();
        if missing.is_empty() {
            return found;
        }
        let runs = owners.iter().filter_map(|(id, _)| Some((*id, self.runs.get(id)?)));
        for (id, run) in runs {
            let members = self.members(run).into_iter();
            for (pid, number, inode) in members.flat_map(sockets_of) {
                if missing.contains(&inode) {
                    let found = found.entry(inode);
                    found.or_insert_with(|| Found {
                        run: id,
                        process: pid,
                        socket: get(pid, number),
                    });
                }
            }
        }
        found
    }

    /// Takes up sockets of runs that the note does not know: made just before it would have been
    /// written, or there was none.
    fn take_strangers(
        &mut self,
        found: HashMap<u64, Found>,
        groups: &mut BTreeMap<u64, Group>,
        held: &mut Vec<Socket>,
        listening: &BTreeMap<u64, SocketAddr>,
    ) {
        // The kernel has them in the order in which they began to listen, as far as none was
        // removed; cohorts and inodes grow in that order too.
        let mut found: Vec<(u64, Found)> = found.into_iter().collect();
        found.sort_unstable_by_key(|(inode, found)| {
            (self.runs.get(&found.run).map(|run| run.record.cohort), *inode)
        });
        for (inode, Found { run: id, process, socket }) in found {
            let (Some(address), Some(run)) = (listening.get(&inode), self.runs.get_mut(&id)) else {
                continue;
            };
            if held.iter().any(|socket| socket.inode == inode) {
                continue;
            }
            let cohort = run.record.cohort;
            let Some(ports) = self.share.cohorts.get(&cohort) else { continue };
            let owner = Owner { cohort, group: ports.group };
            let place = match &socket {
                Some(socket) if !socket::is_tcp(socket) => continue,
                Some(socket) => Place::new(*address, socket),
                None => Place::at(*address),
            };
            let lines = groups.values().flat_map(|group| group.lines.values());
            if !lines.flat_map(Line::inodes).any(|known| known == inode) {
                let group = groups.entry(owner.group).or_default();
                group.lines.entry(place).or_default().join(cohort, inode);
            }
            let Some(fd) = socket else {
                run.record.lost.sockets = true;
                continue;
            };
            held.push(Socket {
                inode,
                owner,
                place,
                listening: true,
                backlog: SHORTEST_QUEUE,
                parked: socket::is_parked(&fd),
                ahead: false,
                only_of: None,
                holders: vec![(id, process)],
                fd,
            });
        }
    }

    /// Answers calls again where the filter was held; says where it was not.
    fn recover_filters(&mut self, mut filters: BTreeMap<u64, OwnedFd>, owners: &[(u64, Owner)]) {
        for (id, owner) in owners {
            if let Some(filter) = filters.remove(id) {
                self.answer_for(*id, *owner, filter);
            }
        }
        // One that had come just before it would have been noted.
        for (id, filter) in filters {
            let cohort = self.runs.get(&id).map(|run| run.record.cohort);
            let Some(ports) = cohort.and_then(|cohort| self.share.cohorts.get(&cohort)) else {
                continue;
            };
            let owner = Owner { cohort: ports.cohort, group: ports.group };
            self.answer_for(id, owner, filter);
        }
    }

    /// Finds out whose calls nobody can answer any more.
    pub(in crate::keeper) fn find_unanswered(&mut self) {
        let answered: BTreeSet<u64> = self.share.notifiers.values().map(|it| it.run).collect();
        for (id, run) in &mut self.runs {
            let asks = match run.record.sharing {
                Sharing::Injected | Sharing::InjectedBlind => true,
                // Its filter is still to come, or has come to nobody.
                Sharing::None => run.ports.as_ref().is_some_and(|ports| !ports.fds),
                Sharing::Fds | Sharing::Unavailable => false,
            };
            // Where only ancestors may look into a process, its calls come, but cannot be read.
            let readable = !run.record.adopted || may_read(run.record.pid);
            if asks && run.has_leader() && run.status.is_none() {
                run.record.lost.seccomp = !answered.contains(id) || !readable;
            }
        }
    }

    /// Runs that have bound a socket that listens, and have not been counted as listening yet.
    fn await_silent_listeners(&mut self) {
        let at = sys::now().saturating_add(LISTENS_AFTER);
        let (_, sockets) = self.share.held.parts();
        let bound = sockets.iter().filter(|socket| socket.listening).flat_map(|socket| {
            socket.holders.iter().map(|(run, _)| Soon { at, run: *run, place: socket.place })
        });
        let soon: Vec<Soon> = bound.filter(|soon| !self.counts(soon)).collect();
        self.share.soon = soon;
    }

    /// A run without which nobody has some sockets is over.
    pub(in crate::keeper) fn strangers_may_have_left(&mut self) {
        let listening = listeners();
        self.share.held.strangers_left(|inode| listening.contains_key(&inode));
        self.note_sharing();
    }
}

/// The sockets of a process: whose they are, their numbers there, their inodes.
fn sockets_of(pid: Pid) -> impl Iterator<Item = (Pid, i32, u64)> {
    members::held(pid).into_iter().filter_map(move |(number, holding)| match holding {
        Holding::Socket(inode) => Some((pid, number, inode)),
        Holding::Epoll => None,
    })
}

/// Whether the memory of a process may be read, and with it what its calls are about.
fn may_read(pid: u32) -> bool {
    std::fs::File::open(format!("/proc/{pid}/mem")).is_ok()
}

/// A socket of a process, if the system lets us have it.
fn get(pid: Pid, number: i32) -> Option<OwnedFd> {
    match Process::of(pid)?.socket(number) {
        Seen::Socket(socket) => Some(socket),
        Seen::Blind | Seen::Nothing => None,
    }
}

/// Takes up one socket as it is now: it may have begun to listen, been parked or been shut down
/// after the note was written.
fn take_up(
    about: SavedSocket,
    fd: Option<OwnedFd>,
    groups: &mut BTreeMap<u64, Group>,
    listeners: &BTreeMap<u64, SocketAddr>,
) -> Option<Socket> {
    let (owner, place, inode) = (about.owner, about.place, about.inode);
    let line = |groups: &mut BTreeMap<u64, Group>, then: &dyn Fn(&mut Line)| {
        let group = groups.entry(owner.group).or_default();
        then(group.lines.entry(place).or_default());
    };
    let Some(fd) = fd else {
        // Somebody else has it: it keeps its place.
        if !listeners.contains_key(&inode) {
            line(groups, &|line| line.left(inode));
        }
        return None;
    };
    let listening = socket::listens(&fd);
    if about.listening && !listening {
        line(groups, &|line| line.left(inode));
        return None;
    }
    let parked = about.parked || socket::is_parked(&fd);
    if listening {
        line(groups, &|line| line.join(owner.cohort, inode));
    }
    if parked {
        line(groups, &|line| line.leaves(inode));
    }
    Some(Socket { listening, parked, ..about.with(fd) })
}

impl Share {
    /// Whether sockets of a run are held by nobody else.
    pub(in crate::keeper) fn has_strangers(&self) -> bool {
        let (groups, sockets) = self.held.parts();
        let lines = groups.values().flat_map(|group| group.lines.values());
        let mut inodes = lines.flat_map(Line::inodes);
        inodes.any(|inode| sockets.iter().all(|socket| socket.inode != inode))
    }
}
