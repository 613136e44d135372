//! Making listening sockets, and the socket options that have no safe wrapper elsewhere.
#![expect(unsafe_code, reason = "options by number, and programs for reuseport groups")]

use std::{
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    os::fd::{AsFd, AsRawFd as _, OwnedFd},
};

use libc::{IPPROTO_TCP, SOL_SOCKET, sock_filter};
use rustix::{
    fs::OFlags,
    net::{AddressFamily, SocketFlags, SocketType},
};

use crate::keeper::diag;

const SO_ATTACH_REUSEPORT_CBPF: i32 = 51;
const SO_BINDTOIFINDEX: i32 = 62;
const SO_BUF_LOCK: i32 = 72;
const IPPROTO_MPTCP: i32 = 262;
/// The system numbers devices from 1 on and never comes so far.
const NO_DEVICE: i32 = i32::MAX;
/// So often a socket is let listen again that others go on shutting down.
const TRIES: u32 = 64;

/// What a program may set before `bind` and a socket made for it has to have too.
const COPIED: [(i32, i32); 15] = [
    (SOL_SOCKET, libc::SO_KEEPALIVE),
    (SOL_SOCKET, libc::SO_PRIORITY),
    (SOL_SOCKET, libc::SO_OOBINLINE),
    (SOL_SOCKET, libc::SO_RCVLOWAT),
    (SOL_SOCKET, libc::SO_MARK),
    (libc::IPPROTO_IP, libc::IP_FREEBIND),
    (libc::IPPROTO_IP, libc::IP_TOS),
    (IPPROTO_TCP, libc::TCP_NODELAY),
    (IPPROTO_TCP, libc::TCP_DEFER_ACCEPT),
    (IPPROTO_TCP, libc::TCP_KEEPIDLE),
    (IPPROTO_TCP, libc::TCP_KEEPINTVL),
    (IPPROTO_TCP, libc::TCP_KEEPCNT),
    (IPPROTO_TCP, libc::TCP_USER_TIMEOUT),
    (IPPROTO_TCP, libc::TCP_FASTOPEN),
    (IPPROTO_TCP, libc::TCP_MAXSEG),
];

/// What makes two sockets compete for the same connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) address: SocketAddr,
    /// Whether it takes no IPv4 connections.
    pub(super) only_v6: bool,
    /// The network device it is bound to; 0 is none.
    pub(super) device: i32,
}

/// Who may be at a place already when a socket is bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Company {
    /// Nobody.
    Alone,
    /// Sockets of the same group.
    Joins,
}

impl Place {
    /// Where a socket is about to be bound to.
    pub(super) fn new(address: SocketAddr, socket: &OwnedFd) -> Self {
        let only_v6 = address.is_ipv6()
            && option(socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY).is_ok_and(|on| on != 0);
        let device = option(socket, SOL_SOCKET, SO_BINDTOIFINDEX).unwrap_or_default();
        Self { address, only_v6, device }
    }

    /// Where a socket is that nobody may look at, as far as its address tells.
    pub(super) fn at(address: SocketAddr) -> Self {
        Self { address, only_v6: false, device: 0 }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address family, as in `sockaddr`.
    pub(super) fn family(&self) -> u16 {
        family(self.address).as_raw()
    }

    /// Whether both would take some of the same connections.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let devices = self.device == other.device || self.device == 0 || other.device == 0;
        let (a, b) = (self.address.ip(), other.address.ip());
        let addresses = match (a, b) {
            (IpAddr::V4(a), IpAddr::V4(b)) => a == b || a.is_unspecified() || b.is_unspecified(),
            (IpAddr::V6(a), IpAddr::V6(b)) => a == b || a.is_unspecified() || b.is_unspecified(),
            (IpAddr::V6(six), IpAddr::V4(four)) => mixed(six, IpAddr::V4(four), self.only_v6),
            (IpAddr::V4(four), IpAddr::V6(six)) => mixed(six, IpAddr::V4(four), other.only_v6),
        };
        self.port() == other.port() && devices && addresses
    }
}

