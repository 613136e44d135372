//! Durations: `250ms`, `5s`, `1m30s`.

use std::time::Duration;

use super::{Complaint, Scalar, scalar};
use crate::config::suggest::quoted;

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Span(pub(in crate::config) Duration);

/// Units by their length in nanoseconds.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];
/// A hundred years.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);
const FORMS: &str = "expected a number with `ms`, `s`, `m`, `h` or `d`";

impl Scalar for Span {
    const NOUN: &'static str = "a duration";

    fn read(text: &str) -> Result<Self, Complaint> {
        let wrong = || Complaint::new(format!("{} is not a duration", quoted(text)), FORMS);
        let mut total = Duration::ZERO;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(letters);
            if number.is_empty() || number.starts_with('.') || number.ends_with('.') {
                return Err(wrong());
            }
            if unit.is_empty() && !tail.is_empty() {
                return Err(wrong());
            }
            let part =
                read_part(number, unit).ok_or_else(|| explain(text, number, unit, wrong()))?;
            total = total.saturating_add(part);
            rest = tail;
        }
        match total {
            _ if text.is_empty() => Err(wrong()),
            long if LONGEST < long => {
                Err(Complaint::new(format!("{} is too long", quoted(text)), "over a hundred years"))
            }
            good => Ok(Self(good)),
        }
    }
}

fn read_part(number: &str, unit: &str) -> Option<Duration> {
    let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let unit = Duration::from_nanos(*nanos);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u32 = whole.parse().ok()?;
    let fraction: f64 = format!("0.{fraction}").parse().ok()?;
    unit.checked_mul(whole)?.checked_add(unit.mul_f64(fraction))
}

fn explain(text: &str, number: &str, unit: &str, wrong: Complaint) -> Complaint {
    if unit.is_empty() {
        let help = format!("write `{number}s` for seconds, or `{number}ms` for milliseconds");
        return Complaint::new(format!("the duration {} has no unit", quoted(text)), FORMS)
            .help(help);
    }
    let meant = match unit.to_lowercase().as_str() {
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hour" | "hours" | "hr" | "hrs" => "h",
        "day" | "days" => "d",
        "msec" | "millis" | "milliseconds" => "ms",
        "ms" | "s" | "m" | "h" | "d" if unit != unit.to_lowercase() => {
            return wrong.help("units are written in small letters");
        }
        _ => return wrong,
    };
    wrong.help(format!("write `{number}{meant}`"))
}

scalar!(Span, "Duration", {
    "type": "string",
    "pattern": "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$",
    "description": "A length of time with its unit: ms, s, m, h or d.",
    "examples": ["250ms", "5s", "1m30s"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_units_and_may_be_compound() {
        let read = |text| Span::read(text).ok().map(|span| span.0.as_millis());
        assert_eq!(read("250ms"), Some(250));
        assert_eq!(read("1m30s"), Some(90_000));
        assert_eq!(read("1.5h"), Some(5_400_000));
        assert_eq!(read("0s"), Some(0));
        for bad in
            ["", "5", "5 s", "s", "5S", "-1s", "1.s", ".5s", "1e3s", "99999999999d", "40000d"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
