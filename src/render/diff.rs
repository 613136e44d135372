//! What an apply would change, do and interrupt.

use super::{
    layout::{Cell, Table, columns, hanging, pad, paragraph},
    style::{Glyph, Paint, Style},
};
use crate::{
    api::{ActionReply, ChangeReply, DiffReply},
    model::Effect,
};

/// What an apply would change, do and interrupt.
pub fn diff(reply: &DiffReply, style: &Style) -> String {
    let mut out = String::new();
    if reply.is_empty() {
        out.push_str("Nothing to do: everything is as it should be.\n");
    }
    if !reply.changes.is_empty() {
        out.push_str(&summary(reply, style));
    }
    for changes in reply.changes.chunk_by(|left, right| left.app == right.app) {
        out.push('\n');
        out.push_str(&app(changes, style));
    }
    if !reply.actions.is_empty() {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&actions(&reply.actions, style));
    }
    for interruption in &reply.interruption {
        let lead = format!("interrupts {}: ", interruption.app);
        out.push_str(&hanging(&lead, &interruption.text, 0, Paint::Warn, style));
    }
    for note in &reply.notes {
        out.push_str(&hanging("note: ", note, 0, Paint::Dim, style));
    }
    out
}

/// `shop: 1 app to create, 2 to change, 1 to remove`
fn summary(reply: &DiffReply, style: &Style) -> String {
    let (mut created, mut changed, mut removed) = (0_usize, 0_usize, 0_usize);
    let of_apps = reply.changes.iter().filter(|change| !change.app.is_empty());
    let of_apps: Vec<&ChangeReply> = of_apps.collect();
    for changes in of_apps.chunk_by(|left, right| left.app == right.app) {
        match effect_on_app(changes.iter().copied()) {
            Effect::Create => created += 1,
            Effect::Remove => removed += 1,
            Effect::None | Effect::Live | Effect::Scale | Effect::Rolling | Effect::Recreate => {
                changed += 1;
            }
        }
    }
    let counts = [(created, "create"), (changed, "change"), (removed, "remove")];
    let own = reply.changes.iter().any(|change| change.app.is_empty());
    let mut parts = Vec::new();
    for (count, verb) in counts.into_iter().filter(|(count, _)| 0 < *count) {
        let apps = match (parts.is_empty(), count) {
            (true, 1) => " app",
            (true, _) => " apps",
            (false, _) => "",
        };
        parts.push(format!("{count}{apps} to {verb}"));
    }
    parts.extend(own.then(|| "a key of the project to change".to_owned()));
    let project = style.paint(Paint::Strong, &super::layout::clean(&reply.project));
    format!("{project}: {}\n", parts.join(", "))
}

fn effect_on_app<'a>(changes: impl IntoIterator<Item = &'a ChangeReply>) -> Effect {
    changes.into_iter().map(|change| change.effect).max().unwrap_or(Effect::None)
}

fn app(changes: &[ChangeReply], style: &Style) -> String {
    let effect = effect_on_app(changes);
    let (sign, paint) = match effect {
        Effect::Create => ("+", Paint::Good),
        Effect::Remove => ("-", Paint::Bad),
        Effect::None | Effect::Live | Effect::Scale | Effect::Rolling | Effect::Recreate => {
            ("~", Paint::Warn)
        }
    };
    let name = changes.first().map(|change| super::layout::clean(&change.app)).unwrap_or_default();
    let name = if name.is_empty() { "the project".to_owned() } else { name };
    let name = style.paint(Paint::Strong, &name);
    let mut out = format!("{} {name}: {}\n", style.paint(paint, sign), in_words(effect));
    let fields: Vec<&ChangeReply> =
        changes.iter().filter(|change| !change.field.is_empty()).collect();
    let width = fields.iter().map(|change| columns(&change.field)).max().unwrap_or_default();
    for change in fields {
        out.push_str(&field(change, effect, width.min(style.width / 2), style));
    }
    out
}

