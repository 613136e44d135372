//! What an app should be: the resolved form of one entry under `apps:`.
//!
//! Values are complete (every default filled in) and valid; what cannot be is refused by `config`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    alert::AlertRule,
    health::LivePolicy,
    id::AppName,
    job::{Cron, Kind, Schedule},
    logs::LogPolicy,
    order::Dependency,
    process::ProcessPolicy,
    serving::{ListenPolicy, ReadyPolicy},
    signal::Signal,
    template::Template,
};

/// The desired form of one app. Adding a field does not compile until
/// `reconcile::diff` has given it a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppSpec {
    /// What to run.
    pub command: Command,
    /// Working directory: absolute, symbolic links resolved.
    pub cwd: PathBuf,
    /// How many instances; 0 is off.
    pub instances: u32,
    /// `env_file` and `env`, merged.
    pub env: BTreeMap<String, EnvValue>,
    /// Variables taken over from the caller, captured when the revision was created. Alone they
    /// are no change.
    pub inherited: BTreeMap<String, String>,
    /// Patterns of `inherit_env`, as written.
    pub inherit_env: Vec<String>,
    /// Set by `--refresh-env` when the captured values had changed: makes a new revision.
    pub inherited_epoch: u64,
    /// What happens after an exit nobody asked for.
    pub restart: RestartPolicy,
    /// How a run is ended.
    pub stop: StopPolicy,
    /// How a change is brought in.
    pub rollout: RolloutPolicy,
    /// The ports its instances share; `None` leaves its sockets alone.
    #[serde(default)]
    pub listen: Option<ListenPolicy>,
    /// When an instance counts as ready.
    #[serde(default)]
    pub ready: ReadyPolicy,
    /// What tells that an instance that has become ready still lives; `None` asks nobody.
    #[serde(default)]
    pub live: Option<LivePolicy>,
    /// Within which time an instance takes a connection that waits for it; one that does not is
    /// replaced. `None` replaces nobody for that.
    #[serde(default)]
    pub accepts_within: Option<Duration>,
    /// The signal by which its instances read their own files again; without it they are replaced.
    #[serde(default)]
    pub reload: Option<Signal>,
    /// Source paths whose edits replace the instances.
    pub watch: Option<WatchPolicy>,
    /// Build results whose content is part of the revision.
    pub artifacts: Artifacts,
    /// What is loaded into its processes to measure them.
    #[serde(default)]
    pub observe: Observe,
    /// Words to select apps by.
    pub tags: BTreeSet<String>,
    /// Where output goes.
    pub logs: LogPolicy,
    /// Whether it runs all the time or to an end.
    #[serde(default)]
    pub kind: Kind,
    /// When a job runs; `None` is once for each revision.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// The apps of its project that it waits for.
    #[serde(default)]
    pub depends_on: BTreeMap<AppName, Dependency>,
    /// Who its processes run as, and what they may use.
    #[serde(default)]
    pub process: ProcessPolicy,
    /// When somebody is told of it.
    #[serde(default)]
    pub alerts: Vec<AlertRule>,
}

/// What is loaded into an app's processes to measure them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Observe {
    /// Nothing.
    #[default]
    Off,
    /// The agent for Node: requests, event loop and heap.
    Node,
}

impl Observe {
    /// The word of the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Node => "node",
        }
    }
}

impl AppSpec {
    /// Whether it is a job.
    pub fn is_job(&self) -> bool {
        self.kind == Kind::Job
    }

    /// Whether a value of its environment is read from a file at each start.
    pub fn has_secret_files(&self) -> bool {
        self.env.values().any(|value| matches!(value, EnvValue::File { .. }))
    }

    /// When it is due: a job to run, another app to be replaced.
    pub fn cron(&self) -> Option<&Cron> {
        let schedule = self.schedule.as_ref().filter(|_| self.is_job());
        schedule.map(|schedule| &schedule.cron).or(self.restart.cron.as_ref())
    }
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// A program and its arguments; no shell.
    Argv(Vec<Template>),
    /// A text for `/bin/sh -c`.
    Shell(Template),
}

/// The value of one variable of `env`. `Debug` hides it: logs leak.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnvValue {
    /// Set to this text.
    Set(Template),
    /// Taken away, also from the inherited ones.
    Unset,
    /// Read from this file (absolute) at each start; one final newline is cut off.
    File {
        /// The file.
        path: PathBuf,
        /// Digest of its content when the revision was made: a new secret is a change.
        digest: String,
    },
}

impl fmt::Debug for EnvValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(_) => f.write_str("Set(hidden)"),
            Self::Unset => f.write_str("Unset"),
            Self::File { path, .. } => write!(f, "File({})", path.display()),
        }
    }
}

/// `restart:`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RestartPolicy {
    /// After which exits.
    pub policy: RestartWhen,
    /// How long to wait; `None` restarts at once.
    pub backoff: Option<Backoff>,
    /// When to call it a crash loop; `None` never does.
    pub limit: Option<Limit>,
    /// Exit codes after which it is left alone.
    pub stop_exit_codes: Vec<i32>,
    /// When all instances are replaced, whatever they do.
    #[serde(default)]
    pub cron: Option<Cron>,
    /// Over so many bytes of memory it is replaced.
    #[serde(default)]
    pub max_memory: Option<u64>,
}

