//! Yes or no.

use super::{Complaint, Scalar, scalar};
use crate::config::{
    suggest::quoted,
    tree::{Core, core},
};

fn truth(text: &str) -> Option<bool> {
    match core(text) {
        Core::Bool(value) => Some(value),
        Core::Null | Core::Int(_) | Core::UInt(_) | Core::Float(_) | Core::Text => None,
    }
}

/// `true` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Flag(pub(in crate::config) bool);

impl Scalar for Flag {
    const NOUN: &'static str = "`true` or `false`";

    fn read(text: &str) -> Result<Self, Complaint> {
        truth(text).map(Self).ok_or_else(|| {
            let message = format!("{} is neither true nor false", quoted(text));
            let complaint = Complaint::new(message, "expected `true` or `false`");
            match text.to_lowercase().as_str() {
                "yes" | "on" | "1" => complaint.help("write `true`"),
                "no" | "off" | "0" => complaint.help("write `false`"),
                _ => complaint,
            }
        })
    }
}

scalar!(Flag, "Flag", { "enum": [true, false, "true", "false"] });

/// `true`, where its opposite is to leave the key out.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Yes;

impl Scalar for Yes {
    const NOUN: &'static str = "`true`";

    fn read(text: &str) -> Result<Self, Complaint> {
        if truth(text) == Some(true) {
            return Ok(Self);
        }
        let complaint =
            Complaint::new(format!("{} is not `true`", quoted(text)), "expected `true`");
        Err(complaint.help("without it, leave the key out"))
    }
}

scalar!(Yes, "Yes", { "enum": [true, "true"] });
