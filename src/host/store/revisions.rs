//! Revisions of each project and the pointer to the current one.
//!
//! `projects/NAME/revisions/000042.json` is written first, `projects/NAME/current` names it
//! after that: a revision the pointer never named was never accepted.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{RevisionSummary, StoreFault, StoredProject, StoredResult, atomic, frame};
use crate::{
    host::home::Home,
    model::{Generation, Project, ProjectName},
};

/// How many revisions of a project are kept.
const KEPT: usize = 50;

/// What the directory of a project is renamed to before it is emptied. No project's name can
/// start with a dot.
const REMOVED: &str = ".removed-";

/// The stored projects below a home's `state/projects`.
#[derive(Debug)]
pub struct Store {
    projects: PathBuf,
}

/// What the file `current` says.
#[derive(Serialize, Deserialize)]
struct Pointer {
    current: Generation,
}

impl Store {
    pub(super) fn at(home: &Home) -> Self {
        Self { projects: home.state.join("projects") }
    }

    /// Whether the current state of each project is understood, if it is whole.
    pub(super) fn check(&self) -> Result<(), StoreFault> {
        for entry in fs::read_dir(&self.projects).into_iter().flatten().flatten() {
            let Ok(project) = entry.file_name().to_string_lossy().parse() else { continue };
            let dir = self.dir(&project);
            let pointer = dir.join("current");
            let is_whole = |path: &Path| read_file(path).is_ok_and(|it| frame::is_whole(&it));
            let current = match read_pointer(&dir) {
                Ok(current) => current,
                Err(why) if is_whole(&pointer) => {
                    return Err(StoreFault::Revision { project, path: pointer, why });
                }
                Err(_) => None,
            };
            let Some(current) = current.or_else(|| generations(&dir).pop()) else { continue };
            if is_whole(&revision_file(&dir, current)) {
                self.revision(&project, current)?;
            }
        }
        Ok(())
    }

    /// Opens the store and loads the current state of every project.
    ///
    /// Never fails: what cannot be read is reported, the newest readable revision is used, and a
    /// project without any is left out (its name is in [`StoreFault::Unreadable`]).
    pub fn open(home: &Home) -> (Self, Vec<StoredProject>, Vec<StoreFault>) {
        let store = Self::at(home);
        let (mut found, mut faults) = (Vec::new(), Vec::new());
        for name in store.names(&mut faults) {
            found.extend(store.load(&name, &mut faults));
        }
        (store, found, faults)
    }

    /// Makes `stored` the current state of its project; on disk for good when this returns.
    ///
    /// The file is numbered by the project's generation. Saving the same generation again
    /// replaces it at once (`followed` and `file_fault` change without a generation). After an
    /// error either the former or this state is the current one.
    pub fn save(&mut self, stored: &StoredProject) -> io::Result<()> {
        let generation = stored.project.generation;
        let dir = self.dir(&stored.name);
        atomic::make_dir(&dir.join("revisions"))?;
        let body = serde_json::to_vec(stored)?;
        atomic::replace_synced(&revision_file(&dir, generation), &frame::encode(&body))?;
        let pointer = serde_json::to_vec(&Pointer { current: generation })?;
        atomic::replace_synced(&dir.join("current"), &frame::encode(&pointer))?;
        prune(&dir, generation);
        Ok(())
    }

    /// Saves what has been learned of a project since its current state was accepted, and what
    /// became of that: its generation is the same, and so is who asked for it.
    pub fn amend(
        &mut self,
        name: &ProjectName,
        project: &Project,
        result: Option<StoredResult>,
    ) -> io::Result<()> {
        let stored = self.revision(name, project.generation).map_err(io::Error::other)?;
        let result = result.unwrap_or(stored.result);
        self.save(&StoredProject { project: project.clone(), result, ..stored })
    }

