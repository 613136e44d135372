//! Sharing of ports: the instances of a cohort have one listening socket, which the keeper owns.
//!
//! A program is started with a filter that makes its `bind` and `listen` wait for the keeper, which
//! puts the cohort's socket in the place of the program's own. The sockets of the cohorts of one
//! app stand side by side in a reuseport group of the kernel, and a program attached to it decides
//! which of them get new connections. The keeper does nothing per connection.

mod filter;
mod given_up;
mod group;
mod held;
mod inspect;
mod listeners;
mod marked;
mod notification;
mod queue;
mod recover;
mod saved;
mod self_test;
mod serve;
mod socket;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd},
    rc::Rc,
};

use rustix::{
    event::epoll::{self, CreateFlags, EventData, EventFlags},
    io::Errno,
    process::{PidfdGetfdFlags, pidfd_getfd},
    time::Timespec,
};

pub(super) use self::filter::{FILTERED, UNFILTERED, install_and_tell};
pub(super) use self::saved::again;
pub use self::self_test::self_test;
use self::{
    held::{Held, Owner},
    marked::Marked,
    queue::Queues,
    socket::Place,
};
use super::{answers::Item, event_loop::Keeper, run::Run, spawn::Refusal};
use crate::protocol::{Of, Port, Ports, Sharing, Step};

/// Filters are called by this and their descriptor's number in the event loop.
pub(super) const FIRST_NOTIFIER: u64 = 1 << 40;
/// A program that finds its socket listening already may leave out `listen`. It counts as listening
/// when it still runs so long after its `bind`, in ns.
const LISTENS_AFTER: u64 = 400_000_000;
/// So many sockets that were shut down are looked at before other events.
const AT_ONCE: usize = 64;
/// The ports at which Node's inspector listens, which nobody wants to share.
const INSPECTOR: std::ops::RangeInclusive<u16> = 9229..=9239;

/// The filter of a run.
#[derive(Debug)]
struct Notifier {
    run: u64,
    owner: Owner,
    filter: Rc<OwnedFd>,
}

/// A run that has bound a socket which listens already.
#[derive(Clone, Copy, Debug)]
struct Soon {
    at: u64,
    run: u64,
    place: Place,
}

/// Everything about sharing.
#[derive(Debug)]
pub(super) struct Share {
    /// Readable once a program has shut a shared socket down.
    pub(super) shut: OwnedFd,
    cohorts: Marked<BTreeMap<u64, Ports>>,
    held: Marked<Held>,
    notifiers: Marked<BTreeMap<u64, Notifier>>,
    soon: Vec<Soon>,
    queues: Queues,
}

/// What a new process gets for sharing.
#[derive(Debug)]
pub(super) enum Way<'a> {
    /// Nothing.
    Alone,
    /// The filter.
    Filter,
    /// Sockets that listen already.
    Sockets(Vec<BorrowedFd<'a>>),
}

