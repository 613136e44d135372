//! One watched app: what of the file system concerns it, and what changed there.

use std::{
    collections::BTreeSet,
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    rules::Rules,
    shared::{Happened, MAX_PATHS},
    watches::Watches,
};
use crate::{
    host::{
        clock,
        follow::{Hops, WatchFault},
    },
    model::{AppKey, Time, WatchPolicy},
};

/// How long nothing may change before it is reported,
const QUIET: Duration = Duration::from_millis(200);
/// and for how long that is waited for.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// How many directories are watched for one app.
const MAX_DIRS: usize = 100_000;
/// How often the way to the sources is walked again while it changes under one's feet.
const ATTEMPTS: usize = 5;

/// Which files found in a directory count as changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Count {
    /// None: they are known.
    None,
    /// Those stamped then or later.
    Since((i64, i64)),
    /// All: the directory is new.
    All,
}

/// What is watched for one app.
pub(super) struct App {
    key: AppKey,
    pub(super) policy: WatchPolicy,
    pub(super) exclude: Vec<PathBuf>,
    rules: Rules,
    /// The way to the watched paths.
    hops: Hops,
    /// Where they lead: directories,
    roots: Vec<PathBuf>,
    /// and all else, be it there or not.
    files: BTreeSet<PathBuf>,
    /// Every watched directory below the roots.
    tree: BTreeSet<PathBuf>,
    /// Whether some of it could not be watched.
    pub(super) limited: bool,
    pending: Option<Pending>,
}

/// Changes that are not reported yet.
#[derive(Clone, Debug)]
struct Pending {
    first: Time,
    last: Time,
    paths: Vec<PathBuf>,
}

impl App {
    pub(super) fn new(key: AppKey, policy: WatchPolicy, exclude: Vec<PathBuf>) -> Self {
        let rules = Rules::new(&policy, &policy.base, Vec::new());
        Self {
            key,
            policy,
            exclude,
            rules,
            hops: Hops::default(),
            roots: Vec::new(),
            files: BTreeSet::new(),
            tree: BTreeSet::new(),
            limited: false,
            pending: None,
        }
    }

    /// Takes over what `former` has not reported yet.
    pub(super) fn inherit(&mut self, former: Self) {
        self.pending = former.pending;
    }

    /// Watches everything anew.
    pub(super) fn arm(&mut self, watches: &mut Watches, count: Count) {
        watches.release(&self.key);
        self.tree.clear();
        self.limited = false;
        for _ in 0..ATTEMPTS {
            self.resolve();
            for dir in self.hops.dirs.keys() {
                // Directories above that cannot be read only hide their own replacement.
                if let Err(fault @ (WatchFault::Watches { .. } | WatchFault::Instances)) =
                    watches.add(dir, &self.key)
                {
                    return self.report_fault(watches, fault);
                }
            }
            let before = self.hops.clone();
            self.resolve();
            if before == self.hops {
                break;
            }
        }
        for file in self.files.clone() {
            if fs::metadata(&file).is_ok_and(|meta| count.has(&meta)) {
                self.touch(&file);
            }
        }
        for root in self.roots.clone() {
            self.walk(watches, &root, count);
        }
    }

    /// Finds out where the watched paths lead now.
    fn resolve(&mut self) {
        let exclude = self.exclude.iter().map(|path| Hops::of(path).target).collect();
        self.rules = Rules::new(&self.policy, &Hops::of(&self.policy.base).target, exclude);
        (self.hops, self.roots, self.files) = Default::default();
        for path in &self.policy.paths {
            let hops = Hops::of(path);
            let target = hops.target.clone();
            self.hops.join(hops);
            for dir in self.rules.enter_above(&target) {
                self.hops.note(&dir, &dir.join(".gitignore"));
            }
            if target.is_dir() {
                self.roots.push(target);
            } else {
                self.files.insert(target);
            }
        }
    }

