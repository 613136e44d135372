//! Who an app's processes run as and what they may use: each difference is a new revision, and told
//! as one that takes new processes.

use std::collections::BTreeMap;

use eco::{
    model::{App, AppName, AppSpec, Bound, Effect, LimitPolicy, ProcessPolicy},
    reconcile::{diff, revision},
};
use proptest::prelude::*;

use super::fixtures::spec;

fn bound() -> impl Strategy<Value = Option<Bound>> {
    prop::option::of(prop_oneof![
        Just(Bound::Unlimited),
        (0_u64..5000).prop_map(Bound::Bytes),
        (1_u64..4).prop_map(|count| Bound::Bytes(count << 20)),
    ])
}

fn limits() -> impl Strategy<Value = LimitPolicy> {
    let number = || prop::option::of(1_u64..3000);
    let cpu = prop::option::of(10_u32..3000);
    (number(), cpu, number(), number(), bound(), bound(), bound(), bound()).prop_map(
        |(memory, cpu, processes, nofile, core, file_size, stack, locked_memory)| LimitPolicy {
            memory,
            cpu,
            processes,
            nofile,
            core,
            file_size,
            stack,
            locked_memory,
        },
    )
}

fn process() -> impl Strategy<Value = ProcessPolicy> {
    let name = || prop::option::of("[a-z0-9]{1,3}");
    let small = || prop::option::of(-3_i32..3);
    (name(), name(), prop::option::of(0_u32..0o777), small(), small(), limits()).prop_map(
        |(user, group, umask, nice, oom_score_adj, limits)| ProcessPolicy {
            user,
            group,
            umask,
            nice,
            oom_score_adj,
            limits,
        },
    )
}

fn app(process: ProcessPolicy) -> (BTreeMap<AppName, App>, AppSpec) {
    let spec = AppSpec { process, ..spec() };
    let app = App::new(spec.clone(), revision(&spec));
    ([("web".parse().unwrap(), app)].into(), spec)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_differs_is_told_and_replaced(old in process(), new in process(), keep in any::<bool>()) {
        // Two of a hundred are never the same by chance.
        let new = if keep { old.clone() } else { new };
        let differs = old != new;
        let ((old_apps, old), (new_apps, new)) = (app(old), app(new));
        let changes = diff(&old_apps, &new_apps);
        prop_assert_eq!(!changes.is_empty(), differs);
        prop_assert_eq!(revision(&old) != revision(&new), differs);
        for change in changes {
            prop_assert_eq!(change.effect, Effect::Rolling);
            prop_assert!(change.old != change.new, "{} reads the same", change.field);
        }
    }

    #[test]
    fn a_stored_policy_comes_back(policy in process()) {
        let text = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<ProcessPolicy>(&text).unwrap(), policy);
    }
}

/// A state of a version that knew none of it is read as one that asks for nothing.
#[test]
fn nothing_is_asked_for_by_an_older_state() {
    let mut stored = serde_json::to_value(spec()).unwrap();
    stored.as_object_mut().unwrap().remove("process");
    let read: AppSpec = serde_json::from_value(stored).unwrap();
    assert_eq!(read, spec());
}
