//! `diff` and `plan` agree: what has no diff, or a live one only, touches no process; what replaces
//! instances has another revision.

use std::collections::BTreeMap;

use eco::{
    model::{App, AppName, AppSpec, Effect},
    reconcile,
};
use proptest::{collection::vec, prelude::*};

use super::{
    fixtures::{app, desired, edited, key, ms, spec},
    properties::config,
    schedules::{Edit, edit},
    world::World,
};

fn with(edits: &[Edit]) -> App {
    edited(&app(spec()), |spec| edits.iter().for_each(|edit| edit.make(spec)))
}

fn named(app: &App) -> BTreeMap<AppName, App> {
    BTreeMap::from([(key("shop", "web").app, app.clone())])
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn the_effect_of_a_diff_is_what_happens(
        old in vec(edit(), 0..4),
        new in vec(edit(), 0..4),
        seed: u64,
    ) {
        let (old, new) = (with(&old), with(&new));
        let changes = reconcile::diff(&named(&old), &named(&new));
        let effect = changes.iter().map(|change| change.effect).max();
        prop_assert_eq!(changes.is_empty(), old.spec == new.spec);
        prop_assert_eq!(effect >= Some(Effect::Rolling), old.revision != new.revision);

        let key = key("shop", "web");
        let mut world = World::new(desired([(key.clone(), old.clone())]), seed);
        world.drive_all();
        world.run_until(world.now.after(ms(5_000)));
        let (lines, runs) = (world.log.len(), world.keeper.processes.len());
        world.edit(&key, |spec| *spec = AppSpec::clone(&new.spec));
        world.run_until(world.now.after(ms(60_000)));
        let started = world.keeper.processes.len() - runs;
        // A stop that may take no time is a stop and a kill; that is one process touched.
        let told = |line: &&String| line.contains(" start ") || line.contains(" stop ");
        let touched = world.log[lines..].iter().filter(told).count();
        match effect {
            None | Some(Effect::None | Effect::Live) => prop_assert_eq!(touched, 0),
            Some(Effect::Scale) => {
                let (old, new) = (old.spec.instances, new.spec.instances);
                prop_assert_eq!(touched, old.abs_diff(new) as usize);
                prop_assert_eq!(started, new.saturating_sub(old) as usize);
            }
            Some(_) => {
                let (old, new) = (old.spec.instances as usize, new.spec.instances as usize);
                prop_assert_eq!((touched, started), (old + new, new));
            }
        }
    }

    /// The whole is its parts, in order.
    #[test]
    fn plans_of_apps_make_up_the_plan(edits in vec(edit(), 0..6), seed: u64) {
        let keys = [key("a", "web"), key("a", "worker"), key("b", "web")];
        let apps = keys.clone().map(|key| (key, with(&edits)));
        let world = World::new(desired(apps), seed);
        let whole = reconcile::plan(&world.desired, &world.observed, world.now);
        let mut actions = Vec::new();
        for (key, app) in world.desired.apps() {
            let generation = world.desired.projects[&key.project].generation;
            let part = reconcile::plan_app(&key, generation, Some(app), None, world.now);
            actions.extend(part.actions);
        }
        prop_assert_eq!(whole.actions, actions);
    }
}
