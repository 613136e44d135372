//! What `eco doctor` finds. The command looks by itself: no request stands for it.

use schemars::JsonSchema;
use serde::Serialize;

/// Everything that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DoctorReply {
    /// The version of this shape.
    pub schema: u32,
    /// In a fixed order.
    pub checks: Vec<CheckReply>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckReply {
    /// A stable word.
    pub name: String,
    /// What it is, in words.
    pub title: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub found: String,
    /// What eco does without it; `None` if it is as it should be.
    pub effect: Option<String>,
    /// What would mend it; `None` if it is as it should be.
    pub help: Option<String>,
}