    /// Watches `top` and the directories below it, and notes the files that `count`.
    fn walk(&mut self, watches: &mut Watches, top: &Path, count: Count) {
        let mut todo = vec![top.to_owned()];
        while let Some(dir) = todo.pop() {
            if self.rules.excludes(&dir) {
                continue;
            }
            if self.tree.len() == MAX_DIRS {
                let (path, limit) = (top.to_owned(), MAX_DIRS);
                return self.report_fault(watches, WatchFault::TooMany { path, limit });
            }
            // Watched first and read then: what comes between is seen twice, not missed.
            match watches.add(&dir, &self.key) {
                Ok(()) => {}
                Err(fault @ WatchFault::Other { .. }) => {
                    self.report_fault(watches, fault);
                    continue;
                }
                Err(fault) => return watches.report_fault(fault),
            }
            self.tree.insert(dir.clone());
            self.rules.enter(&dir);
            let Ok(entries) = fs::read_dir(&dir) else { continue };
            for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
                let Ok(meta) = fs::symlink_metadata(&path) else { continue };
                if self.ignores(&path, meta.is_dir()) {
                    continue;
                }
                if meta.is_dir() {
                    todo.push(path);
                } else if !is_file(&meta) {
                    watches.note_special(&path);
                } else if count.has(&meta) {
                    self.touch(&path);
                }
            }
        }
    }

    fn report_fault(&mut self, watches: &Watches, fault: WatchFault) {
        self.limited = true;
        watches.report_fault(fault);
    }

    fn ignores(&self, path: &Path, is_dir: bool) -> bool {
        // Below two roots, it has to be ignored by both.
        let mut roots = self.roots.iter().filter(|root| path.starts_with(root)).peekable();
        self.rules.excludes(path)
            || roots.peek().is_some() && roots.all(|root| self.rules.ignores(root, path, is_dir))
    }

    fn touch(&mut self, path: &Path) {
        let now = clock::now();
        let pending =
            self.pending.get_or_insert(Pending { first: now, last: now, paths: Vec::new() });
        pending.last = now;
        if pending.paths.len() < MAX_PATHS && !pending.paths.iter().any(|known| known == path) {
            pending.paths.push(path.to_owned());
        }
    }

    /// When the changes are to be reported.
    pub(super) fn due(&self) -> Option<Time> {
        let pending = self.pending.as_ref()?;
        Some(pending.last.after(QUIET).min(pending.first.after(MAX_WAIT)))
    }

    /// The changes to report.
    pub(super) fn take_pending(&mut self) -> Vec<PathBuf> {
        self.pending.take().map(|pending| pending.paths).unwrap_or_default()
    }

    /// Events were lost: anything may have changed.
    pub(super) fn look_anew(&mut self, watches: &mut Watches) {
        let path = self.policy.paths.first().unwrap_or(&self.policy.base).clone();
        self.arm(watches, Count::None);
        self.touch(&path);
    }

    /// The watched directory `dir` went away, with all below it.
    pub(super) fn forget_below(&mut self, dir: &Path) {
        self.tree.retain(|found| !found.starts_with(dir));
    }

    /// Something happened to the entry at `path`, of which there is `meta` now. `was_dir` if it
    /// was a watched directory.
    pub(super) fn happened(&mut self, watches: &mut Watches, what: &Seen<'_>) {
        let path = what.path;
        let on_the_way = self.hops.names.contains(path)
            || self.hops.dirs.contains_key(path) && matches!(what.happened, Happened::Gone(_));
        if on_the_way {
            self.happened_on_the_way(watches, what);
        } else if path.parent().is_some_and(|dir| self.tree.contains(dir)) {
            self.happened_in_tree(watches, what);
        }
    }

    fn happened_on_the_way(&mut self, watches: &mut Watches, what: &Seen<'_>) {
        let written = what.happened == Happened::Written;
        if written && self.files.contains(what.path) {
            if !self.rules.excludes(what.path) {
                self.touch(what.path);
            }
        } else if !written || is_gitignore(what.path) {
            // Whatever changes while everything is watched anew is covered by this report.
            self.arm(watches, Count::None);
            self.touch(what.path);
        } else if self.tree.contains(what.path.parent().unwrap_or(what.path)) {
            self.happened_in_tree(watches, what);
        }
    }

    fn happened_in_tree(&mut self, watches: &mut Watches, what: &Seen<'_>) {
        let path = what.path;
        match (what.happened, what.meta) {
            (Happened::Gone(was_dir), now) => {
                let as_dir = was_dir != Some(false) && self.ignores(path, true);
                let as_file = was_dir != Some(true) && self.ignores(path, false);
                if !as_dir && !as_file && !what.was_special {
                    self.touch(path);
                }
                if now.is_some_and(Metadata::is_dir) && !self.ignores(path, true) {
                    self.walk(watches, path, Count::All);
                }
            }
            (Happened::Created | Happened::MovedHere, Some(meta)) if meta.is_dir() => {
                if !self.ignores(path, true) {
                    self.walk(watches, path, Count::All);
                }
            }
            (Happened::Created | Happened::MovedHere | Happened::Written, Some(meta)) => {
                if is_file(meta) && !self.ignores(path, false) {
                    self.touch(path);
                }
            }
            // It is gone again, which is an event of its own.
            (Happened::Created | Happened::MovedHere | Happened::Written, None) => {}
        }
        if is_gitignore(path) && !self.ignores(path, false) {
            self.arm(watches, Count::None);
        }
    }
}

/// An event, with what can be seen of its path now.
pub(super) struct Seen<'a> {
    pub(super) path: &'a Path,
    pub(super) happened: Happened,
    /// What is there now, links not followed.
    pub(super) meta: Option<&'a Metadata>,
    /// Whether what was there was no file.
    pub(super) was_special: bool,
}

impl Count {
    fn has(self, meta: &Metadata) -> bool {
        match self {
            Self::None => false,
            Self::Since(since) => since <= (meta.ctime(), meta.ctime_nsec()),
            Self::All => true,
        }
    }
}

/// Whether it has content of its own that may be source.
pub(super) fn is_file(meta: &Metadata) -> bool {
    meta.is_file() || meta.is_symlink()
}

fn is_gitignore(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ".gitignore")
}
