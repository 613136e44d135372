//! Numbers within bounds.

use super::{Complaint, Scalar, scalar};
use crate::config::{
    suggest::quoted,
    tree::{Core, core},
};

fn whole(text: &str, from: u32, to: u32, noun: &str) -> Result<u32, Complaint> {
    match core(text) {
        Core::UInt(value) => u32::try_from(value).ok().filter(|value| (from..=to).contains(value)),
        Core::Null | Core::Bool(_) | Core::Int(_) | Core::Float(_) | Core::Text => None,
    }
    .ok_or_else(|| {
        let label = format!("expected a whole number from {from} to {to}");
        Complaint::new(format!("{} is not {noun}", quoted(text)), label)
    })
}

/// A number from YAML, if it is one and finite.
fn real(text: &str) -> Option<f64> {
    match core(text) {
        Core::UInt(_) | Core::Int(_) | Core::Float(_) => {
            text.parse().ok().filter(|value: &f64| value.is_finite())
        }
        Core::Null | Core::Bool(_) | Core::Text => None,
    }
}

/// The version of the format.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Version;

impl Scalar for Version {
    const NOUN: &'static str = "the format's version";

    fn read(text: &str) -> Result<Self, Complaint> {
        if core(text) == Core::UInt(1) {
            return Ok(Self);
        }
        let message = format!("{} is not a known version of the format", quoted(text));
        Err(Complaint::new(message, "expected `1`"))
    }
}

scalar!(Version, "Version", { "enum": [1, "1"], "description": "The version of the format: 1." });

/// How often an app may fail.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Failures(pub(in crate::config) u32);

impl Scalar for Failures {
    const NOUN: &'static str = "a number of failures";

    fn read(text: &str) -> Result<Self, Complaint> {
        whole(text, 1, 100, Self::NOUN).map(Self)
    }
}

scalar!(Failures, "Failures", {
    "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": 100 },
        { "type": "string", "pattern": "^([1-9][0-9]?|100)$" }
    ]
});

/// How often a probe has to succeed.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Successes(pub(in crate::config) u32);

impl Scalar for Successes {
    const NOUN: &'static str = "a number of successes";

    fn read(text: &str) -> Result<Self, Complaint> {
        whole(text, 1, 100, Self::NOUN).map(Self)
    }
}

scalar!(Successes, "Successes", {
    "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": 100 },
        { "type": "string", "pattern": "^([1-9][0-9]?|100)$" }
    ]
});

/// How many files are kept.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Kept(pub(in crate::config) u32);

impl Scalar for Kept {
    const NOUN: &'static str = "a number of files";

    fn read(text: &str) -> Result<Self, Complaint> {
        whole(text, 0, 9999, Self::NOUN).map(Self)
    }
}

scalar!(Kept, "KeptFiles", {
    "anyOf": [
        { "type": "integer", "minimum": 0, "maximum": 9999 },
        { "type": "string", "pattern": "^(0|[1-9][0-9]{0,3})$" }
    ]
});

/// An exit code.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct ExitCode(pub(in crate::config) i32);

impl Scalar for ExitCode {
    const NOUN: &'static str = "an exit code";

    fn read(text: &str) -> Result<Self, Complaint> {
        let code = whole(text, 0, 255, Self::NOUN)?;
        i32::try_from(code).map(Self).map_err(|_| Complaint::new("too large", "here"))
    }
}

scalar!(ExitCode, "ExitCode", {
    "anyOf": [
        { "type": "integer", "minimum": 0, "maximum": 255 },
        { "type": "string", "pattern": "^([0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5])$" }
    ]
});

/// By how much waits grow.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Factor(pub(in crate::config) f64);

impl Scalar for Factor {
    const NOUN: &'static str = "a factor";

    fn read(text: &str) -> Result<Self, Complaint> {
        real(text).filter(|value| (1.0..=100.0).contains(value)).map(Self).ok_or_else(|| {
            let message = format!("{} is not a factor", quoted(text));
            Complaint::new(message, "expected a number from 1 to 100")
        })
    }
}

scalar!(Factor, "Factor", { "type": "number", "minimum": 1, "maximum": 100 });

/// By which share waits vary.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Jitter(pub(in crate::config) f64);

impl Scalar for Jitter {
    const NOUN: &'static str = "a share";

    fn read(text: &str) -> Result<Self, Complaint> {
        real(text).filter(|value| (0.0..=1.0).contains(value)).map(Self).ok_or_else(|| {
            let complaint = Complaint::new(
                format!("{} is not a share", quoted(text)),
                "expected a number from 0 to 1",
            );
            match text.strip_suffix('%').and_then(|percent| percent.parse::<f64>().ok()) {
                Some(percent) => complaint.help(format!("write `{}`", percent / 100.0)),
                None => complaint,
            }
        })
    }
}

scalar!(Jitter, "Share", { "type": "number", "minimum": 0, "maximum": 1 });
