//! Counting a run's connections on the sockets it shares, and closing those that are idle.
//!
//! A connection is idle when an answer was sent after the last request: the time of the last byte
//! sent is later than that of the last one received. The system tells both in ms but notes them in
//! its own ticks (4 ms are usual), so a request that comes right after an answer, and an answer
//! that comes right after a request, look the same: a tie. What then tells them apart is the
//! acknowledgement of the last request. It travels with the answer if there is one. If there is
//! none it is still to be sent (asked to hurry, the system sends it), or a timer has sent it alone
//! and has taken the connection for not interactive. Programs that ask for quick acknowledgements
//! themselves are taken to be busy.
//!
//! A client that makes a connection per request shall not see one closed under an answer in parts
//! or a request on its way. So the quiet asked for counts only where more than one request was
//! surely carried: something came after something was sent. Others have to be quiet for longer.
//!
//! What cannot be told without reading along: on connections used again, an answer in parts with
//! pauses longer than the quiet asked for; and a protocol in which the server speaks last but the
//! client waits for more.

mod between;

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::SocketAddr,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use rustix::{
    net::{Shutdown, SocketType, shutdown, sockopt},
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};

use super::{
    answers::Item,
    diag::{self, Connection, Flow},
    event_loop::Keeper,
    members::{self, Held},
    spawn::Refusal,
};
use crate::protocol::{Closing, Step};

/// How long a connection has to be quiet that is not known to be used again, in ms.
const QUIET_FIRST: u32 = 250;

/// What came on connections until something was sent, by their inodes: whoever has received more
/// has carried more than one request.
type First = BTreeMap<u32, u64>;

/// What is remembered of the connections of runs, by run.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<u64, First>);

/// What there is of a run's connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Open ones, without those closed now.
    pub(super) open: u32,
    /// Closed now.
    pub(super) closed: u32,
    /// Waiting to be accepted.
    pub(super) queued: u32,
}

/// A connection and where a process of the run holds it.
#[derive(Clone, Copy, Debug)]
struct Found {
    pid: Pid,
    number: i32,
    connection: Connection,
    /// Whether it has surely carried more than one request.
    reused: bool,
}

/// Whether an answer followed the last request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    /// Yes, or nothing was ever asked.
    Yes,
    /// No.
    No,
    /// Both came within one tick.
    Tie,
}

impl Keeper {
    /// Counts a run's connections, and closes idle ones if asked. A run that is gone has none.
    pub(super) fn connections(
        &mut self,
        seq: u64,
        run: u64,
        closing: Closing,
    ) -> Result<(), Refusal> {
        let counted = match self.runs.get(&run) {
            None => Ok(Count::default()),
            Some(found) => {
                let mut first = self.connections.0.remove(&run).unwrap_or_default();
                let sockets = self.cohort_sockets(found.record.cohort);
                let members = || self.members(found).into_iter().collect();
                let urgent = self.share.shut.as_fd();
                let counted = count(sockets, members, closing, urgent, &mut first);
                self.connections.0.insert(run, first);
                counted
            }
        };
        self.connections.0.retain(|run, _| self.runs.contains_key(run));
        let count =
            counted.map_err(|error| (Step::Prepare, error.raw_os_error().unwrap_or(libc::EIO)))?;
        self.answers.push(Item::Connections { seq, run, count });
        Ok(())
    }
}

/// Counts and closes the connections of processes on ports of listening sockets. Who they are is
/// asked only when there is a connection. Busy ones are watched no longer once `urgent` is readable.
fn count<'a>(
    sockets: impl Iterator<Item = BorrowedFd<'a>>,
    members: impl FnOnce() -> Vec<Pid>,
    closing: Closing,
    urgent: BorrowedFd<'_>,
    first: &mut First,
) -> io::Result<Count> {
    let mut count = Count::default();
    let mut ports = BTreeMap::new();
    for socket in sockets {
        let Some(local) = listens_at(socket) else { continue };
        ports.insert((local.is_ipv6(), local.port()), local);
        let waiting = diag::flow(socket).map_or(0, |flow| flow.unacknowledged);
        count.queued = count.queued.saturating_add(waiting);
    }
    let mut open = BTreeMap::new();
    for local in ports.into_values() {
        let found = diag::connections(local)?.into_iter();
        open.extend(found.filter(|it| it.inode != 0).map(|it| (it.inode, it)));
    }
    if open.is_empty() {
        first.clear();
        return Ok(count);
    }
    let mut found = holders(&members(), open);
    remember(&mut found, first);
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    count.closed = if 0 < closing.quiet_ms || closing.between {
        number(close_idle(&found, closing, urgent))
    } else {
        0
    };
    count.open = number(found.len()).saturating_sub(count.closed);
    Ok(count)
}

/// Where a TCP socket listens; `None` for another socket.
fn listens_at(socket: BorrowedFd<'_>) -> Option<SocketAddr> {
    let listens = sockopt::socket_acceptconn(socket).ok()?;
    let stream = sockopt::socket_type(socket).ok()? == SocketType::STREAM;
    let address = rustix::net::getsockname(socket).ok()?;
    SocketAddr::try_from(address).ok().filter(|_| listens && stream)
}

