//! By how much a project's file is ahead of what runs: what `eco diff` would say, counted.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{
    api::{DiffReply, FileState, LookupReply, LookupRequest, StatusAllReply, path},
    cli::{client::Client, file},
    controller::Home,
};

/// What was found when the file was read last. It is read again only when it was written since.
#[derive(Debug, Default)]
pub(super) struct Drift {
    read: Option<(PathBuf, SystemTime, u64)>,
    changes: Option<usize>,
}

impl Drift {
    /// So many changes, if the file is ahead and could be read.
    pub(super) fn changes(&self) -> Option<usize> {
        self.changes
    }

    /// Reads the file of the only project, if it is ahead. One that is a program is left alone:
    /// running it is not for somebody who only looks.
    pub(super) async fn look(&mut self, reply: &StatusAllReply, home: &Home, client: &Client) {
        let [project] = reply.projects.as_slice() else { return };
        let ahead = project.file.as_ref().filter(|file| file.state == FileState::Ahead);
        let file = ahead.map(|file| file.path.as_path()).filter(|file| is_data(file));
        let seen = file.and_then(|file| {
            let found = fs::metadata(file).ok()?;
            Some((file.to_owned(), found.modified().ok()?, found.len()))
        });
        if seen.is_some() && seen == self.read {
            return;
        }
        self.read = seen;
        self.changes = match file {
            Some(file) => count(file, home, client).await,
            None => None,
        };
    }
}

fn is_data(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

async fn count(file: &Path, home: &Home, client: &Client) -> Option<usize> {
    let request = LookupRequest { dir: file.parent()?.to_owned() };
    let known: LookupReply = client.ask(path::LOOKUP, &request).await.ok()?;
    let loaded = file::load_quietly(file, known.profile.as_deref(), home).ok()?;
    let diff: DiffReply = client.ask(path::DIFF, &file::request(&loaded, &[])).await.ok()?;
    Some(diff.changes.len())
}
