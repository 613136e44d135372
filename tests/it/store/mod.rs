//! What is on disk comes back, and damage to it is reported and never acted on.

mod events;
mod journal;
mod revisions;

use std::path::PathBuf;

use eco::host::home::Home;

/// A home of its own, removed at the end.
struct Place {
    home: Home,
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { home: Home::at(dir.path()).unwrap(), dir }
    }

    fn state(&self, name: &str) -> PathBuf {
        self.home.state.join(name)
    }
}
