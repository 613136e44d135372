//! When an app is started again: `autorestart`, delays, limits, memory, times.

use super::{app::Source, given::At};
use crate::config::written_tree::{Kind, Node, Problem};
use crate::import::tree::{Map, duration, plain, scalar, size, text};

/// PM2's own defaults, for what is written only in part.
const MIN_UPTIME: u64 = 1000;
const MAX_RESTARTS: u64 = 16;
/// PM2 waits no longer than this between restarts that come ever later, in milliseconds,
const BACKOFF_MAX: u64 = 15_000;
/// and counts anew after a run of this length.
const BACKOFF_RESET: u64 = 30_000;

pub(super) fn of(source: &Source<'_>, app: &mut Map) {
    let given = &source.given;
    let mut restart = Map::new(given.span);
    if !given.flag("autorestart", true) {
        let at = given.place("autorestart");
        restart.put("policy", at.key, text(at.value, "never"));
    }
    let longest = backoff(source, &mut restart);
    limit(source, &mut restart, longest);
    exit_codes(source, &mut restart);
    memory(source, &mut restart);
    cron(source, &mut restart);
    app.put_map("restart", given.span, restart);
}

/// The longest wait between restarts, in milliseconds.
fn backoff(source: &Source<'_>, restart: &mut Map) -> u64 {
    let given = &source.given;
    let mut put = |at: At, initial: u64, max: u64, factor: &str, reset: Option<u64>| {
        let mut backoff = Map::new(at.value);
        backoff.put("initial", at.key, duration(at.value, initial));
        backoff.put("factor", at.key, plain(at.value, &factor));
        backoff.put("max", at.key, duration(at.value, max));
        backoff.put("jitter", at.key, plain(at.value, &0));
        if let Some(reset) = reset {
            backoff.put("reset_after", at.key, duration(at.value, reset));
        }
        restart.put_map("backoff", at.key, backoff);
        max
    };
    // As PM2: the constant one counts where both are there.
    if let Some((delay, at)) = given.millis("restart_delay", false).filter(|(it, _)| *it != 0) {
        return put(at, delay, delay, "1", None);
    }
    match given.millis("exp_backoff_restart_delay", false) {
        Some((delay, at)) if delay != 0 => {
            put(at, delay, BACKOFF_MAX.max(delay), "1.5", Some(BACKOFF_RESET))
        }
        Some(_) | None => 0,
    }
}

fn limit(source: &Source<'_>, restart: &mut Map, longest: u64) {
    let given = &source.given;
    let uptime = given.millis("min_uptime", true);
    let most = given.number("max_restarts");
    let Some(at) = most.map(|it| it.1).or(uptime.map(|it| it.1)) else { return };
    let written = most.map_or(MAX_RESTARTS, |it| it.0);
    let failures = written.clamp(1, 100);
    if failures != written {
        let message =
            format!("`max_restarts: {written}` is `limit: {{ failures: {failures} }}` here");
        let problem = Problem::new("differs", message, at.value, "at least 1 and at most 100");
        source.reading.log.warn(problem.help(
            "`autorestart: false` never starts again; without `max_restarts` eco goes on for ever, at \
             longer and longer intervals",
        ));
    }
    let each = uptime.map_or(MIN_UPTIME, |it| it.0).saturating_add(longest);
    let within = failures.saturating_mul(each).max(1000);
    let mut limit = Map::new(at.value);
    limit.put("failures", at.key, plain(at.value, &failures));
    limit.put("within", at.key, duration(at.value, within));
    limit.put("then", at.key, text(at.value, "stop"));
    restart.put_map("limit", at.key, limit);
}

fn exit_codes(source: &Source<'_>, restart: &mut Map) {
    let Some(entry) = source.given.entry("stop_exit_codes") else { return };
    let is_code = |node: &Node| scalar(node).is_some_and(|text| text.parse::<u8>().is_ok());
    let good = match &entry.value.kind {
        Kind::Scalar(_) => is_code(&entry.value),
        Kind::List(items) => items.iter().all(|item| is_code(item)),
        Kind::Map(_) => false,
    };
    if good {
        restart.put("stop_exit_codes", entry.key_span, entry.value.clone());
    } else {
        source.given.wrong(entry, "an exit code or a list of them", "as in `[0, 143]`");
    }
}

fn memory(source: &Source<'_>, restart: &mut Map) {
    let Some((written, at)) = source.given.text("max_memory_restart") else { return };
    let digits = written.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = written.get(digits.len()..).unwrap_or_default().to_ascii_uppercase();
    let number = digits.trim().parse::<u64>().ok().filter(|number| *number != 0);
    let found = number.and_then(|number| match unit.as_str() {
        "" => Some(size(number)),
        "K" | "M" | "G" => Some(format!("{number}{unit}")),
        "KB" | "MB" | "GB" => Some(format!("{number}{}", unit.trim_end_matches('B'))),
        _ => None,
    });
    match (found, source.given.entry("max_memory_restart")) {
        (Some(size), _) => restart.put("max_memory", at.key, text(at.value, &size)),
        (None, Some(entry)) => source.given.wrong(entry, "a size", "as in `300M`, or in bytes"),
        (None, None) => {}
    }
}

fn cron(source: &Source<'_>, restart: &mut Map) {
    let Some((written, at)) = source.given.text("cron_restart") else { return };
    if !matches!(written, "" | "0" | "false") {
        restart.put("cron", at.key, text(at.value, &with_ranges(written)));
    }
}

/// `1/8` is every eighth one from 1 on for PM2, and no cron for others: `1-23/8`.
fn with_ranges(written: &str) -> String {
    const LAST: [u8; 6] = [59, 59, 23, 31, 12, 6];
    let fields: Vec<&str> = written.split_whitespace().collect();
    // Five of them are without the seconds.
    let Some(lasts) = LAST.len().checked_sub(fields.len()).and_then(|from| LAST.get(from..)) else {
        return written.to_owned();
    };
    let part = |part: &str, last: u8| match part.split_once('/') {
        Some((from, step)) if !from.is_empty() && from.bytes().all(|it| it.is_ascii_digit()) => {
            format!("{from}-{last}/{step}")
        }
        Some(_) | None => part.to_owned(),
    };
    let field = |(field, last): (&&str, &u8)| {
        let parts: Vec<String> = field.split(',').map(|it| part(it, *last)).collect();
        parts.join(",")
    };
    let fields: Vec<String> = fields.iter().zip(lasts).map(field).collect();
    fields.join(" ")
}
