//! Apps and their instances as one aligned table: what is wrong first, with a sentence for it.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    amounts::{latency, memory, processor, rate, share},
    layout::{Cell, Table},
    style::{Glyph, Paint, Style, ago, phase_look, state_look},
};
use crate::{
    api::{
        AlertReply, AlertState, AppReply, ExitReply, InstanceReply, TrafficReply, TrafficSource,
        WindowReply,
    },
    model::{AppState, InstancePhase, human_duration},
};

/// An exit of a ready instance is worth a line for so long.
const RECENT: Duration = Duration::from_secs(600);

/// The columns, in their order.
const HEADINGS: [&str; 15] = [
    "  APP", "STATE", "READY", "UP", "RESTARTS", "CPU", "MEM", "REQ/S", "P99", "5XX", "PROBE",
    "LISTEN", "TAGS", "PID", "REVISION",
];
/// Which of them go first where a line is too short: REVISION, PID, RESTARTS, MEM, CPU, P99, REQ/S, UP.
const OPTIONAL: [usize; 8] = [14, 13, 4, 6, 5, 8, 7, 3];
/// Those that stand at the right edge.
const NUMBERS: std::ops::RangeInclusive<usize> = 3..=10;

/// How much of the apps is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Every app; of several instances those that are not fine. What does not fit is left out.
    Short,
    /// Every instance too.
    Instances,
    /// Every instance and every column, whatever the width.
    Wide,
}

/// What is put before people.
pub(super) struct Shown<'a> {
    pub(super) detail: Detail,
    /// Alerts of these apps, and perhaps of others.
    pub(super) alerts: &'a [AlertReply],
    pub(super) style: &'a Style,
    pub(super) now: Timestamp,
}

/// The apps, those with problems first.
pub(super) fn table(apps: &[AppReply], shown: &Shown<'_>) -> String {
    let optional: &[usize] = match shown.detail {
        Detail::Short | Detail::Instances => &OPTIONAL,
        Detail::Wide => &[],
    };
    let mut table = Table::new(optional);
    let columns = Columns::of(apps, shown.detail);
    let headings = HEADINGS.iter().enumerate().map(|(index, heading)| {
        let text = if columns.has(index) { heading } else { "" };
        placed(index, Cell::painted(text, Paint::Dim))
    });
    table.row(headings.collect());
    let mut sorted: Vec<&AppReply> = apps.iter().collect();
    // Stable: of one severity they stay in order of names.
    sorted.sort_by_key(|app| severity(app, shown.alerts));
    for app in sorted {
        app_rows(&mut table, app, columns, shown);
    }
    table.render(shown.style)
}

/// How urgent an app is; 0 is the worst.
pub(super) fn severity(app: &AppReply, alerts: &[AlertReply]) -> u8 {
    let by_alert = alerts_of(app, alerts).map(|alert| match alert.state {
        AlertState::Firing => 2,
        AlertState::Pending => 4,
    });
    let by_state = match app.state {
        AppState::Failed => 0,
        AppState::CrashLooping => 1,
        AppState::Degraded => 2,
        AppState::Converging => 3,
        AppState::Stopped => 5,
        AppState::Ready | AppState::Off | AppState::Done if app.hold.is_some() => 4,
        AppState::Ready | AppState::Off | AppState::Done if !app.overrides.is_empty() => 5,
        AppState::Ready => 6,
        AppState::Off | AppState::Done => 7,
    };
    by_alert.min().unwrap_or(u8::MAX).min(by_state)
}

fn alerts_of<'a>(app: &AppReply, alerts: &'a [AlertReply]) -> impl Iterator<Item = &'a AlertReply> {
    alerts.iter().filter(move |alert| alert.app == app.name)
}

/// Which columns there are: what nobody measures, and what is asked for by `--wide` only, has none.
#[expect(clippy::struct_excessive_bools, reason = "each is one column or two of the table")]
#[derive(Clone, Copy)]
struct Columns {
    measured: bool,
    traffic: bool,
    probes: bool,
    listen: bool,
    tags: bool,
    wide: bool,
}

