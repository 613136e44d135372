//! Immutable revisions of each project and the pointer to the current one.

use std::{io, path::PathBuf};

use super::{RevisionSummary, StoreFault, StoredProject};
use crate::{
    host::home::Home,
    model::{Generation, ProjectName},
};

/// The stored projects below a home's `state/projects`.
#[derive(Debug)]
pub struct Store {
    projects: PathBuf,
}

impl Store {
    /// Opens the store and loads the current state of every project.
    ///
    /// Never fails: what cannot be read is reported, the newest readable revision is used, and a
    /// project without any is left out (its name is in [`StoreFault::Unreadable`]).
    pub fn open(home: &Home) -> (Self, Vec<StoredProject>, Vec<StoreFault>) {
        (Self { projects: home.state.join("projects") }, Vec::new(), Vec::new())
    }

    /// Makes `stored` the current state of its project; on disk for good when this returns.
    ///
    /// The file is numbered by the project's generation. Saving the same generation again
    /// replaces it at once (`followed` and `file_fault` change without a generation).
    pub fn save(&mut self, _stored: &StoredProject) -> io::Result<()> {
        Ok(())
    }

    /// Forgets a project and its history. It is no error if there is none.
    pub fn remove(&mut self, _project: &ProjectName) -> io::Result<()> {
        Ok(())
    }

    /// The readable revisions of a project, oldest first.
    pub fn history(&self, _project: &ProjectName) -> Vec<RevisionSummary> {
        Vec::new()
    }

    /// One revision of a project, for going back to it.
    pub fn revision(
        &self,
        project: &ProjectName,
        _generation: Generation,
    ) -> Result<StoredProject, StoreFault> {
        Err(StoreFault::Foreign { path: self.projects.join(project.as_str()) })
    }
}
