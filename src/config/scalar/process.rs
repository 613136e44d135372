//! What processes run as and may use: users, masks, priorities, limits.

use super::{Complaint, Scalar, scalar, size::SizeText};
use crate::{
    config::{
        suggest::quoted,
        tree::{Core, core},
    },
    model::Bound,
};

/// A user or a group, by name or number.
#[derive(Clone, Debug)]
pub(in crate::config) struct AccountText(pub(in crate::config) String);

impl Scalar for AccountText {
    const NOUN: &'static str = "a name or a number";

    fn read(text: &str) -> Result<Self, Complaint> {
        let known = |c: char| c.is_ascii_alphanumeric() || "._-$@".contains(c);
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let number = text.bytes().all(|byte| byte.is_ascii_digit());
        // All ones means "leave it as it is" to the system.
        let fits = !number || text.parse::<u32>().is_ok_and(|id| id != u32::MAX);
        if starts_well && text.chars().all(known) && text.len() <= 256 && fits {
            return Ok(Self(text.to_owned()));
        }
        let message = format!("{} is no name of a user or group", quoted(text));
        Err(Complaint::new(message, "expected a name such as `www-data`, or a number"))
    }
}

scalar!(AccountText, "Account", {
    "description": "A user or a group, by name or number.",
    "type": ["string", "integer"],
    "pattern": "^[A-Za-z0-9_][A-Za-z0-9._$@-]*$",
    "minimum": 0,
    "examples": ["www-data", 1000]
});

/// A file mode creation mask, in octal.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct UmaskText(pub(in crate::config) u32);

impl Scalar for UmaskText {
    const NOUN: &'static str = "a mask";

    fn read(text: &str) -> Result<Self, Complaint> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        let is_octal =
            (1..=4).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
        let mask = u32::from_str_radix(digits, 8).ok().filter(|mask| is_octal && *mask <= 0o777);
        mask.map(Self).ok_or_else(|| {
            let message = format!("{} is not a mask", quoted(text));
            Complaint::new(message, "expected octal digits, from 000 to 777")
        })
    }
}

scalar!(UmaskText, "Umask", {
    "description": "What is taken from the mode of new files, in octal.",
    "type": ["string", "integer"],
    "pattern": "^(0o)?0?[0-7]{1,3}$",
    "minimum": 0,
    "examples": ["022", "077"]
});

fn integer(text: &str, (from, to): (i32, i32), noun: &str) -> Result<i32, Complaint> {
    match core(text) {
        Core::UInt(_) | Core::Int(_) => text.trim_start_matches('+').parse().ok(),
        Core::Null | Core::Bool(_) | Core::Float(_) | Core::Text => None,
    }
    .filter(|number| (from..=to).contains(number))
    .ok_or_else(|| {
        let message = format!("{} is not {noun}", quoted(text));
        Complaint::new(message, format!("expected a whole number from {from} to {to}"))
    })
}

/// A nice value.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct NiceText(pub(in crate::config) i32);

impl Scalar for NiceText {
    const NOUN: &'static str = "a nice value";

    fn read(text: &str) -> Result<Self, Complaint> {
        integer(text, (-20, 19), Self::NOUN).map(Self)
    }
}

scalar!(NiceText, "Nice", {
    "anyOf": [
        { "type": "integer", "minimum": -20, "maximum": 19 },
        { "type": "string", "pattern": "^(-?1?[0-9]|-20)$" }
    ]
});

/// What the kernel adds when it chooses whom to kill.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct OomScoreText(pub(in crate::config) i32);

impl Scalar for OomScoreText {
    const NOUN: &'static str = "a score";

    fn read(text: &str) -> Result<Self, Complaint> {
        integer(text, (-1000, 1000), Self::NOUN).map(Self)
    }
}

scalar!(OomScoreText, "OomScoreAdj", {
    "anyOf": [
        { "type": "integer", "minimum": -1000, "maximum": 1000 },
        { "type": "string", "pattern": "^-?(1000|[0-9]{1,3})$" }
    ]
});

/// Processors, in thousandths.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct CpuText(pub(in crate::config) u32);

impl Scalar for CpuText {
    const NOUN: &'static str = "a number of processors";

    fn read(text: &str) -> Result<Self, Complaint> {
        thousandths(text).filter(|cpu| (10..=1_024_000).contains(cpu)).map(Self).ok_or_else(|| {
            let message = format!("{} is not a number of processors", quoted(text));
            Complaint::new(message, "expected a number from 0.01 to 1024, such as `1.5`")
        })
    }
}