impl Columns {
    fn of(apps: &[AppReply], detail: Detail) -> Self {
        let instances = || apps.iter().flat_map(|app| &app.instances);
        Self {
            measured: instances().any(|it| it.cpu.is_some() || it.memory.is_some()),
            traffic: apps.iter().any(|app| requests(app.traffic.as_ref()).is_some()),
            probes: instances().any(|it| it.probes.is_some()),
            listen: apps.iter().any(|app| app.listen.is_some()),
            tags: apps.iter().any(|app| !app.tags.is_empty()),
            wide: detail == Detail::Wide,
        }
    }

    fn has(self, column: usize) -> bool {
        match column {
            5 | 6 => self.measured,
            7 | 8 => self.traffic,
            9 => self.traffic && self.wide,
            10 => self.probes && self.wide,
            11 => self.listen && self.wide,
            12 => self.tags && self.wide,
            _ => true,
        }
    }
}

fn placed(column: usize, cell: Cell) -> Cell {
    if NUMBERS.contains(&column) { cell.at_right() } else { cell }
}

fn row(table: &mut Table, cells: [Cell; HEADINGS.len()], columns: Columns) {
    let cells = cells.into_iter().enumerate().map(|(index, cell)| {
        if columns.has(index) { placed(index, cell) } else { Cell::default() }
    });
    table.row(cells.collect());
}

fn app_rows(table: &mut Table, app: &AppReply, columns: Columns, shown: &Shown<'_>) {
    let style = shown.style;
    let (word, paint, mark) = state_look(app.state);
    let alone = match app.instances.as_slice() {
        [alone] if app.desired <= 1 => Some(alone),
        _ => None,
    };
    let restarts: u64 = app.instances.iter().map(|instance| instance.restarts).sum();
    let ports = app.listen.as_ref().map(|listen| listen.ports.join(","));
    let slowest = app.instances.iter().filter_map(|it| probe_time(it.probes.as_ref()));
    let [requests, p99, failed] = traffic_cells(app.traffic.as_ref());
    let cells = [
        Cell::painted(format!("{} {}", style.glyph(mark), app.name), paint_of_name(paint)),
        Cell::painted(word, paint),
        Cell::new(format!("{}/{}", app.ready, app.desired)),
        Cell::new(alone.map_or_else(|| youngest(app, shown), |found| up(found, shown))),
        Cell::new(restarts.to_string()),
        Cell::new(sum(app.instances.iter().map(|it| it.cpu)).map(processor).unwrap_or_default()),
        Cell::new(total(app).map(memory).unwrap_or_default()),
        requests,
        p99,
        failed,
        Cell::new(slowest.reduce(f64::max).map(latency).unwrap_or_default()),
        Cell::new(ports.unwrap_or_default()),
        Cell::new(app.tags.join(",")),
        Cell::new(alone.map_or_else(String::new, |found| pid(found, style))),
        Cell::painted(short(&app.revision), Paint::Dim),
    ];
    row(table, cells, columns);
    app_notes(table, app, shown);
    match alone {
        Some(instance) => notes(table, instance, 4, shown),
        None => instance_rows(table, app, columns, shown),
    }
}

