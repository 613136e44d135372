//! Which apps a command means, and what is asked of PM2's other commands.

use super::{Behaviour, Shown::By, Shown::Differs, pm2};
use crate::harness::alive;

pub(super) const ROWS: &[Behaviour] = &[
    Behaviour {
        number: 43,
        given: "what runs",
        when: "a command names an app that is not there",
        then: "it fails, and touches nothing",
        shown: By(&[
            "behaviours::selecting::who_is_not_there_is_a_failure_of_every_command",
            "e2e::commands::names_and_numbers_that_cannot_be_are_exit_2",
        ]),
    },
    Behaviour {
        number: 46,
        given: "apps of two namespaces",
        when: "a command names one of them, or an expression that some fit",
        then: "those are meant, and no other",
        shown: Differs(
            "a namespace is a tag, `tag:NAME`; expressions are refused, since one that fits too much is \
             found out too late",
            &[
                "behaviours::selecting::a_namespace_is_a_tag_and_expressions_are_refused",
                "e2e::commands::tags_select_apps",
            ],
        ),
    },
    Behaviour {
        number: 47,
        given: "an app whose name is a number",
        when: "a command names it",
        then: "the name counts, not the number of a process",
        shown: Differs(
            "processes have no numbers here, and the app is called `app-7`: nothing can be mistaken",
            &["behaviours::selecting::a_number_is_no_name"],
        ),
    },
    Behaviour {
        number: 48,
        given: "`pid_file`",
        when: "the app runs, and later is stopped",
        then: "the pid can be read while it runs, and not afterwards",
        shown: Differs(
            "from `eco status --json`, which cannot be out of date; no file is written",
            &["behaviours::selecting::pids_are_in_the_status_and_in_no_file"],
        ),
    },
    Behaviour {
        number: 49,
        given: "a program that reads its standard input",
        when: "a line is sent to it",
        then: "it reads it",
        shown: Differs(
            "apps read nothing: input that a person once typed is in no file, and lost at a restart",
            &[
                "behaviours::selecting::a_standard_input_is_at_its_end",
                "e2e::commands::who_types_as_for_pm2_is_understood",
            ],
        ),
    },
    Behaviour {
        number: 50,
        given: "`uid` or `gid`, and a caller who is not root",
        when: "the file is applied",
        then: "it is refused in words",
        shown: By(&[
            "config::processes::only_root_may_choose_a_user",
            "e2e::processes::a_normal_user_may_name_itself_and_nobody_else",
        ]),
    },
];

const TWO: &str = "[{ name: 'front', script: 'sleep', args: '100000', namespace: 'edge' },
    { name: 'back', script: 'sleep', args: '100000', namespace: 'core' }]";

#[test]
fn who_is_not_there_is_a_failure_of_every_command() {
    let env = pm2(TWO);
    env.apply();
    let pids = || (env.pid("front"), env.pid("back"));
    let before = pids();
    for words in [
        &["stop", "nobody"][..],
        &["start", "nobody"],
        &["restart", "nobody"],
        &["restart", "front", "nobody"],
        &["reload", "nobody"],
        &["restart", "front/7"],
        &["restart", "tag:nobody"],
        &["scale", "nobody", "2"],
        &["signal", "HUP", "nobody"],
        &["describe", "nobody"],
        &["logs", "nobody"],
        &["delete", "front"],
    ] {
        let said = env.eco(words);
        assert_eq!(said.code, Some(2), "{words:?}: {said}");
        assert!(said.stderr.len() > 20, "{words:?}: {said}");
    }
    assert_eq!(pids(), before);
}

#[test]
fn a_namespace_is_a_tag_and_expressions_are_refused() {
    let env = pm2(TWO);
    env.apply();
    let (front, back) = (env.pid("front"), env.pid("back"));
    for words in ["/front|back/", "/.*/"] {
        env.eco(&["stop", words]).exits(2);
    }
    env.eco(&["restart", "tag:edge"]).ok();
    assert_ne!(env.pid("front"), front);
    assert_eq!(env.pid("back"), back);
}

#[test]
fn a_number_is_no_name() {
    let env = pm2(
        "[{ name: '1', script: 'sleep', args: '100000' }, { name: 7, script: 'sleep 100000' }]",
    );
    env.apply().says("`app-1`").says("`app-7`");
    let other = env.pid("app-7");
    env.eco(&["stop", "1"]).exits(2).says("digits only");
    env.eco(&["stop", "app-1"]).ok();
    assert_eq!(env.pid("app-7"), other);
}

#[test]
fn pids_are_in_the_status_and_in_no_file() {
    let env = pm2("{ name: 'web', script: 'sleep', args: '100000', pid_file: 'web.pid' }");
    env.apply();
    let pid = env.pid("web");
    assert!(alive(pid) && !env.path("web.pid").exists());
    env.eco(&["stop", "web"]).ok();
    assert!(env.pids("web").is_empty() && !alive(pid));
}

#[test]
fn a_standard_input_is_at_its_end() {
    let env = pm2("{ name: 'web', script: './app.sh' }");
    env.script("app.sh", "#!/bin/sh\nread line; echo \"read $? [$line]\"\nexec sleep 100000\n");
    env.apply();
    env.wait_for("the end of its input", || env.log("web") == "read 1 []\n");
    env.eco(&["send", "web", "hello"]).exits(2).says("/dev/null");
}