impl Share {
    /// Nothing is shared yet.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            shut: epoll::create(CreateFlags::CLOEXEC)?,
            cohorts: Marked::new(BTreeMap::new()),
            held: Marked::new(Held::default()),
            notifiers: Marked::new(BTreeMap::new()),
            soon: Vec::new(),
            queues: Queues::new()?,
        })
    }

    /// The ports that runs of a cohort share from their start.
    pub(super) fn ports(&self, cohort: u64) -> Vec<Port> {
        let listening = self.held.listening(cohort).map(|socket| socket.place);
        listening
            .map(|place| Port { port: place.port(), family: place.family(), shared: true })
            .collect()
    }

    /// What a cohort shares.
    pub(super) fn declared(&self, cohort: u64) -> Option<Ports> {
        self.cohorts.get(&cohort).cloned()
    }

    /// The sockets held, by their inodes.
    pub(super) fn all_inodes(&self) -> impl Iterator<Item = u64> {
        self.held.parts().1.iter().map(|socket| socket.inode)
    }

    /// The sockets that somebody else is to hold too, by their inodes. One that is open ahead is not
    /// among them: it may have to make way at once, and its port is free only when nobody has it.
    pub(super) fn inodes(&self) -> BTreeSet<u64> {
        let kept = self.held.parts().1.iter().filter(|socket| !socket.ahead);
        kept.map(|socket| socket.inode).collect()
    }

    /// The socket of this inode.
    pub(super) fn socket(&self, inode: u64) -> Option<BorrowedFd<'_>> {
        self.held.find(inode).map(|socket| socket.fd.as_fd())
    }

    /// Where calls of a run wait.
    pub(super) fn filter(&self, run: u64) -> Option<BorrowedFd<'_>> {
        let mut notifiers = self.notifiers.values();
        notifiers.find(|notifier| notifier.run == run).map(|notifier| notifier.filter.as_fd())
    }

    /// When something is to be done though nothing happened.
    pub(super) fn wake_at(&self) -> Option<u64> {
        self.soon.iter().map(|soon| soon.at).min()
    }

    /// Whether a cohort shares what it binds at this address.
    fn wants(&self, cohort: u64, address: SocketAddr) -> bool {
        let Some(ports) = self.cohorts.get(&cohort) else { return false };
        let (host, port) = (address.ip().to_canonical(), address.port());
        if ports.ports.is_empty() {
            return port != 0 && !INSPECTOR.contains(&port);
        }
        ports.ports.iter().any(|declared| {
            let hosts = declared.host.is_none_or(|wanted| wanted.to_canonical() == host);
            declared.port == port && port != 0 && hosts
        })
    }

    /// Has it told when a program shuts a shared socket down. Of new connections nothing is told.
    /// Once: what is shut down for good is never told of again.
    fn watch(&self, inode: u64) {
        self.arm(inode);
        let Some(socket) = self.held.find(inode).filter(|socket| socket.is_everybodys()) else {
            return;
        };
        let (data, flags) = (EventData::new_u64(inode), EventFlags::ONESHOT);
        if epoll::add(&self.shut, &socket.fd, data, flags) == Err(Errno::EXIST) {
            epoll::modify(&self.shut, &socket.fd, data, flags).ok();
        }
    }

    /// Lets sockets listen again that programs have shut down.
    pub(super) fn revive(&mut self) {
        let mut shut = Vec::with_capacity(AT_ONCE);
        let buffer = rustix::buffer::spare_capacity(&mut shut);
        if epoll::wait(&self.shut, buffer, Some(&Timespec::default())).is_err() {
            return;
        }
        let inodes: Vec<u64> = shut.iter().map(|event| event.data.u64()).collect();
        self.held.revive(&inodes);
        for inode in inodes {
            self.watch(inode);
        }
    }

    /// The same for all of a cohort that listen.
    fn watch_all(&self, cohort: u64) {
        for socket in self.held.listening(cohort) {
            self.watch(socket.inode);
        }
    }

    /// Makes the sockets of a cohort, which listen at once.
    fn open(&mut self, ports: &Ports) -> io::Result<()> {
        let owner = Owner { cohort: ports.cohort, group: ports.group };
        for declared in &ports.ports {
            let at = |host| SocketAddr::new(host, declared.port);
            match declared.host {
                Some(host) => self.open_at(owner, at(host))?,
                None => match self.open_at(owner, at(Ipv6Addr::UNSPECIFIED.into())) {
                    Err(error) if is_without_ipv6(&error) => {
                        self.open_at(owner, at(Ipv4Addr::UNSPECIFIED.into()))?;
                    }
                    done => done?,
                },
            }
        }
        Ok(())
    }

    /// Opens what a cohort is known to share before its first program asks for it, so that whoever
    /// connects while that one starts waits. Only where the address leaves nothing to the program:
    /// an IPv6 socket may or may not take IPv4 connections.
    fn open_ahead(&mut self, owner: Owner) {
        let ports = self.cohorts.get(&owner.cohort).map(|ports| ports.ports.clone());
        for declared in ports.unwrap_or_default() {
            let Some(host @ IpAddr::V4(_)) = declared.host else { continue };
            let place = Place::at(SocketAddr::new(host, declared.port));
            if declared.port == 0 || self.held.has_at(owner, &place) {
                continue;
            }
            // If it cannot be had, the program's own `bind` will tell why.
            let made = socket::fresh(place.address);
            drop(made.and_then(|made| self.held.open_ahead(made, owner, place)));
        }
    }

    fn open_at(&mut self, owner: Owner, address: SocketAddr) -> io::Result<()> {
        let made = socket::fresh(address)?;
        if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
            socket::take_ipv4_too(&made)?;
        }
        let place = Place::new(address, &made);
        let inode = self.held.bind(made, owner, place, None)?;
        self.held.listen(inode, 0)
    }
}

fn is_without_ipv6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL))
}

