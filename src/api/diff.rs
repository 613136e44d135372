//! What an apply would change, do and interrupt.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Effect;

/// The answer to `eco diff`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffReply {
    /// The version of the shape.
    pub schema: u32,
    /// The project.
    pub project: String,
    /// One entry per field that differs.
    pub changes: Vec<ChangeReply>,
    /// What would be done, in order.
    pub actions: Vec<ActionReply>,
    /// What would be interrupted.
    pub interruption: Vec<InterruptionReply>,
    /// Things worth knowing, in words: the profile in use, apps left out by `--only`.
    pub notes: Vec<String>,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeReply {
    /// The app; empty for a key of the project itself.
    pub app: String,
    /// Dotted path, empty for a whole app.
    pub field: String,
    /// The former value; null if none or masked.
    pub old: Option<String>,
    /// The new value; null if none or masked.
    pub new: Option<String>,
    /// What it takes.
    pub effect: Effect,
    /// Whether values were left out because they may be secret.
    pub masked: bool,
}

/// One thing that would be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionReply {
    /// `start`, `stop` or `kill`.
    pub action: String,
    /// The app.
    pub app: String,
    /// The instance's index.
    pub instance: u32,
    /// Why, in words.
    pub reason: String,
}

/// What would be interrupted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InterruptionReply {
    /// The app.
    pub app: String,
    /// How many instances.
    pub instances: u32,
    /// In words.
    pub text: String,
}

impl DiffReply {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.actions.is_empty()
    }
}
