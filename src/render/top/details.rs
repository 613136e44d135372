//! All that is known of what is selected: why it is not as desired, how far its rollout is, what it
//! uses and answers.

use ratatui::layout::Rect;

use super::{
    super::amounts,
    canvas::{Canvas, cells},
    list::Subject,
    state::Top,
    table::whole,
};
use crate::{
    api::{AppReply, InstanceReply, TrafficReply, TrafficSource},
    model::{AppState, InstancePhase},
    render::{
        layout::{clean, pad, wrap},
        style::{Glyph, Paint, phase_look, state_look},
    },
};

/// Columns of the names at the left.
const NAMES: usize = 11;

type Lines = Vec<(String, Paint)>;

/// Draws as much as there is room for.
pub(super) fn draw(top: &Top, canvas: &mut Canvas<'_>, area: Rect) {
    let lines = lines(top, usize::from(area.width));
    for (y, (text, paint)) in lines.iter().skip(top.scrolled).enumerate() {
        if usize::from(area.height) <= y {
            break;
        }
        canvas.put(area, (0, cells(y)), text, *paint);
    }
}

/// All lines, in so many columns.
pub(super) fn lines(top: &Top, width: usize) -> Lines {
    let Some(found) = top.selected() else { return Vec::new() };
    let mut page = Page { lines: Vec::new(), width };
    match found.instance {
        Some(instance) => of_instance(top, &mut page, instance),
        None => of_app(top, &mut page, &found),
    }
    page.lines
}

struct Page {
    lines: Lines,
    width: usize,
}

impl Page {
    /// A name and what there is to say, wrapped.
    fn add(&mut self, name: &str, text: &str, paint: Paint) {
        let room = self.width.saturating_sub(NAMES + 1).max(20);
        for (index, line) in wrap(&clean(text), room).into_iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            self.lines.push((format!("{} {line}", pad(name, NAMES)), paint));
        }
    }

    fn some(&mut self, name: &str, text: Option<&String>, paint: Paint) {
        if let Some(text) = text {
            self.add(name, text, paint);
        }
    }
}

fn of_app(top: &Top, page: &mut Page, found: &Subject<'_>) {
    let app = found.app;
    let (word, paint, _) = state_look(app.state);
    page.add("state", &format!("{word}, {} of {} ready", app.ready, app.desired), paint);
    let bad = if paint == Paint::Bad { Paint::Bad } else { Paint::Warn };
    page.some("why", app.hold.as_ref(), bad);
    rollout(top, page, app);
    for alert in found.status.alerts.iter().filter(|alert| alert.app == app.name) {
        page.add("alert", &format!("{} ({})", alert.message, alert.alert), Paint::Bad);
        page.some("", alert.error.as_ref(), Paint::Bad);
    }
    if !app.overrides.is_empty() {
        page.add("override", &app.overrides.join(", "), Paint::Warn);
    }
    if let Some(listen) = &app.listen {
        page.add("ports", &listen.ports.join(", "), Paint::Plain);
        page.some("", listen.sharing.lack().map(str::to_owned).as_ref(), Paint::Warn);
    }
    for queue in &app.queues {
        let text = format!(
            "{}: {} of {} wait, {} open",
            queue.address, queue.waiting, queue.capacity, queue.connections
        );
        page.add("queue", &text, Paint::Plain);
    }
    traffic(page, "requests", app.traffic.as_ref());
    if let Some(next) = &app.next {
        page.add("next", &top.style.time(next), Paint::Plain);
    }
    for unkept in &app.unkept {
        page.add("limits", unkept, Paint::Warn);
    }
    if !app.tags.is_empty() {
        page.add("tags", &app.tags.join(", "), Paint::Plain);
    }
    page.add("revision", &app.revision, Paint::Dim);
    for instance in app.instances.iter().filter(|it| it.hold.is_some() && it.hold != app.hold) {
        let (_, paint) = phase_look(instance.phase);
        let paint = if paint == Paint::Bad { Paint::Bad } else { Paint::Warn };
        page.some(&instance.id, instance.hold.as_ref(), paint);
    }
}

fn is_former(app: &AppReply, instance: &InstanceReply) -> bool {
    let code = instance.hold_code.as_deref();
    instance.revision.as_ref().is_some_and(|it| *it != app.revision)
        || matches!(code, Some("outdated" | "draining" | "stopping"))
}

