//! How many instances: a number, `max`, `max-1` or a share of the CPUs.

use super::{Complaint, Scalar, scalar};
use crate::{
    config::{
        suggest::quoted,
        tree::{Core, core},
    },
    model::MOST_INSTANCES,
};

/// How many instances, before the number of CPUs is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Instances {
    Count(u32),
    /// One per CPU, less this many.
    MaxLess(u32),
    /// So many for each hundred CPUs.
    Percent(u32),
}

impl Instances {
    /// The number on a machine of `cpus` CPUs. Shares of the CPUs give at least 1.
    pub(in crate::config) fn resolve(self, cpus: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::MaxLess(less) => cpus.saturating_sub(less).max(1),
            Self::Percent(percent) => {
                (cpus.saturating_mul(percent).saturating_add(50) / 100).max(1)
            }
        }
    }
}

const FORMS: &str = "expected a whole number, `max`, `max-1` or `50%`";

impl Scalar for Instances {
    const NOUN: &'static str = "a number of instances";

    fn read(text: &str) -> Result<Self, Complaint> {
        let wrong =
            || Complaint::new(format!("{} is not a number of instances", quoted(text)), FORMS);
        if text == "max" {
            return Ok(Self::MaxLess(0));
        }
        if let Some(less) = text.strip_prefix("max-") {
            let digits = !less.is_empty() && less.bytes().all(|b| b.is_ascii_digit());
            return less.parse().ok().filter(|_| digits).map(Self::MaxLess).ok_or_else(wrong);
        }
        if let Some(percent) = text.strip_suffix('%') {
            let digits = percent.bytes().all(|b| b.is_ascii_digit());
            let value = percent.parse().ok().filter(|value| digits && (1..=1000).contains(value));
            return value.map(Self::Percent).ok_or_else(|| {
                let message = format!("{} is not a percentage of the CPUs", quoted(text));
                Complaint::new(message, "expected a whole percentage from 1% to 1000%")
            });
        }
        match core(text) {
            Core::UInt(count) if count <= u64::from(MOST_INSTANCES) => {
                u32::try_from(count).map(Self::Count).map_err(|_| wrong())
            }
            Core::UInt(_) => Err(Complaint::new(
                format!("{} instances are too many", quoted(text)),
                "at most 10000",
            )),
            Core::Int(_) => {
                Err(Complaint::new("the number of instances cannot be negative", "less than zero")
                    .help("`0` switches the app off; `max-1` is one less than the CPUs"))
            }
            Core::Null | Core::Bool(_) | Core::Float(_) | Core::Text => Err(wrong()),
        }
    }
}

scalar!(Instances, "Instances", {
    "description": "A number, `max` for one per CPU, `max-1` for one less, or a percentage of the CPUs.",
    "anyOf": [
        { "type": "integer", "minimum": 0, "maximum": 10000 },
        { "type": "string", "pattern": "^(max|max-[0-9]{1,4}|[1-9][0-9]{0,2}%|1000%|[0-9]{1,4}|10000)$" }
    ],
    "examples": [4, "max", "max-1", "50%"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_the_cpus_are_rounded_and_at_least_one() {
        let on = |text, cpus| Instances::read(text).unwrap().resolve(cpus);
        assert_eq!(on("max", 8), 8);
        assert_eq!(on("max-1", 8), 7);
        assert_eq!(on("max-1", 1), 1);
        assert_eq!(on("50%", 3), 2);
        assert_eq!(on("10%", 2), 1);
        assert_eq!(on("0", 2), 0);
        for bad in ["-1", "many", "max+1", "max-", "0%", "%", "1.5", "20000", "max--1"] {
            assert!(Instances::read(bad).is_err(), "{bad}");
        }
    }
}