/// Sentences about an app as a whole, the most urgent first.
fn app_notes(table: &mut Table, app: &AppReply, shown: &Shown<'_>) {
    for alert in alerts_of(app, shown.alerts) {
        let (text, paint) = alert_words(alert, shown.now);
        table.note(4, &text, paint);
    }
    let said = app.instances.iter().any(|instance| instance.hold == app.hold);
    if let Some(hold) = app.hold.as_ref().filter(|_| !said) {
        table.note(4, hold, paint_of_hold(app.state));
    }
    let window = requests(app.traffic.as_ref()).filter(|window| 0 < window.failed);
    if let Some(WindowReply { requests, failed, .. }) = window {
        let part = share(ratio(*failed, *requests));
        let text = format!("{failed} of {requests} requests failed in the last minute ({part})");
        table.note(4, &text, Paint::Warn);
    }
    if let Some(lack) = app.listen.as_ref().and_then(|listen| listen.sharing.lack()) {
        table.note(4, lack, Paint::Warn);
    }
    for unkept in &app.unkept {
        table.note(4, unkept, Paint::Warn);
    }
    if !app.overrides.is_empty() {
        table.note(4, &format!("override: {}", app.overrides.join(", ")), Paint::Warn);
    }
    if let Some(next) = &app.next {
        table.note(4, &format!("next at {}", shown.style.time(next)), Paint::Dim);
    }
}

/// An alert in words, and how they are painted.
pub(super) fn alert_words(alert: &AlertReply, now: Timestamp) -> (String, Paint) {
    let (word, paint) = match alert.state {
        AlertState::Firing => ("alert", Paint::Bad),
        AlertState::Pending => ("may become an alert", Paint::Warn),
    };
    let since = ago(&alert.since, now).map(human_duration);
    let since = since.map(|since| format!(" for {since}")).unwrap_or_default();
    let told = alert.error.as_ref();
    let told = told.map(|why| format!("; nobody could be told: {why}")).unwrap_or_default();
    (format!("{word}{since}: {} ({}){told}", alert.message, alert.alert), paint)
}

fn instance_rows(table: &mut Table, app: &AppReply, columns: Columns, shown: &Shown<'_>) {
    let mut quiet = 0_usize;
    let mut loud = 0_usize;
    for instance in &app.instances {
        if shown.detail == Detail::Short && is_quiet(instance, shown.now) {
            quiet += 1;
            continue;
        }
        loud += 1;
        let (word, paint) = phase_look(instance.phase);
        // The revision is said only where it is not the one that is wanted.
        let former = instance.revision.as_ref().filter(|revision| **revision != app.revision);
        let [requests, p99, failed] = traffic_cells(instance.traffic.as_ref());
        let cells = [
            Cell::new(format!("    {}", instance.id)),
            Cell::painted(word, paint),
            Cell::default(),
            Cell::new(up(instance, shown)),
            Cell::new(instance.restarts.to_string()),
            Cell::new(instance.cpu.map(processor).unwrap_or_default()),
            Cell::new(instance.memory.map(memory).unwrap_or_default()),
            requests,
            p99,
            failed,
            Cell::new(probe_time(instance.probes.as_ref()).map(latency).unwrap_or_default()),
            Cell::default(),
            Cell::default(),
            Cell::new(pid(instance, shown.style)),
            Cell::painted(former.map_or_else(String::new, |found| short(found)), Paint::Warn),
        ];
        row(table, cells, columns);
        notes(table, instance, 6, shown);
    }
    if 0 < quiet && 0 < loud {
        let are = if quiet == 1 { "is" } else { "are" };
        table.note(4, &format!("{quiet} more {are} ready"), Paint::Dim);
    }
}

/// Whether there is nothing to say of an instance.
fn is_quiet(instance: &InstanceReply, now: Timestamp) -> bool {
    instance.phase == InstancePhase::Ready
        && instance.hold.is_none()
        && instance.dropped.is_none()
        && recent_exit(instance, now).is_none()
}

/// How a ready instance's former run ended, and how long ago, if that is news.
fn recent_exit(instance: &InstanceReply, now: Timestamp) -> Option<(&ExitReply, Duration)> {
    let exit = instance.exit.as_ref().filter(|exit| !exit.requested)?;
    let since = ago(&exit.at, now).filter(|since| *since <= RECENT)?;
    (instance.phase == InstancePhase::Ready).then_some((exit, since))
}

