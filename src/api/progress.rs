//! The lines of an answer that goes on until the machine is as asked.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diff::DiffReply;
use crate::model::AppState;

/// One line. The last is always a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Progress {
    /// What is going to be done.
    Plan(DiffReply),
    /// An app in scope changed.
    App(AppProgress),
    /// How it ended.
    Result(Outcome),
}

/// Where an app stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppProgress {
    /// The version of the shape.
    pub schema: u32,
    /// The app.
    pub app: String,
    /// Its state.
    pub state: AppState,
    /// How many instances are ready,
    pub ready: u32,
    /// of how many wanted.
    pub desired: u32,
    /// While a change is under way: how many instances that are ready are new ones.
    #[serde(default)]
    pub updated: Option<u32>,
    /// Why it is not as desired.
    pub hold: Option<String>,
    /// Nothing more is waited for.
    pub settled: bool,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// The version of the shape.
    pub schema: u32,
    /// In one word.
    pub result: OutcomeKind,
    /// The exit code of the command.
    pub exit: u8,
    /// The project's generation.
    pub generation: u64,
    /// The apps in scope, as they stand.
    pub apps: Vec<AppProgress>,
    /// Every instance that is not as desired, with the reason.
    pub failed: Vec<FailedInstance>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Outcome {
    /// The answer to who does not wait.
    pub fn accepted(generation: u64) -> Self {
        Self {
            schema: super::SCHEMA,
            result: OutcomeKind::Accepted,
            exit: 0,
            generation,
            apps: Vec::new(),
            failed: Vec::new(),
            seconds: 0.0,
        }
    }
}

/// An instance that is not as desired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedInstance {
    /// `web/0`.
    pub id: String,
    /// Why.
    pub hold: String,
    /// A stable word for why.
    pub hold_code: String,
    /// Its standard error.
    pub stderr: Option<PathBuf>,
}

/// How it ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// The machine is as asked.
    Converged,
    /// It was accepted; nobody waited.
    Accepted,
    /// Only failed apps remain.
    Failed,
    /// It took too long; eco goes on.
    TimedOut,
    /// A later change took its place.
    Superseded,
}
