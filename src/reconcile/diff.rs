//! What differs between two desired states of a project, field by field.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{App, AppName, Change, Effect};

use super::fields::{Fields, app_changes};

/// Every difference between what is desired and what would be, one per leaf, by app.
///
/// Values of `env` are given, and marked: whoever shows them decides. An override that `new` does
/// not have any more is a change of `instances` or `stopped`.
#[must_use]
pub fn diff(old: &BTreeMap<AppName, App>, new: &BTreeMap<AppName, App>) -> Vec<Change> {
    let names: BTreeSet<&AppName> = old.keys().chain(new.keys()).collect();
    names.into_iter().flat_map(|name| of_app(name, old.get(name), new.get(name))).collect()
}

fn of_app(name: &AppName, old: Option<&App>, new: Option<&App>) -> Vec<Change> {
    let there = |app: Option<&App>| app.is_some_and(|app| !app.removed);
    let mut fields = Fields::new(name);
    match (old.filter(|_| there(old)), new.filter(|_| there(new))) {
        (None, None) => {}
        (None, Some(_)) => fields.whole(Effect::Create),
        (Some(_), None) => fields.whole(Effect::Remove),
        (Some(old), Some(new)) => {
            overrides(&mut fields, old, new);
            app_changes(&mut fields, &old.spec, &new.spec);
        }
    }
    fields.finish()
}

/// The number of instances and whether the app is stopped, where file and operator both have a say.
fn overrides(fields: &mut Fields<'_>, old: &App, new: &App) {
    fields.differ("stopped", Effect::Scale, (&old.stopped, &new.stopped), bool::to_string);
    let count = |app: &App| app.scale.unwrap_or(app.spec.instances);
    if count(old) == count(new) {
        let (old, new) = (old.spec.instances, new.spec.instances);
        fields.differ("instances", Effect::None, (&old, &new), u32::to_string);
    } else {
        fields.differ("instances", Effect::Scale, (&count(old), &count(new)), u32::to_string);
    }
}
