//! Points in time as the core sees them, and durations as people read them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point on the machine's monotonic clock (`CLOCK_MONOTONIC`): time since boot.
///
/// The same in every process of one boot, so a restarted controller needs no rebase. The core
/// never asks for it; it is told.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(pub Duration);

impl Time {
    /// This time plus `delay`, or the end of time.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(delay))
    }

    /// How long it has been since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// A time of so many nanoseconds since boot, as the keeper writes it.
    pub fn from_nanos(nanos: u64) -> Self {
        Self(Duration::from_nanos(nanos))
    }
}

/// A duration in at most two units: `250ms`, `12s`, `3m 4s`, `2h 5m`, `4d 1h`.
pub fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let pair = |big: u64, big_unit: &str, small: u64, small_unit: &str| {
        if small == 0 {
            format!("{big}{big_unit}")
        } else {
            format!("{big}{big_unit} {small}{small_unit}")
        }
    };
    match (days, hours, minutes, seconds) {
        (0, 0, 0, 0) => format!("{}ms", duration.as_millis()),
        (0, 0, 0, s) => {
            let tenths = duration.subsec_millis() / 100;
            if s < 10 && tenths != 0 { format!("{s}.{tenths}s") } else { format!("{s}s") }
        }
        (0, 0, m, s) => pair(m, "m", s % 60, "s"),
        (0, h, m, _) => pair(h, "h", m, "m"),
        (d, h, ..) => pair(d, "d", h, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let text = |ms| human_duration(Duration::from_millis(ms));
        assert_eq!(text(0), "0ms");
        assert_eq!(text(250), "250ms");
        assert_eq!(text(1_200), "1.2s");
        assert_eq!(text(12_900), "12s");
        assert_eq!(text(184_000), "3m 4s");
        assert_eq!(text(7_500_000), "2h 5m");
        assert_eq!(text(349_200_000), "4d 1h");
    }
}
