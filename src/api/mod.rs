//! What the controller is asked and answers: JSON over HTTP on a Unix socket.
//!
//! Every answer carries `"schema": 1`. Keys are only ever added. Times are RFC 3339 in UTC, memory
//! is in bytes, cpu in cores, durations are in seconds.

mod daemon;
mod dashboard;
mod diff;
mod doctor;
mod endpoint;
mod error;
mod event;
mod history;
mod logs;
mod metrics;
mod openapi;
mod progress;
mod query;
mod receiver;
mod request;
mod select;
mod status;
mod traffic;

pub use daemon::{DaemonReply, DaemonStopRequest, DaemonUpgradeReply, DaemonUpgradeRequest};
pub use dashboard::{DashboardReply, DashboardRequest};
pub use diff::{ActionReply, ChangeReply, DiffReply, InterruptionReply};
pub use doctor::{CheckReply, DoctorReply};
pub use endpoint::{Endpoint, Method, Route};
pub use error::{ApiError, ErrorBody};
pub use event::{CallerReply, EventReply, EventType};
pub use history::{PruneReply, PruneRequest, RollbackRequest};
pub use logs::{ElsewhereLogged, LogDestination, LogFile, LogFormat, LogLine, LogsReply, Stream};
pub use metrics::{
    AppMetrics, DurationMetrics, Exposition, JobMetrics, MetricsReply, OwnProcess, ProjectMetrics,
    RunMetrics, WorkMetrics, exposition,
};
pub use openapi::document;
pub use progress::{AppProgress, FailedInstance, Outcome, OutcomeKind, Progress};
pub use query::{EventsQuery, LogsQuery, QueryError, TargetQuery, decode};
pub use receiver::{NotifyReply, NotifyRequest};
pub use request::{
    ApplyRequest, EventsRequest, HistoryEntry, HistoryReply, HistoryResult, LookupReply,
    LookupRequest, Operation, OperationRequest, Target,
};
pub use select::{SelectError, Selector};
pub use status::{
    AppReply, DashboardState, DescribeReply, DescribedApp, ExitReply, FileReply, FileState,
    InstanceReply, JobRun, LastOutput, ListenReply, MetricsState, StatusAllReply, StatusReply,
};
pub use traffic::{
    AlertReply, AlertState, NodeReply, QueueReply, TrafficReply, TrafficSource, WindowReply,
};

/// The version of every object's shape.
pub const SCHEMA: u32 = 1;

/// The paths of the API.
pub mod path {
    /// `POST` [`super::LookupRequest`] → [`super::LookupReply`].
    pub const LOOKUP: &str = "/v1/lookup";
    /// `POST` [`super::Target`], or `GET` [`super::TargetQuery`] → [`super::StatusAllReply`].
    pub const STATUS: &str = "/v1/status";
    /// `POST` [`super::Target`], or `GET` [`super::TargetQuery`] → [`super::DescribeReply`].
    pub const DESCRIBE: &str = "/v1/describe";
    /// `POST` [`super::Target`] → [`super::LogsReply`].
    pub const LOGS: &str = "/v1/logs";
    /// `POST` [`super::Target`], or `GET` [`super::TargetQuery`] → [`super::HistoryReply`].
    pub const HISTORY: &str = "/v1/history";
    /// `POST` [`super::PruneRequest`] → [`super::PruneReply`].
    pub const PRUNE: &str = "/v1/history/prune";
    /// `POST` [`super::RollbackRequest`] → [`super::DiffReply`].
    pub const ROLLBACK_DIFF: &str = "/v1/rollback/diff";
    /// `POST` [`super::ApplyRequest`] → [`super::DiffReply`].
    pub const DIFF: &str = "/v1/diff";
    /// `POST` [`super::ApplyRequest`] → lines of [`super::Progress`].
    pub const APPLY: &str = "/v1/apply";
    /// `POST` [`super::OperationRequest`] → lines of [`super::Progress`].
    pub const OPERATE: &str = "/v1/operate";
    /// `POST` [`super::EventsRequest`] → lines of [`super::EventReply`].
    pub const EVENTS: &str = "/v1/events";
    /// `GET` [`super::EventsQuery`] → [`super::EventReply`] as server-sent events.
    pub const EVENTS_STREAM: &str = "/v1/events/stream";
    /// `GET` [`super::LogsQuery`] → lines as of `eco logs --json`.
    pub const LOGS_STREAM: &str = "/v1/logs/stream";
    /// `GET` → [`super::document`].
    pub const OPENAPI: &str = "/v1/openapi.json";
    /// `POST` [`super::NotifyRequest`] → lines of [`super::NotifyReply`].
    pub const NOTIFY: &str = "/v1/notify";
    /// `POST` [`super::DashboardRequest`] → [`super::DashboardReply`].
    pub const DASHBOARD: &str = "/v1/dashboard";
    /// `GET` → [`super::DaemonReply`].
    pub const DAEMON: &str = "/v1/daemon";
    /// `POST` [`super::DaemonStopRequest`] → lines of [`super::Progress`].
    pub const DAEMON_STOP: &str = "/v1/daemon/stop";
    /// `POST` [`super::DaemonUpgradeRequest`] → at most one line of [`super::DaemonUpgradeReply`].
    pub const DAEMON_UPGRADE: &str = "/v1/daemon/upgrade";
}
