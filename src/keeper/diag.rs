//! What the system tells about TCP connections: the established ones of a port by netlink, and the
//! state of one socket.
#![expect(unsafe_code, reason = "rustix does not read TCP_INFO")]

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd as _},
};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

const MESSAGE_HEADER: usize = 16;
const SOCKET_HEADER: usize = 72;
const INFO_ATTRIBUTE: u16 = 2;
const SHUTDOWN_ATTRIBUTE: u16 = 8;
const BY_FAMILY: u16 = 20;
/// A request for everything that fits.
const REQUEST_DUMP: u16 = 0x301;
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// Established, and closed by the other side only.
const OPEN_STATES: u32 = 1 << 1 | 1 << 8;
const LISTENING: u32 = 1 << 10;
/// No answer of the system is longer.
const ANSWER: usize = 1 << 16;

/// What moved on a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    /// Segments sent and not acknowledged; of a listening socket, connections not accepted yet.
    pub(super) unacknowledged: u32,
    /// Bytes written and not sent yet.
    pub(super) unsent: u32,
    /// How long ago data was sent the last time, in ms.
    pub(super) since_sent: u32,
    /// How long ago data came the last time, in ms.
    pub(super) since_received: u32,
    /// How long ago something was acknowledged, in ms.
    pub(super) since_acknowledged: u32,
    /// Bytes that came.
    pub(super) received: u64,
    /// Bytes that were sent.
    pub(super) sent: u64,
    /// Segments sent, with and without data.
    pub(super) segments_out: u32,
    /// Segments with data that came.
    pub(super) parts_in: u32,
    /// Segments with data that were sent.
    pub(super) parts_out: u32,
}

/// An open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    /// The lower half of its inode; 0 while nobody has accepted it.
    pub(super) inode: u32,
    /// Bytes nobody has read.
    pub(super) unread: u32,
    pub(super) flow: Flow,
}

impl Flow {
    /// Reads a `struct tcp_info`. What an older system leaves out is 0.
    fn read(info: &[u8]) -> Self {
        Self {
            unacknowledged: u32_at(info, 24),
            unsent: u32_at(info, 144),
            since_sent: u32_at(info, 44),
            since_received: u32_at(info, 52),
            since_acknowledged: u32_at(info, 56),
            received: u64_at(info, 128),
            sent: u64_at(info, 200),
            segments_out: u32_at(info, 136),
            parts_in: u32_at(info, 152),
            parts_out: u32_at(info, 156),
        }
    }
}

fn bytes_at<const N: usize>(from: &[u8], at: usize) -> [u8; N] {
    from.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

fn u16_at(from: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes(bytes_at(from, at))
}

fn u32_at(from: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes_at(from, at))
}

fn u64_at(from: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes_at(from, at))
}

fn length_at(from: &[u8], at: usize) -> usize {
    usize::try_from(u32_at(from, at)).unwrap_or(usize::MAX)
}

/// What moved on a TCP socket.
pub(super) fn flow(socket: impl AsFd) -> io::Result<Flow> {
    tcp_info(socket).map(|info| Flow::read(&info))
}

/// Of a listening socket, how many connections wait to be accepted, and how many may.
pub(super) fn queue(socket: impl AsFd) -> io::Result<(u32, u32)> {
    tcp_info(socket).map(|info| (u32_at(&info, 24), u32_at(&info, 28)))
}

fn tcp_info(socket: impl AsFd) -> io::Result<[u8; 256]> {
    let mut info = [0_u8; 256];
    let mut length: libc::socklen_t = 256;
    // SAFETY: the descriptor is open for the call, and the buffer is valid for its length.
    let code = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if code == 0 { Ok(info) } else { Err(io::Error::last_os_error()) }
}

/// The open connections of a local port, of one family; a connection over IPv4 to a socket of IPv6
/// is of IPv6. Others, such as those in `TIME_WAIT`, are passed over by the system itself.
pub(super) fn connections(local: SocketAddr) -> io::Result<Vec<Connection>> {
    ask(local, OPEN_STATES, read_connection)
}

/// The connections of a local port that nobody has accepted, of one family, by the numbers the system
/// knows them by, which are never used again.
pub(super) fn waiting(local: SocketAddr) -> io::Result<Vec<u64>> {
    ask(local, OPEN_STATES, |message| {
        message.get(SOCKET_HEADER..)?;
        (u32_at(message, 68) == 0).then(|| u64_at(message, 44))
    })
}

/// The inodes of sockets that listen at a port, of one family, though they were shut down before: what
/// they accept is shut down too.
pub(super) fn shut_listeners(local: SocketAddr) -> io::Result<Vec<u32>> {
    ask(local, LISTENING, |message| {
        let is_shut = |(kind, value): (u16, &[u8])| {
            kind == SHUTDOWN_ATTRIBUTE && value.first().is_some_and(|how| *how != 0)
        };
        attributes(message).any(is_shut).then(|| u32_at(message, 68))
    })
}

/// Asks for the sockets of a local port in some states, and reads each one.
fn ask<T>(local: SocketAddr, states: u32, read: impl Fn(&[u8]) -> Option<T>) -> io::Result<Vec<T>> {
    let flags = SocketFlags::CLOEXEC;
    let netlink =
        socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(netlink::SOCK_DIAG))?;
    let request = request(local, states);
    if send(&netlink, &request, SendFlags::empty())? != request.len() {
        return Err(io::ErrorKind::WriteZero.into());
    }
    let mut found = Vec::new();
    let mut answer = vec![0; ANSWER];
    loop {
        // The system answers while it is asked: there is always something until the end.
        let (length, _) = recv(&netlink, answer.as_mut_slice(), RecvFlags::DONTWAIT)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if read_answer(answer.get(..length).unwrap_or_default(), &read, &mut found)? {
            return Ok(found);
        }
    }
}

