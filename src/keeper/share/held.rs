//! The sockets the keeper holds, and the groups they stand in.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use rustix::process::Pid;

use super::{
    group::Line,
    inspect,
    socket::{self, Company, Place},
};

/// The shortest queue of connections that wait to be accepted. Some programs ask for five.
pub(super) const SHORTEST_QUEUE: i32 = 1024;

/// Whose socket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) cohort: u64,
    pub(super) group: u64,
}

/// A socket the keeper holds, or what is noted of it without its descriptor.
#[derive(Debug)]
pub(super) struct Socket<F = OwnedFd> {
    pub(super) fd: F,
    pub(super) inode: u64,
    pub(super) owner: Owner,
    pub(super) place: Place,
    pub(super) listening: bool,
    /// How many connections may wait in it.
    pub(super) backlog: i32,
    /// Its cohort is over, but not its runs: it gets no more connections.
    pub(super) parked: bool,
    /// It was opened before any program asked for it, and none has yet.
    pub(super) ahead: bool,
    /// The run whose own socket it is; `None` if all of the cohort have it.
    pub(super) only_of: Option<u64>,
    /// The runs and processes that have bound it.
    pub(super) holders: Vec<(u64, Pid)>,
}

impl Socket<()> {
    /// The same with its descriptor.
    pub(super) fn with(self, fd: OwnedFd) -> Socket {
        let Self { fd: (), inode, owner, place, listening, backlog, parked, ahead, .. } = self;
        let Self { only_of, holders, .. } = self;
        Socket { fd, inode, owner, place, listening, backlog, parked, ahead, only_of, holders }
    }
}

impl Socket {
    /// Whether it listens for all of its cohort.
    pub(super) fn is_everybodys(&self) -> bool {
        self.listening && !self.parked && self.only_of.is_none()
    }
}

/// The cohorts of one app.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) weights: Vec<(u64, u32)>,
    pub(super) lines: BTreeMap<Place, Line>,
}

/// All sockets.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) groups: BTreeMap<u64, Group>,
    pub(super) sockets: Vec<Socket>,
}

impl Held {
    /// The groups and the sockets.
    pub(super) fn parts(&self) -> (&BTreeMap<u64, Group>, &[Socket]) {
        (&self.groups, &self.sockets)
    }

    /// Takes up groups and sockets as they were, and attaches the steering programs again.
    pub(super) fn restore(groups: BTreeMap<u64, Group>, sockets: Vec<Socket>) -> Self {
        let mut held = Self { groups, sockets };
        held.settle_all();
        held
    }

    /// Decides anew who gets connections, everywhere.
    fn settle_all(&mut self) {
        let groups = self.groups.iter();
        let places = groups.flat_map(|(id, group)| group.lines.keys().map(|place| (*id, *place)));
        for (group, place) in places.collect::<Vec<_>>() {
            self.settle(group, place);
        }
    }

    /// Sockets of runs that were taken over without them are closed: they are in no line any more.
    pub(super) fn strangers_left(&mut self, lives: impl Fn(u64) -> bool) {
        let known: BTreeSet<u64> = self.sockets.iter().map(|socket| socket.inode).collect();
        for line in self.groups.values_mut().flat_map(|group| group.lines.values_mut()) {
            let inodes: Vec<u64> = line.inodes().collect();
            let gone = inodes.into_iter().filter(|inode| !known.contains(inode) && !lives(*inode));
            gone.for_each(|inode| line.left(inode));
        }
        self.settle_all();
    }

    /// Whether a socket stands at a place that this keeper could not get hold of.
    fn has_stranger(&self, group: u64, place: &Place) -> bool {
        let lines = self.groups.get(&group).into_iter().flat_map(|group| &group.lines);
        let mut near = lines.filter(|(other, _)| other.overlaps(place));
        near.any(|(_, line)| line.inodes().any(|inode| self.find(inode).is_none()))
    }

    /// The socket of this inode.
    pub(super) fn find(&self, inode: u64) -> Option<&Socket> {
        self.sockets.iter().find(|socket| socket.inode == inode)
    }

    /// The cohorts that have sockets; those that are over do not count.
    pub(super) fn owners(&self) -> Vec<Owner> {
        let open = self.sockets.iter().filter(|socket| !socket.parked);
        let mut owners: Vec<_> = open.map(|socket| socket.owner).collect();
        owners.sort_unstable_by_key(|owner| owner.cohort);
        owners.dedup();
        owners
    }

