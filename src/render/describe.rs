//! Everything about some apps, about eco itself, and about former states.

use jiff::Timestamp;

use super::style::Style;
use crate::api::{DaemonReply, DescribeReply, HistoryReply};

/// Everything about some apps.
pub fn describe(reply: &DescribeReply, style: &Style, now: Timestamp) -> String {
    let _ = (style, now);
    reply.project.clone()
}

/// The processes of eco.
pub fn daemon(reply: &DaemonReply, style: &Style) -> String {
    let _ = style;
    reply.version.clone()
}

/// The accepted states of a project, latest first.
pub fn history(reply: &HistoryReply, style: &Style, now: Timestamp) -> String {
    let _ = (reply, style, now);
    String::new()
}
