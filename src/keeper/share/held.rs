//! The sockets the keeper holds, and the groups they stand in.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use rustix::{
    net::{Shutdown, shutdown},
    process::Pid,
};

use super::{
    group::Line,
    inspect,
    socket::{self, Company, Place},
};

/// The shortest queue of connections that wait to be accepted. Some programs ask for five.
const SHORTEST_QUEUE: i32 = 1024;

/// Whose socket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) cohort: u64,
    pub(super) group: u64,
}

/// A socket the keeper holds.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) fd: OwnedFd,
    pub(super) inode: u64,
    pub(super) owner: Owner,
    pub(super) place: Place,
    pub(super) listening: bool,
    /// How many connections may wait in it.
    backlog: i32,
    /// Its cohort is over, but not its runs: it gets no more connections.
    parked: bool,
    /// It was opened before any program asked for it, and none has yet.
    ahead: bool,
    /// The run whose own socket it is; `None` if all of the cohort have it.
    only_of: Option<u64>,
    /// The runs and processes that have bound it.
    holders: Vec<(u64, Pid)>,
}

impl Socket {
    /// Whether it listens for all of its cohort.
    pub(super) fn is_everybodys(&self) -> bool {
        self.listening && !self.parked && self.only_of.is_none()
    }
}

/// The cohorts of one app.
#[derive(Debug, Default)]
struct Group {
    weights: Vec<(u64, u32)>,
    lines: BTreeMap<Place, Line>,
}

/// All sockets.
#[derive(Debug, Default)]
pub(super) struct Held {
    groups: BTreeMap<u64, Group>,
    sockets: Vec<Socket>,
}

impl Held {
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
        if same || (others && !own) { Company::Joins } else { Company::Alone }
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
        Ok(inode)
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

    /// Closes what was opened ahead for a cohort and would be in the way of a program that binds
    /// this place, or would get its connections.
    pub(super) fn give_way(&mut self, owner: Owner, place: &Place) {
        self.remove(|socket| socket.owner == owner && socket.ahead && socket.place.overlaps(place));
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

    /// Lets a socket listen again that a program has shut down, which ends it for all who share it.
    /// What waited in it is lost, and so is its place: it is the last of its line now. Where a
    /// stranger was quicker it is given up, and the next to bind is told so.
    pub(super) fn revive(&mut self, inode: u64) {
        let shared = self.find(inode).filter(|socket| socket.is_everybodys());
        let Some(socket) = shared.filter(|socket| !socket::listens(&socket.fd)) else { return };
        let (owner, place) = (socket.owner, socket.place);
        if rustix::net::listen(&socket.fd, socket.backlog).is_err() {
            self.remove(|socket| socket.inode == inode);
            return;
        }
        let group = self.groups.entry(owner.group).or_default();
        let line = group.lines.entry(place).or_default();
        line.left(inode);
        line.join(owner.cohort, inode);
        self.settle(owner.group, place);
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
    fn settle(&mut self, group: u64, place: Place) {
        let Some(known) = self.groups.get_mut(&group) else { return };
        if let Some(line) = known.lines.get_mut(&place) {
            line.settle(&known.weights);
        }
        self.attach(group, place);
    }

    fn attach(&self, group: u64, place: Place) {
        let line = self.groups.get(&group).and_then(|group| group.lines.get(&place));
        let Some(line) = line else { return };
        let mut program = line.program();
        let socket = line.inodes().find_map(|inode| self.find(inode));
        if let Some(socket) = socket.filter(|_| !program.is_empty()) {
            // It fails only without memory; the former program goes on then.
            drop(socket::attach(&socket.fd, &mut program));
        }
    }

    /// A cohort is over, and so are its runs: what waits in its sockets is refused.
    pub(super) fn retire(&mut self, cohort: u64) {
        self.forget_weight(cohort);
        self.remove(|socket| socket.owner.cohort == cohort);
    }

    /// A cohort is over, but not its runs: its sockets get no more connections, and what waits in
    /// them will be accepted. Nobody who waits for more connections sees anything of this.
    pub(super) fn park(&mut self, cohort: u64) {
        self.forget_weight(cohort);
        let ours = |socket: &Socket| socket.owner.cohort == cohort && !socket.parked;
        self.steer_away(ours);
        for socket in self.sockets.iter_mut().filter(|socket| ours(socket)) {
            socket.parked = socket.listening && socket::park(&socket.fd).is_ok();
        }
        self.remove(ours);
    }

    /// Shuts the sockets of a cohort down that are not parked.
    pub(super) fn discard(&mut self, cohort: u64) {
        self.remove(|socket| socket.owner.cohort == cohort && !socket.parked);
    }

    /// Shuts the parked sockets of a cohort down.
    pub(super) fn remove_parked(&mut self, cohort: u64) {
        self.remove(|socket| socket.owner.cohort == cohort && socket.parked);
    }

    fn forget_weight(&mut self, cohort: u64) {
        for group in self.groups.values_mut() {
            group.weights.retain(|(named, _)| *named != cohort);
        }
    }

    /// Nothing of a run is left.
    pub(super) fn run_over(&mut self, run: u64) {
        for socket in &mut self.sockets {
            socket.holders.retain(|(by, _)| *by != run);
        }
        self.remove(|socket| socket.only_of == Some(run));
    }

    /// Shuts sockets down: their processes and others have copies, so that closing would not do.
    /// Connections are steered away from them first.
    fn remove(&mut self, which: impl Fn(&Socket) -> bool) {
        self.steer_away(&which);
        let (leaving, staying): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.sockets).into_iter().partition(|socket| which(socket));
        self.sockets = staying;
        for socket in leaving {
            shutdown(&socket.fd, Shutdown::Both).ok();
            let (group, place) = (socket.owner.group, socket.place);
            let line = self.groups.get_mut(&group).and_then(|group| group.lines.get_mut(&place));
            if let Some(line) = line {
                line.left(socket.inode);
            }
            self.attach(group, place);
        }
        for group in self.groups.values_mut() {
            group.lines.retain(|_, line| line.inodes().next().is_some());
        }
    }

    /// Steers connections away from sockets, if others can take them.
    fn steer_away(&mut self, which: impl Fn(&Socket) -> bool) {
        let mut places = BTreeSet::new();
        for socket in self.sockets.iter().filter(|socket| which(socket)) {
            let group = self.groups.get_mut(&socket.owner.group);
            if let Some(line) = group.and_then(|group| group.lines.get_mut(&socket.place)) {
                line.leaves(socket.inode);
                places.insert((socket.owner.group, socket.place));
            }
        }
        for (group, place) in &places {
            self.settle(*group, *place);
        }
    }

    /// The listening sockets of a cohort, as descriptors; parked ones too.
    pub(super) fn descriptors(&self, cohort: u64) -> impl Iterator<Item = BorrowedFd<'_>> {
        let ours = move |socket: &&Socket| socket.owner.cohort == cohort && socket.listening;
        self.sockets.iter().filter(ours).map(|socket| socket.fd.as_fd())
    }
}