    /// The sockets of a cohort that listen and get connections.
    pub(super) fn listening(&self, cohort: u64) -> impl Iterator<Item = &Socket> {
        self.sockets.iter().filter(move |socket| {
            socket.owner.cohort == cohort && socket.listening && !socket.parked
        })
    }

    /// Whether a cohort has sockets that are not parked.
    pub(super) fn has(&self, cohort: u64) -> bool {
        self.sockets.iter().any(|socket| socket.owner.cohort == cohort && !socket.parked)
    }

    /// Whether a cohort has a socket that would take connections of a place.
    pub(super) fn has_at(&self, owner: Owner, place: &Place) -> bool {
        self.sockets
            .iter()
            .any(|socket| socket.owner == owner && socket.place.overlaps(place) && !socket.parked)
    }

    /// The cohorts with parked sockets.
    pub(super) fn parked(&self) -> BTreeSet<u64> {
        let parked = self.sockets.iter().filter(|socket| socket.parked);
        parked.map(|socket| socket.owner.cohort).collect()
    }

    /// Whether sockets of a group listen at the place of this one.
    pub(super) fn is_taken(&self, group: u64, place: &Place) -> bool {
        let line = self.groups.get(&group).and_then(|group| group.lines.get(place));
        line.is_some_and(Line::is_open)
    }

    /// Whether a process of the run has bound a socket there and still has it.
    pub(super) fn is_bound_by(&mut self, run: u64, owner: Owner, place: &Place) -> bool {
        let there = |socket: &&mut Socket| {
            socket.owner == owner && socket.place == *place && !socket.parked
        };
        self.sockets.iter_mut().filter(there).any(|socket| {
            let inode = socket.inode;
            socket.holders.retain(|(by, process)| *by != run || inspect::holds(*process, inode));
            socket.holders.iter().any(|(by, _)| *by == run)
        })
    }

    /// Who is at a place of a group already. A cohort may bind a place that overlaps another
    /// cohort's, since that one is on its way out, but not its own. Parked ones are in nobody's way,
    /// whose ever they are; the system wants it said.
    fn company(&self, owner: Owner, place: &Place) -> Company {
        let near = self.sockets.iter().filter(|socket| socket.place.overlaps(place));
        let (mut same, mut own, mut others) = (false, false, false);
        for socket in near {
            if socket.parked {
                others = true;
                continue;
            }
            if socket.owner.group != owner.group {
                return Company::Alone;
            }
            same |= socket.place == *place;
            own |= socket.owner.cohort == owner.cohort;
            others |= socket.owner.cohort != owner.cohort;
        }
        let strange = self.has_stranger(owner.group, place);
        if same || strange || (others && !own) { Company::Joins } else { Company::Alone }
    }

    /// Whether a cohort has a socket at exactly this place for all of its runs.
    pub(super) fn has_shared(&self, owner: Owner, place: &Place) -> bool {
        self.shared_at(owner, place).is_some()
    }

    fn shared_at(&self, owner: Owner, place: &Place) -> Option<&Socket> {
        self.sockets.iter().find(|socket| {
            socket.owner == owner
                && socket.place == *place
                && !socket.parked
                && socket.only_of.is_none()
        })
    }

    /// The cohort's socket at a place, made like `original` if there is none: its inode.
    pub(super) fn shared(
        &mut self,
        owner: Owner,
        place: Place,
        original: &OwnedFd,
    ) -> io::Result<u64> {
        if let Some(socket) = self.shared_at(owner, &place) {
            if socket.ahead {
                socket::take_options(&socket.fd, original);
            }
            return Ok(socket.inode);
        }
        let made = socket::like(original, &place)?;
        self.bind(made, owner, place, None)
    }

    /// Binds a socket and keeps it: its inode.
    pub(super) fn bind(
        &mut self,
        fd: OwnedFd,
        owner: Owner,
        place: Place,
        only_of: Option<u64>,
    ) -> io::Result<u64> {
        let inode = socket::inode(&fd)?;
        socket::bind(&fd, &place, self.company(owner, &place))?;
        self.take((fd, inode), owner, place, only_of);
        Ok(inode)
    }

    /// Keeps a socket that is bound.
    pub(super) fn take(
        &mut self,
        (fd, inode): (OwnedFd, u64),
        owner: Owner,
        place: Place,
        only_of: Option<u64>,
    ) {
        self.sockets.push(Socket {
            fd,
            inode,
            owner,
            place,
            listening: false,
            backlog: 0,
            parked: false,
            ahead: false,
            only_of,
            holders: Vec::new(),
        });
    }

