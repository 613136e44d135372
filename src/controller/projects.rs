//! What is kept of a project beside its desired state: its file and how it was read.

use std::{collections::BTreeMap, path::PathBuf};

use super::own_keys::OwnKeys;
use crate::{
    api::ApplyRequest,
    config::{self, Origins},
    host::{
        clock,
        store::{StoredProject, StoredResult},
    },
    model::{AppName, DashboardPolicy, MetricsPolicy, Operator, Project, ProjectName, Receivers},
};

/// A project's file and how it was read.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Meta {
    /// The directory it is bound to, as typed.
    pub(super) dir: PathBuf,
    /// Its file.
    pub(super) file: PathBuf,
    /// The profile merged into it.
    pub(super) profile: Option<String>,
    /// Whether edits are taken over by themselves.
    pub(super) followed: bool,
    /// Values used for `${…}`.
    pub(super) source_env: BTreeMap<String, String>,
    /// The files that were read.
    pub(super) inputs: Vec<PathBuf>,
    /// Digest of the file's text as accepted.
    pub(super) file_digest: String,
    /// The same of other files that say what apps are.
    pub(super) other_digests: BTreeMap<PathBuf, String>,
    /// Where its measured values are offered.
    pub(super) metrics: Option<MetricsPolicy>,
    /// Where the values of its apps come from: by dotted field.
    pub(super) origins: Origins,
    /// Who is told of alerts.
    pub(super) notify: Receivers,
    /// Where its page for browsers is offered.
    pub(super) dashboard: Option<DashboardPolicy>,
    /// Whether keys of it that nobody knows are let pass.
    pub(super) lenient: bool,
    /// An operator went back from what this text says: it is not taken in again by itself.
    pub(super) went_back: bool,
    /// Whether it is being read again just now.
    pub(super) reading: Reading,
    /// What is wrong with an edit made since.
    pub(super) fault: Option<String>,
    /// Why an edit made since waits for an explicit apply.
    pub(super) held: Option<String>,
    /// `down` was asked for: it is forgotten once nothing of it runs.
    pub(super) ending: bool,
}

impl Meta {
    /// As an accepted request says; `followed` stays as it was unless asked.
    pub(super) fn of(request: &ApplyRequest, before: Option<&Self>) -> Self {
        // A part of a file that was applied does not make the file applied.
        let (file_digest, other_digests) = match (request.only.is_empty(), before) {
            (true, _) => (request.file_digest.clone(), request.other_digests.clone()),
            (false, Some(before)) => (before.file_digest.clone(), before.other_digests.clone()),
            (false, None) => (String::new(), BTreeMap::new()),
        };
        let OwnKeys { metrics, dashboard, notify } = match before {
            Some(before) if !request.only.is_empty() => before.into(),
            Some(_) | None => request.into(),
        };
        Self {
            dir: request.dir.clone(),
            file: request.file.clone(),
            profile: request.profile.clone(),
            followed: request.follow.unwrap_or(before.is_some_and(|meta| meta.followed)),
            source_env: request.source_env.clone(),
            inputs: request.inputs.clone(),
            file_digest,
            other_digests,
            metrics,
            origins: origins(request, before),
            notify,
            dashboard,
            lenient: request.lenient,
            went_back: false,
            reading: before.map(|meta| meta.reading).unwrap_or_default(),
            fault: None,
            held: None,
            ending: false,
        }
    }

    /// Whether this is the text that was accepted, of the file and of those beside it.
    pub(super) fn is_of(&self, loaded: &config::Loaded) -> bool {
        self.file_digest == loaded.text_digest && self.other_digests == loaded.other_digests
    }

    /// As the store has it.
    pub(super) fn stored(stored: &StoredProject) -> Self {
        Self {
            dir: stored.dir.clone(),
            file: stored.file.clone(),
            profile: stored.profile.clone(),
            followed: stored.followed,
            source_env: stored.source_env.clone(),
            inputs: stored.inputs.clone(),
            file_digest: stored.file_digest.clone(),
            other_digests: stored.other_digests.clone(),
            metrics: stored.metrics,
            origins: stored.origins.clone(),
            notify: stored.notify.clone(),
            dashboard: stored.dashboard.clone(),
            lenient: stored.lenient,
            went_back: stored.went_back,
            reading: Reading::default(),
            fault: stored.file_fault.clone(),
            held: None,
            ending: !stored.project.apps.is_empty()
                && stored.project.apps.values().all(|app| app.removed),
        }
    }

    /// For the store.
    pub(super) fn to_stored(
        &self,
        name: &ProjectName,
        project: &Project,
        reason: &Reason,
    ) -> StoredProject {
        StoredProject {
            schema: StoredProject::SCHEMA,
            name: name.clone(),
            project: project.clone(),
            dir: self.dir.clone(),
            file: self.file.clone(),
            profile: self.profile.clone(),
            followed: self.followed,
            source_env: self.source_env.clone(),
            inputs: self.inputs.clone(),
            file_digest: self.file_digest.clone(),
            other_digests: self.other_digests.clone(),
            metrics: self.metrics,
            origins: self.origins.clone(),
            notify: self.notify.clone(),
            dashboard: self.dashboard.clone(),
            lenient: self.lenient,
            went_back: self.went_back,
            file_fault: self.fault.clone(),
            changed_at: super::report::rfc3339(clock::wall()),
            by: reason.by.to_owned(),
            who: reason.who.clone(),
            git: reason.git.clone(),
            dirty: reason.dirty,
            summary: reason.summary.clone(),
            result: StoredResult::Open,
        }
    }
}

/// Where the values of all apps come from, now that some may have come in alone.
fn origins(request: &ApplyRequest, before: Option<&Meta>) -> Origins {
    let mut out = before.map(|meta| meta.origins.clone()).unwrap_or_default();
    if request.only.is_empty() && request.prune {
        out.clear();
    }
    let asked = |name: &AppName| request.only.is_empty() || request.only.contains(name);
    let taken = request.origins.iter().filter(|(name, _)| asked(name));
    out.extend(taken.map(|(name, fields)| (name.clone(), fields.clone())));
    out
}

/// Whether a file is being read, aside from the loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reading {
    /// It is not.
    #[default]
    Idle,
    /// It is.
    Busy,
    /// It is, and has changed since that began.
    Stale,
}

/// Why a project's desired state changed: kept with each revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reason {
    /// `operator`, `file` or `eco`.
    pub(super) by: &'static str,
    /// Of an operator: which user, with which command.
    pub(super) who: Option<Operator>,
    /// The commit its file was at.
    pub(super) git: Option<String>,
    /// Whether the files of that repository differed from the commit.
    pub(super) dirty: Option<bool>,
    /// What changed, in a few words.
    pub(super) summary: String,
}

impl Reason {
    /// A reason without a commit.
    pub(super) fn new(by: &'static str, summary: impl Into<String>) -> Self {
        Self { by, summary: summary.into(), ..Self::default() }
    }
}
