//! The short form of an alert: `p99 > 500ms for 2m`, `restarts > 3 in 5m`, `down`. Each complaint has
//! the word it is about.

use std::{ops::Range, time::Duration};

use super::{
    scalar::{Complaint, DurationText, Scalar as _, SizeText},
    suggest::{choices, nearest, quoted},
};
use crate::model::{AlertCondition, AlertMetric, AlertUnit, AlertedState, Than};

/// The one condition that is neither a state nor measured.
const RESTARTS: &str = "restarts";
/// More exits than this nobody remembers.
const MOST_RESTARTS: u32 = 100;
const OPERATORS: [(&str, Than); 4] =
    [(">=", Than::AtLeast), ("<=", Than::AtMost), (">", Than::More), ("<", Than::Less)];

/// What an alert says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    /// Its words, with one blank between two.
    pub(super) words: String,
    pub(super) condition: AlertCondition,
    pub(super) lasting: Duration,
}

/// What is wrong with an alert.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    /// The place in its text.
    pub(super) range: Range<usize>,
    pub(super) complaint: Complaint,
}

#[derive(Clone, Debug)]
struct Word<'a> {
    text: &'a str,
    range: Range<usize>,
}

impl Word<'_> {
    fn wrong(&self, complaint: Complaint) -> Wrong {
        Wrong { range: self.range.clone(), complaint }
    }
}

/// Words that are looked at one after the other.
struct Words<'a> {
    all: Vec<Word<'a>>,
    next: usize,
    end: usize,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let length = word_length(rest);
            if length == 0 {
                at += rest.chars().next().map_or(1, char::len_utf8);
                continue;
            }
            let range = at..at + length;
            all.push(Word { text: text.get(range.clone()).unwrap_or_default(), range });
            at += length;
        }
        Self { all, next: 0, end: text.len() }
    }

    fn take(&mut self) -> Option<Word<'a>> {
        let word = self.all.get(self.next).cloned();
        self.next += 1;
        word
    }

    /// The next word; without one `complaint` is about the last.
    fn need(&mut self, complaint: impl FnOnce() -> Complaint) -> Result<Word<'a>, Wrong> {
        let last = self.all.last().map_or(0..self.end, |word| word.range.clone());
        self.take().ok_or_else(|| Wrong { range: last, complaint: complaint() })
    }
}

/// How long the word at the start is; 0 for a blank. Signs are words of their own.
fn word_length(text: &str) -> usize {
    let is_sign = |c: char| "<>=!".contains(c);
    let Some(first) = text.chars().next() else { return 0 };
    if first.is_whitespace() {
        return 0;
    }
    let ends = |c: char| c.is_whitespace() || is_sign(c) != is_sign(first);
    text.find(ends).unwrap_or(text.len())
}

/// Reads an alert.
pub(super) fn read(text: &str) -> Result<Said, Wrong> {
    let mut words = Words::of(text);
    let first = words.need(|| {
        Complaint::new("an alert is empty", "when?").help("as in `down`, or `p99 > 500ms for 2m`")
    })?;
    let metric = AlertMetric::ALL.into_iter().find(|metric| metric.word() == first.text);
    let state = AlertedState::ALL.into_iter().find(|state| state.word() == first.text);
    let (condition, lasting) = match (metric, state) {
        (Some(metric), _) => measured(metric, &mut words)?,
        (None, Some(state)) => {
            let times = times(&mut words, Some(state.word()))?;
            (AlertCondition::State(state), times.lasting)
        }
        (None, None) if first.text == RESTARTS => restarts(&first, &mut words)?,
        (None, None) => return Err(unknown(&first)),
    };
    let words: Vec<&str> = words.all.iter().map(|word| word.text).collect();
    Ok(Said { words: words.join(" "), condition, lasting })
}

