//! The file of each run, `runs/<RunId>`: what a later keeper needs to find it again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::run::Run;
use crate::protocol::{Malformed, RecordFile};

/// What is at most this long is written by one call of the system, wholly or not at all.
const AT_ONCE: usize = 4096;

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

    /// Writes the file of a run whose process waits for it. Nobody needs one that a keeper's death cut
    /// short, since that process ends too; so it needs no draft.
    pub(super) fn begin(&self, id: u64, run: &Run) -> io::Result<()> {
        let content = self.content(run);
        if AT_ONCE < content.len() {
            return self.write_whole(id, &content);
        }
        let written =
            create(&self.dir.join(id.to_string())).and_then(|mut file| file.write_all(&content));
        if written.is_err() {
            self.remove(id);
        }
        written
    }

    /// Writes a run's file, whole or not at all. Not synced: it means nothing after a reboot.
    pub(super) fn write(&self, id: u64, run: &Run) -> io::Result<()> {
        self.write_whole(id, &self.content(run))
    }

    fn write_whole(&self, id: u64, content: &[u8]) -> io::Result<()> {
        let new = self.dir.join(".new");
        create(&new)?.write_all(content)?;
        fs::rename(&new, self.dir.join(id.to_string()))
    }

    /// Writes over a run's file in place. Some file systems begin to write to disk at once when a
    /// file takes another's place; this is done where a next run waits. What is left of a longer
    /// content does no harm.
    pub(super) fn write_over(&self, id: u64, run: &Run) -> io::Result<()> {
        let content = self.content(run);
        if AT_ONCE < content.len() {
            return self.write_whole(id, &content);
        }
        let mut file = fs::OpenOptions::new().write(true).open(self.dir.join(id.to_string()))?;
        file.write_all(&content)
    }

    fn content(&self, run: &Run) -> Vec<u8> {
        let file = RecordFile {
            record: run.record.clone(),
            boot_id: self.boot_id.clone(),
            pipes: run.pipes.each_ref().map(|pipe| pipe.inode),
            sink: run.sink.clone(),
            ports: run.ports.clone(),
            cgroup: run.cgroup.as_ref().map(|group| group.path().to_owned()),
        };
        file.encode()
    }

    /// Removes a run's file.
    pub(super) fn remove(&self, id: u64) {
        drop(fs::remove_file(self.dir.join(id.to_string())));
    }

    /// The runs that an earlier keeper left. Files of an earlier boot, and what is no such file, are
    /// removed; which runs they were of is told, for damage may make any file look so.
    ///
    /// # Errors
    /// One is of a version that is not known here: its run may live.
    pub(super) fn left(&self) -> io::Result<(BTreeMap<u64, RecordFile>, BTreeSet<u64>)> {
        let (mut left, mut removed) = (BTreeMap::new(), BTreeSet::new());
        let Ok(entries) = fs::read_dir(&self.dir) else { return Ok((left, removed)) };
        for entry in entries.flatten() {
            let path = entry.path();
            let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
            let content = fs::read(&path)?;
            match (id, RecordFile::decode(&content)) {
                (Some(id), Ok(file)) if file.boot_id == self.boot_id => {
                    left.insert(id, file);
                }
                (Some(_), Err(Malformed::Version(version))) => {
                    let text = format!(
                        "{} is of version {version}, of a newer eco; start that one",
                        path.display()
                    );
                    return Err(io::Error::other(text));
                }
                (id, Ok(_) | Err(_)) => {
                    removed.extend(id);
                    drop(fs::remove_file(path));
                }
            }
        }
        Ok((left, removed))
    }
}

fn create(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}
