//! Why a run is stopped and why a change is undone.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::health::UnfitReason;

/// How an instance of a new revision failed before it was good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutFailure {
    /// Which instance.
    pub index: u32,
    /// In words.
    pub reason: String,
}

impl fmt::Display for RolloutFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "instance {}: {}", self.index, self.reason)
    }
}

/// Why a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// Its app is no longer in the file, or `down`.
    Removed,
    /// Fewer instances are wanted.
    ScaledDown,
    /// `eco stop`.
    Stopped,
    /// Its revision changed.
    Changed,
    /// `eco restart`, or a source edit under `watch`.
    Restarted,
    /// Its first process ended and left others behind.
    Leftover,
    /// Another run of the same instance lives.
    Duplicate,
    /// It did not become ready in time.
    NotReady,
    /// A job that is to run again.
    Superseded,
    /// Its live probe failed too often in a row.
    NotLive,
    /// It uses more memory than `restart.max_memory`.
    OverMemory,
}

impl From<UnfitReason> for StopReason {
    fn from(why: UnfitReason) -> Self {
        match why {
            UnfitReason::NotLive => Self::NotLive,
            UnfitReason::OverMemory => Self::OverMemory,
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => "removed from the file",
            Self::ScaledDown => "scaled down",
            Self::Stopped => "stopped by an operator",
            Self::Changed => "its revision changed",
            Self::Restarted => "restart asked for",
            Self::Leftover => "its first process ended and left others behind",
            Self::Duplicate => "another run of the same instance lives",
            Self::NotReady => "it did not become ready in time",
            Self::Superseded => "it is to run again",
            Self::NotLive => "its live probe failed",
            Self::OverMemory => "it used more memory than `restart.max_memory`",
        })
    }
}
