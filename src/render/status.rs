//! How projects and their apps stand.

use jiff::Timestamp;

use super::style::Style;
use crate::api::{StatusAllReply, StatusReply};

/// How one project stands.
pub fn status(reply: &StatusReply, style: &Style, now: Timestamp) -> String {
    let _ = (style, now);
    reply.project.clone().unwrap_or_default()
}

/// How every project stands.
pub fn status_all(reply: &StatusAllReply, style: &Style, now: Timestamp) -> String {
    reply.projects.iter().map(|project| status(project, style, now)).collect()
}
