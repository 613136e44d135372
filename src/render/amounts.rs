//! Measured amounts as tables show them: short, the same width for the same magnitude.

use std::time::Duration;

use crate::model::human_duration;

/// Cores in use as a part of one of them, as `top` shows it: `0.4%`, `30%`, `212%`.
pub(super) fn processor(cores: f64) -> String {
    let percent = cores * 100.0;
    if percent < 9.95 { format!("{percent:.1}%") } else { format!("{percent:.0}%") }
}

/// Bytes in three digits at most: `640K`, `48M`, `1.2G`.
pub(super) fn memory(bytes: u64) -> String {
    let units = [(1_u64 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    let unit = units.into_iter().find(|(unit, _)| *unit <= bytes);
    let Some((unit, name)) = unit else { return format!("{bytes}B") };
    let tenths = bytes / (unit / 128).max(1) * 10 / 128;
    if tenths < 100 {
        format!("{}.{}{name}", tenths / 10, tenths % 10)
    } else {
        format!("{}{name}", tenths / 10)
    }
}

/// So many a second: `0.02`, `3.5`, `212`.
pub(super) fn rate(per_second: f64) -> String {
    match per_second {
        none if none <= 0.0 => "0".to_owned(),
        few if few < 0.095 => format!("{few:.2}"),
        some if some < 9.95 => format!("{some:.1}"),
        many => format!("{many:.0}"),
    }
}

/// A time that something took, in seconds: `0.4ms`, `12ms`, `1.2s`, `2m 5s`.
pub(super) fn latency(seconds: f64) -> String {
    let millis = seconds * 1000.0;
    match millis {
        less if less < 9.95 => format!("{less:.1}ms"),
        less if less < 999.5 => format!("{less:.0}ms"),
        less if less < 9_950.0 => format!("{:.1}s", less / 1000.0),
        _ => human_duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
    }
}

/// A part of 1 in percent: `0%`, `0.4%`, `12%`. What is not quite nothing is not shown as nothing.
pub(super) fn share(part: f64) -> String {
    let percent = part * 100.0;
    match percent {
        none if none <= 0.0 => "0%".to_owned(),
        little if little < 0.1 => "<0.1%".to_owned(),
        some if some < 9.95 => format!("{some:.1}%"),
        much => format!("{much:.0}%"),
    }
}

/// Bytes as a number to draw; exact enough beyond 4 TiB.
pub(super) fn kibibytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short() {
        assert_eq!([0.0, 0.004, 0.3, 2.123].map(processor), ["0.0%", "0.4%", "30%", "212%"]);
        let sizes = [12, 640 << 10, 48 << 20, (5 << 30) / 4, (1 << 20) - 1, 3 << 40];
        assert_eq!(sizes.map(memory), ["12B", "640K", "48M", "1.2G", "1023K", "3.0T"]);
        assert_eq!([0.0, 0.02, 3.46, 212.4].map(rate), ["0", "0.02", "3.5", "212"]);
        let times = [0.0004, 0.012, 0.9999, 1.24, 125.0];
        assert_eq!(times.map(latency), ["0.4ms", "12ms", "1.0s", "1.2s", "2m 5s"]);
        let parts = [0.0, 0.0001, 0.004, 0.12, 1.0];
        assert_eq!(parts.map(share), ["0%", "<0.1%", "0.4%", "12%", "100%"]);
    }
}
