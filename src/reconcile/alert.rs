//! Alerts: whether a condition holds, and what follows for somebody who is to be told.
//!
//! Level-triggered like all of the core: what an alert is, follows from what it was and from whether
//! its condition holds now; asked twice, nothing is told twice.

use super::{fields::Fields, status, words::exact, words::list_text};
use crate::model::{
    AlertCondition, AlertMetric, AlertPhase, AlertRule, AlertUnit, AlertedState, App, AppKey,
    AppObserved, AppState, Effect, Exit, Measured, MeasuredWindow, Than, Time, fine_size,
};

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertNews {
    /// Its condition has held for long enough.
    Fired,
    /// It has been over for long enough.
    Resolved,
}

/// How an alert goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertStep {
    /// How it stands now.
    pub phase: AlertPhase,
    /// What there is to tell of that.
    pub news: Option<AlertNews>,
    /// When to look again if nothing happens before.
    pub wake_at: Option<Time>,
}

/// How an alert that stood like `before` goes on.
pub fn alert_step(rule: &AlertRule, before: AlertPhase, holds: bool, now: Time) -> AlertStep {
    let still = |phase, wake_at| AlertStep { phase, news: None, wake_at };
    match (before, holds) {
        (AlertPhase::Quiet | AlertPhase::Pending { .. }, false) => still(AlertPhase::Quiet, None),
        (AlertPhase::Quiet, true) => after_pending(rule, now, now),
        (AlertPhase::Pending { since }, true) => after_pending(rule, since, now),
        (AlertPhase::Firing { since, .. }, true) => {
            still(AlertPhase::Firing { since, over: None }, None)
        }
        (AlertPhase::Firing { since, over }, false) => {
            let over = over.unwrap_or(now);
            let clear = over.after(rule.clears_after());
            if now < clear {
                return still(AlertPhase::Firing { since, over: Some(over) }, Some(clear));
            }
            AlertStep { phase: AlertPhase::Quiet, news: Some(AlertNews::Resolved), wake_at: None }
        }
    }
}

fn after_pending(rule: &AlertRule, since: Time, now: Time) -> AlertStep {
    let due = since.after(rule.lasting);
    if now < due {
        let (phase, wake_at) = (AlertPhase::Pending { since }, Some(due));
        return AlertStep { phase, news: None, wake_at };
    }
    let phase = AlertPhase::Firing { since, over: None };
    AlertStep { phase, news: Some(AlertNews::Fired), wake_at: None }
}

/// Whether a condition holds, and the value that says so.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertSight {
    /// Whether it holds.
    pub holds: bool,
    /// The value, in the unit of its metric; a state has none.
    pub value: Option<f64>,
    /// What is seen, in words.
    pub words: String,
    /// When it may be another one though nothing happens.
    pub turns_at: Option<Time>,
}

/// Looks at the condition of an alert. An app of which nothing is to run is never anything.
pub fn alert_sight(
    rule: &AlertRule,
    (key, app): (&AppKey, &App),
    observed: Option<&AppObserved>,
    measured: &Measured,
    now: Time,
) -> AlertSight {
    match &rule.condition {
        AlertCondition::State(state) => {
            let (holds, words) = of_state(*state, (key, app), observed, now);
            AlertSight { holds, value: None, words, turns_at: None }
        }
        AlertCondition::Restarts { than, count, within } => {
            let exits = observed.into_iter().flat_map(|it| it.history.values());
            let ended = exits.flat_map(|it| &it.exits).filter(|exit| exit.is_failure());
            let ended: Vec<Time> = ended.map(Exit::over).filter(|at| *at <= now).collect();
            // One that is exactly so old is out.
            let counted: Vec<Time> =
                ended.into_iter().filter(|at| now < at.after(*within)).collect();
            let value = f64::from(u32::try_from(counted.len()).unwrap_or(u32::MAX));
            AlertSight {
                holds: than.holds(value, f64::from(*count)),
                value: Some(value),
                words: format!("{value} restarts in {}", exact(within)),
                turns_at: counted.into_iter().min().map(|at| at.after(*within)),
            }
        }
        AlertCondition::Measured { metric, than, bound, window } => {
            of_measured(*metric, (*than, *bound), *window, measured)
        }
    }
}

