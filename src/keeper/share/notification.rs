//! A system call that waits for the keeper's answer: taking it, looking at its arguments, answering.
#![expect(unsafe_code, reason = "ioctls of seccomp and process_vm_readv are not in rustix")]

use std::{
    io, mem,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::{
        fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd},
        unix::fs::FileExt as _,
    },
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::Pid,
};

/// Room for what newer kernels may append to a notification.
const SPARE: usize = 24;
const IPV4_BYTES: usize = 16;
const IPV6_BYTES: usize = 28;

/// Which system call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// `bind`, with the address at this place in the caller's memory.
    Bind { at: u64, length: usize },
    /// `listen`.
    Listen { backlog: i32 },
    /// One the filter does not let through.
    Other,
}

/// A system call that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    id: u64,
    /// The thread that made it.
    pub(super) thread: Pid,
    /// The descriptor it is about.
    pub(super) fd: RawFd,
    pub(super) asked: Asked,
}

/// What the caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The system shall do what was asked for.
    Continue,
    /// It is done.
    Done,
    /// It failed with this error number.
    Failed(i32),
    /// Nobody waits any more.
    Dropped,
}

/// What a look at the descriptor showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// A call waits.
    Call,
    /// None does.
    Nobody,
    /// No process has the filter any more.
    Over,
}

#[repr(C)]
struct Taken {
    /// Whose call it is: the run's id, 0 while none is being answered.
    run: u64,
    notification: libc::seccomp_notif,
    spare: [u64; SPARE],
}

/// Where a call is noted while it is being answered; at least a page, which may outlive the process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note(*mut Taken);

impl Note {
    /// In this memory.
    pub(super) fn at(page: *mut u8) -> Self {
        Self(page.cast())
    }

    /// What was being answered when the memory was left, and for which run.
    pub(super) fn left(self) -> Option<(u64, Call)> {
        // SAFETY: the memory is mapped, aligned to a page and larger than this; every bit pattern
        // is valid for these numbers, and nobody writes them meanwhile.
        let taken = unsafe { self.0.read_volatile() };
        let call = Call::of(&taken.notification).ok()?;
        (taken.run != 0 && call.id != 0).then_some((taken.run, call))
    }

    /// It was answered.
    pub(super) fn clear(self) {
        // SAFETY: as above.
        unsafe { (&raw mut (*self.0).run).write_volatile(0) };
    }

    /// Makes room for a run's next call.
    fn prepare(self, run: u64) -> *mut libc::seccomp_notif {
        // SAFETY: as above; all zeros is valid for these numbers, and the kernel demands it.
        unsafe {
            self.clear();
            (&raw mut (*self.0).notification).write_volatile(mem::zeroed());
            (&raw mut (*self.0).run).write_volatile(run);
            &raw mut (*self.0).notification
        }
    }
}

/// Looks whether a call waits; taking one would block if none did.
pub(super) fn look(filter: &OwnedFd) -> Waiting {
    let mut fds = [PollFd::new(filter, PollFlags::IN)];
    if poll(&mut fds, Some(&Timespec::default())).is_err() {
        return Waiting::Nobody;
    }
    let found = fds.first().map_or(PollFlags::empty(), PollFd::revents);
    if found.contains(PollFlags::IN) {
        Waiting::Call
    } else if found.intersects(PollFlags::HUP | PollFlags::ERR) {
        Waiting::Over
    } else {
        Waiting::Nobody
    }
}

/// Takes a call of a run that waits, and notes it. Fails with `ENOENT` if its process died meanwhile.
pub(super) fn take(filter: &OwnedFd, note: Note, run: u64) -> io::Result<Call> {
    let place = note.prepare(run);
    let taken = ioctl(filter, libc::SECCOMP_IOCTL_NOTIF_RECV, place.cast())
        .and_then(|()| note.left().ok_or_else(|| Errno::SRCH.into()));
    if taken.is_err() {
        note.clear();
    }
    taken.map(|(_, call)| call)
}

/// Takes a call that waits, for a process that nobody replaces.
pub(super) fn take_alone(filter: &OwnedFd) -> io::Result<Call> {
    // SAFETY: all zeros is valid for these numbers.
    let mut room: Taken = unsafe { mem::zeroed() };
    take(filter, Note(&raw mut room), 1)
}

