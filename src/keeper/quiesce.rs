//! Letting the processes of a run accept no more connections, without their help: the shared
//! listening sockets are taken out of their `epoll` instances. Processes that wait in another way
//! (`select`, `poll`, a blocking `accept`) are left as they are, and it is said.
#![expect(unsafe_code, reason = "descriptors are put at numbers that another process gave them")]

use std::{
    collections::BTreeMap,
    fs, io,
    os::fd::{AsRawFd as _, BorrowedFd, OwnedFd},
    thread,
};

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::{
    event_loop::Keeper,
    members::{self, Held},
    spawn::Refusal,
};
use crate::protocol::Step;

const STACK: usize = 128 << 10;

/// One entry to take out of one `epoll` instance.
#[derive(Debug)]
struct Removal<'a> {
    epoll: &'a OwnedFd,
    socket: BorrowedFd<'a>,
    /// The descriptor number under which the socket was added.
    number: i32,
}

impl Keeper {
    /// Lets a run accept no more connections on its cohort's sockets. A run that is gone accepts
    /// none. It is refused with `ENOTSUP` if nothing of the run watches them by `epoll`.
    pub(super) fn quiesce(&mut self, id: u64) -> Result<(), Refusal> {
        let Some(run) = self.runs.get(&id) else { return Err((Step::Prepare, libc::ESRCH)) };
        let sockets: Vec<_> = self.cohort_sockets(run.record.cohort).collect();
        if sockets.is_empty() {
            return Ok(());
        }
        let members: Vec<Pid> = self.members(run).into_iter().collect();
        match silence(&members, &sockets) {
            Ok(0) => Err((Step::Prepare, libc::ENOTSUP)),
            Ok(_) => Ok(()),
            Err(error) => Err((Step::Prepare, error.raw_os_error().unwrap_or(libc::EIO))),
        }
    }
}

/// Takes sockets out of the `epoll` instances of processes: out of how many. An instance that cannot
/// be reached is an error, once the others are done.
fn silence(members: &[Pid], sockets: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut by_inode = BTreeMap::new();
    for socket in sockets {
        by_inode.insert(rustix::fs::fstat(socket)?.st_ino, *socket);
    }
    let mut failed = None;
    let mut instances = Vec::new();
    for pid in members {
        for (number, held) in members::held(*pid) {
            if held != Held::Epoll {
                continue;
            }
            let entries = entries(*pid, number);
            let mut known = entries
                .into_iter()
                .filter_map(|(number, inode)| by_inode.get(&inode).map(|socket| (number, *socket)));
            if let Some(first) = known.next() {
                match take(*pid, number) {
                    Ok(epoll) => {
                        instances.push((epoll, std::iter::once(first).chain(known).collect()));
                    }
                    Err(error) => failed = Some(error),
                }
            }
        }
    }
    remove_all(&instances)?;
    failed.map_or(Ok(instances.len()), Err)
}

fn take(pid: Pid, number: i32) -> io::Result<OwnedFd> {
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    Ok(pidfd_getfd(&process, number, PidfdGetfdFlags::empty())?)
}

/// What an `epoll` instance watches: the numbers and inodes of files.
fn entries(pid: Pid, number: i32) -> Vec<(i32, u64)> {
    let path = format!("/proc/{}/fdinfo/{number}", pid.as_raw_nonzero());
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(entry).collect()
}

/// Reads a line such as `tfd: 19 events: 19 data: 13 pos:0 ino:2f1 sdev:8`.
fn entry(line: &str) -> Option<(i32, u64)> {
    let number = line.strip_prefix("tfd:")?.split_ascii_whitespace().next()?.parse().ok()?;
    let inode = line.split_ascii_whitespace().find_map(|word| word.strip_prefix("ino:"))?;
    Some((number, u64::from_str_radix(inode, 16).ok()?))
}

/// Removes entries. An entry is named by its file and by the number it had when it was added, so the
/// keeper's own descriptor of the socket (it is the same file) has to stand at that number, which
/// may be taken in the keeper. So it is done by a thread with a descriptor table of its own. The
/// thread has ended when this returns: the keeper forks only while it has one thread.
fn remove_all(instances: &[(OwnedFd, Vec<(i32, BorrowedFd<'_>)>)]) -> io::Result<()> {
    if instances.is_empty() {
        return Ok(());
    }
    let removals: Vec<Removal<'_>> = instances
        .iter()
        .flat_map(|(epoll, entries)| {
            entries.iter().map(move |(number, socket)| Removal {
                epoll,
                socket: *socket,
                number: *number,
            })
        })
        .collect();
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK);
        let worker = worker.spawn_scoped(scope, || in_own_table(&removals))?;
        worker.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    })
}