    /// Notes what became of a state, which may be an earlier one.
    pub fn note_result(
        &mut self,
        name: &ProjectName,
        generation: Generation,
        result: StoredResult,
    ) -> io::Result<()> {
        let stored = self.revision(name, generation).map_err(io::Error::other)?;
        let body = serde_json::to_vec(&StoredProject { result, ..stored })?;
        let file = revision_file(&self.dir(name), generation);
        atomic::replace_synced(&file, &frame::encode(&body))
    }

    /// Takes over from the state that is stored under the same generation who asked for it and what
    /// became of it, if there is one.
    pub fn keep_reason(&self, stored: &mut StoredProject) {
        let Ok(kept) = self.revision(&stored.name, stored.project.generation) else { return };
        stored.changed_at = kept.changed_at;
        stored.by = kept.by;
        stored.who = kept.who;
        stored.git = kept.git;
        stored.dirty = kept.dirty;
        stored.summary = kept.summary;
        stored.result = kept.result;
    }

    /// Forgets a project and its history. It is no error if there is none.
    pub fn remove(&mut self, project: &ProjectName) -> io::Result<()> {
        let removed = self.projects.join(format!("{REMOVED}{project}"));
        remove_all(&removed)?;
        // Renamed first: a project removed by half would come back without its newest state.
        match fs::rename(self.dir(project), &removed) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            result => result?,
        }
        atomic::sync_dir(&self.projects)?;
        remove_all(&removed)
    }

    /// Removes the oldest revisions but so many, and but those that are needed. Gives how many went
    /// and how many are left.
    ///
    /// # Errors
    /// One could not be removed; others may have been.
    pub fn prune(
        &mut self,
        project: &ProjectName,
        keep: usize,
        needed: &BTreeSet<Generation>,
    ) -> io::Result<(usize, usize)> {
        let dir = self.dir(project);
        let all = generations(&dir);
        let old = all.iter().take(all.len().saturating_sub(keep));
        let mut removed = 0;
        for &generation in old.filter(|generation| !needed.contains(generation)) {
            fs::remove_file(revision_file(&dir, generation))?;
            removed += 1;
        }
        Ok((removed, all.len() - removed))
    }

    /// The readable revisions of a project, oldest first.
    pub fn history(&self, project: &ProjectName) -> Vec<RevisionSummary> {
        let dir = self.dir(project);
        let current = read_pointer(&dir).ok().flatten();
        generations(&dir)
            .into_iter()
            .filter_map(|generation| {
                let stored = self.read(project, generation).ok()?;
                Some(RevisionSummary::of(&stored, current == Some(generation)))
            })
            .collect()
    }

    /// The generations of a project that there are files of, oldest first; they may be unreadable.
    pub fn generations(&self, project: &ProjectName) -> Vec<Generation> {
        generations(&self.dir(project))
    }

    /// One revision of a project, for going back to it.
    pub fn revision(
        &self,
        project: &ProjectName,
        generation: Generation,
    ) -> Result<StoredProject, StoreFault> {
        self.read(project, generation).map_err(|why| StoreFault::Revision {
            project: project.clone(),
            path: revision_file(&self.dir(project), generation),
            why,
        })
    }

    fn dir(&self, project: &ProjectName) -> PathBuf {
        self.projects.join(project.as_str())
    }

    /// The names of all projects there are directories of, in order.
    fn names(&self, faults: &mut Vec<StoreFault>) -> Vec<ProjectName> {
        let entries = match fs::read_dir(&self.projects) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(source) => {
                let path = self.projects.clone();
                faults.push(StoreFault::Io { action: "read", path, source });
                return Vec::new();
            }
        };
        let mut names = Vec::new();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let text = path.file_name().unwrap_or_default().to_string_lossy();
            match text.parse() {
                _ if text.starts_with(REMOVED) => {
                    if let Err(source) = remove_all(&path) {
                        faults.push(StoreFault::Io { action: "remove", path, source });
                    }
                }
                Ok(name) if path.is_dir() => names.push(name),
                Ok(_) | Err(_) => faults.push(StoreFault::Foreign { path }),
            }
        }
        names.sort();
        names
    }

    /// The current state of one project, or the newest that is readable.
    fn load(&self, project: &ProjectName, faults: &mut Vec<StoreFault>) -> Option<StoredProject> {
        let dir = self.dir(project);
        let all = generations(&dir);
        let current = self.current(project, &all, faults);
        let older = all.iter().rev().copied().filter(|&generation| Some(generation) != current);
        for generation in current.into_iter().chain(older) {
            match self.revision(project, generation) {
                Ok(stored) => {
                    let newest = current.or(all.last().copied());
                    if Some(generation) != newest {
                        let project = project.clone();
                        faults.push(StoreFault::Older { project, used: generation });
                    }
                    return Some(stored);
                }
                Err(fault) => faults.push(fault),
            }
        }
        // A directory without anything in it is what a first save that never ended left behind.
        if current.is_some() || !all.is_empty() || dir.join("current").exists() {
            let newest = all.last().copied().max(current).unwrap_or_default();
            faults.push(StoreFault::Unreadable { project: project.clone(), newest });
        }
        None
    }

    /// The generation the pointer names. A lone revision needs none: the first save was cut short.
    fn current(
        &self,
        project: &ProjectName,
        all: &[Generation],
        faults: &mut Vec<StoreFault>,
    ) -> Option<Generation> {
        let dir = self.dir(project);
        let why = match (read_pointer(&dir), all) {
            (Ok(Some(current)), _) => return Some(current),
            (Ok(None), []) => return None,
            (Ok(None), [only]) => return Some(*only),
            (Ok(None), _) => "it is missing".to_owned(),
            (Err(why), _) => why,
        };
        faults.push(StoreFault::Revision {
            project: project.clone(),
            path: dir.join("current"),
            why,
        });
        None
    }

    fn read(&self, project: &ProjectName, generation: Generation) -> Result<StoredProject, String> {
        let bytes = read_file(&revision_file(&self.dir(project), generation))
            .map_err(|error| error.to_string())?;
        let stored: StoredProject = serde_json::from_slice(frame::decode(&bytes)?)
            .map_err(|error| format!("it does not hold a project: {error}"))?;
        if stored.schema != StoredProject::SCHEMA {
            return Err(format!("it has format {}", stored.schema));
        }
        if stored.name != *project || stored.project.generation != generation {
            return Err(format!(
                "it is generation {} of project {}",
                stored.project.generation.0, stored.name
            ));
        }
        Ok(stored)
    }
}