fn notes(table: &mut Table, instance: &InstanceReply, indent: usize, shown: &Shown<'_>) {
    if let Some(dropped) = &instance.dropped {
        table.note(indent, dropped, Paint::Warn);
    }
    if let Some(hold) = &instance.hold {
        let is_bad = matches!(
            instance.hold_code.as_deref(),
            Some("crash_looping" | "gave_up" | "not_restarted" | "spawn_failed")
        );
        table.note(indent, hold, if is_bad { Paint::Bad } else { Paint::Warn });
    }
    if let Some((exit, since)) = recent_exit(instance, shown.now) {
        let text = format!("ended {} ago with {}", human_duration(since), ending(exit));
        table.note(indent, &text, Paint::Warn);
    }
}

/// How a run ended, as part of a sentence.
fn ending(exit: &ExitReply) -> String {
    match (&exit.signal, exit.code) {
        (Some(signal), _) => signal.clone(),
        (None, Some(code)) => format!("code {code}"),
        (None, None) => "an unknown code".to_owned(),
    }
}

/// What was measured of the last minute's requests; `None` if only probes were.
fn requests(traffic: Option<&TrafficReply>) -> Option<&WindowReply> {
    let traffic = traffic.filter(|it| it.source == TrafficSource::Agent)?;
    traffic.windows.first()
}

/// REQ/S, P99 and 5XX.
fn traffic_cells(traffic: Option<&TrafficReply>) -> [Cell; 3] {
    let Some(window) = requests(traffic) else { return Default::default() };
    let failed = ratio(window.failed, window.requests);
    let paint = if window.failed == 0 { Paint::Plain } else { Paint::Warn };
    [
        Cell::new(rate(window.rate)),
        Cell::new(window.p99.map(latency).unwrap_or_default()),
        Cell::painted(share(failed), paint),
    ]
}

/// Within what time 99 of 100 probes of the last minute, or of five, were answered.
fn probe_time(probes: Option<&TrafficReply>) -> Option<f64> {
    probes?.windows.iter().find_map(|window| window.p99)
}

/// A part of a whole, 0 to 1; 0 of nothing.
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    let number = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    if whole == 0 { 0.0 } else { number(part) / number(whole) }
}

/// The sum of what is known; `None` if nothing is.
fn sum(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    values.flatten().reduce(|sum, value| sum + value)
}

fn total(app: &AppReply) -> Option<u64> {
    app.instances.iter().filter_map(|it| it.memory).reduce(u64::saturating_add)
}

/// How long its process has been up; a dash without a process.
fn up(instance: &InstanceReply, shown: &Shown<'_>) -> String {
    lasted(instance, shown.now)
        .map_or_else(|| shown.style.glyph(Glyph::Dash).to_owned(), human_duration)
}

/// How long the youngest of its processes has been up.
fn youngest(app: &AppReply, shown: &Shown<'_>) -> String {
    let times = app.instances.iter().filter_map(|instance| lasted(instance, shown.now));
    times.min().map(human_duration).unwrap_or_default()
}

fn lasted(instance: &InstanceReply, now: Timestamp) -> Option<Duration> {
    let since = instance.since.as_ref().filter(|_| instance.pid.is_some())?;
    ago(since, now)
}

fn pid(instance: &InstanceReply, style: &Style) -> String {
    instance.pid.map_or_else(|| style.glyph(Glyph::Dash).to_owned(), |pid| pid.to_string())
}

/// As much of a revision as tells it from others.
pub(super) fn short(revision: &str) -> String {
    revision.chars().take(12).collect()
}

/// A failed app's name is painted as its state is; of others, the state alone is.
fn paint_of_name(state: Paint) -> Paint {
    if state == Paint::Bad { Paint::Bad } else { Paint::Strong }
}

fn paint_of_hold(state: AppState) -> Paint {
    match state_look(state).1 {
        Paint::Bad => Paint::Bad,
        Paint::Plain | Paint::Good | Paint::Warn | Paint::Dim | Paint::Strong => Paint::Warn,
    }
}