/// `1.5` as 1500; `None` for more than three decimals.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || 3 < part.len() {
        return None;
    }
    let part: u32 = format!("{part:0<3}").parse().ok()?;
    whole.parse::<u32>().ok()?.checked_mul(1000)?.checked_add(part)
}

scalar!(CpuText, "Cpu", {
    "anyOf": [
        { "type": "number", "minimum": 0.01, "maximum": 1024 },
        { "type": "string", "pattern": "^[0-9]{1,4}(\\.[0-9]{1,3})?$" }
    ],
    "examples": [0.5, 2]
});

/// A number of things of the system.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct CountText(pub(in crate::config) u64);

impl Scalar for CountText {
    const NOUN: &'static str = "a number";

    fn read(text: &str) -> Result<Self, Complaint> {
        match core(text) {
            Core::UInt(count) if (1..=1 << 30).contains(&count) => Ok(Self(count)),
            Core::UInt(_)
            | Core::Null
            | Core::Bool(_)
            | Core::Int(_)
            | Core::Float(_)
            | Core::Text => {
                let message = format!("{} is not a number of them", quoted(text));
                Err(Complaint::new(message, "expected a whole number, at least 1"))
            }
        }
    }
}

scalar!(CountText, "Count", {
    "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": 1_073_741_824 },
        { "type": "string", "pattern": "^[1-9][0-9]{0,9}$" }
    ]
});

/// A size, nothing, or `unlimited`.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct BoundText(pub(in crate::config) Bound);

impl Scalar for BoundText {
    const NOUN: &'static str = "a size";

    fn read(text: &str) -> Result<Self, Complaint> {
        match text {
            "unlimited" => Ok(Self(Bound::Unlimited)),
            "0" => Ok(Self(Bound::Bytes(0))),
            size => SizeText::read(size).map(|size| Self(Bound::Bytes(size.0))).map_err(|wrong| {
                let help = "`unlimited` and `0` are possible too";
                Complaint { help: Some(wrong.help.unwrap_or_else(|| help.to_owned())), ..wrong }
            }),
        }
    }
}

scalar!(BoundText, "Bound", {
    "description": "A number of bytes with its unit, 0, or `unlimited`.",
    "anyOf": [
        { "enum": ["unlimited", "0", 0] },
        { "type": "string", "pattern": "^(0*[1-9][0-9]*(\\.[0-9]+)?|0+\\.0*[1-9][0-9]*)[KMGT]$" }
    ],
    "examples": ["100M", "unlimited"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_names_or_numbers() {
        for good in ["app", "www-data", "_apt", "1000", "0", "machine$", "a.b@c"] {
            assert!(AccountText::read(good).is_ok(), "{good}");
        }
        for bad in ["", "-x", "a b", "a:b", "4294967295", "99999999999", "a/b"] {
            assert!(AccountText::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn masks_are_octal() {
        let read = |text| UmaskText::read(text).ok().map(|mask| mask.0);
        assert_eq!((read("022"), read("0o027"), read("0")), (Some(0o022), Some(0o027), Some(0)));
        for bad in ["", "8", "1000", "-1", "+22", "0x22", "00000"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn processors_may_be_parts() {
        let read = |text| CpuText::read(text).ok().map(|cpu| cpu.0);
        assert_eq!((read("1.5"), read("2"), read("0.01")), (Some(1500), Some(2000), Some(10)));
        for bad in ["", "0", "-1", "1.", "1.0001", "1025", "1e3", "50%", "+1", "."] {
            let expected = (bad == "1.").then_some(1000);
            assert_eq!(read(bad), expected, "{bad}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        let nice = |text| NiceText::read(text).ok().map(|nice| nice.0);
        assert_eq!(
            (nice("-20"), nice("19"), nice("20"), nice("x")),
            (Some(-20), Some(19), None, None)
        );
        let score = |text| OomScoreText::read(text).ok().map(|score| score.0);
        assert_eq!((score("-1000"), score("1001")), (Some(-1000), None));
        let count = |text| CountText::read(text).ok().map(|count| count.0);
        assert_eq!((count("200"), count("0"), count("1.5")), (Some(200), None, None));
        let bound = |text| BoundText::read(text).ok().map(|bound| bound.0);
        assert_eq!(bound("unlimited"), Some(Bound::Unlimited));
        assert_eq!((bound("0"), bound("1M")), (Some(Bound::Bytes(0)), Some(Bound::Bytes(1 << 20))));
        assert_eq!(bound("5"), None);
    }
}
