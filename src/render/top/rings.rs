//! What was measured of an app over the last ten minutes, and its curve in a few columns.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::super::amounts::kibibytes;
use crate::{
    api::{AppReply, TrafficSource, WindowReply},
    render::Style,
};

/// Ten minutes, at one sample a second.
const LONGEST: usize = 600;
/// Samples are at least so far apart, in milliseconds.
const APART: i64 = 900;
/// So many seconds may one column stand for.
const STEPS: [usize; 9] = [1, 2, 5, 10, 15, 30, 60, 120, 600];

const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII_BARS: [&str; 9] = [" ", "_", ".", ":", "-", "=", "+", "*", "#"];

/// What an app used and did at one moment; `NaN` is not known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Cores.
    pub(super) cpu: f64,
    /// KiB.
    pub(super) memory: f64,
    /// Requests a second.
    pub(super) rate: f64,
    /// Seconds.
    pub(super) p99: f64,
}

/// One of its values.
pub(super) type Value = fn(&Sample) -> f64;

impl Sample {
    /// What the status says of an app.
    pub(super) fn of(app: &AppReply) -> Self {
        let window = requests(app);
        Self {
            cpu: cpu(app).unwrap_or(f64::NAN),
            memory: memory(app).map_or(f64::NAN, kibibytes),
            rate: window.map_or(f64::NAN, |window| window.rate),
            p99: window.and_then(|window| window.p99).unwrap_or(f64::NAN),
        }
    }
}

/// Cores that the instances of an app use together, as far as that is known.
pub(super) fn cpu(app: &AppReply) -> Option<f64> {
    let known = app.instances.iter().filter_map(|instance| instance.cpu);
    known.fold(None, |sum: Option<f64>, cores| Some(sum.unwrap_or(0.0) + cores))
}

/// Bytes that they have in memory.
pub(super) fn memory(app: &AppReply) -> Option<u64> {
    let known = app.instances.iter().filter_map(|instance| instance.memory);
    known.fold(None, |sum: Option<u64>, bytes| Some(sum.unwrap_or(0).saturating_add(bytes)))
}

/// The requests of the last minute, where the program itself counts them.
pub(super) fn requests(app: &AppReply) -> Option<&WindowReply> {
    let traffic = app.traffic.as_ref()?;
    match traffic.source {
        TrafficSource::Agent => traffic.windows.first(),
        TrafficSource::Probe => None,
    }
}

/// The samples of one app, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Ring {
    samples: VecDeque<Sample>,
    /// How many there were before those.
    gone: usize,
    latest: Option<Timestamp>,
}

impl Ring {
    /// Takes a sample in, unless the last was just taken.
    pub(super) fn take(&mut self, sample: Sample, now: Timestamp) {
        let is_soon = |latest: Timestamp| now.as_millisecond() - latest.as_millisecond() < APART;
        if self.latest.is_some_and(is_soon) {
            return;
        }
        self.latest = Some(now);
        self.samples.push_back(sample);
        if LONGEST < self.samples.len() {
            self.samples.pop_front();
            self.gone += 1;
        }
    }

    /// The curve of one value in `width` columns: the newest at the right, each column the highest of
    /// so many seconds that all of the ten minutes fits.
    pub(super) fn curve(
        &self,
        width: usize,
        value: impl Fn(&Sample) -> f64,
        style: &Style,
    ) -> String {
        let columns = self.columns(width, value);
        let most = columns.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let bars = if style.unicode { &BARS } else { &ASCII_BARS };
        let blank = width.saturating_sub(columns.len());
        let drawn = columns.iter().map(|value| bars.get(level(*value, most)).unwrap_or(&" "));
        std::iter::repeat_n(&" ", blank).chain(drawn).copied().collect()
    }

    fn columns(&self, width: usize, value: impl Fn(&Sample) -> f64) -> Vec<f64> {
        let fits = |step: &usize| self.samples.len().div_ceil(*step) < width.max(2);
        let step = STEPS.into_iter().find(fits).unwrap_or(LONGEST);
        let mut columns: Vec<f64> = Vec::new();
        let mut last = None;
        for (index, sample) in self.samples.iter().enumerate() {
            // Columns begin at fixed moments, so that the curve moves and does not flicker.
            let column = (self.gone + index) / step;
            let value = value(sample);
            match columns.last_mut().filter(|_| last == Some(column)) {
                Some(highest) => *highest = highest.max(value),
                None => columns.push(value),
            }
            last = Some(column);
        }
        columns.split_off(columns.len().saturating_sub(width))
    }
}

/// How high a bar is, in eighths; what is not nothing is at least one.
fn level(value: f64, most: f64) -> usize {
    if value.is_nan() || value <= 0.0 {
        return 0;
    }
    (1..=8_u8).filter(|eighth| f64::from(*eighth) * most <= value * 8.0).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(values: &[f64]) -> Ring {
        let mut ring = Ring::default();
        for (second, value) in values.iter().enumerate() {
            let sample = Sample { cpu: *value, memory: f64::NAN, rate: f64::NAN, p99: f64::NAN };
            let now = Timestamp::from_second(i64::try_from(second).unwrap()).unwrap();
            ring.take(sample, now);
            ring.take(sample, now);
        }
        ring
    }

    #[test]
    fn curves_grow_from_the_right_and_fit() {
        let style = Style::plain(80);
        let curve = |values: &[f64], width| ring(values).curve(width, |it| it.cpu, &style);
        assert_eq!(curve(&[], 4), "    ");
        assert_eq!(curve(&[0.0, 1.0, 4.0, 8.0, f64::NAN], 8), "    ▁▄█ ");
        assert_eq!(curve(&[1.0; 900], 10).chars().count(), 10);
        assert_eq!(curve(&[1.0; 900], 0), "");
    }

    #[test]
    fn a_peak_is_never_lost_to_a_wider_step() {
        let mut values = vec![0.5; 500];
        values[13] = 9.0;
        let curve = ring(&values).curve(20, |it| it.cpu, &Style::plain(80));
        assert!(curve.contains('█'), "{curve}");
    }

    #[test]
    fn no_more_than_ten_minutes_are_kept() {
        assert_eq!(ring(&[1.0; 2000]).samples.len(), LONGEST);
    }
}
