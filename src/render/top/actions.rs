//! What the person has asked for and what became of it, for the line at the bottom.

use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::event::Told;
use crate::{
    api::{AppProgress, Outcome, OutcomeKind, Progress},
    model::human_duration,
    render::style::state_look,
};

/// So many are under way at once.
const MOST: usize = 8;
/// So long the end of one is shown.
const SHOWN: SignedDuration = SignedDuration::from_secs(20);

/// Something that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Action {
    id: u64,
    /// `restart web`.
    what: String,
    pub(super) told: Told,
    since: Timestamp,
}

/// What was asked for, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Actions {
    actions: VecDeque<Action>,
    latest: u64,
}

impl Actions {
    /// Takes one on and gives its number; `None` if too much is under way.
    pub(super) fn begin(&mut self, what: &str, now: Timestamp) -> Option<u64> {
        if MOST <= self.underway() {
            return None;
        }
        self.latest += 1;
        let told = Told::Underway("asked for".to_owned());
        self.actions.push_back(Action { id: self.latest, what: what.to_owned(), told, since: now });
        // Those that have ended are of no more use than one.
        while MOST * 2 < self.actions.len() {
            self.actions.pop_front();
        }
        Some(self.latest)
    }

    pub(super) fn tell(&mut self, id: u64, told: Told, now: Timestamp) {
        if let Some(action) = self.actions.iter_mut().find(|action| action.id == id) {
            action.told = told;
            action.since = now;
        }
    }

    /// Forgets what ended a while ago.
    pub(super) fn age(&mut self, now: Timestamp) {
        self.actions.retain(|action| match action.told {
            Told::Underway(_) => true,
            Told::Ended(..) => now.duration_since(action.since) < SHOWN,
        });
    }

    /// Forgets all that has ended.
    pub(super) fn dismiss(&mut self) {
        self.actions.retain(|action| matches!(action.told, Told::Underway(_)));
    }

    fn underway(&self) -> usize {
        self.actions.iter().filter(|it| matches!(it.told, Told::Underway(_))).count()
    }

    /// The newest in words, and how many others go on.
    pub(super) fn newest(&self) -> Option<(String, &Told, usize)> {
        let action = self.actions.back()?;
        let words = match &action.told {
            Told::Underway(words) | Told::Ended(_, words) => words,
        };
        let others = self.actions.iter().rev().skip(1);
        let others = others.filter(|it| matches!(it.told, Told::Underway(_))).count();
        Some((format!("{}: {words}", action.what), &action.told, others))
    }
}

/// What a line of the controller's answer says of an action; nothing if it is its plan.
pub fn told(progress: &Progress) -> Option<Told> {
    match progress {
        Progress::Plan(_) => None,
        Progress::App(app) => Some(Told::Underway(underway(app))),
        Progress::Result(outcome) => Some(ended(outcome)),
    }
}

fn underway(app: &AppProgress) -> String {
    let (word, _, _) = state_look(app.state);
    let hold = app.hold.as_ref().map_or_else(String::new, |hold| format!(", {hold}"));
    format!("{word} {}/{}{hold}", app.ready, app.desired)
}

fn ended(outcome: &Outcome) -> Told {
    let took = Duration::try_from_secs_f64(outcome.seconds.max(0.0)).unwrap_or_default();
    let took = human_duration(took);
    let failed = outcome.failed.first();
    let why = failed.map_or_else(String::new, |it| format!(": {}: {}", it.id, it.hold));
    match outcome.result {
        OutcomeKind::Converged => Told::Ended(true, format!("done after {took}")),
        OutcomeKind::Accepted => Told::Ended(true, "accepted".to_owned()),
        OutcomeKind::Failed => Told::Ended(false, format!("failed after {took}{why}")),
        OutcomeKind::TimedOut => {
            Told::Ended(false, format!("not done after {took}; eco goes on with it{why}"))
        }
        OutcomeKind::Superseded => Told::Ended(false, "a later change took its place".to_owned()),
    }
}
