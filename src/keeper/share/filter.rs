//! Letting the keeper answer `bind` and `listen` of a new process: what its child does before exec.
//! Nothing here allocates, locks or panics.
#![expect(unsafe_code, reason = "runs between fork and exec; these calls are not in rustix")]

use std::os::fd::RawFd;

use libc::{c_long, sock_filter};

/// The first byte of what the child says when the filter is there; its descriptor comes along.
pub(in crate::keeper) const FILTERED: u8 = 0x80;
/// The first byte when the system refused the filter; the error number follows.
pub(in crate::keeper) const UNFILTERED: u8 = 0x81;

/// The number by which the system calls this architecture; 0 for one that is not supported.
const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e
} else if cfg!(target_arch = "aarch64") {
    0xc000_00b7
} else {
    0
};
/// The length of the shortest internet address. Shorter ones (of netlink) are nobody's concern.
const SHORTEST: u32 = 16;
/// Where `seccomp_data` has the architecture and the third argument.
const AT_ARCHITECTURE: u32 = 4;
const AT_LENGTH: u32 = 32;

const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
const ALLOW: u32 = 0x7fff_0000;

const fn step(code: u16, k: u32, yes: u8, no: u8) -> sock_filter {
    sock_filter { code, jt: yes, jf: no, k }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a constant function has no other conversion; these numbers are small"
)]
const fn call(number: c_long) -> u32 {
    number as u32
}

/// `listen`, and `bind` with an address that may be an internet one, ask the keeper.
const FILTER: [sock_filter; 9] = [
    step(LOAD, AT_ARCHITECTURE, 0, 0),
    step(IF_EQUAL, ARCHITECTURE, 0, 6),
    step(LOAD, 0, 0, 0),
    step(IF_EQUAL, call(libc::SYS_listen), 3, 0),
    step(IF_EQUAL, call(libc::SYS_bind), 0, 3),
    step(LOAD, AT_LENGTH, 0, 0),
    step(IF_AT_LEAST, SHORTEST, 0, 1),
    step(RETURN, libc::SECCOMP_RET_USER_NOTIF, 0, 0),
    step(RETURN, ALLOW, 0, 0),
];

fn errno() -> i32 {
    // SAFETY: the address of this thread's errno is always valid.
    unsafe { *libc::__errno_location() }
}

fn try_install(flags: libc::c_ulong) -> RawFd {
    let mut filter = FILTER;
    let program = libc::sock_fprog { len: 9, filter: filter.as_mut_ptr() };
    let set = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: the program and its instructions are valid for the call, which copies them.
    let made = unsafe { libc::syscall(libc::SYS_seccomp, set, flags, &raw const program) };
    RawFd::try_from(made).unwrap_or(-1)
}

/// Installs the filter: its descriptor, or a negative error number.
fn install() -> RawFd {
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    let made = try_install(flags | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    if made < 0 && errno() == libc::EINVAL {
        // Unknown before Linux 5.19.
        return try_install(flags);
    }
    made
}

/// Installs the filter and sends its descriptor over the socket `status`, or why there is none.
/// Only for a child between fork and exec.
pub(in crate::keeper) fn install_and_tell(status: RawFd) {
    if ARCHITECTURE == 0 {
        return tell(status, UNFILTERED, libc::ENOSYS, None);
    }
    let mut made = install();
    if made < 0 && errno() == libc::EACCES {
        // Without privilege the system wants a promise that nothing below gains any.
        // SAFETY: no memory is involved.
        unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
        made = install();
    }
    if made < 0 {
        return tell(status, UNFILTERED, errno(), None);
    }
    tell(status, FILTERED, 0, Some(made));
    // SAFETY: the descriptor is this child's own and used by nothing else.
    unsafe { libc::close(made) };
}

fn tell(status: RawFd, what: u8, error: i32, descriptor: Option<RawFd>) {
    /// The bytes of one descriptor.
    const BYTES: libc::c_uint = 4;
    let [a, b, c, d] = error.to_le_bytes();
    let mut text = [what, a, b, c, d];
    let mut part = libc::iovec { iov_base: text.as_mut_ptr().cast(), iov_len: text.len() };
    let mut space = [0_u64; 4];
    // SAFETY: all zeros is an empty message; the pointers stay valid for the call, and the space is
    // aligned and large enough for one descriptor.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        if let Some(descriptor) = descriptor {
            message.msg_control = space.as_mut_ptr().cast();
            message.msg_controllen = wide(libc::CMSG_SPACE(BYTES));
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            if !header.is_null() {
                (*header).cmsg_level = libc::SOL_SOCKET;
                (*header).cmsg_type = libc::SCM_RIGHTS;
                (*header).cmsg_len = wide(libc::CMSG_LEN(BYTES));
                libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(descriptor);
            }
        }
        libc::sendmsg(status, &raw const message, libc::MSG_NOSIGNAL);
    }
}

/// Lengths of control messages are `size_t` with one C library and `socklen_t` with another.
fn wide<T: TryFrom<libc::c_uint> + Default>(length: libc::c_uint) -> T {
    T::try_from(length).unwrap_or_default()
}
