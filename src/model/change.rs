//! The difference between two desired states, field by field.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::AppName;

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The app.
    pub app: AppName,
    /// Dotted path of the field as in the file: `instances`, `env.PORT`, `restart.policy`. Empty
    /// for a whole app that is created or removed.
    pub field: String,
    /// The former value; `None` if there was none, or it is masked.
    pub old: Option<String>,
    /// The new value; `None` if there is none, or it is masked.
    pub new: Option<String>,
    /// What it takes to bring it in.
    pub effect: Effect,
    /// Whether values were left out because they may be secret.
    pub masked: bool,
}

/// What it takes to bring a change in, from nothing to everything.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing at all.
    None,
    /// It holds at once; no process is touched.
    Live,
    /// Only added or removed instances are touched.
    Scale,
    /// Instances are replaced one by one.
    Rolling,
    /// All instances stop before new ones start.
    Recreate,
    /// The app is new.
    Create,
    /// The app goes away.
    Remove,
}

/// What a change will interrupt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interruption {
    /// The app.
    pub app: AppName,
    /// How many of its instances are affected.
    pub instances: u32,
    /// In words.
    pub text: String,
}
