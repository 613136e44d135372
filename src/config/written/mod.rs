//! The file as it is written: what serde reads and the JSON Schema is made of.
//!
//! The doc comments are the descriptions that editors show.

mod app;
mod command;
mod document;
mod policies;

pub(super) use app::App;
pub(super) use command::{Command, EnvValue, Shell};
pub(super) use document::{Apps, Document};
pub(super) use policies::{
    Backoff, BackoffForm, KillScope, Limit, LimitForm, LimitThen, Logs, Restart, RestartWhen,
    Rollout, Stop, Watch,
};
