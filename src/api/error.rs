//! How the controller says no.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A refusal or failure, also what `--json` prints for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiError {
    /// The version of the shape.
    pub schema: u32,
    /// What went wrong.
    pub error: ErrorBody,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// A stable word for programs.
    pub code: String,
    /// In words.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The exit code the command ends with.
    pub exit: u8,
}

impl ApiError {
    /// The input is wrong: exit code 2.
    pub fn input(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, message, 2)
    }

    /// The answer is no: exit code 1.
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, message, 1)
    }

    /// The controller failed: exit code 3.
    pub fn failed(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, message, 3)
    }

    fn new(code: &str, message: impl Into<String>, exit: u8) -> Self {
        let error = ErrorBody { code: code.to_owned(), message: message.into(), help: None, exit };
        Self { schema: super::SCHEMA, error }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.error.help = Some(help.into());
        self
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error.message)
    }
}

impl std::error::Error for ApiError {}
