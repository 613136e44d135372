//! The text formats of metrics: `OpenMetrics` 1.0, and Prometheus 0.0.4 for those that do not read it.

use std::fmt::{self, Write as _};

use super::{MetricsReply, families};

/// In which format metrics are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// What Prometheus read before there was `OpenMetrics`.
    Prometheus,
}

impl Exposition {
    /// What someone wants who sends this `Accept` header.
    pub fn accepted(header: &str) -> Self {
        let refused = |words: &str| {
            words.split(';').skip(1).any(|part| {
                let weight = part.trim().strip_prefix("q=").and_then(|q| q.parse::<f64>().ok());
                weight.is_some_and(|weight| weight <= 0.0)
            })
        };
        let is_meant = |words: &str| {
            let kind = words.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/openmetrics-text") && !refused(words)
        };
        if header.split(',').any(is_meant) { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The `Content-Type` of the text.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// What kind of number a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only goes up, but begins at 0 again when what it counts begins anew.
    Counter,
    /// Is 1; what it says is in its labels.
    Info,
    /// One of some words is 1, the others are 0.
    StateSet,
    /// Counts of durations, by bounds.
    Histogram,
}

/// A number's labels.
pub(super) type Labels = Vec<(&'static str, String)>;

/// Which number of a histogram it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// How many are within a bound.
    Bucket,
    /// How many there are.
    Count,
    /// What they are together.
    Sum,
}

/// A number as it is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Whole(u64),
    Real(f64),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
        }
    }
}

/// One number with its labels.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) labels: Labels,
    pub(super) value: Number,
    /// Set in a histogram.
    pub(super) part: Option<Part>,
    /// Of a counter, or of a histogram's last number, since when it counts, in seconds since 1970.
    pub(super) created: Option<f64>,
}

/// Numbers of one meaning.
#[derive(Clone, Debug)]
pub(super) struct Family {
    /// Without the suffix of its kind; ends with its unit.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: Option<&'static str>,
    pub(super) help: &'static str,
    pub(super) samples: Vec<Sample>,
}

/// What was measured, as text.
pub fn exposition(reply: &MetricsReply, format: Exposition) -> String {
    let mut out = String::new();
    for family in families::all(reply) {
        if !family.samples.is_empty() {
            write_family(&mut out, &family, format);
        }
    }
    if format == Exposition::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

fn write_family(out: &mut String, family: &Family, format: Exposition) {
    let Family { name, kind, unit, help, samples } = family;
    let suffix = match kind {
        Kind::Gauge | Kind::StateSet | Kind::Histogram => "",
        Kind::Counter => "_total",
        Kind::Info => "_info",
    };
    let (own, kind) = match (format, kind) {
        (Exposition::OpenMetrics, Kind::Gauge) => ("", "gauge"),
        (Exposition::OpenMetrics, Kind::Counter) => ("", "counter"),
        (Exposition::OpenMetrics, Kind::Info) => ("", "info"),
        (Exposition::OpenMetrics, Kind::StateSet) => ("", "stateset"),
        (_, Kind::Histogram) => ("", "histogram"),
        // There a family is called as its samples are, and knows fewer kinds.
        (Exposition::Prometheus, Kind::Gauge | Kind::Info | Kind::StateSet) => (suffix, "gauge"),
        (Exposition::Prometheus, Kind::Counter) => (suffix, "counter"),
    };
    line(out, format_args!("# HELP {name}{own} {help}"));
    line(out, format_args!("# TYPE {name}{own} {kind}"));
    let is_open = format == Exposition::OpenMetrics;
    if let Some(unit) = unit.filter(|_| is_open) {
        line(out, format_args!("# UNIT {name} {unit}"));
    }
    for sample in samples {
        let labels = labels(&sample.labels);
        let suffix = sample.part.map_or(suffix, |part| match part {
            Part::Bucket => "_bucket",
            Part::Count => "_count",
            Part::Sum => "_sum",
        });
        line(out, format_args!("{name}{suffix}{labels} {}", sample.value));
        if let Some(created) = sample.created.filter(|_| is_open) {
            line(out, format_args!("{name}_created{labels} {created:.3}"));
        }
    }
}

fn line(out: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ignored = writeln!(out, "{text}");
}

fn labels(labels: &[(&str, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
