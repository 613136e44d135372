//! What alerts need to have measured: looked at every five seconds, and only for apps with such
//! alerts.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    api::{TrafficReply, TrafficSource},
    controller::{
        report::{self, Look},
        state::State,
    },
    host::stats,
    model::{AlertCondition, AlertMetric, App, AppKey, Measured, MeasuredWindow, Phase, Time},
};

/// Time between two looks.
const LOOK: Duration = Duration::from_secs(5);

/// The latest values of each app.
#[derive(Debug, Default)]
pub(super) struct Samples {
    by_app: BTreeMap<AppKey, Sample>,
    /// When to look next; `None` while no app asks for that.
    pub(super) next_look: Option<Time>,
    none: Measured,
}

#[derive(Debug, Default)]
struct Sample {
    measured: Measured,
    /// How long each process tree had computed, and when that was seen.
    computed: BTreeMap<u32, Duration>,
    at: Time,
}

impl Samples {
    pub(super) fn of(&self, key: &AppKey) -> &Measured {
        self.by_app.get(key).map_or(&self.none, |sample| &sample.measured)
    }
}

/// What an app has to have measured.
fn asked(app: &App) -> impl Iterator<Item = AlertMetric> {
    let wanted = app.wanted() != 0;
    app.spec.alerts.iter().filter(move |_| wanted).filter_map(|rule| match rule.condition {
        AlertCondition::Measured { metric, .. } => Some(metric),
        AlertCondition::Restarts { .. } | AlertCondition::State(_) => None,
    })
}

impl State {
    /// Begins to look, if this app asks for it and nobody looks yet.
    pub(super) fn expect_samples(&mut self, app: &App, now: Time) {
        if asked(app).next().is_some() {
            self.alerts.samples.next_look.get_or_insert(now.after(LOOK));
        }
    }

    /// Measures all apps that ask for it, if it is time, and says which these are.
    pub(super) fn sample_for_alerts(&mut self, now: Time) -> Vec<AppKey> {
        if self.alerts.samples.next_look.is_none_or(|at| now < at) {
            return Vec::new();
        }
        let asking = self.desired.apps().filter(|(_, app)| asked(app).next().is_some());
        let keys: Vec<AppKey> = asking.map(|(key, _)| key).collect();
        self.alerts.samples.next_look = (!keys.is_empty()).then(|| now.after(LOOK));
        let mut before = std::mem::take(&mut self.alerts.samples.by_app);
        for key in &keys {
            let Some(app) = self.desired.app(key) else { continue };
            let sample = self.sample((key, app), &before.remove(key).unwrap_or_default(), now);
            self.alerts.samples.by_app.insert(key.clone(), sample);
        }
        keys
    }

    fn sample(&self, (key, app): (&AppKey, &App), before: &Sample, now: Time) -> Sample {
        let asks = |metric: AlertMetric| asked(app).any(|it| it == metric);
        let of_eco = asked(app).any(|it| !matches!(it, AlertMetric::Memory | AlertMetric::Cpu));
        let mut sample = Sample { at: now, ..Sample::default() };
        if of_eco {
            sample.measured = self.measured_by_eco((key, app), asks(AlertMetric::Queue), now);
        }
        let runs = self.observed.apps.get(key).into_iter().flat_map(|it| it.runs.values());
        let living = runs.filter(|run| match run.phase {
            Phase::Starting { .. } | Phase::Ready { .. } => run.pid != 0,
            Phase::Launching | Phase::Exited { .. } => false,
        });
        let pids: Vec<u32> = living.map(|run| run.pid).collect();
        if asks(AlertMetric::Memory) {
            let most = pids.iter().filter_map(|pid| stats::tree_bytes(*pid)).max();
            sample.measured.memory = most.map(number);
        }
        if asks(AlertMetric::Cpu) {
            let times = pids.iter().filter_map(|pid| Some((*pid, stats::tree_cpu(*pid)?)));
            sample.computed = times.collect();
            sample.measured.cpu = cores(before, &sample);
        }
        sample
    }

