//! What a set of changes will interrupt, in words.

use std::collections::BTreeMap;

use crate::model::{App, AppName, Change, Effect, Interruption};

/// The greatest effect on each app.
#[must_use]
pub fn effects(changes: &[Change]) -> BTreeMap<AppName, Effect> {
    let mut greatest = BTreeMap::new();
    for change in changes {
        let effect = greatest.entry(change.app.clone()).or_insert(Effect::None);
        *effect = change.effect.max(*effect);
    }
    greatest
}

/// What `changes`, the difference between `old` and `new`, will interrupt: at most one entry for
/// each app, none for those that only gain.
#[must_use]
pub fn interruptions(
    changes: &[Change],
    old: &BTreeMap<AppName, App>,
    new: &BTreeMap<AppName, App>,
) -> Vec<Interruption> {
    effects(changes)
        .into_iter()
        .filter_map(|(app, effect)| {
            let (old, new) = (old.get(&app), new.get(&app));
            let (instances, text) = interruption(effect, old, new)?;
            (instances != 0).then_some(Interruption { app, instances, text })
        })
        .collect()
}

fn wanted(app: Option<&App>) -> u32 {
    app.map_or(0, App::wanted)
}

fn is_job(app: Option<&App>) -> bool {
    app.is_some_and(|app| app.spec.is_job())
}

/// How many instances are affected, and how.
fn interruption(effect: Effect, old: Option<&App>, new: Option<&App>) -> Option<(u32, String)> {
    let (before, after) = (wanted(old), wanted(new));
    let stops = || {
        let fewer = before.saturating_sub(after);
        (fewer, stop_text(fewer, before))
    };
    match effect {
        Effect::None | Effect::Live | Effect::Create => None,
        // A job that runs is let finish.
        Effect::Rolling if is_job(old) && is_job(new) => None,
        Effect::Scale | Effect::Remove => Some(stops()),
        Effect::Rolling | Effect::Recreate if after == 0 => Some(stops()),
        Effect::Rolling => Some(rolling(old?, new?, before, after).unwrap_or_else(stops)),
        Effect::Recreate => Some((before, recreate_text(before))),
    }
}

/// What callers find while an instance is replaced.
enum Meanwhile {
    /// Nobody.
    Down,
    /// The other instances at the shared port, as far as there are any.
    Shared,
}

/// What replacing `before` instances one after the other interrupts; `None` is nothing.
fn rolling(old: &App, new: &App, before: u32, after: u32) -> Option<(u32, String)> {
    let rollout = &new.spec.rollout;
    let missing = rollout.max_unavailable.rounded_down(after).clamp(1, before.max(1));
    let (without, meanwhile, missing) = match (&old.spec.listen, &new.spec.listen) {
        // A socket of the program's own and a shared one keep each other out: no new instance
        // starts before the last old one is gone.
        (None, Some(_)) => ("so far without `listen`", Meanwhile::Down, before),
        (Some(_), None) => ("from now on without `listen`", Meanwhile::Down, before),
        (None | Some(_), _) if rollout.max_surge.rounded_up(after) != 0 => return None,
        (None, None) => ("without `listen`", Meanwhile::Down, missing),
        (Some(_), Some(_)) => ("without a surge", Meanwhile::Shared, missing),
    };
    let (who, down) = match (before, missing) {
        (1, _) => (format!("1 instance {without}"), "down for its start time"),
        (all, missing) if missing == all => {
            (format!("{all} instances {without}, all at once"), "down for their start time")
        }
        (all, 1) => {
            (format!("{all} instances {without}, one at a time"), "each is down for its start time")
        }
        (all, missing) => {
            let who = format!("{all} instances {without}, {missing} at a time");
            (who, "each is down for its start time")
        }
    };
    let fate = match meanwhile {
        Meanwhile::Down => down,
        // Those that wait at the socket of the former ones are cut off with it.
        Meanwhile::Shared if missing == before => down,
        Meanwhile::Shared => "the others serve meanwhile",
    };
    let text = format!("{who}: {fate}");
    Some((before, text))
}

fn stop_text(stopping: u32, of: u32) -> String {
    match (stopping, of) {
        (1, 1) => "its instance stops".to_owned(),
        (1, _) => "1 instance stops".to_owned(),
        (some, all) if some == all => format!("all {all} instances stop"),
        (some, _) => format!("{some} instances stop"),
    }
}

fn recreate_text(all: u32) -> String {
    match all {
        1 => "its instance stops before a new one starts".to_owned(),
        _ => format!("all {all} instances stop before new ones start"),
    }
}
