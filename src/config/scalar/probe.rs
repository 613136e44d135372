//! What a probe expects: statuses of HTTP, and lines.

use super::{Complaint, Scalar, scalar};
use crate::config::suggest::quoted;

/// A status of HTTP, or a range of them.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct StatusText(pub(in crate::config) (u16, u16));

impl Scalar for StatusText {
    const NOUN: &'static str = "a status or a range of statuses";

    fn read(text: &str) -> Result<Self, Complaint> {
        let status = |text: &str| {
            let is_status = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|status| is_status && (100..=599).contains(status))
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = status(first).zip(status(last)).filter(|(first, last)| first <= last);
        range.map(Self).ok_or_else(|| {
            let message = format!("{} is not a status of HTTP", quoted(text));
            let complaint =
                Complaint::new(message, "expected one from 100 to 599, or a range as `200-399`");
            let class = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX"));
            match class.filter(|class| ["1", "2", "3", "4", "5"].contains(class)) {
                Some(class) => complaint.help(format!("write `{class}00-{class}99`")),
                None => complaint,
            }
        })
    }
}

scalar!(StatusText, "HttpStatus", {
    "description": "A status of HTTP, or a range of them.",
    "anyOf": [
        { "type": "integer", "minimum": 100, "maximum": 599 },
        { "type": "string", "pattern": "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$" }
    ],
    "examples": [200, "200-399"]
});

/// A regular expression, checked.
#[derive(Clone, Debug)]
pub(in crate::config) struct Pattern(pub(in crate::config) String);

impl Scalar for Pattern {
    const NOUN: &'static str = "a regular expression";

    fn read(text: &str) -> Result<Self, Complaint> {
        if text.is_empty() {
            let message = "an empty expression matches any line";
            return Err(Complaint::new(message, "expected a regular expression")
                .help("as in `log: \"listening on port [0-9]+\"`"));
        }
        regex::bytes::Regex::new(text).map(|_| Self(text.to_owned())).map_err(|error| {
            let message = format!("{} is not a regular expression", quoted(text));
            // Its text draws the expression over several lines; the last one says why.
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            Complaint::new(message, last.strip_prefix("error: ").unwrap_or(last))
                .help("a backslash takes special meaning away, as in `\\(`; in YAML put it in '…'")
        })
    }
}

scalar!(Pattern, "Pattern", {
    "description": "A regular expression, found anywhere in a line.",
    "type": ["string", "number", "boolean"],
    "minLength": 1,
    "examples": ["listening on port [0-9]+"]
});
