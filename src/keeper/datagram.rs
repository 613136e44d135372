//! Receiving a datagram together with who sent it and what came along.
#![expect(
    unsafe_code,
    reason = "a sender outside the PID namespace has the number 0, which rustix takes for impossible"
)]

use std::{
    io, mem,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
};

use rustix::{net::SocketAddrUnix, process::Pid};

/// Longer messages are taken for empty.
const LONGEST: usize = 4096;
/// Room for the sender's credentials and for as many descriptors as the system lets through (253).
const ROOM: usize = 2048;
/// Before the data of a control message the system puts its length, level and type.
const CONTROL_HEADER: usize = size_of::<usize>() + 8;

/// A datagram.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) bytes: Vec<u8>,
    /// `None` if it is outside this PID namespace or was not told.
    pub(super) sender: Option<Pid>,
    /// To be closed at exec.
    pub(super) descriptors: Vec<OwnedFd>,
}

/// Takes one datagram, if there is one. The socket has `SO_PASSCRED`.
pub(super) fn receive(socket: &OwnedFd) -> io::Result<Datagram> {
    let mut bytes = vec![0_u8; LONGEST];
    let mut room = [0_u8; ROOM];
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: all zeros is a valid `msghdr`; every pointer put into it is valid for the length
    // beside it during the call.
    let (length, header) = unsafe {
        let mut header: libc::msghdr = mem::zeroed();
        header.msg_iov = &raw mut part;
        header.msg_iovlen = 1;
        header.msg_control = room.as_mut_ptr().cast();
        header.msg_controllen = room.len();
        let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
        (libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags), header)
    };
    let Ok(length) = usize::try_from(length) else { return Err(io::Error::last_os_error()) };
    // Half a message says something else than the whole.
    bytes.truncate(if header.msg_flags & libc::MSG_TRUNC == 0 { length } else { 0 });
    let mut datagram = Datagram { bytes, sender: None, descriptors: Vec::new() };
    datagram.take_control(room.get(..header.msg_controllen).unwrap_or_default());
    Ok(datagram)
}

/// Binds a Unix socket to an abstract name that the system chooses: nobody can have taken it before.
pub(super) fn bind_anywhere(socket: &OwnedFd) -> io::Result<String> {
    let family = libc::sa_family_t::try_from(libc::AF_UNIX).map_err(io::Error::other)?;
    let length = libc::socklen_t::try_from(size_of::<libc::sa_family_t>());
    let length = length.map_err(io::Error::other)?;
    // SAFETY: the address has nothing but its family, as this use of the call wants it.
    let bound = unsafe { libc::bind(socket.as_raw_fd(), (&raw const family).cast(), length) };
    if bound < 0 {
        return Err(io::Error::last_os_error());
    }
    let address = SocketAddrUnix::try_from(rustix::net::getsockname(socket)?)?;
    let name = address.abstract_name().unwrap_or_default();
    Ok(String::from_utf8_lossy(name).into_owned())
}

impl Datagram {
    /// Takes what came along, as the system has written it.
    fn take_control(&mut self, mut control: &[u8]) {
        while let Some((length, rest)) = control.split_first_chunk() {
            let length = usize::from_ne_bytes(*length).max(CONTROL_HEADER);
            let data = control.get(CONTROL_HEADER..length).unwrap_or_default();
            let numbers = data.as_chunks().0.iter().map(|number| i32::from_ne_bytes(*number));
            match (word(rest, 0), word(rest, 4)) {
                (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                    // SAFETY: the system has just made these descriptors for this process.
                    let own = |number| unsafe { OwnedFd::from_raw_fd(number) };
                    self.descriptors.extend(numbers.map(own));
                }
                (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) => {
                    self.sender = Pid::from_raw(word(data, 0));
                }
                _ => {}
            }
            let next = length.next_multiple_of(size_of::<usize>());
            control = control.get(next..).unwrap_or_default();
        }
    }
}

fn word(from: &[u8], at: usize) -> i32 {
    let bytes = from.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    i32::from_ne_bytes(bytes)
}
