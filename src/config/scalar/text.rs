//! Any text: numbers and booleans keep the text they were written with.

use super::{Complaint, Scalar, scalar};

/// Any one value, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Text(pub(in crate::config) String);

impl Scalar for Text {
    const NOUN: &'static str = "text";

    fn read(text: &str) -> Result<Self, Complaint> {
        Ok(Self(text.to_owned()))
    }
}

scalar!(Text, "Text", { "type": ["string", "number", "boolean"] }, false);
