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
            let (before, after) = (wanted(old.get(&app)), wanted(new.get(&app)));
            interruption(app, effect, before, after)
        })
        .collect()
}

fn wanted(app: Option<&App>) -> u32 {
    app.map_or(0, App::wanted)
}

fn interruption(app: AppName, effect: Effect, before: u32, after: u32) -> Option<Interruption> {
    let (instances, what) = match effect {
        Effect::None | Effect::Live | Effect::Create => return None,
        Effect::Scale if before <= after => return None,
        Effect::Scale => (before - after, stop_text(before - after, before)),
        Effect::Rolling => (before, rolling_text(before)),
        Effect::Recreate if after == 0 => (before, stop_text(before, before)),
        Effect::Recreate => (before, recreate_text(before)),
        Effect::Remove => (before, stop_text(before, before)),
    };
    (instances != 0).then_some(Interruption { text: what, app, instances })
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

fn rolling_text(all: u32) -> String {
    match all {
        1 => "its instance is replaced".to_owned(),
        _ => format!("all {all} instances are replaced one by one"),
    }
}
