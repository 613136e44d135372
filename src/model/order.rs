//! What apps of a project have to do with each other: who waits for whom, and for what.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::AppName;

/// One entry of `depends_on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dependency {
    /// What the other app has to have come to.
    pub is: Condition,
    /// Whether a change or restart of the other app restarts this one too.
    #[serde(default)]
    pub restart_with: bool,
}

/// What an app has to have come to before those that depend on it start.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// The program of every instance was executed.
    Started,
    /// Every instance is ready, and the change under way was found good.
    Ready,
    /// It ended as it should, with the desired revision.
    Completed,
}

impl Condition {
    /// The word of the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Ready => "ready",
            Self::Completed => "completed",
        }
    }
}

/// What is known of an app's neighbours: put there by `reconcile::look_around`, for the plan, the
/// status and the verdict of the app itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// What keeps its new instances from starting; the most hopeless first.
    pub awaited: Vec<Awaited>,
    /// The apps that depend on it, are to stop too, and have not yet.
    pub dependents: Vec<AppName>,
}

/// A dependency that has not come to what it is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The app.
    pub app: AppName,
    /// What it is waited for.
    pub is: Condition,
    /// Whether it may come to that.
    pub outlook: Outlook,
}

/// Whether a dependency may come to what it is waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outlook {
    /// Its change failed, or it ended badly and is not tried again; how, in words.
    Failed(String),
    /// It is not meant to run; why, in words.
    Absent(String),
    /// It fails and is tried again; how, in words.
    Failing(String),
    /// It is on its way.
    Coming,
}

impl Outlook {
    /// Whether it takes a person to change it.
    pub fn is_hopeless(&self) -> bool {
        match self {
            Self::Failed(_) | Self::Absent(_) => true,
            Self::Failing(_) | Self::Coming => false,
        }
    }
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let app = &self.app;
        match &self.outlook {
            Outlook::Failed(how) => write!(f, "it depends on `{app}`, which failed: {how}"),
            Outlook::Absent(why) => write!(f, "it depends on `{app}`, which {why}"),
            Outlook::Failing(how) => {
                write!(f, "waits for `{app}` to be {}, which fails: {how}", self.is.word())
            }
            Outlook::Coming => write!(f, "waits for `{app}` to be {}", self.is.word()),
        }
    }
}