fn unknown(word: &Word<'_>) -> Wrong {
    let known: Vec<&str> = AlertMetric::ALL
        .into_iter()
        .map(AlertMetric::word)
        .chain([RESTARTS])
        .chain(AlertedState::ALL.into_iter().map(AlertedState::word))
        .collect();
    let meant = match word.text.to_lowercase().as_str() {
        "latency" | "duration" | "response_time" | "p95" => Some("p99"),
        "rps" | "requests" | "throughput" => Some("rate"),
        "error_rate" | "5xx" | "error" => Some("errors"),
        "rss" | "mem" | "ram" => Some("memory"),
        "crash" | "crashed" | "crashes" | "crashloop" => Some("crash_looping"),
        "failed" => Some("job_failed"),
        "unready" | "unavailable" => Some("not_ready"),
        other => nearest(other, known.iter().copied()),
    };
    let message = format!("there is no alert on {}", quoted(word.text));
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there are alerts on {}", choices(&known).replace(" or ", " and ")),
    };
    word.wrong(Complaint::new(message, "nothing that is looked at").help(help))
}

fn measured(
    metric: AlertMetric,
    words: &mut Words<'_>,
) -> Result<(AlertCondition, Duration), Wrong> {
    let name = metric.word();
    let than = operator(name, example(metric), words)?;
    let bound = words.need(|| no_bound(name, example(metric)))?;
    let value = value(metric, bound.text).map_err(|complaint| bound.wrong(complaint))?;
    let times = times(words, None)?;
    let window = match times.within {
        None => AlertMetric::WINDOWS[0],
        Some((within, word)) => window(metric, within).map_err(|it| word.wrong(it))?,
    };
    Ok((AlertCondition::Measured { metric, than, bound: value, window }, times.lasting))
}

fn window(metric: AlertMetric, within: Duration) -> Result<u32, Complaint> {
    if !metric.has_window() {
        let message = format!("`{}` is looked at as it is now, not over a while", metric.word());
        return Err(Complaint::new(message, "has no meaning here")
            .help("`for` says how long the condition has to hold, as in `for 2m`"));
    }
    let found =
        AlertMetric::WINDOWS.into_iter().find(|it| Duration::from_secs((*it).into()) == within);
    found.ok_or_else(|| {
        let message = "requests are measured over a minute, five minutes and an hour";
        Complaint::new(message, "expected `1m`, `5m` or `1h`")
            .help("`for` says how long the condition has to hold, as in `for 2m`")
    })
}

fn restarts(first: &Word<'_>, words: &mut Words<'_>) -> Result<(AlertCondition, Duration), Wrong> {
    const AS_IN: &str = "restarts > 3 in 5m";
    let than = operator(RESTARTS, AS_IN, words)?;
    let bound = words.need(|| no_bound(RESTARTS, AS_IN))?;
    let count = bound.text.parse().ok().filter(|count| *count <= MOST_RESTARTS);
    let Some(count) = count else {
        let message = format!("{} is not a number of restarts", quoted(bound.text));
        return Err(bound.wrong(Complaint::new(message, "expected a whole number up to 100")));
    };
    let times = times(words, None)?;
    let Some((within, word)) = times.within else {
        let message = "`restarts` are counted within a time";
        let complaint = Complaint::new(message, "within which time?");
        return Err(first.wrong(complaint.help(format!("as in `{AS_IN}`"))));
    };
    if within.is_zero() {
        let message = "within no time there can be no restarts";
        return Err(word.wrong(Complaint::new(message, "needs to be longer")));
    }
    Ok((AlertCondition::Restarts { than, count, within }, times.lasting))
}

fn example(metric: AlertMetric) -> &'static str {
    match metric.unit() {
        AlertUnit::Time => "p99 > 500ms for 2m",
        AlertUnit::PerSecond => "rate > 100/s for 2m",
        AlertUnit::Percent => "errors > 5% for 1m",
        AlertUnit::Bytes => "memory > 300M for 5m",
        AlertUnit::Cores => "cpu > 1.5 for 5m",
        AlertUnit::Count => "queue > 10 for 30s",
    }
}