/// The lower half, which is what the system looks at of a C `int`.
fn low(argument: u64) -> i32 {
    let [a, b, c, d, ..] = argument.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

impl Call {
    fn of(notification: &libc::seccomp_notif) -> io::Result<Self> {
        let [fd, second, third, ..] = notification.data.args;
        let number = i64::from(notification.data.nr);
        let asked = if number == libc::SYS_bind {
            Asked::Bind { at: second, length: usize::try_from(low(third)).unwrap_or_default() }
        } else if number == libc::SYS_listen {
            Asked::Listen { backlog: low(second) }
        } else {
            Asked::Other
        };
        let thread = i32::try_from(notification.pid).ok().and_then(Pid::from_raw);
        let thread = thread.ok_or(Errno::SRCH)?;
        Ok(Self { id: notification.id, thread, fd: low(fd), asked })
    }

    /// Whether it still waits: only then is what was read of its process its own.
    pub(super) fn still_waits(&self, filter: &OwnedFd) -> bool {
        let mut id = self.id;
        ioctl(filter, libc::SECCOMP_IOCTL_NOTIF_ID_VALID, (&raw mut id).cast()).is_ok()
    }

    /// Answers it. If nobody waits any more, so be it.
    pub(super) fn answer(&self, filter: &OwnedFd, answer: Answer) {
        let (error, flags) = match answer {
            Answer::Continue => (0, 1),
            Answer::Done => (0, 0),
            Answer::Failed(errno) => (errno.saturating_neg(), 0),
            Answer::Dropped => return,
        };
        let mut response = libc::seccomp_notif_resp { id: self.id, val: 0, error, flags };
        drop(ioctl(filter, libc::SECCOMP_IOCTL_NOTIF_SEND, (&raw mut response).cast()));
    }

    /// Puts a copy of a socket in the place of the one the call is about.
    pub(super) fn replace(
        &self,
        filter: &OwnedFd,
        socket: &OwnedFd,
        close_at_exec: bool,
    ) -> io::Result<()> {
        const IN_PLACE: u32 = 1;
        let mut request = libc::seccomp_notif_addfd {
            id: self.id,
            flags: IN_PLACE,
            srcfd: socket.as_raw_fd().cast_unsigned(),
            newfd: self.fd.cast_unsigned(),
            newfd_flags: if close_at_exec { libc::O_CLOEXEC.cast_unsigned() } else { 0 },
        };
        ioctl(filter, libc::SECCOMP_IOCTL_NOTIF_ADDFD, (&raw mut request).cast())
    }

    /// The internet address `bind` is called with; `None` for any other or an unreadable one.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        let Asked::Bind { at, length } = self.asked else { return None };
        let mut bytes = [0; IPV6_BYTES];
        let known = bytes.get_mut(..length.min(IPV6_BYTES))?;
        read_memory(self.thread, at, known).ok()?;
        parse(known)
    }
}

fn ioctl(filter: &OwnedFd, request: libc::Ioctl, data: *mut libc::c_void) -> io::Result<()> {
    // SAFETY: each caller passes the structure this request takes, valid for the call.
    let code = unsafe { libc::ioctl(filter.as_fd().as_raw_fd(), request, data) };
    if code < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Reads memory of another process.
fn read_memory(thread: Pid, at: u64, into: &mut [u8]) -> io::Result<()> {
    let place = usize::try_from(at).map_err(|_| Errno::FAULT)?;
    let here = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let there =
        libc::iovec { iov_base: std::ptr::without_provenance_mut(place), iov_len: into.len() };
    let pid = thread.as_raw_nonzero().get();
    // SAFETY: the local buffer is valid for its length; the other address is not this process's.
    let read = unsafe { libc::process_vm_readv(pid, &raw const here, 1, &raw const there, 1, 0) };
    if usize::try_from(read).is_ok_and(|read| read == into.len()) {
        return Ok(());
    }
    std::fs::File::open(format!("/proc/{pid}/mem"))?.read_exact_at(into, at)
}

fn parse(bytes: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = bytes.split_first_chunk::<2>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let port = u16::from_be_bytes(*port);
    let family = i32::from(u16::from_ne_bytes(*family));
    if family == libc::AF_INET && IPV4_BYTES <= bytes.len() {
        let address = Ipv4Addr::from(*rest.first_chunk::<4>()?);
        Some(SocketAddrV4::new(address, port).into())
    } else if family == libc::AF_INET6 && IPV6_BYTES <= bytes.len() {
        // What comes before the address is of no use to a listener.
        let (_, rest) = rest.split_first_chunk::<4>()?;
        let (address, rest) = rest.split_first_chunk::<16>()?;
        let scope = u32::from_ne_bytes(*rest.first_chunk::<4>()?);
        Some(SocketAddrV6::new(Ipv6Addr::from(*address), port, 0, scope).into())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_system_reads_them() {
        let four = [2, 0, 0x0b, 0xb8, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(parse(&four), Some("127.0.0.1:3000".parse().unwrap()));
        let mut six = [0; 28];
        six[..4].copy_from_slice(&[10, 0, 0x0b, 0xb8]);
        six[23] = 1;
        assert_eq!(parse(&six), Some("[::1]:3000".parse().unwrap()));
        assert_eq!(parse(&six[..24]), None);
        assert_eq!(parse(&[1, 0, b'/', b'x']), None);
    }
}
