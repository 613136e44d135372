//! What runs to an end, and at which times.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `kind:`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It is to run all the time.
    #[default]
    Service,
    /// It runs to its end: once for each revision, or by its schedule.
    Job,
}

impl Kind {
    /// The word of the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Job => "job",
        }
    }
}

/// Times by a cron expression.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Cron {
    /// Five fields, six with seconds in front, or a word such as `@daily`.
    pub expression: String,
    /// IANA name of the time zone it is read in; `None` is the machine's.
    pub timezone: Option<String>,
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.timezone {
            Some(zone) => write!(f, "{} ({zone})", self.expression),
            None => f.write_str(&self.expression),
        }
    }
}

/// `schedule:` of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    /// When it is due.
    pub cron: Cron,
    /// What is done if the run before goes on.
    #[serde(default)]
    pub overlap: Overlap,
    /// Whether it runs once, late, if eco was down when it was due.
    #[serde(default)]
    pub catch_up: bool,
}

/// What is done about a job that is due while its run before goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// It does not run this time.
    #[default]
    Skip,
    /// It runs after it; at most one run waits.
    Queue,
    /// The run before is stopped.
    Replace,
}

impl Overlap {
    /// The word of the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue => "queue",
            Self::Replace => "replace",
        }
    }
}
