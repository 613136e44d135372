//! When something is due by a cron expression, whatever the clocks do.
//!
//! Kept is up to when a schedule was looked at. So nothing is due twice, and what has become due
//! while nobody looked is found.
//!
//! Over daylight-saving changes: a fixed time that does not exist (02:30 in spring) is due at the
//! first moment after the gap, one that comes twice (02:30 in autumn) at the first of the two.

use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use jiff::{Timestamp, tz::TimeZone};

use crate::model::Cron;

/// A wall clock that was set back by less than this is awaited, so that nothing is done twice; by
/// more, it was wrong before, and counting begins anew.
const SET_BACK: Duration = Duration::from_secs(3 * 3600);
/// What became due so shortly before a controller started was not missed.
const SHORTLY: Duration = Duration::from_secs(10);

/// The first time after `after` at which `cron` is due, read in `zone`; `None` if it never is.
#[must_use]
pub fn next_due(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
    let parsed = parser.parse(&cron.expression).ok()?;
    let after = after.to_zoned(zone.clone());
    parsed.find_next_occurrence(&after, false).ok().map(|due| due.timestamp())
}

/// What there is to do about a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is due, once, however often it was meanwhile. It has been looked at up to now.
    Due,
    /// It was due while eco was down, and is not run for that. It has been looked at up to now.
    Missed(Timestamp),
    /// Nothing, before the clock shows this time; never, if there is none.
    Wait(Option<Timestamp>),
    /// The clock was set back far: counting begins now.
    Anew,
}

/// Looks at a schedule that was looked at up to `seen_to`, when the clock shows `now`. `down` is
/// whether eco has just started, and then whether what was missed is made up for.
#[must_use]
pub fn look(
    (seen_to, now): (Timestamp, Timestamp),
    down: Option<bool>,
    next: impl Fn(Timestamp) -> Option<Timestamp>,
) -> Look {
    if seen_to > now && SET_BACK < seen_to.duration_since(now).unsigned_abs() {
        return Look::Anew;
    }
    let Some(due) = next(seen_to) else { return Look::Wait(None) };
    if now < due {
        return Look::Wait(Some(due));
    }
    let Some(catches_up) = down else { return Look::Due };
    let recent = now.checked_sub(SHORTLY).ok().and_then(next);
    let is_late = recent.is_none_or(|recent| now < recent);
    if is_late && !catches_up { Look::Missed(due) } else { Look::Due }
}
