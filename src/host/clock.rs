//! The clocks: the only place that reads them.
#![expect(clippy::disallowed_methods, reason = "this is where clocks are read")]

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

use crate::model::Time;

/// Now, on the machine's monotonic clock.
pub fn now() -> Time {
    let spec = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(spec.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(spec.tv_nsec).unwrap_or_default();
    Time(Duration::new(seconds, nanos))
}

/// Now, on the wall clock: for stamps that people read, never for decisions.
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// The wall-clock time of a point on the monotonic clock, as the two stand to each other now.
pub fn wall_of(time: Time) -> SystemTime {
    let ago = now().since(time);
    let ahead = time.since(now());
    wall().checked_sub(ago).and_then(|at| at.checked_add(ahead)).unwrap_or_else(wall)
}

/// Sleeps until `at`; for ever if there is no such time.
pub async fn sleep_until(at: Option<Time>) {
    match at {
        Some(at) => tokio::time::sleep(at.since(now())).await,
        None => std::future::pending().await,
    }
}

/// Now, as the kernel stamps files that are written now: seconds and nanoseconds since 1970.
pub fn file_stamp() -> (i64, i64) {
    let spec = clock_gettime(ClockId::RealtimeCoarse);
    (spec.tv_sec, spec.tv_nsec)
}
