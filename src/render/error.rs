//! A refusal or failure.

use super::style::Style;
use crate::api::ApiError;

/// `error: …` and, if there is something to do about it, `help: …`.
pub fn error(error: &ApiError, style: &Style) -> String {
    let _ = style;
    error.to_string()
}
