//! What is stored of one project: the accepted state and where it came from.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{
    AppName, DashboardPolicy, Generation, MetricsPolicy, Operator, Project, ProjectName, Receivers,
};

/// One accepted state of a project, as it lies on disk.
///
/// Keys this version does not know are ignored and missing ones get their default, so that files
/// of older and newer versions load. `Debug` leaves out the captured values: logs leak.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredProject {
    /// Version of this format; [`StoredProject::SCHEMA`].
    #[serde(default = "schema")]
    pub schema: u32,
    /// The project's name.
    pub name: ProjectName,
    /// What it should be: generation, specs, overrides.
    pub project: Project,
    /// The directory it is bound to, as typed.
    #[serde(default)]
    pub dir: PathBuf,
    /// Its ecosystem file, as typed.
    #[serde(default)]
    pub file: PathBuf,
    /// The profile it was applied with.
    #[serde(default)]
    pub profile: Option<String>,
    /// Whether the file is followed.
    #[serde(default)]
    pub followed: bool,
    /// The values used for `${…}`, for following and boot.
    #[serde(default)]
    pub source_env: BTreeMap<String, String>,
    /// The files that were read: itself, env files, the `vars_file`.
    #[serde(default)]
    pub inputs: Vec<PathBuf>,
    /// Digest of the file's content when it was accepted.
    #[serde(default)]
    pub file_digest: String,
    /// The same of other files that say what apps are.
    #[serde(default)]
    pub other_digests: BTreeMap<PathBuf, String>,
    /// Where its measured values are offered.
    #[serde(default)]
    pub metrics: Option<MetricsPolicy>,
    /// Where the values of its apps come from: by app and dotted field, in words.
    #[serde(default)]
    pub origins: BTreeMap<AppName, BTreeMap<String, String>>,
    /// Who is told of alerts.
    #[serde(default)]
    pub notify: Receivers,
    /// Where its page for browsers is offered.
    #[serde(default)]
    pub dashboard: Option<DashboardPolicy>,
    /// Whether keys of it that nobody knows are let pass.
    #[serde(default)]
    pub lenient: bool,
    /// An operator went back from what the file's text says: it is not taken in again by itself.
    #[serde(default)]
    pub went_back: bool,
    /// What is wrong with the file now, if it could not be accepted.
    #[serde(default)]
    pub file_fault: Option<String>,
    /// When this was accepted: RFC 3339, UTC.
    #[serde(default)]
    pub changed_at: String,
    /// Who or what asked for it.
    #[serde(default)]
    pub by: String,
    /// Of an operator: which user, with which command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Operator>,
    /// The commit the file was at.
    #[serde(default)]
    pub git: Option<String>,
    /// Whether the files of that repository differed from the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    /// What changed, in a few words.
    #[serde(default)]
    pub summary: String,
    /// What became of it.
    #[serde(default)]
    pub result: StoredResult,
}

/// What became of an accepted state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", from = "String")]
pub enum StoredResult {
    /// Nobody has noted it: it was stored by a version that did not do so, or by a later one that
    /// knows more.
    #[default]
    Unknown,
    /// It is under way; of an earlier state: it was when the next one came.
    Open,
    /// All of it was reached.
    Converged,
    /// An app of it went back to what was before.
    RolledBack,
}

impl From<String> for StoredResult {
    fn from(word: String) -> Self {
        match word.as_str() {
            "open" => Self::Open,
            "converged" => Self::Converged,
            "rolled_back" => Self::RolledBack,
            _ => Self::Unknown,
        }
    }
}

impl StoredProject {
    /// The format this version writes. It only grows when older versions must not read the file;
    /// added keys are no reason.
    pub const SCHEMA: u32 = 1;
}

impl fmt::Debug for StoredProject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredProject")
            .field("name", &self.name)
            .field("generation", &self.project.generation)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

fn schema() -> u32 {
    StoredProject::SCHEMA
}

/// A stored revision without its specs: a line of `eco history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionSummary {
    /// Its generation.
    pub generation: Generation,
    /// Whether it is the current one.
    pub current: bool,
    /// When it was accepted: RFC 3339, UTC.
    pub changed_at: String,
    /// Who or what asked for it.
    pub by: String,
    /// Of an operator: which user, with which command.
    pub who: Option<Operator>,
    /// The commit the file was at.
    pub git: Option<String>,
    /// Whether the files of that repository differed from the commit.
    pub dirty: Option<bool>,
    /// What changed, in a few words.
    pub summary: String,
    /// What became of it.
    pub result: StoredResult,
    /// The profile it was applied with.
    pub profile: Option<String>,
    /// Digest of the file's content.
    pub file_digest: String,
}

impl RevisionSummary {
    /// The summary of `stored`.
    pub(super) fn of(stored: &StoredProject, current: bool) -> Self {
        Self {
            generation: stored.project.generation,
            current,
            changed_at: stored.changed_at.clone(),
            by: stored.by.clone(),
            who: stored.who.clone(),
            git: stored.git.clone(),
            dirty: stored.dirty,
            summary: stored.summary.clone(),
            result: stored.result,
            profile: stored.profile.clone(),
            file_digest: stored.file_digest.clone(),
        }
    }
}
