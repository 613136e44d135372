//! Watches the sources of apps with `watch:` and says when something in them changed.

mod app;
mod rules;
mod shared;
mod watches;
mod worker;

use std::{path::PathBuf, sync::Arc};

use shared::{Command, Shared};

use super::{clock, follow::WatchFault};
use crate::model::{AppKey, WatchPolicy};

/// Something in an app's sources changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceChanged {
    /// The app.
    pub key: AppKey,
    /// A few of the paths, for the message; never empty.
    pub paths: Vec<PathBuf>,
}

/// Watches the sources of any number of apps. Costs nothing while it watches none.
#[derive(Debug, Default)]
pub struct SourceWatcher {
    shared: Arc<Shared>,
    started: bool,
}

impl SourceWatcher {
    /// A watcher of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches what `policy` names for `key`, instead of what it watched for it before (with the
    /// same arguments, this does nothing, or tries again what failed before). Nothing below `exclude` (log directories) ever counts.
    ///
    /// Everything written after this call is reported, so call it before the app is started.
    /// Walking the directories happens elsewhere; this returns at once.
    pub fn watch(&mut self, key: AppKey, policy: &WatchPolicy, exclude: Vec<PathBuf>) {
        let (policy, since) = (policy.clone(), clock::file_stamp());
        self.shared.send(Command::Watch { key, policy, exclude, since });
        if !self.started {
            let shared = Arc::clone(&self.shared);
            let spawned = std::thread::Builder::new()
                .name("eco-watch".to_owned())
                .spawn(move || worker::run(&shared));
            match spawned {
                Ok(_) => self.started = true,
                Err(error) => self.shared.report_fault(WatchFault::Other {
                    path: PathBuf::from("sources"),
                    why: format!("no thread for it: {error}"),
                }),
            }
        }
    }

    /// Watches nothing for `key` any more. A change not yet reported is dropped.
    pub fn unwatch(&mut self, key: &AppKey) {
        self.shared.unwatch(key);
    }

    /// The next change, once things have been quiet, or a reason why some edits will not be
    /// seen. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Result<SourceChanged, WatchFault> {
        loop {
            if let Some(report) = self.shared.take_report() {
                return report.map(|(key, paths)| SourceChanged { key, paths });
            }
            self.shared.reported.notified().await;
        }
    }
}

impl Drop for SourceWatcher {
    fn drop(&mut self) {
        self.shared.send(Command::Stop);
    }
}
