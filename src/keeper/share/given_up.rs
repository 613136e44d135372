//! Giving sockets up: whoever waits in them is refused or still accepted, and connections are steered
//! away from them first.

use std::collections::BTreeSet;

use rustix::net::{Shutdown, shutdown};

use super::{
    held::{Held, Owner, Socket},
    socket::{self, Place},
};

impl Held {
    /// Closes what was opened ahead for a cohort and would be in the way of a program that binds
    /// this place, or would get its connections.
    pub(super) fn give_way(&mut self, owner: Owner, place: &Place) {
        self.remove(|socket| socket.owner == owner && socket.ahead && socket.place.overlaps(place));
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
    pub(super) fn remove(&mut self, which: impl Fn(&Socket) -> bool) {
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
}
