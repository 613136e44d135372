//! What is measured: the facts behind `GET /metrics`, and the text they are told in.

mod families;
mod text;
mod work;

use super::AppReply;

pub use text::{Exposition, exposition};
pub use work::{DurationMetrics, WorkMetrics};

/// Everything that is told at one address, as it stands now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricsReply {
    /// Version of the controller's program.
    pub version: String,
    /// The processes of eco itself.
    pub processes: Vec<OwnProcess>,
    /// The projects that name this address, by name.
    pub projects: Vec<ProjectMetrics>,
}

/// What a process of eco uses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnProcess {
    /// `keeper`, `recorder` or `controller`.
    pub role: String,
    /// Resident memory in bytes; `None` if it is just being restarted.
    pub memory: Option<u64>,
    /// How long it has computed, in seconds.
    pub cpu_seconds: Option<f64>,
}

/// The apps of one project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectMetrics {
    /// The project.
    pub project: String,
    /// By name.
    pub apps: Vec<AppMetrics>,
}

/// One app: what `eco status --json` says of it, and what only a scrape asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct AppMetrics {
    /// How it stands.
    pub status: AppReply,
    /// The latest run of each instance that has one, by index.
    pub runs: Vec<RunMetrics>,
    /// Whether its latest change was rolled back.
    pub rolled_back: bool,
    /// What was measured of the work of each instance, by index.
    pub work: Vec<WorkMetrics>,
    /// Set for a job.
    pub job: Option<JobMetrics>,
}

/// The latest run of an instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunMetrics {
    /// The index of the instance.
    pub index: u32,
    /// When its program was executed, in seconds since 1970.
    pub started: f64,
    /// How long it and all it has started have computed, in seconds; `None` if it is over.
    pub cpu_seconds: Option<f64>,
}

/// When a job ran and will run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobMetrics {
    /// When the last run ended that succeeded, in seconds since 1970.
    pub last_success: Option<f64>,
    /// How long the last run took that has ended, in seconds.
    pub last_duration: Option<f64>,
    /// When it is due next by its schedule, in seconds since 1970.
    pub next: Option<f64>,
}
