//! What was measured of an app's work, in full: requests, probes, queues, Node.

use super::{
    amounts::{latency, memory, rate, share},
    app_table::ratio,
    layout::{Cell, Table, hanging},
    style::{Paint, Style},
};
use crate::api::{AppReply, InstanceReply, NodeReply, QueueReply, TrafficReply, WindowReply};

const HEADINGS: [&str; 8] = ["", "REQUESTS", "REQ/S", "P50", "P90", "P99", "MAX", "FAILED"];
/// MAX goes first where a line is too short, then P90, P50 and REQ/S.
const OPTIONAL: [usize; 4] = [6, 4, 3, 2];

/// Requests and probes over all windows; empty if nothing was measured.
pub(super) fn traffic(app: &AppReply, style: &Style) -> String {
    let mut rows = Vec::new();
    if let Some(traffic) = &app.traffic {
        rows.extend(windows("requests", traffic));
    }
    if 1 < app.instances.len() {
        for instance in &app.instances {
            rows.extend(instance.traffic.iter().filter_map(|it| latest(&instance.id, it)));
        }
    }
    for instance in &app.instances {
        let name = format!("probes of {}", instance.id);
        rows.extend(instance.probes.iter().flat_map(|it| windows(&name, it)));
    }
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&OPTIONAL);
    let cells = |cells: [Cell; 8]| {
        let [first, rest @ ..] = cells;
        std::iter::once(first).chain(rest.map(Cell::at_right)).collect()
    };
    table.row(cells(HEADINGS.map(|heading| Cell::painted(heading, Paint::Dim))));
    for row in rows {
        table.row(cells(row));
    }
    table.render(style)
}

fn windows(name: &str, traffic: &TrafficReply) -> Vec<[Cell; 8]> {
    traffic.windows.iter().map(|window| row(name, window)).collect()
}

/// The shortest window only.
fn latest(name: &str, traffic: &TrafficReply) -> Option<[Cell; 8]> {
    traffic.windows.first().map(|window| row(name, window))
}

fn row(name: &str, window: &WindowReply) -> [Cell; 8] {
    let time = |seconds: Option<f64>| Cell::new(seconds.map(latency).unwrap_or_default());
    let failed = ratio(window.failed, window.requests);
    let paint = if window.failed == 0 { Paint::Plain } else { Paint::Warn };
    [
        Cell::new(format!("    {name}, last {}", span(window.seconds))),
        Cell::new(window.requests.to_string()),
        Cell::new(rate(window.rate)),
        time(window.p50),
        time(window.p90),
        time(window.p99),
        time(window.max),
        Cell::painted(share(failed), paint),
    ]
}

fn span(seconds: u32) -> String {
    match seconds {
        3600 => "1h".to_owned(),
        whole if whole % 60 == 0 => format!("{}m", whole / 60),
        other => format!("{other}s"),
    }
}

/// The shared sockets, one a line.
pub(super) fn queues(queues: &[QueueReply], style: &Style) -> String {
    let line = |queue: &QueueReply| {
        let QueueReply { address, waiting, capacity, connections, overflows } = queue;
        let mut text = format!("{waiting} of {capacity} wait to be accepted, {connections} open");
        if *overflows != 0 {
            text.extend([", ", &overflows.to_string(), " were turned away"]);
        }
        let paint = if *waiting == 0 { Paint::Plain } else { Paint::Warn };
        hanging(&format!("{address}  "), &text, 4, paint, style)
    };
    queues.iter().map(line).collect()
}

/// Event loops and heaps, one a line.
pub(super) fn node(instances: &[InstanceReply], style: &Style) -> String {
    let line = |(id, node): (&String, &NodeReply)| {
        let text = format!(
            "event loop {} busy, late by {} (p50), {} (p99), {} at most; heap {} of {}",
            share(node.utilization),
            latency(node.lag_p50),
            latency(node.lag_p99),
            latency(node.lag_max),
            memory(node.heap_used),
            memory(node.heap_limit),
        );
        hanging(&format!("{id}  "), &text, 4, Paint::Plain, style)
    };
    let known = instances.iter().filter_map(|it| Some((&it.id, it.node.as_ref()?)));
    known.map(line).collect()
}
