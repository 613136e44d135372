//! The nouns every layer shares: names, specs, desired and observed state, plans.
//!
//! Nothing here reads a clock, does I/O, awaits or fails for an outside reason.

mod alert;
mod change;
mod dashboard;
mod desired;
mod event;
mod health;
mod hold;
mod id;
mod job;
mod logs;
mod metrics;
mod observed;
mod operator;
mod order;
mod plan;
mod process;
mod reason;
mod serving;
mod signal;
mod size;
mod spec;
mod template;
mod time;
mod webhook;

pub use alert::{
    AlertCondition, AlertMetric, AlertPhase, AlertRule, AlertUnit, AlertedState, Measured,
    MeasuredWindow, Receiver, Receivers, Secret, Than,
};
pub use change::{Change, Effect, Interruption};
pub use dashboard::{DashboardPolicy, TlsFiles};
pub use desired::{App, Desired, Former, MOST_INSTANCES, Project, RolledBack};
pub use event::{Event, ExitStatus, Notify, RunRecord, RunState, SpawnFailure, SpawnStep};
pub use health::{LivePolicy, LiveProbe, Stuck, Unfit, UnfitReason};
pub use hold::{Hold, LastExit};
pub use id::{
    AppKey, AppName, Cohort, CohortGroup, Generation, InstanceId, NameError, ProjectName, Revision,
    RunId, RunTag,
};
pub use job::{Cron, Kind, Overlap, Schedule};
pub use logs::{LogCompression, LogDestination, LogFormat, LogPolicy, LogRotation};
pub use metrics::MetricsPolicy;
pub use observed::{
    AppObserved, Asked, Exit, History, Observed, Phase, Run, Sharing, Sockets, StopCommand,
    Stopping,
};
pub use operator::Operator;
pub use order::{Awaited, Condition, Dependency, Neighbours, Outlook};
pub use plan::{Action, AppState, InstancePhase, Plan};
pub use process::{Account, Bound, Caller, LimitKey, LimitPolicy, ProcessLimit, ProcessPolicy};
pub use reason::{RolloutFailure, StopReason};
pub use serving::{
    HttpProbe, ListenPolicy, ListenPort, Pass, ProbeAddress, ReadyPolicy, ReadyProbe, ShareBy,
};
pub use signal::Signal;
pub use size::{exact_size, fine_size, human_size};
pub use spec::{
    AppSpec, Artifacts, Backoff, Command, EnvValue, KillScope, Limit, LimitThen, Observe,
    OnFailure, RestartPolicy, RestartWhen, RolloutPolicy, Share, StopPolicy, WatchPolicy,
};
pub use template::{InstanceVars, Template};
pub use time::{Time, human_duration};
pub use webhook::{WebhookTarget, webhook_target};
