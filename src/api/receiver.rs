//! Trying the receivers of alerts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Target;

/// Asks for a message to receivers of a project, to see whether it arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotifyRequest {
    /// Which project.
    pub target: Target,
    /// Which receiver; all of them without.
    #[serde(default)]
    pub receiver: Option<String>,
}

/// What became of the message to one receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotifyReply {
    /// The version of the shape.
    pub schema: u32,
    /// Its name.
    pub receiver: String,
    /// Why it was not told, in words; null if it was.
    pub error: Option<String>,
}
