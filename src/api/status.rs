//! How things stand.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::traffic::{AlertReply, NodeReply, QueueReply, TrafficReply};
use crate::model::{AppState, InstancePhase, Sharing};

/// How one project stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusReply {
    /// The version of the shape.
    pub schema: u32,
    /// The project; null if there is none here.
    pub project: Option<String>,
    /// Its file; null if there is no project.
    pub file: Option<FileReply>,
    /// Its apps, by name.
    pub apps: Vec<AppReply>,
    /// Where its metrics are offered; null if its file does not say so.
    #[serde(default)]
    pub metrics: Option<MetricsState>,
    /// Where its page for browsers is offered; null if its file does not say so.
    #[serde(default)]
    pub dashboard: Option<DashboardState>,
    /// Alerts that are not quiet.
    #[serde(default)]
    pub alerts: Vec<AlertReply>,
}

/// Where the metrics of a project are offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MetricsState {
    /// The address and port.
    pub listen: String,
    /// Why they are not offered there now, in words.
    pub error: Option<String>,
}

/// Where the page of a project is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DashboardState {
    /// The address of the page.
    pub url: String,
    /// Why it is not offered there now, in words.
    pub error: Option<String>,
}

/// How every project that was asked for stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatusAllReply {
    /// The version of the shape.
    pub schema: u32,
    /// By name.
    pub projects: Vec<StatusReply>,
    /// State files that could not be read, in words.
    pub faults: Vec<String>,
}

/// How a project's file stands to what was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileReply {
    /// The file.
    pub path: PathBuf,
    /// Whether edits are taken over by themselves.
    pub followed: bool,
    /// In one word.
    pub state: FileState,
    /// What is wrong with it, as `file:line:col: message`.
    pub error: Option<String>,
}

/// How a project's file stands to what was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// What was accepted is what it says.
    InSync,
    /// It was edited since.
    Ahead,
    /// What it says was tried and rolled back.
    RolledBack,
    /// It cannot be used.
    Broken,
    /// It is not there.
    Missing,
    /// An edit waits for an explicit `eco apply`.
    Held,
}

/// How an app stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppReply {
    /// Its name.
    pub name: String,
    /// How many instances are wanted.
    pub desired: u32,
    /// How many are ready.
    pub ready: u32,
    /// The desired revision.
    pub revision: String,
    /// In one word.
    pub state: AppState,
    /// Why it is not as desired.
    pub hold: Option<String>,
    /// A stable word for why.
    pub hold_code: Option<String>,
    /// Overrides in force, in words: `stopped`, `scaled to 3`.
    pub overrides: Vec<String>,
    /// Words it can be selected by.
    pub tags: Vec<String>,
    /// The ports its instances share; null if it has no `listen`.
    #[serde(default)]
    pub listen: Option<ListenReply>,
    /// When it is due next by its schedule; null if it has none.
    #[serde(default)]
    pub next: Option<String>,
    /// Limits that cannot be kept on this machine, in words; none while nothing of it is to run.
    #[serde(default)]
    pub unkept: Vec<String>,
    /// Its requests; null if nobody measures them.
    #[serde(default)]
    pub traffic: Option<TrafficReply>,
    /// Its shared sockets, if asked for.
    #[serde(default)]
    pub queues: Vec<QueueReply>,
    /// By index; during a replacement two may share an id.
    pub instances: Vec<InstanceReply>,
}

/// The ports an app's instances share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListenReply {
    /// As in the file; of `auto` the ones found.
    pub ports: Vec<String>,
    /// How the instances come by their sockets.
    pub sharing: Sharing,
}

/// How an instance stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceReply {
    /// `web/0`.
    pub id: String,
    /// Process id of its first process.
    pub pid: Option<u32>,
    /// In one word.
    pub phase: InstancePhase,
    /// How often it was started again after an exit nobody asked for.
    pub restarts: u64,
    /// Since when it is in this phase.
    pub since: Option<String>,
    /// The revision it runs.
    pub revision: Option<String>,
    /// The generation it was started in.
    pub generation: Option<u64>,
    /// Why it is not as desired.
    pub hold: Option<String>,
    /// A stable word for why.
    pub hold_code: Option<String>,
    /// How much of its output could not be written to its log, and why, in words.
    #[serde(default)]
    pub dropped: Option<String>,
    /// How its last run ended.
    pub exit: Option<ExitReply>,
    /// Memory in bytes, if asked for: resident of the first process, and what its descendants have
    /// for themselves.
    pub memory: Option<u64>,
    /// Cores in use by all of them, if asked for: since somebody looked last if that was at most a
    /// minute ago, else over the run's life.
    pub cpu: Option<f64>,
    /// Its requests; null if nobody measures them.
    #[serde(default)]
    pub traffic: Option<TrafficReply>,
    /// Its readiness and liveness probes; null if it has none.
    #[serde(default)]
    pub probes: Option<TrafficReply>,
    /// What its agent tells of Node; null without `observe: node`.
    #[serde(default)]
    pub node: Option<NodeReply>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExitReply {
    /// Its exit code, if it ended by itself.
    pub code: Option<i32>,
    /// The signal's name, if one ended it.
    pub signal: Option<String>,
    /// When.
    pub at: String,
    /// Whether eco had asked it to: then it is no news.
    #[serde(default)]
    pub requested: bool,
}

/// Everything about some apps: status and the resolved spec, values of env masked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DescribeReply {
    /// The version of the shape.
    pub schema: u32,
    /// The project.
    pub project: String,
    /// Each app with its fields in the order of the file format: name and value in words.
    pub apps: Vec<DescribedApp>,
}

/// One app in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DescribedApp {
    /// How it stands.
    pub status: AppReply,
    /// Dotted field and value, as `eco diff` writes them.
    pub fields: Vec<(String, String)>,
    /// Where the value of each field comes from: `ecosystem.yaml:12, profile production`, `default`,
    /// or an override. Empty if that is not known.
    #[serde(default)]
    pub origins: BTreeMap<String, String>,
    /// The files its values were read from.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// Its alerts that are not quiet.
    #[serde(default)]
    pub alerts: Vec<AlertReply>,
    /// Its log files.
    pub logs: Vec<PathBuf>,
    /// The latest exits, newest first, in words.
    pub exits: Vec<String>,
    /// Of a job the latest runs, newest first.
    #[serde(default)]
    pub runs: Vec<JobRun>,
    /// What the last run of an instance wrote, if it failed.
    #[serde(default)]
    pub last_output: Vec<LastOutput>,
    /// What the latest live probe of each instance showed, in words.
    #[serde(default)]
    pub probes: Vec<String>,
}

/// A run of a job that has ended. What it wrote is in the log between these times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRun {
    /// When it began.
    pub started: String,
    /// How and when it ended.
    pub exit: ExitReply,
    /// How it ended, in words.
    pub words: String,
}

/// What a run wrote before it failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastOutput {
    /// `web/0`.
    pub id: String,
    /// How the run ended, in words.
    pub ended: String,
    /// The last lines of its stderr.
    pub stderr: Vec<String>,
}