/// After which exits an instance is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RestartWhen {
    /// After every exit, also code 0.
    Always,
    /// After a code other than 0, or a signal.
    OnFailure,
    /// After none.
    Never,
}

/// Growing waits between restarts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Backoff {
    /// The first wait; may be zero.
    pub initial: Duration,
    /// By how much each further wait is longer, at least 1.
    pub factor: f64,
    /// No wait is longer than this.
    pub max: Duration,
    /// Share by which a wait is varied, 0 to 1.
    pub jitter: f64,
    /// A run of at least this long starts the series anew.
    pub reset_after: Duration,
}

/// Sliding-window limit of failures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limit {
    /// So many failures, 1 to 100,
    pub failures: u32,
    /// within this time are a crash loop;
    pub within: Duration,
    /// then this is done.
    pub then: LimitThen,
}

/// What is done about a crash loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimitThen {
    /// Go on trying, each time after `backoff.max` (30 s without a back-off).
    Slow,
    /// Give up until someone starts or changes it.
    Stop,
}

/// `stop:`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StopPolicy {
    /// A command that is run instead of the first signal; if it fails, that follows at once.
    #[serde(default)]
    pub command: Option<Command>,
    /// The first signal.
    pub signal: Signal,
    /// How long after it, or after the start of the command, SIGKILL follows.
    pub timeout: Duration,
    /// Whom the first signal goes to. SIGKILL always goes to the whole group.
    pub kill: KillScope,
    /// How long open requests may take to end before the first signal, for an app with `listen`.
    #[serde(default = "StopPolicy::default_drain")]
    pub drain: Duration,
    /// What the handlers of `message` of a Node program are called with, instead of those of the
    /// signal.
    #[serde(default)]
    pub message: Option<String>,
    /// Whether a Node program that does not handle the signal ends its requests first.
    #[serde(default)]
    pub close: bool,
}

impl StopPolicy {
    /// The `drain` of an app that says nothing about it.
    pub fn default_drain() -> Duration {
        Duration::from_secs(15)
    }
}

/// Whom a signal goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KillScope {
    /// Every process of the run's group.
    Group,
    /// The first process only; the rest once it is gone.
    Main,
}

/// `rollout:`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutPolicy {
    /// How long an instance has to stay ready to count as good.
    pub min_ready: Duration,
    /// So many instances more than wanted may run during a change; of the instances, rounded up.
    #[serde(default = "RolloutPolicy::no_surge")]
    pub max_surge: Share,
    /// So many instances may be missing during a change; of the instances, rounded down.
    #[serde(default = "RolloutPolicy::one_by_one")]
    pub max_unavailable: Share,
    /// How long an instance may take from its start until it is ready.
    #[serde(default = "RolloutPolicy::default_deadline")]
    pub deadline: Duration,
    /// What is done when a new instance fails.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// So many instances come first and have to prove themselves under a share of the connections
    /// before any other is replaced; of the instances, rounded up. `None`: no one comes first.
    #[serde(default)]
    pub canary: Option<Share>,
}

impl RolloutPolicy {
    /// The `max_surge` of an app without `listen`: two of it might be in each other's way.
    pub fn no_surge() -> Share {
        Share::Count(0)
    }

    /// The `max_unavailable` of an app without `listen`.
    pub fn one_by_one() -> Share {
        Share::Count(1)
    }

    /// The `deadline` of an app that says nothing about it.
    pub fn default_deadline() -> Duration {
        Duration::from_secs(60)
    }
}

/// A number of instances, absolute or as a share of the wanted ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// So many.
    Count(u32),
    /// So many of a hundred.
    Percent(u32),
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Share {
    /// How many of `all` this is, a fraction rounded up.
    pub fn rounded_up(self, all: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(share) => share.saturating_mul(all).div_ceil(100),
        }
    }

    /// How many of `all` this is, a fraction rounded down.
    pub fn rounded_down(self, all: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Percent(share) => share.saturating_mul(all) / 100,
        }
    }
}

/// What is done when an instance of a new revision fails before it is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The last good revision comes back.
    #[default]
    Rollback,
    /// Nothing more is replaced until the file changes.
    Pause,
}

/// `watch:`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WatchPolicy {
    /// Files and directories (recursive), absolute.
    pub paths: Vec<PathBuf>,
    /// Patterns in the manner of `.gitignore`, relative to the file's directory.
    pub ignore: Vec<String>,
    /// The file's directory: what patterns are relative to.
    pub base: PathBuf,
}

/// `artifacts:` and what was found under the patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifacts {
    /// The patterns as written.
    pub patterns: Vec<String>,
    /// Digest of each file found, by path relative to the file's directory.
    pub files: BTreeMap<String, String>,
}