fn revision_file(dir: &Path, generation: Generation) -> PathBuf {
    dir.join("revisions").join(format!("{:06}.json", generation.0))
}

/// The generations there are files of, in order. Whether they are readable is another question.
fn generations(dir: &Path) -> Vec<Generation> {
    let Ok(entries) = fs::read_dir(dir.join("revisions")) else { return Vec::new() };
    let mut found: Vec<Generation> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            let number = name.to_str()?.strip_suffix(".json")?;
            let generation = Generation(number.parse().ok()?);
            // Only the one spelling that is written: two files of one number would be one too many.
            (format!("{:06}", generation.0) == number).then_some(generation)
        })
        .collect();
    found.sort_unstable();
    found
}

fn read_pointer(dir: &Path) -> Result<Option<Generation>, String> {
    let bytes = match read_file(&dir.join("current")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let pointer: Pointer = serde_json::from_slice(frame::decode(&bytes)?)
        .map_err(|error| format!("it names no revision: {error}"))?;
    Ok(Some(pointer.current))
}

/// Reads a regular file. Opening anything else could wait for ever.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.is_file() {
        fs::read(path)
    } else {
        Err(io::Error::other("it is no regular file"))
    }
}

/// Removes the oldest revisions. One that cannot be removed is tried again at the next save.
fn prune(dir: &Path, current: Generation) {
    let all = generations(dir);
    let surplus = all.len().saturating_sub(KEPT);
    for &generation in all.iter().take(surplus).filter(|&&generation| generation != current) {
        drop(fs::remove_file(revision_file(dir, generation)));
    }
}

fn remove_all(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
