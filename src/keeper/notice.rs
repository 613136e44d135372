//! What a run says about itself: a datagram socket for each run that asked for one, and the
//! protocol of `sd_notify`. It is always drained, whoever listens to the result.

use std::{
    collections::BTreeMap,
    fs, io,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::fs::DirBuilderExt as _,
    },
    path::{Path, PathBuf},
};

use rustix::{
    event::epoll::{self, EventData, EventFlags},
    net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, getsockname,
        socket_with, sockopt,
    },
    process::Pid,
};

use super::{
    datagram::{self, Datagram},
    event_loop::Keeper,
    run::Run,
    said::of_agent,
    sys,
};
use crate::protocol::{Notify, notify_path};

/// What the sockets are called in the event loop: this and the run.
pub(super) const FIRST_NOTIFY: u64 = 1 << 63;
/// So many messages of a run are taken before other events are looked at again.
const AT_ONCE: usize = 64;
const MAX_STATUS: usize = 256;
const PER_USEC: u64 = 1000;

/// The notify sockets by their runs.
#[derive(Debug)]
pub(super) struct NotifySockets {
    run_dir: PathBuf,
    sockets: BTreeMap<u64, OwnedFd>,
}

impl NotifySockets {
    /// None yet.
    pub(super) fn new(run_dir: &Path) -> Self {
        Self { run_dir: run_dir.to_owned(), sockets: BTreeMap::new() }
    }

    /// Makes the socket of a run that is about to start, and has it waited for. A run of another
    /// user cannot come to the keeper's directory: its socket has a name that the system chose, in
    /// no directory; the value of `NOTIFY_SOCKET` for it is given.
    pub(super) fn open(
        &mut self,
        run: u64,
        of_other: bool,
        poll: &OwnedFd,
    ) -> io::Result<Option<String>> {
        if FIRST_NOTIFY <= run {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if !of_other {
            self.open_at_path(run, poll)?;
            return Ok(None);
        }
        let socket = notify_socket()?;
        let name = datagram::bind_anywhere(&socket)?;
        let data = EventData::new_u64(FIRST_NOTIFY | run);
        epoll::add(poll, &socket, data, EventFlags::IN)?;
        self.sockets.insert(run, socket);
        Ok(Some(format!("@{name}")))
    }

    fn open_at_path(&mut self, run: u64, poll: &OwnedFd) -> io::Result<()> {
        let path = notify_path(&self.run_dir, run);
        // Before anything is made: an address that is too long.
        let address = SocketAddrUnix::new(&path)?;
        if let Some(dir) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let socket = notify_socket()?;
        bind(&socket, &address)?;
        let data = EventData::new_u64(FIRST_NOTIFY | run);
        if let Err(error) = epoll::add(poll, &socket, data, EventFlags::IN) {
            drop(fs::remove_file(&path));
            return Err(error.into());
        }
        self.sockets.insert(run, socket);
        Ok(())
    }

    /// Takes up the socket of a run that an earlier keeper made, and has it waited for.
    pub(super) fn take(&mut self, run: u64, socket: OwnedFd, poll: &OwnedFd) -> io::Result<()> {
        let data = EventData::new_u64(FIRST_NOTIFY | run);
        epoll::add(poll, &socket, data, EventFlags::IN)?;
        self.sockets.insert(run, socket);
        Ok(())
    }

    /// Removes what an earlier keeper left and nobody reads.
    pub(super) fn remove_others(&self) {
        let Some(entries) = notify_path(&self.run_dir, 0).parent().map(fs::read_dir) else {
            return;
        };
        for entry in entries.into_iter().flatten().flatten() {
            let run = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
            if run.is_none_or(|run| !self.sockets.contains_key(&run)) {
                drop(fs::remove_file(entry.path()));
            }
        }
    }

    /// The socket of a run.
    pub(super) fn of(&self, run: u64) -> Option<BorrowedFd<'_>> {
        self.sockets.get(&run).map(OwnedFd::as_fd)
    }

    /// A socket that is connected to that of a run: what is written to it arrives there.
    pub(super) fn connected(&self, run: u64) -> io::Result<OwnedFd> {
        let known = self.of(run).ok_or(io::ErrorKind::NotFound)?;
        // Whoever writes must not have to wait for a keeper that is stopped.
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
        connect(&socket, &getsockname(known)?)?;
        Ok(socket)
    }

    /// Closes and removes the socket of a run.
    pub(super) fn close(&mut self, run: u64) {
        if self.sockets.remove(&run).is_some() {
            drop(fs::remove_file(notify_path(&self.run_dir, run)));
        }
    }
}

fn notify_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
    sockopt::set_socket_passcred(&socket, true)?;
    Ok(socket)
}