    /// Opens a socket before a program asks for it: connections wait in it meanwhile.
    pub(super) fn open_ahead(&mut self, fd: OwnedFd, owner: Owner, place: Place) -> io::Result<()> {
        let inode = self.bind(fd, owner, place, None)?;
        self.listen(inode, 0)?;
        for socket in self.sockets.iter_mut().filter(|socket| socket.inode == inode) {
            socket.ahead = true;
        }
        Ok(())
    }

    /// A process of a run has bound the socket.
    pub(super) fn is_held(&mut self, inode: u64, run: u64, process: Pid) {
        for socket in self.sockets.iter_mut().filter(|socket| socket.inode == inode) {
            socket.holders.push((run, process));
            socket.ahead = false;
        }
    }

    /// Lets a socket listen. It gets connections as its group is steered.
    pub(super) fn listen(&mut self, inode: u64, backlog: i32) -> io::Result<()> {
        let found = self.sockets.iter_mut().find(|socket| socket.inode == inode);
        let Some(socket) = found else { return Ok(()) };
        let backlog = if backlog < 0 { i32::MAX } else { backlog.max(SHORTEST_QUEUE) };
        rustix::net::listen(&socket.fd, backlog)?;
        socket.backlog = backlog;
        if !socket.listening {
            socket.listening = true;
            let (owner, place) = (socket.owner, socket.place);
            let group = self.groups.entry(owner.group).or_default();
            group.lines.entry(place).or_default().join(owner.cohort, inode);
            self.settle(owner.group, place);
        }
        Ok(())
    }

    /// Lets sockets listen again that programs have shut down, which ends them for all who share
    /// them. What waited in them is lost, and so are their places: they are the last of their lines
    /// now. Where a stranger was quicker one is given up, and the next to bind is told so.
    pub(super) fn revive(&mut self, inodes: &[u64]) {
        let ended = self.sockets.iter().filter(|socket| {
            let is_told = inodes.contains(&socket.inode) && socket.is_everybodys();
            is_told && !socket::listens(&socket.fd)
        });
        let ended: Vec<_> =
            ended.map(|socket| (socket.inode, socket.owner, socket.place)).collect();
        // First all others get their right places: one that comes back must not be taken for one
        // of them, for there may be nobody left who accepts from it.
        for (inode, owner, place) in &ended {
            let group = self.groups.entry(owner.group).or_default();
            group.lines.entry(*place).or_default().left(*inode);
            self.settle(owner.group, *place);
        }
        for (inode, owner, place) in ended {
            let Some(socket) = self.find(inode) else { continue };
            if socket::listen_again(&socket.fd, socket.backlog).is_err() {
                self.remove(|socket| socket.inode == inode);
                continue;
            }
            let group = self.groups.entry(owner.group).or_default();
            group.lines.entry(place).or_default().join(owner.cohort, inode);
            self.settle(owner.group, place);
        }
    }

    /// Divides new connections of a group by other weights; without any nothing changes.
    pub(super) fn steer(&mut self, group: u64, weights: Vec<(u64, u32)>) {
        let Some(known) = self.groups.get_mut(&group) else { return };
        if weights.iter().all(|(_, weight)| *weight == 0) {
            return;
        }
        known.weights = weights;
        let places: Vec<Place> = known.lines.keys().copied().collect();
        for place in places {
            self.settle(group, place);
        }
    }

    /// Decides who gets the connections of a place, and tells the kernel.
    pub(super) fn settle(&mut self, group: u64, place: Place) {
        let Some(known) = self.groups.get_mut(&group) else { return };
        if let Some(line) = known.lines.get_mut(&place) {
            line.settle(&known.weights);
        }
        self.attach(group, place);
    }

    pub(super) fn attach(&self, group: u64, place: Place) {
        let line = self.groups.get(&group).and_then(|group| group.lines.get(&place));
        let Some(line) = line else { return };
        let mut program = line.program();
        let socket = line.inodes().find_map(|inode| self.find(inode));
        if let Some(socket) = socket.filter(|_| !program.is_empty()) {
            // It fails only without memory; the former program goes on then.
            drop(socket::attach(&socket.fd, &mut program));
        }
    }

    /// The listening sockets of a cohort, as descriptors; parked ones too.
    pub(super) fn descriptors(&self, cohort: u64) -> impl Iterator<Item = BorrowedFd<'_>> {
        let ours = move |socket: &&Socket| socket.owner.cohort == cohort && socket.listening;
        self.sockets.iter().filter(ours).map(|socket| socket.fd.as_fd())
    }
}
