//! The processes of eco itself.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ErrorBody;

/// Who runs, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaemonReply {
    /// The version of the shape.
    pub schema: u32,
    /// Process id of the keeper.
    pub keeper_pid: u32,
    /// Process id of the controller.
    pub controller_pid: u32,
    /// Process id of the recorder; 0 while it is restarted.
    pub recorder_pid: u32,
    /// Version of the controller's program.
    pub version: String,
    /// The state directory.
    pub home: PathBuf,
    /// Names of the projects.
    pub projects: Vec<String>,
}

/// Asks eco itself to end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaemonStopRequest {
    /// Leave the apps running without anybody to look after them.
    pub leave_apps: bool,
}

/// Asks eco to have another program take its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaemonUpgradeRequest {
    /// The program, absolute.
    pub program: PathBuf,
}

/// What became of it. Where no such line comes, the controller ended before it could say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DaemonUpgradeReply {
    /// The version of the shape.
    pub schema: u32,
    /// Why nothing was changed.
    pub error: Option<ErrorBody>,
}
