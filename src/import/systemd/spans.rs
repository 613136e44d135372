//! Lengths of time, sizes and words of systemd.

/// `1min 30s` in milliseconds; `None` if it is none.
pub(super) fn millis(text: &str) -> Option<u64> {
    let mut micros: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        micros = micros.checked_add(times(number, micros_of(unit)?)?)?;
        rest = tail.trim_start();
    }
    // Ten years.
    let millis = micros.div_ceil(1000);
    (millis <= 315_360_000_000).then_some(millis)
}

/// A number with a point, times a unit.
fn times(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut total = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let mut part = unit;
    for digit in fraction.chars() {
        part /= 10;
        total = total.checked_add(part.checked_mul(u64::from(digit.to_digit(10)?))?)?;
    }
    Some(total)
}

fn micros_of(unit: &str) -> Option<u64> {
    Some(match unit {
        "us" | "usec" | "µs" | "μs" => 1,
        "ms" | "msec" => 1000,
        "" | "s" | "sec" | "second" | "seconds" => 1_000_000,
        "m" | "min" | "minute" | "minutes" => 60_000_000,
        "h" | "hr" | "hour" | "hours" => 3_600_000_000,
        "d" | "day" | "days" => 86_400_000_000,
        "w" | "week" | "weeks" => 604_800_000_000,
        "M" | "month" | "months" => 2_629_800_000_000,
        "y" | "year" | "years" => 31_557_600_000_000,
        _ => return None,
    })
}

/// `512M` or a number of bytes, in bytes.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let units = [("K", 1_u64 << 10), ("M", 1 << 20), ("G", 1 << 30), ("T", 1 << 40)];
    let unit = units.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, *size)));
    let (digits, size) = unit.unwrap_or((text, 1));
    digits.trim().parse::<u64>().ok()?.checked_mul(size)
}

/// A boolean.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, millis};

    #[test]
    fn times_and_sizes_are_as_systemd_has_them() {
        assert_eq!(millis("5"), Some(5000));
        assert_eq!(millis("1min 30s"), Some(90_000));
        assert_eq!(millis("2min200ms"), Some(120_200));
        assert_eq!(millis("0.5s"), Some(500));
        assert_eq!(millis("100us"), Some(1));
        for bad in ["", "x", "5 parsecs", "infinity", "1..2s", "9999999999y"] {
            assert_eq!(millis(bad), None, "{bad}");
        }
        assert_eq!(bytes("512M"), Some(512 << 20));
        assert_eq!(bytes("1024"), Some(1024));
        assert_eq!(bytes("50%"), None);
    }
}
