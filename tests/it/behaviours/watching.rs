//! Edits of sources under `watch`.

use std::fs;

use super::{Behaviour, Shown::By, lines, pm2};
use crate::harness::TestEnv;

pub(super) const ROWS: &[Behaviour] = &[
    Behaviour {
        number: 33,
        given: "`watch` and `ignore_watch`",
        when: "a file changes or goes away, or one that is ignored does",
        then: "the app is started anew once, or not at all",
        shown: By(&[
            "behaviours::watching::edits_and_removals_count_and_what_is_ignored_does_not",
            "e2e::watch::an_edit_replaces_once",
            "e2e::watch::what_is_ignored_replaces_nothing",
        ]),
    },
    Behaviour {
        number: 34,
        given: "an app with `watch` that was stopped",
        when: "a file changes, and later somebody starts the app",
        then: "the edit starts nothing, and from the start on edits count again",
        shown: By(&[
            "behaviours::watching::a_stop_ends_watching_and_a_start_begins_it",
            "e2e::watch::a_stopped_app_is_not_started_by_an_edit",
        ]),
    },
    Behaviour {
        number: 35,
        given: "an app that is being started anew",
        when: "a file changes meanwhile",
        then: "what runs in the end has read the last content",
        shown: By(&[
            "e2e::watch::an_edit_during_a_start_is_not_lost",
            "e2e::watch::a_burst_of_edits_is_few_replacements_and_ends_with_the_last",
        ]),
    },
];

fn watched() -> TestEnv {
    let env = pm2(
        "{ name: 'web', script: './app.sh', watch: ['src'], ignore_watch: ['*.log', 'src/tmp'] }",
    );
    env.write("src/a.txt", "0");
    env.write("src/b.txt", "0");
    env.write("src/tmp/c.txt", "0");
    env.script(
        "app.sh",
        "#!/bin/sh\necho \"$(ls src | tr '\\n' ' ')\" >> starts\nexec sleep 100000\n",
    );
    env.apply();
    env.wait_for("the first start", || lines(&env, "starts") == 1);
    env
}

#[test]
fn edits_and_removals_count_and_what_is_ignored_does_not() {
    let env = watched();
    env.write("src/x.log", "1");
    env.write("src/tmp/c.txt", "1");
    env.write("src/a.txt", "1");
    env.wait_for("the edit", || lines(&env, "starts") == 2 && env.is("web", "ready"));
    fs::remove_file(env.path("src/b.txt")).unwrap();
    env.wait_for("the removal", || lines(&env, "starts") == 3 && env.is("web", "ready"));
    assert!(!env.read("starts").lines().last().unwrap().contains("b.txt"));
    // Had what is ignored counted, there would be more.
    env.write("src/new.txt", "1");
    env.wait_for("the new file", || env.read("starts").contains("new.txt"));
    assert_eq!(lines(&env, "starts"), 4, "{}", env.read("starts"));
}

#[test]
fn a_stop_ends_watching_and_a_start_begins_it() {
    let app = |name: &str| format!("{{ name: '{name}', script: './app.sh', watch: ['src'] }},");
    let env = pm2(&format!("[{} {}]", app("web"), app("clock")));
    env.write("src/a.txt", "0");
    env.script("app.sh", "#!/bin/sh\necho start >> $ECO_APP\nexec sleep 100000\n");
    env.apply();
    env.eco(&["stop", "web"]).ok();
    env.write("src/a.txt", "1");
    // The other one sees the edit, too: its time is over then.
    env.wait_for("the edit", || lines(&env, "clock") == 2 && env.is("clock", "ready"));
    assert_eq!((lines(&env, "web"), env.pids("web").len()), (1, 0));
    env.eco(&["start", "web"]).ok();
    assert_eq!(lines(&env, "web"), 2);
    env.write("src/a.txt", "2");
    env.wait_for("the next edit", || lines(&env, "web") == 3 && env.is("web", "ready"));
}
