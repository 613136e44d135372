//! Telling whoever looks after services that this one is ready (`sd_notify`).

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};

const READY: &[u8] = b"READY=1";

/// Says so, if somebody wants to know. Who cannot be told waits in vain, and will end this process.
pub(super) fn ready() {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    say(&path, READY).ok();
}

fn say(path: &OsStr, text: &[u8]) -> rustix::io::Result<usize> {
    let address = match path.as_bytes() {
        [b'@', name @ ..] => SocketAddrUnix::new_abstract_name(name)?,
        name => SocketAddrUnix::new(name)?,
    };
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    rustix::net::sendto(&socket, text, SendFlags::NOSIGNAL, &address)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn whoever_wants_to_know_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        say(path.as_os_str(), READY).unwrap();
        let mut text = [0; 16];
        assert_eq!(socket.recv(&mut text).unwrap(), READY.len());
        assert!(text.starts_with(READY));
        say(OsStr::new("@no such socket of eco"), READY).unwrap_err();
    }
}