    /// What others have measured, as the status shows it.
    fn measured_by_eco(&self, (key, app): (&AppKey, &App), queue: bool, now: Time) -> Measured {
        let reply = report::app_reply(self, key, app, Look { now, memory: queue });
        // Probes are no requests of anybody.
        let traffic = reply.traffic.filter(|it| it.source == TrafficSource::Agent);
        let probes = reply.instances.iter().filter_map(|it| it.probes.as_ref());
        let lags = reply.instances.iter().filter_map(|it| it.node.as_ref()).map(|it| it.lag_p99);
        let waiting = reply.queues.iter().map(|queue| f64::from(queue.waiting));
        Measured {
            requests: traffic.iter().flat_map(windows).collect(),
            probes: slowest(probes.flat_map(windows)),
            lag_p99: lags.reduce(f64::max),
            memory: None,
            cpu: None,
            queue: waiting.reduce(|one, other| one + other),
        }
    }
}

/// How many processors were in use between two looks, by those that were there at both.
fn cores(before: &Sample, now: &Sample) -> Option<f64> {
    let time = now.at.since(before.at).as_secs_f64();
    let spent = now.computed.iter().filter_map(|(pid, time)| {
        Some(time.saturating_sub(*before.computed.get(pid)?).as_secs_f64())
    });
    let spent: Vec<f64> = spent.collect();
    (!spent.is_empty() && 0.0 < time).then(|| spent.iter().sum::<f64>() / time)
}

fn windows(traffic: &TrafficReply) -> impl Iterator<Item = MeasuredWindow> {
    traffic.windows.iter().map(|it| MeasuredWindow {
        seconds: it.seconds,
        requests: number(it.requests),
        failed: number(it.failed),
        rate: it.rate,
        p50: it.p50,
        p90: it.p90,
        p99: it.p99,
        max: it.max,
    })
}

/// Of the windows of each length the one of the slowest instance.
fn slowest(windows: impl Iterator<Item = MeasuredWindow>) -> Vec<MeasuredWindow> {
    let mut found: BTreeMap<u32, MeasuredWindow> = BTreeMap::new();
    for window in windows {
        let known = found.entry(window.seconds).or_insert(window);
        if known.p99 < window.p99 {
            *known = window;
        }
    }
    found.into_values().collect()
}

/// A count as the nearest there is; no count here is so large that it matters.
fn number(count: u64) -> f64 {
    let (high, low) = (count >> 32, count & u64::from(u32::MAX));
    let part = |part: u64| f64::from(u32::try_from(part).unwrap_or(u32::MAX));
    part(high) * 4_294_967_296.0 + part(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_counted_between_two_looks() {
        let sample = |at, computed: &[(u32, u64)]| Sample {
            measured: Measured::default(),
            computed: computed.iter().map(|(pid, ms)| (*pid, Duration::from_millis(*ms))).collect(),
            at: Time(Duration::from_secs(at)),
        };
        let first = sample(10, &[(1, 1_000), (2, 500)]);
        let found = cores(&first, &sample(15, &[(1, 6_000), (2, 3_000), (3, 9_000)]));
        assert_eq!(found, Some(1.5));
        assert_eq!(cores(&Sample::default(), &first), None);
        assert!((number(1 << 40) - 1_099_511_627_776.0).abs() < 0.5);
    }

    #[test]
    fn the_slowest_instance_speaks_for_the_probes() {
        let window = |seconds, p99| MeasuredWindow { seconds, p99, ..MeasuredWindow::default() };
        let all = [
            window(60, None),
            window(60, Some(0.2)),
            window(300, Some(0.1)),
            window(60, Some(0.1)),
        ];
        let found: Vec<_> =
            slowest(all.into_iter()).iter().map(|it| (it.seconds, it.p99)).collect();
        assert_eq!(found, [(60, Some(0.2)), (300, Some(0.1))]);
    }
}