fn mixed(six: Ipv6Addr, four: IpAddr, only_v6: bool) -> bool {
    !only_v6 && (six.is_unspecified() || six.to_canonical() == four)
}

fn family(address: SocketAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 }
}

/// An option that is a number.
fn option(socket: impl AsFd, level: i32, name: i32) -> io::Result<i32> {
    let mut value = 0_i32;
    let mut length: libc::socklen_t = 4;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: both pointers are valid for the call, and the length is that of the number.
    let code =
        unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &raw mut length) };
    if code < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

fn set_option(socket: impl AsFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the pointer is valid for the call, and the length is that of the number.
    let code = unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), 4) };
    if code < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Replaces the program that picks among the sockets at the place of this one.
pub(super) fn attach(socket: &OwnedFd, program: &mut [sock_filter]) -> io::Result<()> {
    let size = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).unwrap_or_default();
    let len = u16::try_from(program.len()).unwrap_or(u16::MAX);
    let whole = libc::sock_fprog { len, filter: program.as_mut_ptr() };
    let (fd, name) = (socket.as_raw_fd(), SO_ATTACH_REUSEPORT_CBPF);
    // SAFETY: the program and its instructions are valid for the call, which copies them.
    let code = unsafe { libc::setsockopt(fd, SOL_SOCKET, name, (&raw const whole).cast(), size) };
    if code < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether a socket is a TCP one; MPTCP counts.
pub(super) fn is_tcp(socket: &OwnedFd) -> bool {
    let get = |name| option(socket, SOL_SOCKET, name).ok();
    let internet = [libc::AF_INET, libc::AF_INET6].map(Some).contains(&get(libc::SO_DOMAIN));
    let tcp = [IPPROTO_TCP, IPPROTO_MPTCP].map(Some).contains(&get(libc::SO_PROTOCOL));
    internet && tcp && get(libc::SO_TYPE) == Some(libc::SOCK_STREAM)
}

/// Whether a socket is of the family of an address.
pub(super) fn is_family(socket: &OwnedFd, address: SocketAddr) -> bool {
    let domain = option(socket, SOL_SOCKET, libc::SO_DOMAIN).ok();
    domain == Some(i32::from(family(address).as_raw()))
}

/// Lets an IPv6 socket take IPv4 connections too.
pub(super) fn take_ipv4_too(socket: &OwnedFd) -> io::Result<()> {
    set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 0)
}

/// Whether a socket's own program shares its address by the system's means.
pub(super) fn shares_itself(socket: &OwnedFd) -> bool {
    option(socket, SOL_SOCKET, libc::SO_REUSEPORT).is_ok_and(|on| on != 0)
}

/// Whether a socket listens.
pub(super) fn listens(socket: &OwnedFd) -> bool {
    rustix::net::sockopt::socket_acceptconn(socket).unwrap_or(false)
}

/// The local address of a socket; `None` if it is not bound to a port.
pub(super) fn bound_to(socket: &OwnedFd) -> Option<SocketAddr> {
    let address = SocketAddr::try_from(rustix::net::getsockname(socket).ok()?).ok()?;
    (address.port() != 0).then_some(address)
}

/// A socket for an address, not bound yet.
pub(super) fn fresh(address: SocketAddr) -> io::Result<OwnedFd> {
    let (family, flags) = (family(address), SocketFlags::CLOEXEC);
    Ok(rustix::net::socket_with(family, SocketType::STREAM, flags, None)?)
}

/// A socket like the program's own, for the same place.
pub(super) fn like(original: &OwnedFd, place: &Place) -> io::Result<OwnedFd> {
    let made = fresh(place.address)?;
    if place.address.is_ipv6() {
        let only_v6 = i32::from(place.only_v6);
        set_option(&made, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, only_v6)?;
    }
    if place.device != 0 {
        set_option(&made, SOL_SOCKET, SO_BINDTOIFINDEX, place.device)?;
    }
    take_options(&made, original);
    Ok(made)
}

