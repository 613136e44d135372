//! What the controller is asked to do.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    event::{CallerReply, EventType},
    select::Selector,
};
use crate::model::{
    AppName, AppSpec, DashboardPolicy, MetricsPolicy, ProjectName, Receivers, Signal,
};

/// Which project and which of its apps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Target {
    /// `-p PROJECT`.
    pub project: Option<ProjectName>,
    /// The caller's directory: the project whose file lies there is meant.
    pub dir: PathBuf,
    /// Every project (`-A`).
    pub every_project: bool,
    /// Which apps; empty is every app.
    pub apps: Vec<Selector>,
    /// Whether `memory` and `cpu` are read: some files of `/proc` for each instance.
    #[serde(default)]
    pub memory: bool,
}

/// Asks what is recorded for a file, before it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LookupRequest {
    /// The file's directory.
    pub dir: PathBuf,
}

/// What is recorded for a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LookupReply {
    /// The version of the shape.
    pub schema: u32,
    /// The project bound to the directory.
    pub project: Option<ProjectName>,
    /// The profile of its last apply.
    pub profile: Option<String>,
}

/// A desired state, read from a file by the caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command line")]
pub struct ApplyRequest {
    /// The project's name.
    pub name: ProjectName,
    /// The directory it is bound to, as typed.
    pub dir: PathBuf,
    /// The file.
    pub file: PathBuf,
    /// The profile that was merged.
    pub profile: Option<String>,
    /// The apps.
    pub apps: BTreeMap<AppName, AppSpec>,
    /// Values used for `${…}`, for following and boot.
    pub source_env: BTreeMap<String, String>,
    /// Every file that was read: what is followed.
    pub inputs: Vec<PathBuf>,
    /// Digest of the file's text.
    pub file_digest: String,
    /// The same of other files that say what apps are.
    #[serde(default)]
    pub other_digests: BTreeMap<PathBuf, String>,
    /// Where measured values are offered.
    #[serde(default)]
    pub metrics: Option<MetricsPolicy>,
    /// Where the values of the apps come from: by app and dotted field, `ecosystem.yaml:12`.
    #[serde(default)]
    pub origins: BTreeMap<AppName, BTreeMap<String, String>>,
    /// Who is told of alerts.
    #[serde(default)]
    pub notify: Receivers,
    /// Where a page for browsers is offered.
    #[serde(default)]
    pub dashboard: Option<DashboardPolicy>,
    /// Whether keys of a PM2 file that nobody knows were let pass, and will be.
    #[serde(default)]
    pub lenient: bool,
    /// Only these apps; empty is all.
    pub only: BTreeSet<AppName>,
    /// Whether apps that are not in the file go away.
    pub prune: bool,
    /// `--watch` or `--no-watch`; otherwise as it was.
    pub follow: Option<bool>,
    /// Whether the project may be taken over from another directory.
    pub take_over: bool,
    /// Whether inherited variables are captured anew.
    pub refresh_env: bool,
    /// Show values of env in the answer.
    pub show_values: bool,
    /// Whether to wait until it is done.
    pub wait: bool,
    /// For how long, in seconds.
    pub timeout: f64,
    /// The git commit the file is from, if it is in a repository.
    pub git: Option<String>,
    /// Whether files of that repository differ from the commit; null if that is not known.
    #[serde(default)]
    pub dirty: Option<bool>,
}

/// A command on apps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationRequest {
    /// On which.
    pub target: Target,
    /// What.
    pub operation: Operation,
    /// Whether to wait until it is done.
    pub wait: bool,
    /// For how long, in seconds.
    pub timeout: f64,
}

/// What an operator can do to apps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Ends a stop, and tries again what had given up.
    Start,
    /// Keeps down until started or applied.
    Stop,
    /// Replaces every instance, as a change would.
    Restart,
    /// Stops every instance, then starts it again.
    RestartNow,
    /// Lets every instance read its files again: replaces it.
    Reload,
    /// Brings back what was before the last change, or what was in this generation.
    Rollback(Option<u64>),
    /// Runs so many instances until applied.
    Scale(u32),
    /// Sends a signal to each instance's first process.
    Signal(Signal),
    /// Stops and forgets the whole project.
    Down,
    /// Runs a job now. A request that is repeated, because nobody lived to answer it, has the same
    /// number.
    RunJob(u64),
    /// Changes nothing: waits until all is as desired.
    Await,
}

/// Asks for what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EventsRequest {
    /// Of which project and apps.
    pub target: Target,
    /// So many of the latest.
    pub last: usize,
    /// Go on with what happens from now on.
    pub follow: bool,
    /// Only those after the one of this `seq`.
    #[serde(default)]
    pub after: Option<u64>,
    /// Only what happened at or after this time: RFC 3339.
    #[serde(default)]
    pub since: Option<String>,
    /// Only what happened at or before this time: RFC 3339.
    #[serde(default)]
    pub until: Option<String>,
    /// Only of these kinds; empty is all.
    #[serde(default)]
    pub types: Vec<EventType>,
}

/// The accepted states of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryReply {
    /// The version of the shape.
    pub schema: u32,
    /// Latest first.
    pub revisions: Vec<HistoryEntry>,
}

/// One accepted state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryEntry {
    /// Its generation.
    pub generation: u64,
    /// When it was accepted.
    pub time: String,
    /// By whom: `operator`, `file`, `eco`.
    pub by: String,
    /// Of an operator: which user, with which command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<CallerReply>,
    /// From which commit.
    pub git: Option<String>,
    /// Whether the repository had changes that were not committed.
    #[serde(default)]
    pub dirty: Option<bool>,
    /// What it changed, in words.
    pub summary: String,
    /// What became of it; null while it is under way, and if it is not known.
    #[serde(default)]
    pub result: Option<HistoryResult>,
    /// Whether it is what is wanted now.
    #[serde(default)]
    pub current: bool,
}

/// What became of an accepted state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HistoryResult {
    /// All of it was reached.
    Converged,
    /// At least one app went back to what was before.
    RolledBack,
    /// Another one took its place before it was reached.
    Superseded,
}
