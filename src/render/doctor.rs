//! What this machine lets eco do.

use super::{
    layout::{Cell, Table, hanging},
    style::{Glyph, Paint, Style},
};
use crate::api::DoctorReply;

/// One line for each check, then what follows from those that failed and what mends them.
pub fn doctor(reply: &DoctorReply, style: &Style) -> String {
    let mut table = Table::new(&[]);
    for check in &reply.checks {
        let (word, paint, glyph) = if check.ok {
            ("ok", Paint::Good, Glyph::On)
        } else {
            ("degraded", Paint::Warn, Glyph::Bad)
        };
        table.row(vec![
            Cell::painted(format!("{} {}", style.glyph(glyph), check.title), Paint::Plain),
            Cell::painted(word, paint),
            Cell::new(&check.found),
        ]);
    }
    let mut out = table.render(style);
    for check in reply.checks.iter().filter(|check| !check.ok) {
        out.push('\n');
        out.push_str(&style.paint(Paint::Strong, &check.title));
        out.push('\n');
        for (label, text) in [("without it: ", &check.effect), ("to mend it: ", &check.help)] {
            if let Some(text) = text {
                out.push_str(&hanging(label, text, 2, Paint::Plain, style));
            }
        }
    }
    out
}
