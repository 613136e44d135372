//! Hears which files of some directories change.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    mem::MaybeUninit,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags},
    io::Errno,
};

use super::Hooks;

/// What was heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Files that were written to, made, renamed or removed.
    pub(super) files: BTreeSet<PathBuf>,
    /// More happened than could be told.
    pub(super) lost: bool,
    /// The reader of the output is gone.
    pub(super) closed: bool,
    /// It is time to end.
    pub(super) ended: bool,
}

/// Directories that are listened to. Where the kernel gives no such service, nothing is heard and
/// the caller has to look by itself.
#[derive(Debug)]
pub(super) struct Watch {
    inotify: Option<OwnedFd>,
    dirs: BTreeMap<i32, PathBuf>,
}

impl Watch {
    pub(super) fn new() -> Self {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok();
        Self { inotify, dirs: BTreeMap::new() }
    }

    /// Listens to these directories too; whether all of them are heard now. One that is missing
    /// has to be asked for again.
    pub(super) fn listen<'a>(&mut self, dirs: impl Iterator<Item = &'a Path>) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        let known: BTreeSet<PathBuf> = self.dirs.values().cloned().collect();
        let mut is_complete = true;
        for dir in dirs.filter(|dir| !known.contains(*dir)) {
            let what = WatchFlags::MODIFY
                | WatchFlags::CREATE
                | WatchFlags::MOVED_TO
                | WatchFlags::MOVED_FROM
                | WatchFlags::DELETE
                | WatchFlags::MOVE_SELF
                | WatchFlags::ONLYDIR;
            match inotify::add_watch(inotify, dir, what) {
                Ok(watch) => {
                    self.dirs.insert(watch, dir.to_owned());
                }
                Err(_) => is_complete = false,
            }
        }
        is_complete
    }

    /// Waits until something happens, or for `timeout`.
    pub(super) fn wait(&mut self, timeout: Duration, hooks: &Hooks<'_>) -> Heard {
        let mut heard = Heard::default();
        let timeout = Timespec::try_from(timeout).ok();
        let told = [hooks.until_closed, hooks.until];
        // No event is asked for: that the other end is gone is told without.
        let told_by = told.iter().flatten();
        let mut fds: Vec<_> =
            told_by.map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::empty())).collect();
        fds.extend(
            self.inotify.as_ref().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)),
        );
        // An error, such as an interruption, is like waking early.
        if poll(&mut fds, timeout.as_ref()).is_ok() {
            let gone = PollFlags::ERR | PollFlags::HUP;
            let mut ends = fds.iter().map(|fd| fd.revents().intersects(gone));
            heard.closed = hooks.until_closed.is_some() && ends.next() == Some(true);
            heard.ended = hooks.until.is_some() && ends.next() == Some(true);
        }
        self.read(&mut heard);
        heard
    }

    fn read(&mut self, heard: &mut Heard) {
        let Some(inotify) = &self.inotify else { return };
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut events = inotify::Reader::new(inotify, &mut buffer);
        loop {
            match events.next() {
                Ok(event) => {
                    let kind = event.events();
                    if kind.contains(ReadFlags::QUEUE_OVERFLOW) {
                        heard.lost = true;
                    }
                    if kind.intersects(ReadFlags::IGNORED | ReadFlags::MOVE_SELF) {
                        // The directory is another one now, or none: it is asked for again.
                        self.dirs.remove(&event.wd());
                        heard.lost = true;
                    }
                    if let (Some(dir), Some(name)) = (self.dirs.get(&event.wd()), event.file_name())
                    {
                        heard.files.insert(dir.join(OsStr::from_bytes(name.to_bytes())));
                    }
                }
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
    }
}
