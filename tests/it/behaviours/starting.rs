//! What starts, and from which files.

use super::{Behaviour, PM2, Shown::By, Shown::Differs, pm2};
use crate::harness::{TestEnv, program};

pub(super) const ROWS: &[Behaviour] = &[
    Behaviour {
        number: 1,
        given: "three apps, one of them with 4 instances",
        when: "the file is applied",
        then: "6 processes run",
        shown: By(&[
            "behaviours::starting::three_apps_are_six_processes_and_applied_again_the_same",
        ]),
    },
    Behaviour {
        number: 2,
        given: "these six processes",
        when: "the file is applied again",
        then: "the same six run: no pid has changed",
        shown: By(&[
            "behaviours::starting::three_apps_are_six_processes_and_applied_again_the_same",
            "e2e::apply::first_apply_starts_everything_and_the_second_touches_nothing",
        ]),
    },
    Behaviour {
        number: 3,
        given: "a file of several apps",
        when: "some are named by `--only`",
        then: "those start, and no other",
        shown: By(&[
            "behaviours::starting::only_those_that_are_named_start",
            "e2e::apply::only_touches_the_named_apps_and_the_rest_shows_in_diff",
        ]),
    },
    Behaviour {
        number: 4,
        given: "a file at the standard input",
        when: "it is applied",
        then: "it is as if it were named",
        shown: Differs(
            "a project is known by its file, which is read again by `diff`, by following and at boot: \
             what comes from a pipe cannot be",
            &["behaviours::starting::a_file_at_the_standard_input_is_refused_in_words"],
        ),
    },
    Behaviour {
        number: 5,
        given: "no file, or one that cannot be read",
        when: "it is applied",
        then: "it fails, and no process runs",
        shown: By(&["behaviours::starting::nothing_starts_from_a_file_that_cannot_be_read"]),
    },
    Behaviour {
        number: 6,
        given: "the same apps as a list, one object, `apps` or `pm2`, in JSON, YAML and JavaScript",
        when: "they are read",
        then: "all say the same",
        shown: By(&["import::all_forms_of_a_file_say_the_same"]),
    },
];

const THREE: &str = "[
  // PM2 takes comments, and numbers as text.
  { name: 'echo', script: 'sleep', args: '100000', instances: '4' },
  { name: 'child', script: 'sleep', args: ['100000'] },
  { name: 'alone', script: 'sleep 100000', exec_mode: 'fork' },
]
";

#[test]
fn three_apps_are_six_processes_and_applied_again_the_same() {
    let env = pm2(THREE);
    let pids = || ["echo", "child", "alone"].map(|app| env.pids(app));
    env.apply();
    let before = pids();
    assert_eq!(before.each_ref().map(std::collections::BTreeMap::len), [4, 1, 1]);
    env.apply();
    assert_eq!(pids(), before);
    env.eco(&["diff"]).ok();
}

#[test]
fn only_those_that_are_named_start() {
    let env = pm2(THREE);
    let counts = || ["echo", "child", "alone"].map(|app| env.pids(app).len());
    env.eco(&["apply", "--only", "child"]).ok();
    assert_eq!(counts(), [0, 1, 0]);
    let child = env.pid("child");
    env.eco(&["apply", "--only", "alone,child"]).ok();
    assert_eq!(counts(), [0, 1, 1]);
    assert_eq!(env.pid("child"), child);
    env.eco(&["apply", "--only", "nobody"]).exits(2);
    assert_eq!(counts(), [0, 1, 1]);
}

#[test]
fn a_file_at_the_standard_input_is_refused_in_words() {
    let env = pm2(THREE);
    env.eco(&["apply", "-"]).exits(2).says("standard input");
    env.eco(&["validate", "-"]).exits(2).says("standard input");
    assert!(env.processes().is_empty());
}

#[test]
fn nothing_starts_from_a_file_that_cannot_be_read() {
    program("node");
    let env = TestEnv::new();
    env.eco(&["apply"]).exits(2).says("ecosystem.yaml");
    env.eco(&["apply", "nowhere.config.js"]).exits(2).says("nowhere.config.js");
    for (file, text, place) in [
        ("bad.yaml", "apps:\n  - script: app.js\n   name: x\n", "bad.yaml:3"),
        ("bad.json", "{ apps: [{ script: 'sleep' args: '1' }] }", "bad.json:1:20"),
        ("bad.config.js", "module.exports = { apps: [ { script: } ] }", "bad.config.js:1"),
        ("empty.yaml", "", "empty"),
        ("empty.json", "", "empty.json"),
        ("none.json", "{ apps: [] }", "none.json"),
    ] {
        env.write(file, text);
        let said = env.eco(&["apply", file]).exits(2).to_string();
        assert!(said.contains(place), "{file}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    assert!(env.processes().is_empty(), "{:#?}", env.processes());
    // One wrong app keeps the others from starting, too.
    env.write(PM2, &THREE.replace("'alone'", "'child'"));
    env.eco(&["apply"]).exits(2).says("two apps are called");
    assert!(env.processes().is_empty());
}