/// Finds the processes that hold connections. One that several hold is taken once.
fn holders(members: &[Pid], mut open: BTreeMap<u32, Connection>) -> Vec<Found> {
    let mut found = Vec::new();
    for pid in members {
        for (number, held) in members::held(*pid) {
            let inode = match held {
                Held::Socket(inode) => u32::try_from(inode & u64::from(u32::MAX)).ok(),
                Held::Epoll => None,
            };
            let connection = inode.and_then(|inode| open.remove(&inode));
            found.extend(connection.map(|connection| Found {
                pid: *pid,
                number,
                connection,
                reused: false,
            }));
        }
    }
    found
}

/// Notes what came first on each connection, and which have carried more than that.
fn remember(found: &mut [Found], first: &mut First) {
    let mut known = First::new();
    for found in found {
        let (inode, flow) = (found.connection.inode, found.connection.flow);
        if flow.sent == 0 {
            continue;
        }
        // A number smaller than known is another connection's, which got the same inode.
        let before = first.get(&inode).copied().filter(|before| *before <= flow.received);
        // What came last came after something was sent: so it is known from the first look on.
        let came_after = 0 < flow.received && answered(&flow) == Answered::No;
        found.reused = came_after || before.is_some_and(|before| before < flow.received);
        known.insert(inode, if came_after { 0 } else { before.unwrap_or(flow.received) });
    }
    *first = known;
}

/// Closes what is idle; says how many.
fn close_idle(found: &[Found], closing: Closing, urgent: BorrowedFd<'_>) -> usize {
    let mut doors = HashMap::new();
    let mut busy = Vec::new();
    let mut closed = 0;
    for found in found {
        let between = closing.between && found.reused && busy.len() < between::WATCHED;
        let quiet_ms = match closing.quiet_ms {
            asked if found.reused => asked,
            0 => 0,
            asked => asked.max(QUIET_FIRST),
        };
        let worth = between || may_close(&found.connection, quiet_ms);
        let Some(socket) = worth.then(|| duplicate(found, &mut doors)).flatten() else { continue };
        match look(&socket) {
            Ok(now) if may_close(&now, quiet_ms) && is_answered(&socket, &now) => {
                closed += usize::from(shutdown(&socket, Shutdown::Both).is_ok());
            }
            Ok(now) if between => busy.push((socket, now)),
            Ok(_) | Err(_) => {}
        }
    }
    closed + between::close(busy, urgent)
}

/// A duplicate of a connection, to be closed at once: while the keeper holds one, the connection
/// does not end when the app closes it.
fn duplicate(found: &Found, doors: &mut HashMap<Pid, Option<OwnedFd>>) -> Option<OwnedFd> {
    let door =
        doors.entry(found.pid).or_insert_with(|| pidfd_open(found.pid, PidfdFlags::empty()).ok());
    let socket = pidfd_getfd(door.as_ref()?, found.number, PidfdGetfdFlags::empty()).ok()?;
    // The number may be another file's meanwhile.
    let inode = rustix::fs::fstat(&socket).ok()?.st_ino & u64::from(u32::MAX);
    (inode == u64::from(found.connection.inode)).then_some(socket)
}

/// A connection as it is now. What is unread is looked at last, so that a request that comes
/// meanwhile is seen.
fn look(socket: &OwnedFd) -> io::Result<Connection> {
    let flow = diag::flow(socket)?;
    let unread = u32::try_from(rustix::io::ioctl_fionread(socket)?).unwrap_or(u32::MAX);
    Ok(Connection { inode: 0, unread, flow })
}

/// Whether a connection may be closed as far as its numbers tell; a tie counts as idle.
fn may_close(now: &Connection, quiet_ms: u32) -> bool {
    let flow = &now.flow;
    let is_quiet = 0 < quiet_ms && quiet_ms <= flow.since_sent.min(flow.since_received);
    is_settled(now) && is_quiet && answered(flow) != Answered::No
}

/// Whether all that came was read and all that was written is sent.
fn is_settled(now: &Connection) -> bool {
    now.unread == 0 && now.flow.unsent == 0
}

fn answered(flow: &Flow) -> Answered {
    if flow.received == 0 {
        Answered::Yes
    } else if flow.sent == 0 || flow.since_received < flow.since_sent {
        Answered::No
    } else if flow.since_sent < flow.since_received
        || flow.since_acknowledged < flow.since_received
        || 0 < flow.unacknowledged
    {
        // A request acknowledges the whole answer before it, and its sender has nothing to
        // acknowledge after it until something is sent.
        Answered::Yes
    } else {
        Answered::Tie
    }
}

/// Whether the last request was answered, with a tie resolved.
fn is_answered(socket: &OwnedFd, before: &Connection) -> bool {
    match answered(&before.flow) {
        Answered::Yes => true,
        Answered::No => false,
        Answered::Tie => resolve(socket, before).unwrap_or(false),
    }
}

/// Resolves a tie by the acknowledgement of the last request; see the top of this file.
fn resolve(socket: &OwnedFd, before: &Connection) -> io::Result<bool> {
    let is_interactive = !sockopt::tcp_quickack(socket)?;
    if !is_interactive {
        return Ok(false);
    }
    sockopt::set_tcp_quickack(socket, true)?;
    let after = look(socket)?;
    if after.flow.segments_out != before.flow.segments_out {
        // It stays as not interactive: the acknowledgement that would show it again is sent now.
        return Ok(false);
    }
    sockopt::set_tcp_quickack(socket, false)?;
    Ok(after.flow.received == before.flow.received && is_settled(&after))
}

#[cfg(test)]
mod tests;
