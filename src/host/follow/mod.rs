//! Follows ecosystem files, whatever way they are replaced, and says when their content changed.

mod content;
mod fault;
mod hops;
mod shared;
mod worker;

pub use content::Content;
pub use fault::WatchFault;
pub(in crate::host) use hops::Hops;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use shared::{Command, Shared};

use crate::model::ProjectName;

/// The content of a followed project's files changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The project.
    pub key: ProjectName,
}

/// Follows the files of any number of projects. Costs nothing while it follows none.
#[derive(Debug, Default)]
pub struct Follower {
    shared: Arc<Shared>,
    started: bool,
}

impl Follower {
    /// A follower of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Follows `files` (absolute) for `key`, instead of those it followed for it before.
    ///
    /// A change after this call is never lost. Files that were followed before are compared with
    /// what was last reported; new ones with what they hold now, which this call reads. If they
    /// may have changed since the caller read them, use [`Follower::follow_from`].
    pub fn follow(&mut self, key: ProjectName, files: Vec<PathBuf>) {
        let known = self.shared.files(&key);
        let files = files.into_iter().map(|file| {
            let content = (!known.contains(&file)).then(|| Content::of(&file));
            (file, content)
        });
        let files = files.collect();
        self.send(key, files);
    }

    /// [`Follower::follow`], compared with what the caller has read, so that not even a change
    /// between that and this call is lost.
    pub fn follow_from(&mut self, key: ProjectName, files: Vec<(PathBuf, Content)>) {
        let files = files.into_iter().map(|(file, content)| (file, Some(content))).collect();
        self.send(key, files);
    }

    /// Follows the files of `key` no longer. A change not yet reported is dropped.
    pub fn unfollow(&mut self, key: &ProjectName) {
        self.shared.unfollow(key);
    }

    /// The next change, or a reason why changes may now be seen late (by a look every 3 s).
    /// Cancelling it loses nothing.
    pub async fn next(&mut self) -> Result<Changed, WatchFault> {
        loop {
            if let Some(report) = self.shared.take_report() {
                return report.map(|key| Changed { key });
            }
            self.shared.reported.notified().await;
        }
    }

    fn send(&mut self, key: ProjectName, files: Vec<(PathBuf, Option<Content>)>) {
        self.shared.send(Command::Follow { key, files });
        if !self.started {
            let shared = Arc::clone(&self.shared);
            let spawned = std::thread::Builder::new()
                .name("eco-follow".to_owned())
                .spawn(move || worker::run(&shared));
            match spawned {
                Ok(_) => self.started = true,
                Err(error) => {
                    let why = format!("no thread for it: {error}");
                    let path = Path::new("files").to_owned();
                    self.shared.report_fault(WatchFault::Other { path, why });
                }
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.send(Command::Stop);
    }
}
