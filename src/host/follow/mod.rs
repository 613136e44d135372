//! Follows ecosystem files, whatever way they are replaced, and says when their content changed.

mod content;
mod fault;

pub use content::Content;
pub use fault::WatchFault;

use std::path::PathBuf;

use crate::model::ProjectName;

/// The content of a followed project's files changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The project.
    pub key: ProjectName,
}

/// Follows the files of any number of projects. Costs nothing while it follows none.
#[derive(Debug, Default)]
pub struct Follower {}

impl Follower {
    /// A follower of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Follows `files` for `key`, instead of those it followed for it before.
    ///
    /// A change after this call is never lost. Files that were followed before are compared with
    /// what was last reported; new ones with what they hold now, which this call reads. If they
    /// may have changed since the caller read them, use [`Follower::follow_from`].
    pub fn follow(&mut self, _key: ProjectName, _files: Vec<PathBuf>) {}

    /// [`Follower::follow`], compared with what the caller has read, so that not even a change
    /// between that and this call is lost.
    pub fn follow_from(&mut self, _key: ProjectName, _files: Vec<(PathBuf, Content)>) {}

    /// Follows the files of `key` no longer. A change not yet reported is dropped.
    pub fn unfollow(&mut self, _key: &ProjectName) {}

    /// The next change, or a reason why changes may now be seen late (by a look every 3 s).
    /// Cancelling it loses nothing.
    pub async fn next(&mut self) -> Result<Changed, WatchFault> {
        std::future::pending().await
    }
}
