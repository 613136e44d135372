//! When a run is asked, and how often it has to succeed.

use std::time::Duration;

use super::{report::Reporter, subject::Pace};
use crate::{host::clock, model::Time};

/// However short the interval, tries are at least so far apart.
pub(super) const SHORTEST: Duration = Duration::from_millis(10);

/// Something that can be asked again and again.
pub(super) trait Asked: Send {
    /// One try, bounded in time; the error says in a few words what was seen.
    fn ask(&mut self, reporter: &Reporter) -> impl Future<Output = Result<(), String>> + Send;
}

/// Asks from `first` on until enough tries have succeeded in a row.
pub(super) async fn ask(mut asked: impl Asked, first: Time, pace: Pace, mut reporter: Reporter) {
    clock::sleep_until(Some(first)).await;
    let mut in_a_row = 0;
    loop {
        let began = clock::now();
        let result = asked.ask(&reporter).await;
        let at = clock::now();
        reporter.tried(at, at.since(began), result.is_err()).await;
        match result {
            Ok(()) => {
                in_a_row += 1;
                if pace.successes <= in_a_row {
                    return reporter.ready(clock::now()).await;
                }
            }
            Err(why) => {
                in_a_row = 0;
                reporter.failing(why).await;
            }
        }
        tokio::time::sleep(pace.interval.max(SHORTEST)).await;
    }
}

/// Is ready at a time.
pub(super) async fn delay(until: Time, reporter: Reporter) {
    clock::sleep_until(Some(until)).await;
    reporter.ready(clock::now()).await;
}