impl Keeper {
    /// The listening sockets of a cohort, those of an earlier one of that number too while runs of
    /// it live.
    pub(super) fn cohort_sockets(&self, cohort: u64) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.share.held.descriptors(cohort)
    }

    /// What a run of a cohort gets.
    pub(super) fn way(&self, cohort: u64) -> Way<'_> {
        match self.share.cohorts.get(&cohort) {
            None => Way::Alone,
            Some(ports) if ports.fds => {
                let listening = self.share.held.listening(cohort);
                Way::Sockets(listening.map(|socket| socket.fd.as_fd()).collect())
            }
            Some(_) => Way::Filter,
        }
    }

    /// Remembers which ports a cohort shares.
    pub(super) fn share_ports(&mut self, ports: Ports) -> Result<(), Refusal> {
        let cohort = ports.cohort;
        let pointless = ports.ports.is_empty() || ports.ports.iter().any(|one| one.port == 0);
        if cohort == 0 || (ports.fds && pointless) {
            return Err((Step::Prepare, libc::EINVAL));
        }
        if self.share.cohorts.get(&cohort) == Some(&ports) {
            return Ok(());
        }
        if self.share.held.has(cohort) {
            return Err((Step::Prepare, libc::EEXIST));
        }
        if ports.fds
            && let Err(error) = self.share.open(&ports)
        {
            self.share.held.discard(cohort);
            return Err((Step::Prepare, error.raw_os_error().unwrap_or(libc::EINVAL)));
        }
        self.share.watch_all(cohort);
        self.share.cohorts.insert(cohort, ports);
        self.note_sharing();
        Ok(())
    }

    /// Lets shared sockets listen again that programs have shut down.
    pub(super) fn revive(&mut self) {
        self.share.revive();
        self.note_sharing();
    }

    /// Divides new connections among the cohorts of a group.
    pub(super) fn steer(&mut self, group: u64, weights: Vec<(u64, u32)>) {
        self.share.held.steer(group, weights);
        self.note_sharing();
    }

    /// Lets the sockets of a cohort get no more connections and forgets it. They are shut down at
    /// once if no run of it lives; otherwise what waits in them is still accepted.
    pub(super) fn retire(&mut self, cohort: u64) {
        self.share.cohorts.remove(&cohort);
        if self.is_alive(cohort) {
            self.share.held.park(cohort);
        } else {
            self.share.held.retire(cohort);
        }
        self.note_sharing();
    }

    /// Shuts the parked sockets of cohorts down of which no run is left.
    pub(super) fn remove_parked(&mut self) {
        let over: Vec<u64> = self.share.held.parked().into_iter().collect();
        let over: Vec<u64> = over.into_iter().filter(|cohort| !self.is_alive(*cohort)).collect();
        if over.is_empty() {
            return;
        }
        for cohort in over {
            self.share.held.remove_parked(cohort);
        }
        self.note_sharing();
    }

    fn is_alive(&self, cohort: u64) -> bool {
        self.runs.values().any(|run| run.record.cohort == cohort && !run.is_over())
    }

    /// Shuts all shared sockets down.
    pub(super) fn retire_all(&mut self) {
        for owner in self.share.held.owners() {
            self.retire(owner.cohort);
        }
    }

    /// Queues which cohorts have sockets.
    pub(super) fn list_cohorts(&mut self) {
        for Owner { cohort, group } in self.share.held.owners() {
            self.answers.push(Item::Cohort { cohort, group });
        }
    }

    /// A new process has sent the descriptor of its filter.
    pub(super) fn filtered(&mut self, id: u64, filter: OwnedFd) {
        let Some(run) = self.runs.get(&id) else { return };
        let Some(ports) = self.share.cohorts.get(&run.record.cohort) else { return };
        let owner = Owner { cohort: ports.cohort, group: ports.group };
        self.answer_for(id, owner, filter);
        self.share.open_ahead(owner);
        self.share.watch_all(owner.cohort);
        self.keep(Of::Run, id);
        self.note_sharing();
        // At once: without it nobody could answer if this keeper died now.
        self.deliver_kept();
    }

    /// Answers the calls of a run from now on.
    fn answer_for(&mut self, id: u64, owner: Owner, filter: OwnedFd) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        let token = u64::try_from(filter.as_raw_fd()).unwrap_or_default();
        let token = FIRST_NOTIFIER.saturating_add(token);
        let data = EventData::new_u64(token);
        run.record.sharing =
            if may_look_into(run) { Sharing::Injected } else { Sharing::InjectedBlind };
        if epoll::add(&self.poll, &filter, data, EventFlags::IN).is_err() {
            run.record.lost.seccomp = true;
            return;
        }
        let filter = Rc::new(filter);
        self.share.notifiers.insert(token, Notifier { run: id, owner, filter });
    }

    /// Nobody has the filter of a run any more.
    fn unfiltered(&mut self, token: u64) {
        let Some(notifier) = self.share.notifiers.remove(&token) else { return };
        epoll::delete(&self.poll, &*notifier.filter).ok();
        self.share.soon.retain(|soon| soon.run != notifier.run);
        self.share.held.run_over(notifier.run);
        self.keep(Of::Run, notifier.run);
        self.note_sharing();
    }
}

/// Whether the system lets the keeper take descriptors of a run's process.
fn may_look_into(run: &Run) -> bool {
    let Some(pidfd) = &run.pidfd else { return true };
    let error = pidfd_getfd(pidfd, 1, PidfdGetfdFlags::empty()).err();
    !matches!(error, Some(Errno::PERM | Errno::NOSYS))
}
