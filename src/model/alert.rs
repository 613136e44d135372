//! Alerts: the conditions under which somebody is to be told of an app, and who that is.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{spec::Command, time::Time};

/// One entry of `alerts:`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertRule {
    /// As in the file, with single blanks: `p99 > 500ms for 2m`. It is the alert's name within its app.
    pub words: String,
    /// What is looked at.
    pub condition: AlertCondition,
    /// How long the condition has to hold without a break.
    pub lasting: Duration,
    /// The names of the receivers; none is all of the project's.
    pub to: Vec<String>,
}

impl AlertRule {
    /// How long its condition has to be over without a break before the alert is, so that one that
    /// comes and goes is told once.
    pub fn clears_after(&self) -> Duration {
        const WITHOUT_FOR: Duration = Duration::from_secs(60);
        if self.lasting.is_zero() { WITHOUT_FOR } else { self.lasting }
    }
}

/// What an alert looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertCondition {
    /// A measured value is beyond a bound.
    Measured {
        /// Which value.
        metric: AlertMetric,
        /// Beyond in which way.
        than: Than,
        /// The bound, in the unit of the metric.
        bound: f64,
        /// Of requests: over how many seconds they are looked at; one of [`AlertMetric::WINDOWS`].
        window: u32,
    },
    /// So many starts after an exit nobody asked for,
    Restarts {
        /// more, or less,
        than: Than,
        /// than this,
        count: u32,
        /// within this time.
        within: Duration,
    },
    /// The app is in some state.
    State(AlertedState),
}

/// A value that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertMetric {
    /// Half of the requests took at most so long, in seconds.
    P50,
    /// The same for nine of ten.
    P90,
    /// The same for 99 of 100.
    P99,
    /// The longest request, in seconds.
    Max,
    /// Requests per second.
    Rate,
    /// Failed requests of a hundred.
    Errors,
    /// As `P99`, of the probes.
    ProbeP99,
    /// As `P99`, how late a Node program's event loop was; of the worst instance.
    LagP99,
    /// Bytes of memory of the instance that uses most.
    Memory,
    /// Cores in use by all instances.
    Cpu,
    /// Connections that wait to be accepted.
    Queue,
}

impl AlertMetric {
    /// The lengths of the windows over which requests are measured, in seconds.
    pub const WINDOWS: [u32; 3] = [60, 300, 3600];

    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::P50,
        Self::P90,
        Self::P99,
        Self::Max,
        Self::Rate,
        Self::Errors,
        Self::ProbeP99,
        Self::LagP99,
        Self::Memory,
        Self::Cpu,
        Self::Queue,
    ];

    /// Its name in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::Max => "max",
            Self::Rate => "rate",
            Self::Errors => "errors",
            Self::ProbeP99 => "probe_p99",
            Self::LagP99 => "lag_p99",
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Queue => "queue",
        }
    }

    /// What its values are counted in.
    pub fn unit(self) -> AlertUnit {
        match self {
            Self::P50 | Self::P90 | Self::P99 | Self::Max | Self::ProbeP99 | Self::LagP99 => {
                AlertUnit::Time
            }
            Self::Rate => AlertUnit::PerSecond,
            Self::Errors => AlertUnit::Percent,
            Self::Memory => AlertUnit::Bytes,
            Self::Cpu => AlertUnit::Cores,
            Self::Queue => AlertUnit::Count,
        }
    }

    /// Whether it is measured over a window.
    pub fn has_window(self) -> bool {
        match self {
            Self::P50
            | Self::P90
            | Self::P99
            | Self::Max
            | Self::Rate
            | Self::Errors
            | Self::ProbeP99 => true,
            Self::LagP99 | Self::Memory | Self::Cpu | Self::Queue => false,
        }
    }
}

/// What a value is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertUnit {
    /// Seconds; in the file a duration.
    Time,
    /// Times a second.
    PerSecond,
    /// Of a hundred.
    Percent,
    /// Bytes; in the file a size.
    Bytes,
    /// Processors.
    Cores,
    /// A number without a unit.
    Count,
}

/// A state of an app that somebody is to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertedState {
    /// No instance is ready, and not because it is started or replaced on purpose.
    Down,
    /// Fewer instances are ready than wanted, for whatever reason.
    NotReady,
    /// Some instance failed.
    Degraded,
    /// Some instance failed too often.
    CrashLooping,
    /// The last run of a job that has ended failed.
    JobFailed,
    /// The last change failed and was undone.
    RolledBack,
}

impl AlertedState {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Down,
        Self::NotReady,
        Self::Degraded,
        Self::CrashLooping,
        Self::JobFailed,
        Self::RolledBack,
    ];

    /// Its name in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::NotReady => "not_ready",
            Self::Degraded => "degraded",
            Self::CrashLooping => "crash_looping",
            Self::JobFailed => "job_failed",
            Self::RolledBack => "rolled_back",
        }
    }
}

/// How a value has to stand to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Than {
    /// Over it.
    More,
    /// Over it, or the same.
    AtLeast,
    /// Under it.
    Less,
    /// Under it, or the same.
    AtMost,
}

impl Than {
    /// Whether `value` stands so to `bound`.
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::More => bound < value,
            Self::AtLeast => bound <= value,
            Self::Less => value < bound,
            Self::AtMost => value <= bound,
        }
    }
}

/// How an alert stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertPhase {
    /// Its condition does not hold.
    #[default]
    Quiet,
    /// It holds, but not yet for long enough.
    Pending {
        /// Since when.
        since: Time,
    },
    /// It has held for long enough, and has not been over for long enough since.
    Firing {
        /// Since when it has held.
        since: Time,
        /// Since when it has been over.
        over: Option<Time>,
    },
}

/// What was measured of an app. What nobody measures is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Its requests, over each window.
    pub requests: Vec<MeasuredWindow>,
    /// Its probes, over each window.
    pub probes: Vec<MeasuredWindow>,
    /// Of the worst instance, in seconds.
    pub lag_p99: Option<f64>,
    /// Of the largest instance, in bytes.
    pub memory: Option<f64>,
    /// Of all instances, in cores.
    pub cpu: Option<f64>,
    /// Of all its sockets.
    pub queue: Option<f64>,
}

/// Requests or probes over a while that ends now. Times are in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeasuredWindow {
    /// How long it is.
    pub seconds: u32,
    /// How many ended in it.
    pub requests: f64,
    /// So many of them failed.
    pub failed: f64,
    /// Per second.
    pub rate: f64,
    /// Half of them took at most so long; absent if there was none.
    pub p50: Option<f64>,
    /// The same for nine of ten.
    pub p90: Option<f64>,
    /// The same for 99 of 100.
    pub p99: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

/// `notify:` — who is told, by name.
pub type Receivers = BTreeMap<String, Receiver>;

/// One that is told of alerts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// A request is sent.
    Webhook {
        /// Where to: `http://` or `https://`.
        url: Secret,
        /// What else is in its head.
        headers: BTreeMap<String, Secret>,
    },
    /// A command is run.
    Command(Command),
}

/// A text that nobody is shown. `Debug` hides it: logs leak.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// This text.
    Text(String),
    /// The content of this file (absolute) at the time it is used; one final newline is cut off.
    File(PathBuf),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(hidden)"),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}
