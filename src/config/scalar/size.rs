//! Sizes in bytes: `64K`, `300M`, `1.5G`.

use super::{Complaint, Scalar, scalar};
use crate::config::suggest::quoted;

/// A number of bytes, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct SizeText(pub(in crate::config) u64);

/// Units by how often 1024 is taken.
const UNITS: [(&str, u32); 4] = [("K", 1), ("M", 2), ("G", 3), ("T", 4)];
const FORMS: &str = "expected a number with `K`, `M`, `G` or `T`";

impl Scalar for SizeText {
    const NOUN: &'static str = "a size";

    fn read(text: &str) -> Result<Self, Complaint> {
        let wrong = || Complaint::new(format!("{} is not a size", quoted(text)), FORMS);
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        if number.is_empty() || number.starts_with('.') || number.ends_with('.') {
            return Err(wrong());
        }
        if unit.is_empty() {
            let complaint = Complaint::new(format!("the size {} has no unit", quoted(text)), FORMS);
            return Err(complaint.help(format!("write `{text}M` for so many times 1024 K")));
        }
        let Some((_, power)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let meant = unit.chars().next().map(|first| first.to_ascii_uppercase().to_string());
            let meant = meant.filter(|meant| UNITS.iter().any(|(name, _)| name == meant));
            return Err(match meant {
                Some(meant) => wrong().help(format!("write `{number}{meant}`")),
                None => wrong(),
            });
        };
        match bytes(number, *power) {
            Some(0) => Err(Complaint::new(format!("{} is nothing", quoted(text)), "too small")),
            Some(bytes) => Ok(Self(bytes)),
            None => Err(Complaint::new(format!("{} is too large", quoted(text)), "too large")),
        }
    }
}

/// The number times so many times 1024, without what is behind the last byte.
fn bytes(number: &str, power: u32) -> Option<u64> {
    let unit = 1024_u64.checked_pow(power)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut total = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let mut part = unit;
    for digit in fraction.chars() {
        let digit = u64::from(digit.to_digit(10)?);
        total = total.checked_add(part.checked_mul(digit)? / 10)?;
        part /= 10;
    }
    // A disk has less.
    (total <= 1 << 60).then_some(total)
}

scalar!(SizeText, "Size", {
    "type": "string",
    "pattern": "^(0*[1-9][0-9]*(\\.[0-9]+)?|0+\\.0*[1-9][0-9]*)[KMGT]$",
    "description": "A number of bytes with its unit: K, M, G or T, each 1024 times the one before.",
    "examples": ["64K", "300M", "1.5G"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        let read = |text| SizeText::read(text).ok().map(|size| size.0);
        assert_eq!(read("64K"), Some(64 << 10));
        assert_eq!(read("300M"), Some(300 << 20));
        assert_eq!(read("1.5G"), Some(3 << 29));
        assert_eq!(read("2T"), Some(2 << 40));
        for bad in
            ["", "5", "M", "5 M", "0M", "-1M", "1.M", ".5M", "5m", "5MB", "9999999999T", "1.2.3M"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(SizeText::read("5MiB").unwrap_err().help.unwrap(), "write `5M`");
    }
}
