//! The index for a terminal.

use super::{Entry, Example, Subject, entries};
use crate::render::{
    layout::{hanging, paragraph},
    style::{Paint, Style},
};

/// What there is to say about a code.
pub fn explained(entry: &Entry, style: &Style) -> String {
    let mut out = paragraph(entry.code, 0, Paint::Strong, style);
    out.push_str(&paragraph(entry.means, 2, Paint::Plain, style));
    match entry.example {
        Example::File { name, text } => {
            out.push_str(&paragraph(&format!("for example, in {name}:"), 2, Paint::Plain, style));
            for line in text.lines() {
                let indent = line.len() - line.trim_start().len();
                out.push_str(&paragraph(line.trim_start(), 6 + indent, Paint::Dim, style));
            }
        }
        Example::Case { text } => {
            out.push_str(&hanging("for example: ", text, 2, Paint::Plain, style));
        }
    }
    out.push_str(&hanging("what to do: ", entry.cure, 2, Paint::Plain, style));
    out
}

/// All codes, each with the first sentence about it.
pub fn codes(style: &Style) -> String {
    let mut out = String::new();
    for subject in Subject::ALL {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&paragraph(subject.heading(), 0, Paint::Strong, style));
        let width = entries().map(|entry| entry.code.len()).max().unwrap_or_default();
        for entry in entries().filter(|entry| entry.subject == subject) {
            let lead = format!("{:width$}  ", entry.code);
            out.push_str(&hanging(&lead, first_sentence(entry.means), 2, Paint::Dim, style));
        }
    }
    out
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

/// Where there is more about the code of an error; nothing of `input`, whose help says it all.
pub fn more(code: &str, style: &Style) -> String {
    if code == "input" || super::entry(code).is_none() {
        return String::new();
    }
    style.paint(Paint::Dim, &format!("more: eco explain {code}")) + "\n"
}
