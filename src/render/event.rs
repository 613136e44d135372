//! One thing that happened, on one line.

use super::style::Style;
use crate::api::EventReply;

/// One thing that happened.
pub fn event_line(event: &EventReply, style: &Style) -> String {
    let _ = style;
    event.message.clone()
}
