//! How a command that changes something ended.

use std::time::Duration;

use super::{
    layout::{clean, paragraph},
    next::{self, Step},
    style::{Glyph, Paint, Style},
};
use crate::{
    api::{AppProgress, FailedInstance, Outcome, OutcomeKind},
    model::{AppState, human_duration},
};

/// The last lines an instance wrote to its standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// `web/0`.
    pub id: String,
    /// The lines, oldest first.
    pub lines: Vec<String>,
}

/// How it ended; after a failure every hold, the last lines of standard error and the next command.
pub fn outcome(outcome: &Outcome, tails: &[Tail], style: &Style) -> String {
    let mut out = headline(outcome, style);
    for alike in groups(&outcome.failed) {
        let tail = alike.iter().find_map(|failed| tails.iter().find(|tail| tail.id == failed.id));
        out.push('\n');
        out.push_str(&failure(&alike, tail, style));
    }
    out.push_str(&next::steps(&steps(outcome), style));
    out
}

/// A hundred instances of an app that fail for one reason are one thing to read.
fn groups(failed: &[FailedInstance]) -> Vec<Vec<&FailedInstance>> {
    let mut groups: Vec<Vec<&FailedInstance>> = Vec::new();
    for failed in failed {
        let is_alike = |group: &&mut Vec<&FailedInstance>| {
            group.first().is_some_and(|first| {
                app_of(&first.id) == app_of(&failed.id)
                    && is_same_but_for_numbers(&first.hold, &failed.hold)
            })
        };
        match groups.iter_mut().find(is_alike) {
            Some(group) => group.push(failed),
            None => groups.push(vec![failed]),
        }
    }
    groups
}

fn headline(outcome: &Outcome, style: &Style) -> String {
    let took = Duration::try_from_secs_f64(outcome.seconds.max(0.0)).unwrap_or_default();
    let took = human_duration(took);
    let all = match outcome.apps.len() {
        0 => "everything".to_owned(),
        1 => "1 app".to_owned(),
        count => format!("{count} apps"),
    };
    let not_yet = outcome.apps.iter().filter(|app| !is_fine(app)).count();
    let (word, paint, rest) = match outcome.result {
        OutcomeKind::Converged if outcome.apps.iter().all(|app| app.desired == 0) => {
            ("Done", Paint::Good, format!("nothing of {all} runs any more after {took}."))
        }
        OutcomeKind::Converged => ("Done", Paint::Good, format!("{all} as desired after {took}.")),
        OutcomeKind::Accepted => {
            ("Accepted", Paint::Good, "eco works on it; nobody waited for the end.".to_owned())
        }
        OutcomeKind::Failed => {
            ("Failed", Paint::Bad, format!("{not_yet} of {all} not as desired after {took}."))
        }
        OutcomeKind::TimedOut => (
            "Not done yet",
            Paint::Bad,
            format!("{not_yet} of {all} not as desired after {took}; eco goes on with it."),
        ),
        OutcomeKind::Superseded => {
            ("Superseded", Paint::Warn, "a later change took the place of this one.".to_owned())
        }
    };
    format!("{}: {rest}\n", style.paint(paint, word))
}

fn is_fine(app: &AppProgress) -> bool {
    match app.state {
        AppState::Ready | AppState::Stopped | AppState::Off | AppState::Done => app.settled,
        AppState::Converging | AppState::Degraded | AppState::CrashLooping | AppState::Failed => {
            false
        }
    }
}

fn failure(alike: &[&FailedInstance], tail: Option<&Tail>, style: &Style) -> String {
    let ids: Vec<&str> = alike.iter().map(|failed| failed.id.as_str()).collect();
    let mut out = paragraph(&ids.join(", "), 0, Paint::Strong, style);
    for failed in alike.iter().take(1) {
        out.push_str(&paragraph(&failed.hold, 2, Paint::Bad, style));
    }
    if alike.iter().any(|failed| failed.hold_code == "rolled_back") {
        let text = "rolled back: the last good state stands, and is not replaced again before the \
                    file changes or `eco apply` is repeated";
        out.push_str(&paragraph(text, 2, Paint::Plain, style));
    }
    let lines = tail.map(|tail| tail.lines.as_slice()).unwrap_or_default();
    if !lines.is_empty() {
        let whose = tail.filter(|_| 1 < alike.len()).map(|tail| clean(&tail.id));
        let whose =
            whose.map_or_else(|| "its last lines".to_owned(), |id| format!("{id}: last lines"));
        out.extend(["  ", &whose, " on stderr:\n"]);
    }
    for line in lines {
        // Not wrapped: a stack trace is best read, and copied, as it was written.
        let bar = style.paint(Paint::Dim, style.glyph(Glyph::Bar));
        out.extend(["  ", &bar, " ", &clean(line), "\n"]);
    }
    out
}

fn steps(outcome: &Outcome) -> Vec<Step> {
    let mut apps: Vec<String> = Vec::new();
    let mut silent: Vec<String> = Vec::new();
    for failed in &outcome.failed {
        // What could not be executed wrote nothing.
        let list = if failed.hold_code == "spawn_failed" { &mut silent } else { &mut apps };
        let app = app_of(&failed.id).to_owned();
        if !list.contains(&app) {
            list.push(app);
        }
    }
    let logs = Step::on("eco logs", &apps, "all it wrote");
    let described = Step::on("eco describe", &silent, "its command and cwd in full");
    let logs = logs.into_iter().chain(described);
    let status = Step::new("eco status", "how it stands");
    match outcome.result {
        OutcomeKind::Converged => Vec::new(),
        OutcomeKind::Accepted | OutcomeKind::Superseded => vec![status],
        OutcomeKind::TimedOut => logs.chain([status]).collect(),
        OutcomeKind::Failed => {
            let again = Step::new("eco apply", "once the cause is out of the way");
            logs.chain([again]).collect()
        }
    }
}

fn app_of(id: &str) -> &str {
    id.rsplit_once('/').map_or(id, |(app, _)| app)
}

fn is_same_but_for_numbers(left: &str, right: &str) -> bool {
    let words = |text: &str| text.replace(|c: char| c.is_ascii_digit() || c == '.', "");
    words(left) == words(right)
}
