//! What metrics tell of the work of instances.

use super::since_1970;
use crate::{
    api::{DurationMetrics, WorkMetrics},
    controller::{
        state::State,
        traffic::{BOUNDS, Totals, real},
    },
    host::clock,
    model::{App, AppKey},
};

impl State {
    /// What was measured of the work of each instance of an app.
    pub(super) fn measure_work(&self, key: &AppKey, app: &App) -> Vec<WorkMetrics> {
        let running = self.observed.apps.get(key).into_iter().flat_map(|it| it.runs.values());
        let most = running.map(|run| run.index + 1).max().unwrap_or(0).max(app.wanted());
        let work = |index: u32| {
            let found = self.traffic.totals(&key.instance(index))?;
            let told = |totals: &Option<Totals>| totals.as_ref().map(durations);
            Some(WorkMetrics {
                index,
                requests: told(&found.requests),
                probes: told(&found.probes),
            })
        };
        (0..most).filter_map(work).collect()
    }
}

fn durations(totals: &Totals) -> DurationMetrics {
    let mut count = 0;
    let buckets = BOUNDS.iter().zip(totals.within).map(|(bound, within)| {
        count += within;
        (f64::from(*bound) / 1e6, count)
    });
    DurationMetrics {
        since: since_1970(clock::wall_of(totals.began)),
        buckets: buckets.collect(),
        count: totals.count,
        sum: real(totals.sum_micros) / 1e6,
        failed: totals.failed,
        aborted: totals.aborted,
    }
}
