//! Shares of the instances.

use super::{Complaint, Scalar, scalar};
use crate::{
    config::{
        suggest::quoted,
        tree::{Core, core},
    },
    model::Share,
};

/// More instances than this no app has.
const MOST: u64 = 10_000;

/// A number of instances, or a share of them.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct ShareText(pub(in crate::config) Share);

impl Scalar for ShareText {
    const NOUN: &'static str = "a number of instances or a percentage";

    fn read(text: &str) -> Result<Self, Complaint> {
        let wrong = || {
            let message = format!("{} is not a number of instances", quoted(text));
            Complaint::new(message, "expected a whole number, or a percentage such as `25%`")
        };
        if let Some(percent) = text.strip_suffix('%') {
            let is_digits = percent.bytes().all(|byte| byte.is_ascii_digit());
            let share = percent.parse().ok().filter(|share| is_digits && *share <= 100);
            return share.map(|share| Self(Share::Percent(share))).ok_or_else(|| {
                let message = format!("{} is not a percentage of the instances", quoted(text));
                Complaint::new(message, "expected a whole percentage from 0% to 100%")
            });
        }
        match core(text) {
            Core::UInt(count) if count <= MOST => {
                u32::try_from(count).map(|count| Self(Share::Count(count))).map_err(|_| wrong())
            }
            Core::UInt(_) => {
                let message = format!("{} instances are too many", quoted(text));
                Err(Complaint::new(message, "at most 10000"))
            }
            Core::Null | Core::Bool(_) | Core::Int(_) | Core::Float(_) | Core::Text => Err(wrong()),
        }
    }
}

scalar!(ShareText, "InstanceShare", {
    "description": "A number of instances, or a percentage of the wanted ones.",
    "anyOf": [
        { "type": "integer", "minimum": 0, "maximum": 10000 },
        { "type": "string", "pattern": "^(100%|[0-9]{1,2}%|[0-9]{1,4}|10000)$" }
    ],
    "examples": [1, "25%"]
});
