//! The journal: exits and stops, appended as they happen, read back after a restart.

use std::{fs, io};

use super::{
    Looked, Recovered, StoreFault,
    append::AppendFile,
    atomic,
    replay::{Entry, Replay},
};
use crate::{
    host::home::Home,
    model::{AppKey, Asked, Exit, InstanceId, RunId, Stopping, Time, Unfit},
};

/// Over this size the journal is rewritten when it is opened,
const COMPACT_ON_OPEN: u64 = 1 << 20;
/// and over this one while it is written.
const COMPACT: u64 = 8 << 20;

/// The append-only file `journal.ndjson`. It is never synced: it only has to survive the
/// controller, and what a power cut would lose belongs to a boot that is over.
#[derive(Debug)]
pub struct Journal {
    file: AppendFile,
    boot: String,
    compact_over: u64,
}

impl Journal {
    /// Opens the journal and reads what belongs to this boot. Never fails: while the file cannot
    /// be opened, lines wait in memory and each append tries again.
    pub fn open(home: &Home) -> (Self, Recovered) {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self::open_in_boot(home, boot.trim())
    }

    /// [`Journal::open`] in the boot of this id.
    pub fn open_in_boot(home: &Home, boot: &str) -> (Self, Recovered) {
        let path = home.state.join("journal.ndjson");
        let mut journal = Self {
            file: AppendFile::new(path.clone()),
            boot: boot.to_owned(),
            compact_over: COMPACT,
        };
        let mut faults = Vec::new();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => {
                faults.push(StoreFault::Io { action: "read", path: path.clone(), source });
                Vec::new()
            }
        };
        let replay = Replay::of(&path, &bytes, boot);
        let large = u64::try_from(bytes.len()).is_ok_and(|len| COMPACT_ON_OPEN < len);
        let written = if large { journal.rewrite(&replay) } else { Ok(()) };
        let noted = journal.append(&Entry::Boot(boot.to_owned()));
        if let Err(source) = written.and(noted) {
            faults.push(StoreFault::Io { action: "write", path, source });
        }
        let mut recovered = replay.recovered();
        recovered.faults.append(&mut faults);
        (journal, recovered)
    }

    /// Notes the end of a run. On an error the line waits in memory and is written by a later call.
    pub fn exit(&mut self, id: &InstanceId, exit: &Exit) -> io::Result<()> {
        self.append(&Entry::Exit { id: id.clone(), exit: *exit })
    }

    /// Notes that a run was asked to stop.
    pub fn stop(&mut self, run: RunId, stopping: &Stopping) -> io::Result<()> {
        self.append(&Entry::Stop { run, stopping: *stopping })
    }

    /// Notes that a run is ready: that cannot always be found out again.
    pub fn ready(&mut self, run: RunId, at: Time) -> io::Result<()> {
        self.append(&Entry::Ready { run, at })
    }

    /// Notes that a run was found not fit to go on: the next controller is not to wait anew for that.
    pub fn unfit(&mut self, run: RunId, unfit: Unfit) -> io::Result<()> {
        self.append(&Entry::Unfit { run, unfit })
    }

    /// Notes that a stopping run was sent SIGKILL.
    pub fn kill(&mut self, run: RunId, at: Time) -> io::Result<()> {
        self.append(&Entry::Kill { run, at })
    }

    /// Notes that a job is asked to run.
    pub fn asked(&mut self, app: &AppKey, asked: Asked) -> io::Result<()> {
        self.append(&Entry::Asked { app: app.clone(), asked })
    }

    /// Notes up to when a schedule was looked at, and that its job is asked to run for it.
    pub fn looked(
        &mut self,
        app: &AppKey,
        looked: &Looked,
        asked: Option<Asked>,
    ) -> io::Result<()> {
        self.append(&Entry::Looked { app: app.clone(), looked: looked.clone(), asked })
    }

    /// Notes that an app is gone for good: its exits no longer come back.
    pub fn forget(&mut self, app: &AppKey) -> io::Result<()> {
        self.append(&Entry::Forget(app.clone()))
    }

    fn append(&mut self, entry: &Entry) -> io::Result<()> {
        self.file.push(entry.line())?;
        if self.compact_over < self.file.len() {
            let path = self.file.path();
            let replay = Replay::of(path, &fs::read(path)?, &self.boot);
            self.rewrite(&replay)?;
        }
        Ok(())
    }

    /// Replaces the file by what `replay` kept of it.
    fn rewrite(&mut self, replay: &Replay) -> io::Result<()> {
        let lines = replay.lines();
        // What is left may be large by right; then rewriting it at each append would be slow.
        let left = u64::try_from(lines.len()).unwrap_or_default();
        self.compact_over = COMPACT.max(left.saturating_mul(2));
        atomic::replace_unsynced(self.file.path(), &lines)?;
        self.file.reopen();
        Ok(())
    }
}
