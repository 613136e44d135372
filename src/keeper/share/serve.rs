//! Answering `bind` and `listen` of the apps.

use std::{io, net::SocketAddr, os::fd::OwnedFd, rc::Rc};

use rustix::fs::OFlags;

use super::{
    LISTENS_AFTER, Soon,
    held::Owner,
    inspect::{Process, Seen},
    notification::{self, Answer, Asked, Call, Note, Waiting},
    socket::{self, Place},
};
use crate::{
    keeper::{event_loop::Keeper, sys},
    protocol::{BindFailure, Port, Sharing, State},
};

/// At most so many ports of a run are told.
const MOST_PORTS: usize = 16;

/// Who waits for an answer, and for what.
#[derive(Debug)]
struct Caller {
    run: u64,
    owner: Owner,
    filter: Rc<OwnedFd>,
    call: Call,
    /// Whether an earlier keeper may have done what was asked for.
    again: bool,
}

/// The socket a program wants to bind, and where to.
#[derive(Debug)]
struct Original {
    /// A stand-in for it if `blind`.
    socket: OwnedFd,
    place: Place,
    /// Whether the keeper may not have the socket itself.
    blind: bool,
}

impl Keeper {
    /// A call of a run waits, or nobody of the run is left to make one.
    pub(in crate::keeper) fn notified(&mut self, token: u64) {
        let Some(notifier) = self.share.notifiers.get(&token) else { return };
        let (run, owner, filter) = (notifier.run, notifier.owner, Rc::clone(&notifier.filter));
        match notification::look(&filter) {
            Waiting::Nobody => return,
            Waiting::Over => return self.unfiltered(token),
            Waiting::Call => {}
        }
        let note = Note::at(self.slate.page());
        let Ok(call) = notification::take(&filter, note, run) else { return };
        self.answer_call(&Caller { run, owner, filter, call, again: false }, note);
    }

    /// Answers the call during which an earlier keeper died; what it was asked for may be done.
    pub(in crate::keeper) fn answer_left(&mut self) {
        let note = Note::at(self.slate.page());
        let Some((run, call)) = note.left() else { return };
        let notifier = self.share.notifiers.values().find(|notifier| notifier.run == run);
        if let Some(notifier) = notifier {
            let (owner, filter) = (notifier.owner, Rc::clone(&notifier.filter));
            self.answer_call(&Caller { run, owner, filter, call, again: true }, note);
        }
        note.clear();
    }

    fn answer_call(&mut self, caller: &Caller, note: Note) {
        let word = match caller.call.asked {
            Asked::Bind { .. } => "bind",
            Asked::Listen { .. } => "listen",
            Asked::Other => "other",
        };
        self.crash_point(word, "taken");
        let answer = match caller.call.asked {
            Asked::Bind { .. } => self.answer_bind(caller),
            Asked::Listen { backlog } => self.answer_listen(caller, backlog),
            Asked::Other => Answer::Continue,
        };
        self.crash_point(word, "done");
        self.note_sharing();
        self.crash_point(word, "noted");
        caller.call.answer(&caller.filter, answer);
        self.crash_point(word, "answered");
        note.clear();
    }

    fn answer_bind(&mut self, caller: &Caller) -> Answer {
        let Some(address) = caller.call.address() else { return Answer::Continue };
        if !self.share.wants(caller.owner.cohort, address) {
            self.share.held.give_way(caller.owner, &Place::at(address));
            return Answer::Continue;
        }
        let Some(process) = Process::of(caller.call.thread) else { return Answer::Dropped };
        let (socket, blind) = match process.socket(caller.call.fd) {
            Seen::Socket(original) => (original, false),
            Seen::Blind => match stand_in(&process, caller, address) {
                Some(original) => (original, true),
                None => return Answer::Continue,
            },
            Seen::Nothing => return Answer::Continue,
        };
        // The number may be another process's by now: then nothing that was read counts.
        if !caller.call.still_waits(&caller.filter) {
            return Answer::Dropped;
        }
        if caller.again && self.is_done(caller, &process, &socket, address) {
            return Answer::Done;
        }
        let place = Place::new(address, &socket);
        if !is_manageable(&socket, address) {
            if socket::is_tcp(&socket) {
                self.share.held.give_way(caller.owner, &place);
            }
            return Answer::Continue;
        }
        match self.bind_for(caller, &process, Original { socket, place, blind }) {
            Ok(answer) => answer,
            Err(error) => self.bind_failed(caller.run, place, &error),
        }
    }