/// Gives a socket what a program has set of its own.
pub(super) fn take_options(made: &OwnedFd, original: &OwnedFd) {
    for (level, name) in COPIED {
        let Ok(value) = option(original, level, name) else { continue };
        if option(made, level, name).is_ok_and(|has| has != value) {
            // One that is not to be had for the keeper makes the socket no worse than without.
            drop(set_option(made, level, name, value));
        }
    }
    // The system doubles these, and tells which of them were set.
    let locked = option(original, SOL_SOCKET, SO_BUF_LOCK).unwrap_or_default();
    for (bit, name) in [(1, libc::SO_SNDBUF), (2, libc::SO_RCVBUF)] {
        if locked & bit != 0
            && let Ok(value) = option(original, SOL_SOCKET, name)
        {
            drop(set_option(made, SOL_SOCKET, name, value / 2));
        }
    }
}

/// Binds a socket, so that sockets of the same group can join it and nobody else's: where it is the
/// first it is bound without sharing, so that a foreign one at the place makes it fail.
pub(super) fn bind(socket: &OwnedFd, place: &Place, company: Company) -> io::Result<()> {
    set_option(socket, SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    if company == Company::Joins {
        set_option(socket, SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
    }
    rustix::net::bind(socket, &place.address)?;
    if company == Company::Alone {
        set_option(socket, SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
    }
    Ok(())
}

/// Lets a socket listen that was shut down while it listened. Who shuts it down once more before it
/// listens again leaves a mark on it, and what it accepts is then shut down too: the mark goes when
/// it is disconnected, and is looked for afterwards. It keeps its address.
pub(super) fn listen_again(socket: &OwnedFd, backlog: i32) -> io::Result<()> {
    let inode = inode(socket)? & u64::from(u32::MAX);
    for _ in 0..TRIES {
        rustix::net::connect_unspec(socket)?;
        rustix::net::listen(socket, backlog)?;
        let local = bound_to(socket).ok_or(io::ErrorKind::AddrNotAvailable)?;
        if !diag::shut_listeners(local)?.into_iter().any(|shut| u64::from(shut) == inode) {
            return Ok(());
        }
    }
    Err(io::ErrorKind::Interrupted.into())
}

/// Lets a listening socket get no more connections, for good: from now on it listens on a network
/// device that there is not. Those that wait in it stay, and whoever waits for more sees nothing
/// of this. It fails for a socket that is bound to a device already, without privilege.
pub(super) fn park(socket: &OwnedFd) -> io::Result<()> {
    set_option(socket, SOL_SOCKET, SO_BINDTOIFINDEX, NO_DEVICE)
}

/// Whether a socket was parked.
pub(super) fn is_parked(socket: &OwnedFd) -> bool {
    option(socket, SOL_SOCKET, SO_BINDTOIFINDEX).is_ok_and(|device| device == NO_DEVICE)
}

/// Makes a socket wait for nothing. It is never undone: another instance may rely on it.
pub(super) fn set_nonblocking(socket: &OwnedFd) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(socket)?;
    Ok(rustix::fs::fcntl_setfl(socket, flags | OFlags::NONBLOCK)?)
}

/// The inode of a socket.
pub(super) fn inode(socket: &OwnedFd) -> io::Result<u64> {
    Ok(rustix::fs::fstat(socket)?.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, only_v6: bool) -> Place {
        Place { address: text.parse().unwrap(), only_v6, device: 0 }
    }

    #[test]
    fn places_overlap_as_the_system_says() {
        let four = place("127.0.0.1:1", false);
        assert!(four.overlaps(&place("0.0.0.0:1", false)));
        assert!(four.overlaps(&place("[::]:1", false)));
        assert!(place("[::ffff:127.0.0.1]:1", false).overlaps(&four));
        assert!(!four.overlaps(&place("[::]:1", true)));
        assert!(!four.overlaps(&place("[::1]:1", false)));
        assert!(!four.overlaps(&place("127.0.0.2:1", false)));
        assert!(!four.overlaps(&place("127.0.0.1:2", false)));
    }
}
