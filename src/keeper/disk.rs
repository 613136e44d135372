//! The file of each run, `runs/<RunId>`: what a later keeper needs to find it again.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::{proc, run::Run};
use crate::protocol::{RecordFile, State};

/// The directory of run files.
#[derive(Debug)]
pub(super) struct RunFiles {
    dir: PathBuf,
    boot_id: Vec<u8>,
}

impl RunFiles {
    /// The files below a keeper's directory.
    pub(super) fn new(run_dir: &Path, boot_id: Vec<u8>) -> Self {
        Self { dir: run_dir.join("runs"), boot_id }
    }

    /// Writes a run's file, whole or not at all. Not synced: it means nothing after a reboot.
    pub(super) fn write(&self, id: u64, run: &Run) -> io::Result<()> {
        let content = self.content(run);
        let new = self.dir.join(".new");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(&content)?;
        fs::rename(&new, self.dir.join(id.to_string()))
    }

    /// Writes over a run's file in place. Some file systems begin to write to disk at once when a
    /// file takes another's place; this is done where a next run waits.
    pub(super) fn write_over(&self, id: u64, run: &Run) -> io::Result<()> {
        let content = self.content(run);
        let mut file = fs::OpenOptions::new().write(true).open(self.dir.join(id.to_string()))?;
        file.write_all(&content)?;
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if file.metadata()?.len() == length { Ok(()) } else { file.set_len(length) }
    }

    fn content(&self, run: &Run) -> Vec<u8> {
        let file = RecordFile {
            record: run.record.clone(),
            boot_id: self.boot_id.clone(),
            pipes: run.pipes.each_ref().map(|pipe| pipe.inode),
            sink: run.sink.clone(),
        };
        file.encode()
    }

    /// Removes a run's file.
    pub(super) fn remove(&self, id: u64) {
        drop(fs::remove_file(self.dir.join(id.to_string())));
    }

    /// Removes the files of runs that an earlier keeper left and that are over. Those whose process
    /// still lives stay, for whoever can take it over; gives their process ids.
    pub(super) fn remove_stale(&self) -> Vec<u32> {
        let Ok(entries) = fs::read_dir(&self.dir) else { return Vec::new() };
        let mut living = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            let file = fs::read(&path).ok().and_then(|bytes| RecordFile::decode(&bytes).ok());
            match file.filter(|file| self.is_alive(file)) {
                Some(file) => living.push(file.record.pid),
                None => drop(fs::remove_file(path)),
            }
        }
        living
    }

    fn is_alive(&self, file: &RecordFile) -> bool {
        let ended = match file.record.state {
            State::Failed { .. } | State::Gone => true,
            State::Launching | State::Running | State::Exited => false,
        };
        !ended
            && file.boot_id == self.boot_id
            && proc::start_ticks(file.record.pid) == Some(file.record.start_ticks)
    }
}