/// What the thread does: leaves the table it shares, then removes.
fn in_own_table(removals: &[Removal<'_>]) -> io::Result<()> {
    // SAFETY: from here on the thread has copies of all descriptors; none of the process's own is
    // closed or replaced by what it does, and it ends without using any of them otherwise.
    if unsafe { libc::unshare(libc::CLONE_FILES) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // First all copies above every number that will be replaced, which may be one of theirs.
    let above = removals.iter().map(|it| it.number).max().unwrap_or(0).saturating_add(1);
    let copy = |fd: i32| {
        // SAFETY: the copy is of this thread's own table, which ends with the thread.
        let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, above) };
        if 0 <= copy { Ok(copy) } else { Err(io::Error::last_os_error()) }
    };
    let copies: Vec<(i32, i32, i32)> = removals
        .iter()
        .map(|it| Ok((copy(it.epoll.as_raw_fd())?, copy(it.socket.as_raw_fd())?, it.number)))
        .collect::<io::Result<_>>()?;
    let done: Vec<io::Result<()>> =
        copies.iter().map(|(epoll, socket, number)| remove(*epoll, *socket, *number)).collect();
    for (epoll, socket, number) in copies {
        for fd in [epoll, socket, number] {
            // SAFETY: as above. Closed here rather than by the thread's end, which the system may
            // finish after this thread was waited for.
            unsafe { libc::close(fd) };
        }
    }
    done.into_iter().collect()
}

/// Removes one entry.
fn remove(epoll: i32, socket: i32, number: i32) -> io::Result<()> {
    let nothing = std::ptr::null_mut();
    // SAFETY: what stands at the number in this thread's own table is used by nobody, and the
    // removal of an entry reads no event.
    let done = unsafe {
        0 <= libc::dup2(socket, number)
            && 0 == libc::epoll_ctl(epoll, libc::EPOLL_CTL_DEL, number, nothing)
    };
    let error = io::Error::last_os_error();
    // Another process with the same instance, or the app itself, may have removed it meanwhile.
    if done || error.raw_os_error() == Some(libc::ENOENT) { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, os::fd::AsFd as _};

    use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

    use super::*;

    #[test]
    fn lines_of_the_system_are_read() {
        let line = "tfd:       19 events:       19 data:               13  pos:0 ino:2f1 sdev:8";
        assert_eq!(entry(line), Some((19, 0x2f1)));
        assert_eq!(entry("tfd:       19 events:       19 data: 13"), None);
        assert_eq!(entry("pos:\t0"), None);
        assert_eq!(entry("tfd: x ino:1"), None);
    }

    #[test]
    fn listening_sockets_are_taken_out_and_others_stay() {
        let [one, other, kept] = [0; 3].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        // Known to the instance by a number that is gone or another file's meanwhile.
        let instances: Vec<_> = (0..3)
            .map(|_| {
                let instance = epoll::create(CreateFlags::CLOEXEC).unwrap();
                for socket in [&one, &other, &kept] {
                    let number = socket.try_clone().unwrap();
                    let data = EventData::new_u64(7);
                    epoll::add(&instance, &number, data, EventFlags::IN).unwrap();
                }
                instance
            })
            .collect();
        let members = [rustix::process::getpid()];
        let watched = |instance: &OwnedFd| entries(members[0], instance.as_raw_fd()).len();
        assert!(instances.iter().all(|instance| watched(instance) == 3));
        for found in [3, 0] {
            assert_eq!(silence(&members, &[one.as_fd(), other.as_fd()]).unwrap(), found);
            assert!(instances.iter().all(|instance| watched(instance) == 1));
        }
        // This process's own descriptors are what they were.
        one.local_addr().unwrap();
        silence(&members, &[kept.as_fd()]).unwrap();
        assert!(instances.iter().all(|instance| watched(instance) == 0));
    }
}
