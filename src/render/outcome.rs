//! How a command that changes something ended.

use super::style::Style;
use crate::api::Outcome;

/// The last lines an instance wrote to its standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// `web/0`.
    pub id: String,
    /// The lines, oldest first.
    pub lines: Vec<String>,
}

/// How it ended; after a failure every hold, the last lines of standard error and the next command.
pub fn outcome(outcome: &Outcome, tails: &[Tail], style: &Style) -> String {
    let _ = (outcome, tails, style);
    String::new()
}
