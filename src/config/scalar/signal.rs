//! Signals by name or number.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::{Complaint, Scalar, read_scalar};
use crate::{
    config::{
        field::Written,
        suggest::{nearest, quoted},
    },
    model::Signal,
};

/// A signal.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct SignalText(pub(in crate::config) Signal);

impl Scalar for SignalText {
    const NOUN: &'static str = "a signal";

    fn read(text: &str) -> Result<Self, Complaint> {
        text.parse().map(Self).map_err(|()| {
            let complaint = Complaint::new(
                format!("{} is not a signal", quoted(text)),
                "expected a name such as `SIGTERM`, or a number from 1 to 64",
            );
            let names: Vec<String> = Signal::names().collect();
            let upper = text.to_ascii_uppercase();
            let full = if upper.starts_with("SIG") { upper } else { format!("SIG{upper}") };
            match nearest(&full, names.iter().map(String::as_str)) {
                Some(near) => complaint.help(format!("did you mean `{near}`?")),
                None => complaint,
            }
        })
    }
}

impl<'de> Deserialize<'de> for SignalText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_scalar(deserializer)
    }
}

/// A pattern for `text` in any case of letters.
fn any_case(text: &str) -> String {
    let each = |c: char| {
        if c.is_ascii_alphabetic() {
            format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())
        } else {
            c.to_string()
        }
    };
    text.chars().map(each).collect()
}

impl JsonSchema for SignalText {
    fn schema_name() -> Cow<'static, str> {
        "Signal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<String> =
            Signal::names().map(|name| any_case(name.trim_start_matches("SIG"))).collect();
        let pattern =
            format!("^(({})?({})|[1-9]|[1-5][0-9]|6[0-4])$", any_case("SIG"), names.join("|"));
        json_schema!({
            "description": "A signal by name or number.",
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": 64 },
                { "type": "string", "pattern": pattern }
            ],
            "examples": ["SIGTERM", "INT", 15]
        })
    }
}

impl Written for SignalText {
    const FILLABLE: bool = true;
}