    /// Whether a socket is bound as was asked for. One that is not noted yet is taken up.
    fn is_done(
        &mut self,
        caller: &Caller,
        process: &Process,
        socket: &OwnedFd,
        address: SocketAddr,
    ) -> bool {
        let Ok(inode) = socket::inode(socket) else { return false };
        if !socket::is_tcp(socket) || socket::bound_to(socket) != Some(address) {
            return false;
        }
        let held = &mut self.share.held;
        if held.find(inode).is_none() {
            let only_of = process.ties(caller.call.fd).is_tied().then_some(caller.run);
            let Ok(fd) = socket.try_clone() else { return false };
            held.take((fd, inode), caller.owner, Place::new(address, socket), only_of);
        }
        held.is_held(inode, caller.run, process.pid);
        if let Some(found) = held.find(inode).filter(|found| found.listening) {
            let at = sys::now().saturating_add(LISTENS_AFTER);
            self.share.soon.push(Soon { at, run: caller.run, place: found.place });
        }
        true
    }

    /// Binds for a program what it wants to bind: the socket of its cohort takes its own's place.
    fn bind_for(
        &mut self,
        caller: &Caller,
        process: &Process,
        original: Original,
    ) -> io::Result<Answer> {
        let Original { socket, place, blind } = original;
        let (run, owner, call) = (caller.run, caller.owner, &caller.call);
        let held = &mut self.share.held;
        if held.is_bound_by(run, owner, &place) {
            return Err(io::Error::from_raw_os_error(libc::EADDRINUSE));
        }
        let tied = process.ties(call.fd).is_tied();
        if tied || !held.has_shared(owner, &place) {
            held.give_way(owner, &place);
        }
        if tied && blind {
            return Ok(Answer::Continue);
        }
        if tied {
            let inode = held.bind(socket, owner, place, Some(run))?;
            held.is_held(inode, run, process.pid);
            return Ok(Answer::Done);
        }
        let inode = held.shared(owner, place, &socket)?;
        let Some(found) = held.find(inode) else { return Ok(Answer::Continue) };
        let flags = OFlags::from_bits_retain(process.flags(call.fd));
        if flags.contains(OFlags::NONBLOCK) {
            socket::set_nonblocking(&found.fd)?;
        }
        let listening = found.listening;
        if call.replace(&caller.filter, &found.fd, flags.contains(OFlags::CLOEXEC)).is_err() {
            return Ok(Answer::Dropped);
        }
        held.is_held(inode, run, process.pid);
        if listening {
            let at = sys::now().saturating_add(LISTENS_AFTER);
            self.share.soon.push(Soon { at, run, place });
        }
        if blind {
            self.shares_blindly(run);
        }
        Ok(Answer::Done)
    }

    fn answer_listen(&mut self, caller: &Caller, backlog: i32) -> Answer {
        let Some(process) = Process::of(caller.call.thread) else { return Answer::Dropped };
        let seen = process.inode(caller.call.fd);
        let place = seen.and_then(|inode| Some((inode, self.share.held.find(inode)?.place)));
        let Some((inode, place)) = place else {
            return self.answer_other_listen(caller, &process);
        };
        if !caller.call.still_waits(&caller.filter) {
            return Answer::Dropped;
        }
        match self.share.held.listen(inode, backlog) {
            Ok(()) => {
                self.share.watch(inode);
                self.await_silence(caller.run, inode);
                self.listens(caller.run, place, true);
                Answer::Done
            }
            Err(error) => self.bind_failed(caller.run, place, &error),
        }
    }

