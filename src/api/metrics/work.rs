//! Metrics of an app's work: how long its requests and its probes take, the event loops of Node
//! programs, and the queues of shared ports.

use super::{
    MetricsReply,
    families::{each_app, family, sample, with},
    text::{Family, Kind, Labels, Number, Part, Sample},
};
use crate::api::{NodeReply, QueueReply};

/// How long something took, since counting began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DurationMetrics {
    /// When counting began, in seconds since 1970.
    pub since: f64,
    /// Seconds, and how many took at most as long; the bounds grow.
    pub buckets: Vec<(f64, u64)>,
    /// How many there were.
    pub count: u64,
    /// How long they took together, in seconds.
    pub sum: f64,
    /// How many of them failed.
    pub failed: u64,
    /// How many others were never answered in full.
    pub aborted: u64,
}

/// What was measured of an instance's work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkMetrics {
    /// The index of the instance.
    pub index: u32,
    /// Its requests; `None` if nobody tells of them.
    pub requests: Option<DurationMetrics>,
    /// Its probes; `None` if there were none.
    pub probes: Option<DurationMetrics>,
}

/// All families of this file.
pub(super) fn all(reply: &MetricsReply) -> Vec<Family> {
    let mut families = durations(
        reply,
        |work| work.requests.as_ref(),
        [
            ("eco_http_request_duration_seconds", "How long requests took to be answered in full."),
            ("eco_http_requests_failed", "How many requests were answered with 500 to 599."),
        ],
    );
    families.push(counter(
        reply,
        ("eco_http_requests_aborted", "How many requests were not answered in full."),
        |work| work.requests.as_ref(),
        |it| it.aborted,
    ));
    families.extend(durations(
        reply,
        |work| work.probes.as_ref(),
        [
            ("eco_probe_duration_seconds", "How long readiness and liveness probes took."),
            ("eco_probes_failed", "How many probes failed."),
        ],
    ));
    families.extend(node(reply));
    families.extend(queues(reply));
    families
}

type Of = fn(&WorkMetrics) -> Option<&DurationMetrics>;

fn each(reply: &MetricsReply, of: Of) -> impl Iterator<Item = (Labels, &DurationMetrics)> {
    each_app(reply).flat_map(move |(labels, app)| {
        app.work.iter().filter_map(move |work| {
            Some((with(&labels, "index", work.index.to_string()), of(work)?))
        })
    })
}

fn durations(
    reply: &MetricsReply,
    of: Of,
    names: [(&'static str, &'static str); 2],
) -> Vec<Family> {
    let [(name, help), failed] = names;
    let samples = each(reply, of).flat_map(|(labels, it)| histogram(&labels, it));
    vec![
        family((name, Kind::Histogram, Some("seconds"), help), samples),
        counter(reply, failed, of, |it| it.failed),
    ]
}

fn counter(
    reply: &MetricsReply,
    (name, help): (&'static str, &'static str),
    of: Of,
    value: fn(&DurationMetrics) -> u64,
) -> Family {
    let samples = each(reply, of).map(|(labels, it)| Sample {
        created: Some(it.since),
        ..sample(labels, Number::Whole(value(it)))
    });
    family((name, Kind::Counter, None, help), samples)
}

fn histogram(labels: &Labels, it: &DurationMetrics) -> Vec<Sample> {
    let bounds = it.buckets.iter().map(|(bound, count)| (format!("{bound:?}"), *count));
    let mut samples: Vec<Sample> = bounds
        .chain([("+Inf".to_owned(), it.count)])
        .map(|(bound, count)| Sample {
            part: Some(Part::Bucket),
            ..sample(with(labels, "le", bound), Number::Whole(count))
        })
        .collect();
    let count = sample(labels.clone(), Number::Whole(it.count));
    samples.push(Sample { part: Some(Part::Count), ..count });
    let sum = sample(labels.clone(), Number::Real(it.sum));
    samples.push(Sample { part: Some(Part::Sum), created: Some(it.since), ..sum });
    samples
}

/// The latest reply about each instance that has an agent.
fn each_node(reply: &MetricsReply) -> impl Iterator<Item = (Labels, &NodeReply)> {
    each_app(reply).flat_map(|(labels, app)| {
        let mut found: Vec<(String, &NodeReply)> = Vec::new();
        for instance in &app.status.instances {
            let index = instance.id.rsplit('/').next().unwrap_or_default().to_owned();
            if let Some(node) = &instance.node {
                found.retain(|(known, _)| *known != index);
                found.push((index, node));
            }
        }
        found.into_iter().map(move |(index, node)| (with(&labels, "index", index), node))
    })
}

fn node(reply: &MetricsReply) -> Vec<Family> {
    let gauge = |value: fn(&NodeReply) -> Number| {
        each_node(reply).map(move |(labels, node)| sample(labels, value(node)))
    };
    let lags = each_node(reply).flat_map(|(labels, node)| {
        [("0.5", node.lag_p50), ("0.99", node.lag_p99), ("1", node.lag_max)]
            .map(|(part, lag)| sample(with(&labels, "part", part.to_owned()), Number::Real(lag)))
    });
    vec![
        family(
            (
                "eco_node_event_loop_lag_seconds",
                Kind::Gauge,
                Some("seconds"),
                "How late the event loop was at most in this part of the last minute's cases.",
            ),
            lags,
        ),
        family(
            (
                "eco_node_event_loop_utilization_ratio",
                Kind::Gauge,
                Some("ratio"),
                "The part of the last minute in which the busiest event loop was busy.",
            ),
            gauge(|node| Number::Real(node.utilization)),
        ),
        family(
            ("eco_node_heap_used_bytes", Kind::Gauge, Some("bytes"), "The JavaScript heap in use."),
            gauge(|node| Number::Whole(node.heap_used)),
        ),
        family(
            (
                "eco_node_heap_limit_bytes",
                Kind::Gauge,
                Some("bytes"),
                "What the JavaScript heap may grow to.",
            ),
            gauge(|node| Number::Whole(node.heap_limit)),
        ),
    ]
}

fn each_queue(reply: &MetricsReply) -> impl Iterator<Item = (Labels, &QueueReply)> {
    each_app(reply).flat_map(|(labels, app)| {
        app.status
            .queues
            .iter()
            .map(move |queue| (with(&labels, "address", queue.address.clone()), queue))
    })
}

fn queues(reply: &MetricsReply) -> Vec<Family> {
    let gauge = |value: fn(&QueueReply) -> u64| {
        each_queue(reply).map(move |(labels, queue)| sample(labels, Number::Whole(value(queue))))
    };
    vec![
        family(
            (
                "eco_queue_waiting_connections",
                Kind::Gauge,
                Some("connections"),
                "How many connections to a shared port wait to be accepted.",
            ),
            gauge(|queue| queue.waiting.into()),
        ),
        family(
            ("eco_queue_capacity_connections", Kind::Gauge, Some("connections"), "How many may."),
            gauge(|queue| queue.capacity.into()),
        ),
        family(
            (
                "eco_queue_open_connections",
                Kind::Gauge,
                Some("connections"),
                "How many connections to a shared port are open, those that wait among them.",
            ),
            gauge(|queue| queue.connections.into()),
        ),
        family(
            (
                "eco_queue_overflows",
                Kind::Counter,
                None,
                "How often a connection to a shared port was turned away since its sockets were made.",
            ),
            gauge(|queue| queue.overflows),
        ),
    ]
}
