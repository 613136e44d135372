//! Going back to an accepted state, looking at that first, and letting go of old ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::request::Target;

/// Asks what going back would change, do and interrupt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RollbackRequest {
    /// Of which project and apps.
    pub target: Target,
    /// To which generation; without one, to what was before the last change.
    pub to: Option<u64>,
    /// Show values of env in the answer.
    #[serde(default)]
    pub show_values: bool,
}

/// Asks to forget old states.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PruneRequest {
    /// Of which projects.
    pub target: Target,
    /// How many of the latest are kept.
    pub keep: u64,
}

/// What was forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PruneReply {
    /// The version of the shape.
    pub schema: u32,
    /// How many states were.
    pub removed: u64,
    /// How many are left.
    pub kept: u64,
}