impl Keeper {
    /// Takes what a run has said so far, up to a bound; the loop comes back for more.
    pub(super) fn take_notices(&mut self, run: u64) {
        let Some(socket) = self.notify_sockets.sockets.get(&run) else { return };
        let Some(known) = self.runs.get_mut(&run) else { return };
        let mut changed = false;
        let mut said = Vec::new();
        for _ in 0..AT_ONCE {
            // Descriptors that came along are closed when the message has been dealt with: the
            // sender of a barrier waits for that, and nothing is stored for anybody.
            let Ok(Datagram { bytes, sender, descriptors: _kept }) = datagram::receive(socket)
            else {
                break;
            };
            match sender.filter(|sender| is_of(known, *sender)) {
                Some(sender) if of_agent(&bytes).is_some() => said.push((sender, bytes)),
                Some(_) => changed |= hear(&mut known.record.notify, &bytes, sys::now()),
                None => {}
            }
        }
        if changed {
            self.changed(run);
        }
        for (sender, bytes) in said {
            let pid = sender.as_raw_nonzero().get().unsigned_abs();
            self.pass_on(run, pid, of_agent(&bytes).unwrap_or_default());
        }
    }

    /// Nothing is left of a run: takes its last words and removes the socket.
    pub(super) fn end_notices(&mut self, run: u64) {
        self.take_notices(run);
        self.notify_sockets.close(run);
    }
}

/// Whether a sender is a process of the run of this leader. The number of the leader is nobody
/// else's while the run is not gone, so the leader is believed also after its end.
fn is_of(run: &Run, sender: Pid) -> bool {
    let in_group = |pid| run.cgroup.as_ref().is_some_and(|it| it.processes().contains(&pid));
    sender == run.leader || sys::session(sender) == Some(run.leader) || in_group(sender)
}

/// Takes one message in; says whether anything changed. A field that is not known or cannot be read
/// is passed over.
pub fn hear(notify: &mut Notify, message: &[u8], now: u64) -> bool {
    let before = notify.clone();
    for line in message.split(|byte| *byte == b'\n') {
        let Some(at) = line.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = (line.get(..at), line.get(at..).and_then(|rest| rest.get(1..)));
        match (name.unwrap_or_default(), value.unwrap_or_default()) {
            (b"READY", b"1") => {
                notify.ready = true;
                notify.reloading = false;
            }
            (b"RELOADING", b"1") => notify.reloading = true,
            (b"STOPPING", b"1") => notify.stopping = true,
            (b"WATCHDOG", b"1") => notify.watchdog = now,
            (b"STATUS", text) => notify.status = shortened(text).to_vec(),
            (b"EXTEND_TIMEOUT_USEC", text) => {
                let usec = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok());
                if let Some(usec) = usec {
                    notify.extend = now.saturating_add(usec.saturating_mul(PER_USEC));
                }
            }
            _ => {}
        }
    }
    before != *notify
}

