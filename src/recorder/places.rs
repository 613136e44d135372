//! Which directories are on which file system: a writer has one of them.

use std::{
    collections::BTreeMap,
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::protocol::{Destination, Sink};

/// How long a directory may take to say where it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where files are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// On the file system of this number.
    FileSystem(u64),
    /// In a directory that does not say where it is, or at a service: with a writer of its own.
    Alone(PathBuf),
}

/// The places of directories that were asked for.
#[derive(Debug, Default)]
pub(super) struct Places {
    known: BTreeMap<PathBuf, Place>,
}

impl Places {
    /// The place of a sink. A service that does not answer holds up only those who write to it.
    pub(super) fn of(&mut self, sink: &Sink) -> Place {
        match sink.to {
            Destination::File => self.of_directory(&sink.dir),
            Destination::Nowhere => Place::Alone(PathBuf::new()),
            Destination::Output(_) => Place::Alone("stdout".into()),
            Destination::Journal | Destination::Syslog => Place::Alone(sink.socket.clone()),
        }
    }

    /// The place of a directory, which is made if it is missing. Each is looked at once, and not by
    /// the caller: on a disk that hangs even looking does.
    fn of_directory(&mut self, dir: &Path) -> Place {
        if let Some(place) = self.known.get(dir) {
            return place.clone();
        }
        let (answer, answered) = mpsc::channel();
        let asked = dir.to_owned();
        let look = move || answer.send(file_system(&asked)).unwrap_or_default();
        let thread = thread::Builder::new().name("eco-look".to_owned()).spawn(look);
        let found = match thread {
            Ok(_) => answered.recv_timeout(PATIENCE).ok().flatten(),
            Err(_) => file_system(dir),
        };
        let place = found.map_or_else(|| Place::Alone(dir.to_owned()), Place::FileSystem);
        self.known.insert(dir.to_owned(), place.clone());
        place
    }
}

/// The number of the file system a directory is on.
fn file_system(dir: &Path) -> Option<u64> {
    std::fs::metadata(dir)
        .or_else(|_| make_directory(dir).and_then(|()| std::fs::metadata(dir)))
        .map(|found| found.dev())
        .ok()
}

/// Makes a directory, and the ones above it, for this user only.
pub(super) fn make_directory(dir: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}
