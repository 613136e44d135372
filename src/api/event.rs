//! What happened, as it is kept in `events.ndjson` and printed by `eco events`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Operator;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventReply {
    /// The version of the shape.
    pub schema: u32,
    /// Counts up, over restarts of eco too.
    pub seq: u64,
    /// When.
    pub time: String,
    /// What kind.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// The project, if it concerns one.
    pub project: Option<String>,
    /// The app, if it concerns one.
    pub app: Option<String>,
    /// The instance's index, if it concerns one.
    pub instance: Option<u32>,
    /// Who brought it about: `operator`, `file`, `eco`.
    pub by: String,
    /// Of an operator: which user, with which command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<CallerReply>,
    /// The revision it concerns.
    pub revision: Option<String>,
    /// In words.
    pub message: String,
    /// Of a run that failed, the last lines it wrote to stderr.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stderr: Vec<String>,
}

/// Who called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallerReply {
    /// The user's number, from the kernel.
    pub uid: u32,
    /// The user's name, where there is one.
    pub user: Option<String>,
    /// Who became that user by sudo, as the caller says: nothing proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sudo_user: Option<String>,
    /// The command as typed, secrets left out; or `dashboard`.
    pub command: Option<String>,
}

impl CallerReply {
    /// The header in which a caller says what command was typed.
    pub const COMMAND: &str = "eco-command";
    /// The header in which a caller says who became its user by sudo.
    pub const SUDO_USER: &str = "eco-sudo-user";
}

impl From<Operator> for CallerReply {
    fn from(operator: Operator) -> Self {
        let Operator { uid, user, sudo_user, command } = operator;
        Self { uid, user, sudo_user, command }
    }
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// A new desired state was accepted.
    Applied,
    /// A followed file could not be used; the last good state stands.
    FileBroken,
    /// A followed file is fine again, or waits for an explicit apply.
    FileChanged,
    /// An operator's command was accepted.
    Operated,
    /// A change of an app began, moved on or is complete.
    Rollout,
    /// All that an accepted state asks for is reached.
    Converged,
    /// A program was executed.
    Started,
    /// A program could not be executed.
    StartFailed,
    /// A run was asked to stop.
    Stopping,
    /// A run ended.
    Exited,
    /// What a run that failed wrote last; comes after its end.
    Crashed,
    /// Output of a run could not be written to its log.
    OutputDropped,
    /// Parts of an instance's log were removed because the disk is full.
    LogsRemoved,
    /// A run that was ready failed its live probe too often and is replaced.
    NotLive,
    /// Connections wait and no instance takes one.
    Stuck,
    /// Waiting connections are taken again.
    Unstuck,
    /// A run used more memory than it may and is replaced.
    OverMemory,
    /// A run did not stop in time and was killed.
    Killed,
    /// A change failed and was undone.
    RolledBack,
    /// Something was due by a schedule.
    Scheduled,
    /// Source files under `watch` were edited.
    SourceChanged,
    /// The condition of an alert has held for long enough.
    AlertFired,
    /// It has been over for long enough.
    AlertResolved,
    /// Somebody could not be told of an alert.
    AlertFailed,
    /// eco's own processes or state.
    Eco,
}
