//! How many instances there are, and how each knows itself.

use std::collections::BTreeSet;

use super::{Behaviour, PM2, Shown::By, pm2, variables};
use crate::harness::TestEnv;

pub(super) const ROWS: &[Behaviour] = &[
    Behaviour {
        number: 30,
        given: "2 instances",
        when: "they are scaled to 4, to 2 and to 4 again",
        then: "each has a number of its own, from 0 on without a gap",
        shown: By(&[
            "behaviours::scaling::numbers_have_no_gap_after_any_change_of_scale",
            "e2e::env::indexes_are_dense_and_each_instance_knows_its_own",
            "sim::scenarios::scaling_down_takes_the_highest_index_first",
        ]),
    },
    Behaviour {
        number: 31,
        given: "`increment_var: PORT` and PORT=3000",
        when: "two instances start",
        then: "they see 3000 and 3001",
        shown: By(&["e2e::pm2::the_port_grows_from_instance_to_instance"]),
    },
    Behaviour {
        number: 32,
        given: "`instances` far below zero, `max` or 0",
        when: "the app starts",
        then: "there is 1, or one for each CPU",
        shown: By(&["behaviours::scaling::instances_by_cpus"]),
    },
];

fn numbers(env: &TestEnv) -> Vec<u32> {
    let of = |pid: &u32| variables(*pid)["NODE_APP_INSTANCE"].parse().unwrap();
    let found: BTreeSet<u32> = env.pids("web").values().map(of).collect();
    found.into_iter().collect()
}

#[test]
fn numbers_have_no_gap_after_any_change_of_scale() {
    let env = pm2("{ name: 'web', script: 'sleep', args: '100000', instances: 2 }");
    env.apply();
    let first = env.pids("web");
    for count in [4, 2, 4, 1] {
        env.eco(&["scale", "web", &count.to_string()]).ok();
        assert_eq!(numbers(&env), (0..count).collect::<Vec<_>>());
    }
    // The file counts again with the next apply; who was there from the start still is.
    env.write(PM2, "{ name: 'web', script: 'sleep', args: '100000', instances: 3 }");
    env.apply();
    assert_eq!(numbers(&env), [0, 1, 2]);
    assert_eq!(env.pids("web")["web/0"], first["web/0"]);
}

#[test]
fn instances_by_cpus() {
    let cpus = std::thread::available_parallelism().unwrap().get();
    let app = |name: &str, instances: &str| {
        format!(
            "{{ name: '{name}', script: 'sleep', args: '100000', exec_mode: 'fork', \
             instances: {instances} }},"
        )
    };
    let apps = [("few", "-100"), ("max", "'max'"), ("zero", "0"), ("less", "-1"), ("one", "'1'")];
    let text: String = apps.iter().map(|(name, instances)| app(name, instances)).collect();
    let env = pm2(&format!("[{text}]"));
    env.apply();
    let counts = apps.map(|(name, _)| env.pids(name).len());
    assert_eq!(counts, [1, cpus, cpus, (cpus - 1).max(1), 1]);
}
