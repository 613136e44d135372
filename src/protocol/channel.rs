//! Packets with descriptors over a `SOCK_SEQPACKET` socket.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
        SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg,
        sendmsg, socketpair,
    },
};

use super::{MAX_DESCRIPTORS, MAX_MESSAGE};

/// Whether to wait until the other side took a packet or sent one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// Wait.
    Wait,
    /// Fail with `WouldBlock`.
    Never,
}

/// A packet that arrived.
#[derive(Debug)]
pub struct Received {
    /// Its bytes; empty when the other side has closed (nobody sends an empty packet).
    pub bytes: Vec<u8>,
    /// Its descriptors, to be closed at exec.
    pub descriptors: Vec<OwnedFd>,
    /// Whether it was longer than any message may be, or had more descriptors.
    pub truncated: bool,
}

/// A new channel.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (one, other) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    Ok((one, other))
}

/// Sends one packet.
pub fn send(
    channel: impl AsFd,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
    blocking: Blocking,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fits =
        descriptors.is_empty() || ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    if !fits {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let flags = match blocking {
        Blocking::Wait => SendFlags::NOSIGNAL,
        Blocking::Never => SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
    };
    rustix::io::retry_on_intr(|| {
        sendmsg(channel.as_fd(), &[IoSlice::new(bytes)], &mut ancillary, flags)
    })?;
    Ok(())
}

/// Takes one packet.
pub fn receive(channel: impl AsFd, blocking: Blocking) -> io::Result<Received> {
    let mut bytes = [0; MAX_MESSAGE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let flags = match blocking {
        Blocking::Wait => RecvFlags::CMSG_CLOEXEC,
        Blocking::Never => RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
    };
    let got = loop {
        let mut buffers = [IoSliceMut::new(&mut bytes)];
        match recvmsg(channel.as_fd(), &mut buffers, &mut ancillary, flags) {
            // If the other side died with something unread, this is said once, before what it had
            // sent itself can be taken.
            Err(Errno::INTR | Errno::CONNRESET) => {}
            taken => break taken?,
        }
    };
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    Ok(Received {
        bytes: bytes.get(..got.bytes).unwrap_or_default().to_vec(),
        descriptors,
        truncated: got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC),
    })
}
