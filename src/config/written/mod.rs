//! The file as it is written: what serde reads and the JSON Schema is made of.
//!
//! The doc comments are the descriptions that editors show.

mod alert;
mod app;
mod command;
mod dashboard;
mod document;
mod listen;
mod live;
mod logs;
mod metrics;
mod order;
mod policies;
mod process;
mod ready;

pub(super) use alert::{Alert, Notify, Receiver};
pub(super) use app::App;
pub(super) use command::{Command, EnvValue, Shell};
pub(super) use dashboard::{Dashboard, Tls};
pub(super) use document::{Apps, Document};
pub(super) use listen::{Listen, ListenItem, Pass, ShareBy};
pub(super) use live::Live;
pub(super) use logs::{Compress, Format, Logs, RotateForm, To};
pub(super) use metrics::Metrics;
pub(super) use order::{Condition, Dependency, DependsOn, Kind, Observe, Overlap};
pub(super) use policies::{
    Backoff, BackoffForm, KillScope, Limit, LimitForm, LimitThen, OnFailure, Reload, Restart,
    RestartWhen, Rollout, Stop, Watch,
};
pub(super) use process::Limits;
pub(super) use ready::{Http, Ready};