fn no_bound(name: &str, example: &str) -> Complaint {
    Complaint::new(format!("the alert on `{name}` has no bound"), "than what?")
        .help(format!("as in `{example}`"))
}

fn operator(name: &str, example: &str, words: &mut Words<'_>) -> Result<Than, Wrong> {
    let word = words.need(|| no_bound(name, example))?;
    let found = OPERATORS.iter().find(|(sign, _)| *sign == word.text).map(|(_, than)| *than);
    found.ok_or_else(|| {
        let message = format!("{} does not compare `{name}` with a bound", quoted(word.text));
        let complaint = Complaint::new(message, "expected `>`, `>=`, `<` or `<=`");
        word.wrong(complaint.help(format!("as in `{example}`")))
    })
}

/// A bound in the unit of its metric.
fn value(metric: AlertMetric, text: &str) -> Result<f64, Complaint> {
    let unitless = |unit: &str| {
        let message = format!("the bound of `{}`, {}, needs a unit", metric.word(), quoted(text));
        Complaint::new(message, format!("expected {unit}"))
            .help(format!("as in `{}`", example(metric)))
    };
    let wrong = |wanted: &str| {
        let message = format!("{} is no bound of `{}`", quoted(text), metric.word());
        Complaint::new(message, format!("expected {wanted}"))
            .help(format!("as in `{}`", example(metric)))
    };
    let is_bare = decimal(text).is_some();
    match metric.unit() {
        AlertUnit::Time if is_bare => Err(unitless("a duration, as `500ms`")),
        // One division of whole numbers: the nearest there is, which is written and read without loss.
        AlertUnit::Time => {
            DurationText::read(text).map(|it| whole(it.0.as_nanos()) / 1_000_000_000.0)
        }
        AlertUnit::Bytes if is_bare => Err(unitless("a size, as `300M`")),
        AlertUnit::Bytes => SizeText::read(text).map(|it| whole(it.0.into())),
        AlertUnit::PerSecond if is_bare => Err(unitless("a number a second, as `100/s`")),
        AlertUnit::PerSecond => {
            text.strip_suffix("/s").and_then(decimal).ok_or_else(|| wrong("a number a second"))
        }
        AlertUnit::Percent if is_bare => Err(unitless("a percentage, as `5%`")),
        AlertUnit::Percent => text
            .strip_suffix('%')
            .and_then(decimal)
            .filter(|percent| *percent <= 100.0)
            .ok_or_else(|| wrong("a percentage from 0% to 100%")),
        AlertUnit::Cores => decimal(text).ok_or_else(|| wrong("a number of processors")),
        AlertUnit::Count => decimal(text).ok_or_else(|| wrong("a number")),
    }
}

/// A whole number as the nearest there is.
fn whole(number: u128) -> f64 {
    number.to_string().parse().unwrap_or(f64::MAX)
}

/// A number without a sign, as `12` or `1.5`.
fn decimal(text: &str) -> Option<f64> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let good = is_digits(whole) && is_digits(fraction) && text.len() <= 15;
    text.parse().ok().filter(|_| good)
}

/// `for` and `in`.
struct Times<'a> {
    lasting: Duration,
    within: Option<(Duration, Word<'a>)>,
}

/// The rest: `for 2m`, `in 5m`, or both. `state` is what is neither counted nor measured.
fn times<'a>(words: &mut Words<'a>, state: Option<&str>) -> Result<Times<'a>, Wrong> {
    let (mut lasting, mut within) = (None, None);
    while let Some(word) = words.take() {
        let is_new = match word.text {
            "for" => lasting.is_none(),
            "in" => within.is_none() && state.is_none(),
            _ => return Err(not_a_time(&word, state)),
        };
        if !is_new {
            return Err(not_a_time(&word, state));
        }
        let time = words.need(|| {
            let message = format!("`{}` has no duration", word.text);
            Complaint::new(message, "how long?").help(format!("as in `{} 5m`", word.text))
        })?;
        let span = DurationText::read(time.text).map_err(|it| time.wrong(it))?;
        match word.text {
            "for" => lasting = Some(span.0),
            _ => within = Some((span.0, time)),
        }
    }
    Ok(Times { lasting: lasting.unwrap_or_default(), within })
}