/// How many of the new are ready, and what is left of the old; nothing while nothing is replaced.
fn rollout(top: &Top, page: &mut Page, app: &AppReply) {
    let (old, new): (Vec<_>, Vec<_>) = app
        .instances
        .iter()
        .filter(|it| it.pid.is_some())
        .partition(|instance| is_former(app, instance));
    if old.is_empty() || app.state == AppState::Stopped {
        return;
    }
    let settled = |it: &&&InstanceReply| it.phase == InstancePhase::Ready && it.hold.is_none();
    let good = new.iter().filter(settled).count();
    let wanted = usize::try_from(app.desired).unwrap_or(usize::MAX);
    let full = (good * 20).checked_div(wanted).unwrap_or(0).min(20);
    let (done, rest) = if top.style.unicode { ("█", "░") } else { ("#", ".") };
    let bar = done.repeat(full) + &rest.repeat(20 - full);
    let text = format!("{bar} new: {good} of {wanted} good, {} on the way", new.len() - good);
    page.add("rollout", &text, Paint::Warn);
    let held = |code: &str| old.iter().filter(|it| it.hold_code.as_deref() == Some(code)).count();
    let text = format!(
        "old: {} left, {} draining, {} stopping",
        old.len(),
        held("draining"),
        held("stopping")
    );
    page.add("", &text, Paint::Warn);
    let is_canary = |it: &&&InstanceReply| it.hold.as_ref().is_some_and(|it| it.contains("canary"));
    for canary in new.iter().filter(is_canary) {
        let ellipsis = canary.hold.clone().unwrap_or_default();
        page.add("canary", &format!("{}: {ellipsis}", canary.id), Paint::Warn);
    }
}

fn traffic(page: &mut Page, name: &str, traffic: Option<&TrafficReply>) {
    let Some(traffic) = traffic else { return };
    let by = match traffic.source {
        TrafficSource::Agent => "",
        TrafficSource::Probe => " (by eco's own probes)",
    };
    let time = |seconds: Option<f64>| seconds.map_or_else(|| "-".to_owned(), amounts::latency);
    for (index, window) in traffic.windows.iter().enumerate() {
        let text = format!(
            "{}: {}/s, {} failed, p50 {}, p90 {}, p99 {}, most {}{by}",
            over(window.seconds),
            amounts::rate(window.rate),
            window.failed,
            time(window.p50),
            time(window.p90),
            time(window.p99),
            time(window.max)
        );
        let paint = if window.failed == 0 { Paint::Plain } else { Paint::Warn };
        page.add(if index == 0 { name } else { "" }, &text, paint);
    }
}

fn over(seconds: u32) -> String {
    crate::model::human_duration(std::time::Duration::from_secs(seconds.into()))
}

fn of_instance(top: &Top, page: &mut Page, instance: &InstanceReply) {
    let (word, paint) = phase_look(instance.phase);
    let since = instance.since.as_ref().and_then(|since| whole(since, top.now));
    let since = since.map_or_else(String::new, |ago| format!(" for {ago}"));
    page.add("phase", &format!("{word}{since}"), paint);
    let bad = if paint == Paint::Bad { Paint::Bad } else { Paint::Warn };
    page.some("why", instance.hold.as_ref(), bad);
    page.some("output", instance.dropped.as_ref(), Paint::Warn);
    let dash = || top.style.glyph(Glyph::Dash).to_owned();
    let pid = instance.pid.map_or_else(dash, |pid| pid.to_string());
    page.add("pid", &pid, Paint::Plain);
    let cpu = instance.cpu.map_or_else(dash, amounts::processor);
    let memory = instance.memory.map_or_else(dash, amounts::memory);
    page.add("uses", &format!("cpu {cpu}, memory {memory}"), Paint::Plain);
    page.add("restarts", &instance.restarts.to_string(), Paint::Plain);
    if let Some(exit) = &instance.exit {
        let how = match (&exit.signal, exit.code) {
            (Some(signal), _) => signal.clone(),
            (None, Some(code)) => format!("code {code}"),
            (None, None) => "an unknown code".to_owned(),
        };
        let asked = if exit.requested { ", asked for" } else { "" };
        let text = format!("ended at {} with {how}{asked}", top.style.time(&exit.at));
        page.add("last run", &text, if exit.requested { Paint::Plain } else { Paint::Warn });
    }
    traffic(page, "requests", instance.traffic.as_ref());
    traffic(page, "probes", instance.probes.as_ref());
    if let Some(node) = &instance.node {
        let text = format!(
            "event loop late by {} (p50), {} (p99); heap {} of {}",
            amounts::latency(node.lag_p50),
            amounts::latency(node.lag_p99),
            amounts::memory(node.heap_used),
            amounts::memory(node.heap_limit)
        );
        page.add("node", &text, Paint::Plain);
    }
    if let Some(revision) = &instance.revision {
        page.add("revision", revision, Paint::Dim);
    }
}
