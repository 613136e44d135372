//! What an apply would change, do and interrupt.

use super::style::Style;
use crate::api::DiffReply;

/// What an apply would change, do and interrupt.
pub fn diff(reply: &DiffReply, style: &Style) -> String {
    let _ = style;
    reply.project.clone()
}
