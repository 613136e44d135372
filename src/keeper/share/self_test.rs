//! Whether this system lets a keeper share ports: the same calls on a child made for it, outside of
//! any keeper that runs. For `eco doctor`.

use std::{
    ffi::OsString,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    os::fd::{AsRawFd as _, OwnedFd},
    process::{Child, Command, ExitCode, Stdio},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};

use super::{
    filter::{FILTERED, install_and_tell},
    group::Line,
    notification::{Answer, take_alone},
    socket::{Company, Place, attach, bind, fresh},
};
use crate::protocol::{Blocking, SelfTest, inherited, pair, receive};

/// The argument by which the child is told from its parent.
const CHILD: &str = "child";
/// What the child asks for. It is answered here, so nobody ever binds it.
const ASKED: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
/// How long the child may take.
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// Tries everything and prints what was found.
pub fn self_test(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    if args.next().is_some_and(|word| word == CHILD) {
        return child();
    }
    let (answer, look) = match with_child() {
        Ok((answer, look)) => (number(&answer), number(&look)),
        Err(error) => (number(&Err(error)), libc::ENOSYS),
    };
    let found = SelfTest { answer, look, steer: number(&steer()) };
    match io::stdout().write_all(found.to_line().as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn number(result: &io::Result<()>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(error) => error.raw_os_error().unwrap_or(libc::EIO),
    }
}

/// Asks its parent by a call, then waits until nobody needs it any more.
fn child() -> ExitCode {
    let Ok(channel) = inherited(0) else { return ExitCode::FAILURE };
    install_and_tell(channel.as_raw_fd());
    let asked = fresh(ASKED).and_then(|made| Ok(rustix::net::bind(&made, &ASKED)?));
    drop(receive(&channel, Blocking::Wait));
    if asked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether a child's call can be answered, and whether one may look into it.
#[expect(clippy::disallowed_methods, reason = "the child that is tried out")]
fn with_child() -> io::Result<(io::Result<()>, io::Result<()>)> {
    let (channel, theirs) = pair()?;
    let mut child = Command::new("/proc/self/exe")
        .args(["__selftest", CHILD])
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let answered = answer(&channel);
    let looked = look(&child);
    drop(channel);
    let ended = child.wait()?;
    let failed = || io::Error::from_raw_os_error(libc::EIO);
    let answered = answered.and_then(|()| ended.success().then_some(()).ok_or_else(failed));
    Ok((answered, looked))
}

fn await_input(fd: &OwnedFd) -> io::Result<()> {
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    let ready = rustix::io::retry_on_intr(|| poll(&mut fds, Some(&PATIENCE)))?;
    if ready == 0 { Err(io::Error::from_raw_os_error(libc::ETIMEDOUT)) } else { Ok(()) }
}

fn answer(channel: &OwnedFd) -> io::Result<()> {
    await_input(channel)?;
    let said = receive(channel, Blocking::Never)?;
    let filter = match (said.bytes.as_slice(), said.descriptors.into_iter().next()) {
        ([FILTERED, ..], Some(filter)) => filter,
        ([_, a, b, c, d], _) => {
            return Err(io::Error::from_raw_os_error(i32::from_le_bytes([*a, *b, *c, *d])));
        }
        (_, _) => return Err(io::Error::from_raw_os_error(libc::EIO)),
    };
    await_input(&filter)?;
    let call = take_alone(&filter)?;
    let given = if call.address() == Some(ASKED) {
        fresh(ASKED).and_then(|ours| call.replace(&filter, &ours, true))
    } else {
        // Its memory cannot be read.
        Err(io::Error::from_raw_os_error(libc::EPERM))
    };
    call.answer(&filter, if given.is_ok() { Answer::Done } else { Answer::Failed(libc::EPERM) });
    given
}

fn look(child: &Child) -> io::Result<()> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    pidfd_getfd(&pidfd, 0, PidfdGetfdFlags::empty())?;
    Ok(())
}

/// Attaches the program that picks a socket to one that listens at a port of the system's choice.
fn steer() -> io::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let made = fresh(address)?;
    bind(&made, &Place::new(address, &made), Company::Alone)?;
    rustix::net::listen(&made, 1)?;
    let mut line = Line::default();
    line.join(1, 1);
    line.settle(&[(1, 1)]);
    attach(&made, &mut line.program())
}
