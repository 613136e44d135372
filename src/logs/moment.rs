//! Points in time as callers write them: `5m` (ago), `2026-03-04T05:06:07Z`, `2026-03-04 05:06`.

use std::time::{Duration, SystemTime};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::config::parse_duration;

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// So long before now.
    Ago(Duration),
    /// This one.
    At(SystemTime),
}

impl Moment {
    /// When that is; `None` before time began.
    pub fn time(self, now: SystemTime) -> Option<SystemTime> {
        match self {
            Self::Ago(ago) => now.checked_sub(ago),
            Self::At(time) => Some(time),
        }
    }
}

/// Reads one. A date without a zone is local.
pub fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(ago) = parse_duration(text) {
        return Ok(Moment::Ago(ago));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Moment::At(time.into()));
    }
    let local = text.parse::<DateTime>().and_then(|date| date.to_zoned(TimeZone::system()));
    local.map(|zoned| Moment::At(zoned.timestamp().into())).map_err(|_| {
        format!(
            "`{text}` is no point in time; write how long ago, as in `5m`, or when, as in \
             `2026-03-04T05:06:07Z` or `2026-03-04 05:06`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_ago_or_dates() {
        assert_eq!(moment("5m"), Ok(Moment::Ago(Duration::from_secs(300))));
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_772_600_767);
        assert_eq!(moment("2026-03-04T05:06:07Z"), Ok(Moment::At(at)));
        assert_eq!(moment("2026-03-04T07:06:07+02:00"), Ok(Moment::At(at)));
        assert!(matches!(moment("2026-03-04 05:06"), Ok(Moment::At(_))));
        assert!(matches!(moment("2026-03-04"), Ok(Moment::At(_))));
        assert!(moment("yesterday").unwrap_err().contains("point in time"));
    }
}
