//! Which directory entries decide what a path leads to.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
    time::SystemTime,
};

/// As many symbolic links as the kernel follows.
const MAX_LINKS: usize = 40;

/// Tells one directory from another that takes its place. Inode numbers alone do not: they are
/// given out again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::host) struct Identity {
    device: u64,
    inode: u64,
    created: Option<SystemTime>,
}

impl Identity {
    /// Of what lies at `path` now, links followed.
    pub(in crate::host) fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        let created = meta.created().ok();
        Some(Self { device: meta.dev(), inode: meta.ino(), created })
    }
}

/// The way from a path to its file through symbolic links.
///
/// All paths in it are canonical, so that no directory is watched under two names: inotify would
/// report only one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::host) struct Hops {
    /// The directories to watch: those that hold the file and each link on the way, and the ones
    /// above them.
    pub(in crate::host) dirs: BTreeMap<PathBuf, Option<Identity>>,
    /// The entries of these directories that matter.
    pub(in crate::host) names: BTreeSet<PathBuf>,
    /// Where the path leads; entries that are missing are taken as they are written.
    pub(in crate::host) target: PathBuf,
}

impl Hops {
    /// The way that `path`, an absolute one, takes now.
    pub(in crate::host) fn of(path: &Path) -> Self {
        let mut hops = Self::default();
        let mut here = PathBuf::from("/");
        let mut todo = steps(path);
        let mut links = 0;
        while let Some(step) = todo.pop() {
            let name = match step {
                Step::Root => {
                    here = PathBuf::from("/");
                    continue;
                }
                Step::Up => {
                    here.pop();
                    continue;
                }
                Step::Name(name) => name,
            };
            let next = here.join(name);
            let link = fs::read_link(&next).ok().filter(|_| links < MAX_LINKS);
            if let Some(link) = link {
                links += 1;
                hops.note(&here, &next);
                todo.extend(steps(&link));
                continue;
            }
            if todo.is_empty() || !next.is_dir() {
                hops.note(&here, &next);
            }
            here = next;
        }
        hops.target = here;
        hops
    }

    /// Adds the way of another path.
    pub(in crate::host) fn join(&mut self, other: Self) {
        self.dirs.extend(other.dirs);
        self.names.extend(other.names);
    }

    /// Watches for the entry `name` of `dir`, if that is there, and for `dir` itself.
    pub(in crate::host) fn note(&mut self, dir: &Path, name: &Path) {
        let mut entry = Some((dir, name));
        for _ in 0..2 {
            let Some((dir, name)) = entry else { return };
            if dir.is_dir() {
                self.dirs.insert(dir.to_owned(), Identity::of(dir));
                self.names.insert(name.to_owned());
            }
            entry = dir.parent().map(|above| (above, dir));
        }
    }
}

enum Step {
    Root,
    Up,
    Name(OsString),
}

/// The steps of a path, the first one last.
fn steps(path: &Path) -> Vec<Step> {
    let mut steps: Vec<Step> = path
        .components()
        .filter_map(|component| match component {
            Component::RootDir => Some(Step::Root),
            Component::ParentDir => Some(Step::Up),
            Component::Normal(name) => Some(Step::Name(name.to_owned())),
            Component::CurDir | Component::Prefix(_) => None,
        })
        .collect();
    steps.reverse();
    steps
}
