//! Listening sockets of ports as the system tells by netlink: how many connections wait in them, how
//! many may, how many were turned away, and how many are open. Asked when somebody wants to know.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::OwnedFd,
};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

const MESSAGE_HEADER: usize = 16;
const SOCKET_HEADER: usize = 72;
const MEMORY_ATTRIBUTE: u16 = 7;
/// Where in that attribute it stands how many packets were dropped: what a full queue turns away.
const DROPS: usize = 8 * 4;
const BY_FAMILY: u16 = 20;
/// A request for everything that fits.
const REQUEST_DUMP: u16 = 0x301;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const LISTENING: u32 = 1 << 10;
/// Established, and closed by the other side only.
const OPEN_STATES: u32 = 1 << 1 | 1 << 8;
/// No answer of the system is longer.
const ANSWER: usize = 1 << 16;
/// Up to so many ports are asked for one by one. For each the system goes through all sockets; of more
/// ports it tells of every socket once.
const ONE_BY_ONE: usize = 4;

/// How the sockets at one address stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listener {
    /// So many connections wait to be accepted.
    pub waiting: u32,
    /// So many may.
    pub capacity: u32,
    /// So many were turned away since the sockets were made, each time they tried.
    pub overflows: u64,
    /// So many are open, those that wait among them.
    pub connections: u32,
}

/// How sockets stand that listen at these ports, by their addresses; of several at one address the sum.
///
/// # Errors
/// The system does not answer.
pub fn listeners(ports: &BTreeSet<u16>) -> io::Result<BTreeMap<SocketAddr, Listener>> {
    let mut found = BTreeMap::new();
    if ports.is_empty() {
        return Ok(found);
    }
    let flags = SocketFlags::CLOEXEC;
    let netlink =
        socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(netlink::SOCK_DIAG))?;
    let asked: Vec<u16> =
        if ports.len() <= ONE_BY_ONE { ports.iter().copied().collect() } else { vec![0] };
    for family in [libc::AF_INET, libc::AF_INET6] {
        for port in &asked {
            ask(&netlink, (family, *port), LISTENING, |socket| {
                let Some(place) = socket.local().filter(|it| ports.contains(&it.port())) else {
                    return;
                };
                let listener: &mut Listener = found.entry(place).or_default();
                listener.waiting = listener.waiting.saturating_add(socket.u32_at(56));
                listener.capacity = listener.capacity.saturating_add(socket.u32_at(60));
                listener.overflows = listener.overflows.saturating_add(socket.drops().into());
            })?;
        }
    }
    for family in [libc::AF_INET, libc::AF_INET6] {
        for port in &asked {
            ask(&netlink, (family, *port), OPEN_STATES, |socket| {
                let listener = socket.local().and_then(|local| listening(&mut found, local));
                if let Some(listener) = listener {
                    listener.connections = listener.connections.saturating_add(1);
                }
            })?;
        }
    }
    Ok(found)
}

/// The socket that has accepted, or will, what is connected to a local address: the one at just that,
/// else the one at all addresses.
fn listening(
    found: &mut BTreeMap<SocketAddr, Listener>,
    local: SocketAddr,
) -> Option<&mut Listener> {
    let port = local.port();
    let places = [
        local,
        SocketAddr::new(local.ip().to_canonical(), port),
        SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port),
        SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port),
    ];
    let fits = |place: &SocketAddr| match (place.ip(), local.ip().to_canonical()) {
        (IpAddr::V4(place), IpAddr::V6(_)) => !place.is_unspecified(),
        (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), _) => true,
    };
    let place = places.into_iter().filter(fits).find(|place| found.contains_key(place))?;
    found.get_mut(&place)
}

/// One socket, as it is told.
struct Told<'a>(&'a [u8]);

