//! One key, for a terminal.

use super::KeyEntry;
use crate::render::{
    layout::{hanging, paragraph},
    style::{Paint, Style},
};

/// What there is to say about a key.
pub fn key_explained(entry: &KeyEntry, style: &Style) -> String {
    let mut out = paragraph(&entry.path, 0, Paint::Strong, style);
    out.push_str(&paragraph(&entry.about, 2, Paint::Plain, style));
    let mut fact = |label: &str, text: &str| {
        if !text.is_empty() {
            out.push_str(&hanging(label, text, 2, Paint::Plain, style));
        }
    };
    fact("takes: ", &entry.takes);
    fact("default: ", entry.default.as_deref().unwrap_or_default());
    fact("on a change: ", entry.on_change.unwrap_or_default());
    fact("as in: ", entry.example.as_deref().unwrap_or_default());
    fact("below it: ", &entry.keys.join(", "));
    out
}
