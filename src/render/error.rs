//! A refusal or failure.

use super::{
    layout::{hanging, paragraph},
    style::{Paint, Style},
};
use crate::api::ApiError;

/// `error: …` and, if there is something to do about it, `help: …`.
///
/// A message of several lines, such as the underlined faults of a file, keeps its shape.
pub fn error(error: &ApiError, style: &Style) -> String {
    let mut out = labelled("error: ", Paint::Bad, &error.error.message, style);
    if let Some(help) = &error.error.help {
        out.push_str(&labelled("help: ", Paint::Strong, help, style));
    }
    out
}

fn labelled(label: &str, paint: Paint, text: &str, style: &Style) -> String {
    let mut lines = text.lines();
    let first = hanging(label, lines.next().unwrap_or_default(), 0, Paint::Plain, style);
    let mut out = first.replacen(label, &style.paint(paint, label), 1);
    for line in lines {
        let indent = line.len() - line.trim_start_matches(' ').len();
        out.push_str(&paragraph(line.trim_start_matches(' '), indent, Paint::Plain, style));
    }
    out
}
