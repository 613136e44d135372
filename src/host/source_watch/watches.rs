//! Which directories are watched, and for whom.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::shared::Shared;
use crate::{host::follow::WatchFault, model::AppKey};

/// How many names of things that are no files are remembered.
const MAX_SPECIALS: usize = 10_000;

/// The watched directories, each watched once for all apps. All paths are canonical.
pub(super) struct Watches {
    shared: Arc<Shared>,
    watcher: Option<RecommendedWatcher>,
    users: HashMap<PathBuf, BTreeSet<AppKey>>,
    /// Sockets, pipes and files that were gone before they could be looked at: their removal is
    /// no change. A program's own socket in its directory must not replace it for ever.
    specials: HashSet<PathBuf>,
}

impl Watches {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, watcher: None, users: HashMap::new(), specials: HashSet::new() }
    }

    /// Watches `dir` for `app`. That it is not there (any more) is no fault.
    pub(super) fn add(&mut self, dir: &Path, app: &AppKey) -> Result<(), WatchFault> {
        if let Some(users) = self.users.get_mut(dir) {
            users.insert(app.clone());
            return Ok(());
        }
        let fault = |error| WatchFault::of(dir.to_owned(), &error);
        if self.watcher.is_none() {
            let shared = Arc::clone(&self.shared);
            let made = notify::recommended_watcher(move |event| shared.take(event));
            self.watcher = Some(made.map_err(fault)?);
        }
        let Some(watcher) = &mut self.watcher else { return Ok(()) };
        match watcher.watch(dir, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.users.insert(dir.to_owned(), BTreeSet::from([app.clone()]));
                Ok(())
            }
            Err(_) if !dir.is_dir() => Ok(()),
            Err(error) => Err(fault(error)),
        }
    }

    /// The apps that `dir` is watched for.
    pub(super) fn users(&self, dir: &Path) -> BTreeSet<AppKey> {
        self.users.get(dir).cloned().unwrap_or_default()
    }

    /// Watches nothing for `app` any more.
    pub(super) fn release(&mut self, app: &AppKey) {
        let mut unused = Vec::new();
        for (dir, users) in &mut self.users {
            if users.remove(app) && users.is_empty() {
                unused.push(dir.clone());
            }
        }
        self.drop_dirs(&unused);
        if self.users.is_empty() {
            self.watcher = None;
            self.specials.clear();
        }
    }

    /// Forgets `dir`, which went away, and all below it; gives the apps this concerns.
    ///
    /// It is forgotten even if there is one again at its place: `notify` drops its watch on
    /// whatever is at that path when it hears of the removal.
    pub(super) fn forget_below(&mut self, dir: &Path) -> BTreeSet<AppKey> {
        if !self.users.contains_key(dir) {
            return BTreeSet::new();
        }
        let gone: Vec<PathBuf> =
            self.users.keys().filter(|found| found.starts_with(dir)).cloned().collect();
        let apps = gone.iter().filter_map(|found| self.users.get(found)).flatten().cloned();
        let apps = apps.collect();
        self.drop_dirs(&gone);
        apps
    }

    fn drop_dirs(&mut self, dirs: &[PathBuf]) {
        for dir in dirs {
            self.users.remove(dir);
            if let Some(watcher) = &mut self.watcher {
                // It fails where the directory is gone, and the watch with it.
                drop(watcher.unwatch(dir));
            }
        }
    }

    /// Remembers that what is (or was) at `path` is no file.
    pub(super) fn note_special(&mut self, path: &Path) {
        if self.specials.len() < MAX_SPECIALS {
            self.specials.insert(path.to_owned());
        }
    }

    /// Whether what was at `path` was no file; forgets that.
    pub(super) fn was_special(&mut self, path: &Path) -> bool {
        self.specials.remove(path)
    }

    /// Reports why some edits will not be seen.
    pub(super) fn report_fault(&self, fault: WatchFault) {
        self.shared.report_fault(fault);
    }
}