    /// A program listens on a socket of its own. That is its matter, unless it would get among the
    /// shared ones, as a socket of a retired cohort would; the record tells where it listens.
    fn answer_other_listen(&mut self, caller: &Caller, process: &Process) -> Answer {
        let Seen::Socket(socket) = process.socket(caller.call.fd) else { return Answer::Continue };
        let Some(address) = socket::bound_to(&socket).filter(|_| socket::is_tcp(&socket)) else {
            return Answer::Continue;
        };
        let place = Place::new(address, &socket);
        if !caller.call.still_waits(&caller.filter) {
            return Answer::Dropped;
        }
        if self.share.held.is_taken(caller.owner.group, &place) && socket::shares_itself(&socket) {
            let error = io::Error::from_raw_os_error(libc::EADDRINUSE);
            return self.bind_failed(caller.run, place, &error);
        }
        self.listens(caller.run, place, false);
        Answer::Continue
    }

    /// A socket listens. Others that have bound it before may find it so, and leave out `listen`.
    fn await_silence(&mut self, run: u64, inode: u64) {
        let Some(socket) = self.share.held.find(inode) else { return };
        let at = sys::now().saturating_add(LISTENS_AFTER);
        let others = socket.holders.iter().filter(|(by, _)| *by != run);
        let soon = others.map(|(run, _)| Soon { at, run: *run, place: socket.place });
        let soon: Vec<Soon> = soon.filter(|soon| !self.counts(soon)).collect();
        self.share.soon.extend(soon);
    }

    /// Whether a run counts as listening there.
    pub(super) fn counts(&self, soon: &Soon) -> bool {
        self.runs.get(&soon.run).is_some_and(|run| {
            let port = soon.place.port();
            run.record.ports.iter().any(|known| known.port == port && known.shared)
        })
    }

    fn bind_failed(&mut self, id: u64, place: Place, error: &io::Error) -> Answer {
        let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
        let failure = BindFailure { port: place.port(), errno };
        if let Some(run) = self.runs.get_mut(&id)
            && run.record.bind_failure != failure
        {
            run.record.bind_failure = failure;
            self.changed(id);
        }
        Answer::Failed(errno)
    }

    fn shares_blindly(&mut self, id: u64) {
        if let Some(run) = self.runs.get_mut(&id)
            && run.record.sharing != Sharing::InjectedBlind
        {
            run.record.sharing = Sharing::InjectedBlind;
            self.changed(id);
        }
    }

    /// A run listens.
    fn listens(&mut self, id: u64, place: Place, shared: bool) {
        self.share.soon.retain(|soon| soon.run != id || soon.place != place);
        let port = Port { port: place.port(), family: place.family(), shared };
        let Some(run) = self.runs.get_mut(&id) else { return };
        let ports = &mut run.record.ports;
        let same = |known: &Port| known.port == port.port && known.family == port.family;
        if let Some(known) = ports.iter_mut().find(|known| same(known)) {
            if known.shared || !shared {
                return;
            }
            *known = port;
        } else if ports.len() < MOST_PORTS {
            ports.push(port);
        } else {
            // What is shared matters more.
            match ports.iter_mut().rfind(|known| !known.shared) {
                Some(known) if shared => *known = port,
                Some(_) | None => return,
            }
        }
        self.changed(id);
    }

    /// Counts those as listening that found their socket so, and went on.
    pub(in crate::keeper) fn look_for_silent_listeners(&mut self, now: u64) {
        let (due, later) =
            std::mem::take(&mut self.share.soon).into_iter().partition(|soon| soon.at <= now);
        self.share.soon = later;
        let due: Vec<Soon> = due;
        for soon in due {
            let runs = self.runs.get(&soon.run);
            if runs.is_some_and(|run| run.record.state == State::Running) {
                self.listens(soon.run, soon.place, true);
            }
        }
    }
}

/// A fresh socket of the same kind, where the program's own cannot be had.
fn stand_in(process: &Process, caller: &Caller, address: SocketAddr) -> Option<OwnedFd> {
    let protocol = process.protocol(caller.call.fd)?;
    let fits = match protocol.as_str() {
        "TCP" | "MPTCP" => address.is_ipv4(),
        "TCPv6" | "MPTCPv6" => address.is_ipv6(),
        _ => false,
    };
    fits.then(|| socket::fresh(address).ok()).flatten()
}

/// Whether the keeper can bind for this socket. What the system would refuse is left to it.
fn is_manageable(socket: &OwnedFd, address: SocketAddr) -> bool {
    socket::is_tcp(socket)
        && socket::is_family(socket, address)
        && !socket::shares_itself(socket)
        && socket::bound_to(socket).is_none()
}