impl Told<'_> {
    fn bytes_at<const N: usize>(&self, at: usize) -> [u8; N] {
        bytes_at(self.0, at)
    }

    fn u32_at(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.bytes_at(at))
    }

    fn local(&self) -> Option<SocketAddr> {
        self.0.get(SOCKET_HEADER - 1)?;
        let port = u16::from_be_bytes(self.bytes_at(4));
        let ip: IpAddr = match i32::from(self.bytes_at::<1>(0)[0]) {
            libc::AF_INET => IpAddr::from(self.bytes_at::<4>(8)),
            libc::AF_INET6 => IpAddr::from(self.bytes_at::<16>(8)),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    fn drops(&self) -> u32 {
        let mut rest = self.0.get(SOCKET_HEADER..).unwrap_or_default();
        while 4 <= rest.len() {
            let length = usize::from(u16::from_ne_bytes(bytes_at(rest, 0))).max(4);
            if u16::from_ne_bytes(bytes_at(rest, 2)) == MEMORY_ATTRIBUTE {
                let value = rest.get(4..length).unwrap_or_default();
                return u32::from_ne_bytes(bytes_at(value, DROPS));
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        0
    }
}

fn bytes_at<const N: usize>(from: &[u8], at: usize) -> [u8; N] {
    from.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

fn ask(
    netlink: &OwnedFd,
    of: (i32, u16),
    states: u32,
    mut take: impl FnMut(Told<'_>),
) -> io::Result<()> {
    let request = request(of, states);
    if send(netlink, &request, SendFlags::empty())? != request.len() {
        return Err(io::ErrorKind::WriteZero.into());
    }
    let mut answer = vec![0; ANSWER];
    loop {
        // The system answers while it is asked: there is always something until the end.
        let (length, _) = recv(netlink, answer.as_mut_slice(), RecvFlags::DONTWAIT)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if read_answer(answer.get(..length).unwrap_or_default(), &mut take)? {
            return Ok(());
        }
    }
}

fn request((family, port): (i32, u16), states: u32) -> Vec<u8> {
    let memory = 1 << (MEMORY_ATTRIBUTE - 1);
    let tcp = u8::try_from(libc::IPPROTO_TCP).unwrap_or_default();
    let wanted = if states == LISTENING { memory } else { 0 };
    let mut request = Vec::with_capacity(MESSAGE_HEADER + 56);
    request.extend(72_u32.to_ne_bytes());
    request.extend(BY_FAMILY.to_ne_bytes());
    request.extend(REQUEST_DUMP.to_ne_bytes());
    // Sequence number and sender: there is one request at a time, and the system knows the sender.
    request.extend([0; 8]);
    request.extend([u8::try_from(family).unwrap_or_default(), tcp, wanted, 0]);
    request.extend(states.to_ne_bytes());
    request.extend(port.to_be_bytes());
    request.resize(72, 0);
    request
}

/// Reads one packet of the answer; says whether it was the last.
fn read_answer(packet: &[u8], take: &mut impl FnMut(Told<'_>)) -> io::Result<bool> {
    let mut rest = packet;
    while MESSAGE_HEADER <= rest.len() {
        let length = usize::try_from(u32::from_ne_bytes(bytes_at(rest, 0))).unwrap_or(usize::MAX);
        let length = length.max(MESSAGE_HEADER);
        let message = rest.get(MESSAGE_HEADER..length).unwrap_or_default();
        match u16::from_ne_bytes(bytes_at(rest, 4)) {
            kind @ (DONE | ERROR) => {
                let number = i32::from_ne_bytes(bytes_at(message, 0));
                if kind == DONE && 0 <= number {
                    return Ok(true);
                }
                return Err(io::Error::from_raw_os_error(number.saturating_neg()));
            }
            BY_FAMILY => take(Told(message)),
            _ => {}
        }
        rest = rest.get(length.checked_next_multiple_of(4).unwrap_or(length)..).unwrap_or_default();
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use proptest::prelude::*;
    use rustix::net::{SocketAddrAny, bind, listen, sockopt};

    use super::*;

    #[test]
    fn a_full_queue_and_what_it_turns_away_are_told() {
        let flags = SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
        sockopt::set_socket_reuseaddr(&socket, true).unwrap();
        bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        listen(&socket, 2).unwrap();
        let listener = TcpListener::from(socket);
        let local = listener.local_addr().unwrap();
        let ports = BTreeSet::from([local.port()]);
        assert_eq!(
            listeners(&ports).unwrap()[&local],
            Listener { capacity: 2, ..Listener::default() }
        );
        // One more than may wait still comes in.
        let clients: Vec<_> = (0..3).map(|_| TcpStream::connect(local).unwrap()).collect();
        let nonblocking = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let late = socket_with(AddressFamily::INET, SocketType::STREAM, nonblocking, None).unwrap();
        rustix::net::connect(&late, &SocketAddrAny::from(local)).unwrap_err();
        let mut found = listeners(&ports).unwrap()[&local];
        while found.overflows == 0 || found.waiting < 3 {
            found = listeners(&ports).unwrap()[&local];
        }
        assert_eq!((found.waiting, found.capacity, found.connections), (3, 2, 3));
        drop(clients);
        // The same among all others.
        let many: BTreeSet<u16> = ports.iter().copied().chain(1..=8).collect();
        assert_eq!(listeners(&many).unwrap()[&local].capacity, 2);
        drop(listener);
        assert_eq!(listeners(&ports).unwrap(), BTreeMap::new());
    }

    #[test]
    fn connections_count_for_the_socket_that_took_them() {
        let listener = TcpListener::bind("[::]:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let clients = [
            TcpStream::connect(("127.0.0.1", port)).unwrap(),
            TcpStream::connect(("::1", port)).unwrap(),
        ];
        let at = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        let found = listeners(&BTreeSet::from([port])).unwrap();
        assert_eq!((found.len(), found[&at].connections), (1, 2), "{found:?}");
        drop(clients);
    }

    proptest! {
        #[test]
        fn no_answer_is_too_odd(packet in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut seen = 0;
            drop(read_answer(&packet, &mut |socket| {
                seen += usize::from(socket.local().is_some());
                socket.drops();
            }));
        }
    }
}