fn of_state(
    state: AlertedState,
    (key, app): (&AppKey, &App),
    observed: Option<&AppObserved>,
    now: Time,
) -> (bool, String) {
    let found = status(key, app, observed, now);
    let is_service = !app.spec.is_job();
    let failing = match found.state {
        AppState::Degraded | AppState::CrashLooping | AppState::Failed => true,
        AppState::Ready
        | AppState::Converging
        | AppState::Stopped
        | AppState::Off
        | AppState::Done => false,
    };
    let ready = format!("{} of {} ready", found.ready, found.wanted);
    match state {
        AlertedState::Down => (is_service && failing && found.ready == 0, ready),
        AlertedState::NotReady => {
            let done = found.state == AppState::Done;
            (is_service && !done && found.ready < found.wanted, ready)
        }
        AlertedState::Degraded => (failing, ready),
        AlertedState::CrashLooping => {
            (found.state == AppState::CrashLooping, "it fails again and again".to_owned())
        }
        AlertedState::JobFailed => {
            let last = observed.and_then(|it| it.history.get(&0)?.exits.back());
            let failed = last.filter(|exit| !exit.requested && !exit.status.is_success());
            let words = failed.map_or_else(
                || "its last run ended well".to_owned(),
                |exit| format!("its last run ended with {}", exit.status),
            );
            (app.spec.is_job() && failed.is_some(), words)
        }
        AlertedState::RolledBack => {
            let undone = app.rolled_back.as_ref().filter(|it| !it.by_operator);
            let words = undone.map_or_else(
                || "its last change stands".to_owned(),
                |it| format!("its last change was undone: instance {}: {}", it.index, it.reason),
            );
            (undone.is_some(), words)
        }
    }
}

fn of_measured(
    metric: AlertMetric,
    (than, bound): (Than, f64),
    window: u32,
    measured: &Measured,
) -> AlertSight {
    let of = |windows: &[MeasuredWindow]| {
        windows.iter().find(|it| it.seconds == window).copied().unwrap_or_default()
    };
    let (requests, probes) = (of(&measured.requests), of(&measured.probes));
    let is_known = measured.requests.iter().any(|it| it.seconds == window);
    let value = match metric {
        AlertMetric::P50 => requests.p50,
        AlertMetric::P90 => requests.p90,
        AlertMetric::P99 => requests.p99,
        AlertMetric::Max => requests.max,
        AlertMetric::Rate => is_known.then_some(requests.rate),
        AlertMetric::Errors => {
            (0.0 < requests.requests).then(|| 100.0 * requests.failed / requests.requests)
        }
        AlertMetric::ProbeP99 => probes.p99,
        AlertMetric::LagP99 => measured.lag_p99,
        AlertMetric::Memory => measured.memory,
        AlertMetric::Cpu => measured.cpu,
        AlertMetric::Queue => measured.queue,
    };
    let words = match value {
        Some(value) => format!("{} is {}", metric.word(), in_words(metric.unit(), value)),
        None => format!("{} is not known", metric.word()),
    };
    let holds = value.is_some_and(|value| than.holds(value, bound));
    AlertSight { holds, value, words, turns_at: None }
}

fn in_words(unit: AlertUnit, value: f64) -> String {
    match unit {
        AlertUnit::Time if value < 1.0 => format!("{}ms", rounded(value * 1000.0)),
        AlertUnit::Time => format!("{}s", rounded(value)),
        AlertUnit::PerSecond => format!("{}/s", rounded(value)),
        AlertUnit::Percent => format!("{}%", rounded(value)),
        AlertUnit::Bytes => fine_size(format!("{value:.0}").parse().unwrap_or(u64::MAX)),
        AlertUnit::Cores | AlertUnit::Count => rounded(value),
    }
}

/// A number in three figures or so: `0.25`, `7.5`, `812`.
fn rounded(value: f64) -> String {
    let text = if value < 10.0 {
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        return format!("{value:.0}");
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An edit of alerts touches no process.
pub(super) fn changes(fields: &mut Fields<'_>, old: &Vec<AlertRule>, new: &Vec<AlertRule>) {
    fields.differ("alerts", Effect::Live, (old, new), |it| list_text(it.iter().map(alert_text)));
}

/// An alert in words, with its receivers if it names them: `down for 30s → ops`.
pub fn alert_text(rule: &AlertRule) -> String {
    if rule.to.is_empty() {
        return rule.words.clone();
    }
    format!("{} → {}", rule.words, rule.to.join(", "))
}