/// At most what a record takes, cut between characters where the text has any.
fn shortened(text: &[u8]) -> &[u8] {
    let Some(short) = text.get(..MAX_STATUS).filter(|short| short.len() < text.len()) else {
        return text;
    };
    match std::str::from_utf8(short) {
        Err(error) if error.error_len().is_none() => {
            short.get(..error.valid_up_to()).unwrap_or(short)
        }
        Ok(_) | Err(_) => short,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn heard(messages: &[&str]) -> Notify {
        let mut notify = Notify::default();
        for message in messages {
            hear(&mut notify, message.as_bytes(), 5);
        }
        notify
    }

    #[test]
    fn words_become_facts() {
        let ready = Notify { ready: true, ..Notify::default() };
        assert_eq!(heard(&["READY=1"]), ready);
        assert_eq!(heard(&["READY=1\n"]), ready);
        assert_eq!(heard(&["READY=0", "READY=", "READY", "=", "", "ready=1"]), Notify::default());
        assert_eq!(heard(&["RELOADING=1", "READY=1"]), ready);
        assert_eq!(
            heard(&["READY=1\nRELOADING=1\nMONOTONIC_USEC=12\nSTATUS=load\u{e9}\nMAINPID=1"]),
            Notify { reloading: true, status: "load\u{e9}".into(), ..ready.clone() }
        );
        assert_eq!(heard(&["READY=1", "STOPPING=1"]), Notify { stopping: true, ..ready });
        assert_eq!(heard(&["STATUS=a=b", "STATUS="]), Notify::default());
        assert_eq!(heard(&["STATUS=a=b"]).status, b"a=b");
        assert_eq!(heard(&["EXTEND_TIMEOUT_USEC=2"]).extend, 2005);
        assert_eq!(heard(&["EXTEND_TIMEOUT_USEC=18446744073709551615"]).extend, u64::MAX);
        assert_eq!(heard(&["EXTEND_TIMEOUT_USEC=-1", "EXTEND_TIMEOUT_USEC=x"]).extend, 0);
        assert_eq!(heard(&["WATCHDOG=1"]).watchdog, 5);
        assert_eq!(heard(&["WATCHDOG=trigger"]).watchdog, 0);
        assert_eq!(heard(&["FDSTORE=1\nFDNAME=x", "BARRIER=1"]), Notify::default());
    }

    #[test]
    fn only_what_is_new_is_a_change() {
        let mut notify = Notify::default();
        assert!(hear(&mut notify, b"READY=1\nSTATUS=x", 1));
        assert!(!hear(&mut notify, b"READY=1\nSTATUS=x", 2));
        assert!(hear(&mut notify, b"WATCHDOG=1", 3));
        assert!(hear(&mut notify, b"WATCHDOG=1", 4));
        assert!(!hear(&mut notify, b"WATCHDOG=1", 4));
    }

    #[test]
    fn a_long_status_is_cut_between_characters() {
        let text = "\u{e9}".repeat(200);
        let status = |text: &str| heard(&[&format!("STATUS={text}")]).status;
        assert_eq!(status(&text).len(), MAX_STATUS);
        assert_eq!(status(&format!("x{text}")).len(), MAX_STATUS - 1);
        assert_eq!(shortened(&[0xff; 300]).len(), MAX_STATUS);
        assert_eq!(shortened(&[0xff; 256]).len(), 256);
    }

    #[test]
    fn a_socket_is_private_and_goes_with_its_run() {
        use std::os::{
            fd::AsFd as _,
            unix::{fs::PermissionsExt as _, net::UnixDatagram},
        };
        let dir = tempfile::tempdir().unwrap();
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let mut sockets = NotifySockets::new(dir.path());
        assert_eq!(sockets.open(7, false, &poll).unwrap(), None);
        let path = notify_path(dir.path(), 7);
        let mode = fs::metadata(path.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(sockets.open(8, false, &poll).is_ok());
        assert!(sockets.open(FIRST_NOTIFY, true, &poll).is_err());

        let connected = sockets.connected(7).unwrap();
        assert!(sockets.connected(9).is_err());
        let sender = UnixDatagram::unbound().unwrap();
        sender.send_to(b"READY=1", &path).unwrap();
        sender.send_to(&[b'x'; 5000], &path).unwrap();
        let (reading, writing) = rustix::pipe::pipe().unwrap();
        let (channel, _) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::DGRAM,
            SocketFlags::empty(),
            None,
        )
        .unwrap();
        connect(&channel, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        let two = [writing.as_fd(), reading.as_fd()];
        crate::protocol::send(&channel, b"BARRIER=1", &two, crate::protocol::Blocking::Wait)
            .unwrap();
        drop(writing);
        let socket = &sockets.sockets[&7];
        let first = datagram::receive(socket).unwrap();
        assert_eq!(first.bytes, b"READY=1");
        assert_eq!(first.sender, Some(rustix::process::getpid()));
        assert_eq!(datagram::receive(socket).unwrap().bytes, b"");
        let barrier = datagram::receive(socket).unwrap();
        assert_eq!((&*barrier.bytes, barrier.descriptors.len()), (&b"BARRIER=1"[..], 2));
        rustix::io::write(&connected, b"READY=1").unwrap();
        let written = datagram::receive(socket).unwrap();
        assert_eq!((&*written.bytes, written.sender), (&b"READY=1"[..], first.sender));
        drop(barrier);
        // Nobody holds the writing end any more.
        assert_eq!(rustix::io::read(&reading, &mut [0; 1]), Ok(0));
        assert!(datagram::receive(socket).is_err());
        sockets.close(7);
        assert!(!path.exists() && notify_path(dir.path(), 8).exists());

        let deep = dir.path().join("x".repeat(100));
        let error = NotifySockets::new(&deep).open(1, false, &poll).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENAMETOOLONG));
        assert!(!deep.exists());
    }

    proptest! {
        #[test]
        fn no_message_is_too_odd(
            message in proptest::collection::vec(any::<u8>(), 0..600),
            line in "(READY|STATUS|EXTEND_TIMEOUT_USEC|WATCHDOG)=[ -~]{0,300}",
        ) {
            let mut notify = Notify::default();
            hear(&mut notify, &message, 5);
            hear(&mut notify, line.as_bytes(), 5);
            prop_assert!(notify.status.len() <= MAX_STATUS);
        }
    }
}