fn in_words(effect: Effect) -> &'static str {
    match effect {
        Effect::None => "nothing has to be done for it",
        Effect::Live => "holds at once, no process is touched",
        Effect::Scale => "instances are added or removed, the others stay",
        Effect::Rolling => "instances are replaced one by one",
        Effect::Recreate => "all instances stop, then new ones start",
        Effect::Create => "is new",
        Effect::Remove => "is stopped and goes away",
    }
}

/// In a word or two, for a field that takes less than the whole app's changes do.
fn in_short(effect: Effect) -> &'static str {
    match effect {
        Effect::None => "no effect",
        Effect::Live => "at once",
        Effect::Scale => "adds or removes instances",
        Effect::Rolling => "one by one",
        Effect::Recreate => "all at once",
        Effect::Create => "new",
        Effect::Remove => "goes away",
    }
}

fn field(change: &ChangeReply, whole: Effect, width: usize, style: &Style) -> String {
    let arrow = style.glyph(Glyph::Arrow);
    let hidden = change.masked.then_some("(hidden)");
    let old = change.old.as_deref().map(|value| hidden.unwrap_or(value));
    let new = change.new.as_deref().map(|value| hidden.unwrap_or(value));
    let (sign, paint, mut text) = match (old, new) {
        (None, Some(new)) => ("+", Paint::Good, shown(new)),
        (Some(old), None) => ("-", Paint::Bad, shown(old)),
        (Some(old), Some(new)) if hidden.is_none() => {
            ("~", Paint::Warn, format!("{} {arrow} {}", shown(old), shown(new)))
        }
        (_, _) if change.masked => ("~", Paint::Warn, "(hidden) changed".to_owned()),
        (_, _) => ("~", Paint::Warn, "changed".to_owned()),
    };
    if change.effect != whole {
        text.extend(["  (", in_short(change.effect), ")"]);
    }
    let name = pad(&super::layout::clean(&change.field), width);
    let lines = hanging(&format!("{sign} {name}  "), &text, 4, Paint::Plain, style);
    // The sign is painted afterwards, since escape codes would count as columns.
    lines.replacen(sign, &style.paint(paint, sign), 1)
}

/// An empty value would be invisible.
fn shown(value: &str) -> String {
    if value.is_empty() { "\"\"".to_owned() } else { value.to_owned() }
}

fn actions(actions: &[ActionReply], style: &Style) -> String {
    let count = |verb: &str| actions.iter().filter(|action| action.action == verb).count();
    let others = actions.len() - count("start") - count("stop") - count("kill");
    let parts: Vec<String> = [
        (count("start"), "to start"),
        (count("stop"), "to stop"),
        (count("kill"), "to kill"),
        (others, "other actions"),
    ]
    .iter()
    .filter(|(count, _)| 0 < *count)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    let mut out = paragraph(&format!("instances: {}", parts.join(", ")), 0, Paint::Plain, style);
    let mut table = Table::new(&[]);
    for (action, instances) in groups(actions) {
        table.row(vec![
            Cell::new(format!("  {}", action.action)),
            Cell::new(format!("{}/{}", action.app, ranges(&instances))),
            Cell::painted(&action.reason, Paint::Dim),
        ]);
    }
    out.push_str(&table.render(style));
    out
}

/// Actions that differ in the instance alone, together, in the order of their first.
fn groups(actions: &[ActionReply]) -> Vec<(&ActionReply, Vec<u32>)> {
    let mut groups: Vec<(&ActionReply, Vec<u32>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for action in actions {
        let key = (&action.action, &action.app, &action.reason);
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, instances)) => instances.push(action.instance),
            None => groups.push((action, vec![action.instance])),
        }
    }
    groups
}

/// `0-3,7`
fn ranges(instances: &[u32]) -> String {
    let mut sorted = instances.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let runs = sorted.chunk_by(|left, right| left.checked_add(1) == Some(*right));
    let texts: Vec<String> = runs
        .filter_map(|run| match run {
            [] => None,
            [only] => Some(only.to_string()),
            [first, .., last] => Some(format!("{first}-{last}")),
        })
        .collect();
    texts.join(",")
}
