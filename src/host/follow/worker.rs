//! The thread that watches directories and reads the files that may have changed.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};

use super::{
    Hops, WatchFault,
    content::Look,
    shared::{Command, Shared},
};
use crate::model::ProjectName;

/// How often the directories are looked at again while they change under one's feet. What is
/// missed then is seen by the next look.
const ATTEMPTS: usize = 5;

/// Runs until it is told to stop.
pub(super) fn run(shared: &Arc<Shared>) {
    let mut worker = Worker {
        shared: Arc::clone(shared),
        projects: BTreeMap::new(),
        hops: Hops::default(),
        watcher: None,
        fault: None,
    };
    loop {
        let wake = shared.wait(worker.has_files());
        for command in wake.commands {
            match command {
                Command::Follow { key, files } => worker.follow(key, files),
                Command::Unfollow(key) => {
                    worker.projects.remove(&key);
                }
                Command::Stop => return,
            }
        }
        // Arming comes first: what changes after it makes an event, what changed before is read.
        worker.arm(wake.stale);
        if wake.quiet {
            worker.look();
        }
    }
}

struct Worker {
    shared: Arc<Shared>,
    projects: BTreeMap<ProjectName, BTreeMap<PathBuf, Look>>,
    /// What is watched.
    hops: Hops,
    watcher: Option<RecommendedWatcher>,
    /// The last fault that was reported: one report of each is enough.
    fault: Option<WatchFault>,
}

impl Worker {
    fn follow(&mut self, key: ProjectName, files: Vec<(PathBuf, Option<super::Content>)>) {
        let mut before = self.projects.remove(&key).unwrap_or_default();
        let looks = files.into_iter().map(|(file, content)| {
            let known = before.remove(&file);
            let look = match (content, known) {
                (Some(content), _) => Look::known(content),
                (None, Some(known)) => known,
                (None, None) => Look::known(super::Content::of(&file)),
            };
            (file, look)
        });
        let looks = looks.collect();
        self.projects.insert(key, looks);
    }

    fn has_files(&self) -> bool {
        self.projects.values().any(|files| !files.is_empty())
    }

    /// Watches the directories that matter now.
    fn arm(&mut self, stale: bool) {
        // After a fault every look is another attempt: watches may have become free.
        let mut force = stale || self.fault.is_some();
        for _ in 0..ATTEMPTS {
            let hops = self.hops_now();
            if hops == self.hops && !force {
                return;
            }
            force = false;
            self.watch(hops);
        }
    }

    fn hops_now(&self) -> Hops {
        let mut hops = Hops::default();
        for file in self.projects.values().flat_map(BTreeMap::keys) {
            hops.join(Hops::of(file));
        }
        hops
    }

    /// Makes a new watcher. Changing the old one would do only where its idea of what lies at a
    /// path is still right.
    fn watch(&mut self, hops: Hops) {
        self.watcher = None;
        let dirs: Vec<PathBuf> = hops.dirs.keys().cloned().collect();
        let filter = Filter {
            shared: Arc::clone(&self.shared),
            dirs: dirs.iter().cloned().collect(),
            names: hops.names.iter().cloned().collect(),
        };
        self.hops = hops;
        if dirs.is_empty() {
            return;
        }
        let mut fault = None;
        match notify::recommended_watcher(move |event| filter.take(event)) {
            Ok(mut watcher) => {
                for dir in dirs {
                    if let Err(error) = watcher.watch(&dir, RecursiveMode::NonRecursive) {
                        fault = limit(WatchFault::of(dir, &error)).or(fault);
                    }
                }
                self.watcher = Some(watcher);
            }
            Err(error) => fault = Some(WatchFault::of(PathBuf::from("files"), &error)),
        }
        let kind = |fault: &WatchFault| std::mem::discriminant(fault);
        if let Some(fault) = &fault
            && self.fault.as_ref().map(kind) != Some(kind(fault))
        {
            self.shared.report_fault(fault.clone());
        }
        self.fault = fault;
    }

    /// Looks at every file and reports the projects of those that changed.
    fn look(&mut self) {
        for (key, files) in &mut self.projects {
            let mut changed = false;
            for (file, look) in files {
                let now = look.again(file);
                changed |= now.content != look.content;
                *look = now;
            }
            if changed {
                self.shared.report(key);
            }
        }
    }
}

/// Faults worth a report. Directories that went away meanwhile, or cannot be read, are no news:
/// the regular look sees what happens there.
fn limit(fault: WatchFault) -> Option<WatchFault> {
    match fault {
        WatchFault::Watches { .. } | WatchFault::Instances => Some(fault),
        WatchFault::TooMany { .. } | WatchFault::Other { .. } => None,
    }
}

/// Lets only those events through that can change what a followed file holds.
struct Filter {
    shared: Arc<Shared>,
    dirs: HashSet<PathBuf>,
    names: HashSet<PathBuf>,
}

impl Filter {
    fn take(&self, event: notify::Result<Event>) {
        let Ok(event) = event else { return self.shared.touch(true) };
        if event.need_rescan() {
            return self.shared.touch(true);
        }
        let gone = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
            EventKind::Access(_) => return,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => true,
            EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => {
                false
            }
        };
        let stale = gone && event.paths.iter().any(|path| self.dirs.contains(path));
        if stale || event.paths.iter().any(|path| self.names.contains(path)) {
            self.shared.touch(stale);
        }
    }
}