fn not_a_time(word: &Word<'_>, state: Option<&str>) -> Wrong {
    let message = match state {
        Some(state) if OPERATORS.iter().any(|(sign, _)| *sign == word.text) => {
            format!("`{state}` is no number: it holds or does not")
        }
        Some(_) | None => format!("{} does not belong here", quoted(word.text)),
    };
    let (label, help) = match state {
        Some(state) => ("expected `for` or nothing", format!("as in `{state} for 30s`")),
        None => {
            ("expected `for`, `in` or nothing", "each may stand once, as in `for 2m`".to_owned())
        }
    };
    word.wrong(Complaint::new(message, label).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn good_ones_are_understood() {
        let said = read("  p99>500ms   for 2m ").unwrap();
        assert_eq!(said.words, "p99 > 500ms for 2m");
        assert_eq!(said.lasting, seconds(120));
        let (metric, than) = (AlertMetric::P99, Than::More);
        let condition = AlertCondition::Measured { metric, than, bound: 0.5, window: 60 };
        assert_eq!(said.condition, condition);
        let said = read("restarts >= 3 in 5m").unwrap();
        let (than, within) = (Than::AtLeast, seconds(300));
        assert_eq!(said.condition, AlertCondition::Restarts { than, count: 3, within });
        assert_eq!(read("down").unwrap().condition, AlertCondition::State(AlertedState::Down));
        for metric in AlertMetric::ALL {
            let text = example(metric).replacen(
                example(metric).split(' ').next().unwrap(),
                metric.word(),
                1,
            );
            assert!(read(&text).is_ok(), "{text}");
        }
        for state in AlertedState::ALL {
            assert!(read(&format!("{} for 3s", state.word())).is_ok());
        }
    }

    #[test]
    fn bounds_survive_being_stored() {
        for text in ["p99 > 1.3s", "p50 < 812us", "errors > 7.3%", "max > 1m30.7s", "memory > 1.7G"]
        {
            let Ok(Said { condition, .. }) = read(text) else { continue };
            let stored = serde_json::to_string(&condition).unwrap();
            assert_eq!(
                serde_json::from_str::<AlertCondition>(&stored).unwrap(),
                condition,
                "{text}"
            );
        }
    }

    #[test]
    fn each_complaint_is_about_the_right_word() {
        for (text, word) in [
            ("p98 > 500ms", "p98"),
            ("p99 500ms", "500ms"),
            ("p99 == 500ms", "=="),
            ("p99 > 500", "500"),
            ("p99 > 500ms for", "for"),
            ("p99 > 500ms for 2", "2"),
            ("p99 > 500ms since 2m", "since"),
            ("p99 > 500ms for 2m for 3m", "for"),
            ("p99 > 500ms in 2m", "2m"),
            ("p99", "p99"),
            ("errors > 5", "5"),
            ("errors > 500%", "500%"),
            ("rate > 5", "5"),
            ("memory > 300", "300"),
            ("memory > 3M in 5m", "5m"),
            ("cpu > -1", "-1"),
            ("restarts > 3", "restarts"),
            ("restarts > 3 in 0s", "0s"),
            ("restarts > x in 5m", "x"),
            ("down > 3", ">"),
            ("down in 5m", "in"),
            ("", ""),
        ] {
            assert_eq!(&text[read(text).unwrap_err().range], word, "{text}");
        }
        let help = read("p98 > 500ms").unwrap_err().complaint.help.unwrap();
        assert!(help.contains("did you mean `p9"), "{help}");
    }
}