fn request(local: SocketAddr, states: u32) -> Vec<u8> {
    let family = match local {
        SocketAddr::V4(_) => libc::AF_INET,
        SocketAddr::V6(_) => libc::AF_INET6,
    };
    let info = 1 << (INFO_ATTRIBUTE - 1);
    let tcp = u8::try_from(libc::IPPROTO_TCP).unwrap_or_default();
    let mut request = Vec::with_capacity(MESSAGE_HEADER + 56);
    request.extend(72_u32.to_ne_bytes());
    request.extend(BY_FAMILY.to_ne_bytes());
    request.extend(REQUEST_DUMP.to_ne_bytes());
    // Sequence number and sender: there is one request, and the system knows the sender.
    request.extend([0; 8]);
    request.extend([u8::try_from(family).unwrap_or_default(), tcp, info, 0]);
    request.extend(states.to_ne_bytes());
    request.extend(local.port().to_be_bytes());
    request.resize(72, 0);
    request
}

/// Reads one packet of the answer; says whether it was the last.
fn read_answer<T>(
    packet: &[u8],
    read: impl Fn(&[u8]) -> Option<T>,
    found: &mut Vec<T>,
) -> io::Result<bool> {
    let mut rest = packet;
    while MESSAGE_HEADER <= rest.len() {
        let length = length_at(rest, 0).max(MESSAGE_HEADER);
        let message = rest.get(MESSAGE_HEADER..length).unwrap_or_default();
        match u16_at(rest, 4) {
            kind @ (DONE | ERROR) => {
                let number = i32::from_ne_bytes(bytes_at(message, 0));
                if kind == DONE && 0 <= number {
                    return Ok(true);
                }
                return Err(io::Error::from_raw_os_error(number.saturating_neg()));
            }
            BY_FAMILY => found.extend(read(message)),
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

fn read_connection(message: &[u8]) -> Option<Connection> {
    message.get(SOCKET_HEADER..)?;
    let info = attributes(message).filter(|(kind, _)| *kind == INFO_ATTRIBUTE).last();
    let flow = info.map(|(_, value)| Flow::read(value)).unwrap_or_default();
    Some(Connection { inode: u32_at(message, 68), unread: u32_at(message, 56), flow })
}

/// The attributes of a socket: their kinds and values.
fn attributes(message: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = message.get(SOCKET_HEADER..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (head, from) = (rest.get(..4)?, rest);
        let length = usize::from(u16_at(head, 0)).max(4);
        rest = from.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16_at(head, 2), from.get(4..length).unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
    };

    use proptest::prelude::*;
    use rustix::net::{Shutdown, shutdown};

    use super::*;

    fn inode(socket: &TcpStream) -> u32 {
        let inode = rustix::fs::fstat(socket).unwrap().st_ino;
        u32::try_from(inode & u64::from(u32::MAX)).unwrap()
    }

    #[test]
    fn connections_of_both_families_are_found_by_their_port() {
        for address in ["127.0.0.1:0", "[::]:0"] {
            let listener = TcpListener::bind(address).unwrap();
            let local = listener.local_addr().unwrap();
            // Over IPv4 to either socket.
            let mut client = TcpStream::connect(("127.0.0.1", local.port())).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            let mut found = connections(local).unwrap();
            assert_eq!(found.len(), 1, "{address}");
            assert_eq!((found[0].inode, found[0].unread), (inode(&server), 0));
            client.write_all(b"hello").unwrap();
            while found[0].unread != 5 {
                found = connections(local).unwrap();
            }
            server.read_exact(&mut [0; 5]).unwrap();
            server.write_all(b"good day").unwrap();
            let seen = flow(&server).unwrap();
            assert_eq!((seen.received, seen.sent, seen.unsent), (5, 8, 0));
            drop(client);
            drop(server);
            assert_eq!(connections(local).unwrap(), []);
        }
    }

    #[test]
    fn a_listener_that_was_shut_down_is_told() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        // A port that was asked for stays the socket's.
        let listener = TcpListener::bind(free).unwrap();
        assert!(shut_listeners(free).unwrap().is_empty());
        // The first ends the listening, the second is remembered.
        shutdown(&listener, Shutdown::Both).unwrap();
        shutdown(&listener, Shutdown::Both).unwrap_err();
        rustix::net::listen(&listener, 8).unwrap();
        let inode = rustix::fs::fstat(&listener).unwrap().st_ino;
        let found = shut_listeners(free).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(u64::from(found[0]), inode & u64::from(u32::MAX));
    }

    #[test]
    fn what_waits_to_be_accepted_is_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = listener.local_addr().unwrap();
        let clients: Vec<_> = (0..3).map(|_| TcpStream::connect(local).unwrap()).collect();
        while flow(&listener).unwrap().unacknowledged != 3 {}
        assert!(connections(local).unwrap().iter().all(|found| found.inode == 0));
        let (count, room) = queue(&listener).unwrap();
        assert!(count == 3 && 3 < room);
        let before = waiting(local).unwrap();
        assert_eq!(before.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
        // Who is accepted waits no longer; who has gone away does.
        let accepted = listener.accept().unwrap();
        drop(clients);
        let left = waiting(local).unwrap();
        assert!(left.len() == 2 && left.iter().all(|one| before.contains(one)));
        drop(accepted);
    }

    proptest! {
        #[test]
        fn no_answer_is_too_odd(packet in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut found = Vec::new();
            drop(read_answer(&packet, read_connection, &mut found));
        }
    }
}
