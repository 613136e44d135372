//! What happens to apps when eco itself dies, is started anew, or finds its state damaged.

use super::{Behaviour, Shown::By, pm2};
use crate::harness::alive;

pub(super) const ROWS: &[Behaviour] = &[
    Behaviour {
        number: 44,
        given: "stored state that was damaged",
        when: "eco starts",
        then: "the last that is whole counts, and what is damaged is named and not thrown away",
        shown: By(&[
            "store::revisions::an_unreadable_revision_gives_way_to_the_newest_readable_one",
            "store::revisions::a_project_without_any_readable_revision_is_named_and_left_out",
            "e2e::damage::a_cut_file_is_survived_by_all_three",
            "e2e::damage::a_flipped_bit_is_survived_by_all_three",
            "e2e::survive::a_torn_state_file_never_stops_apps",
        ]),
    },
    Behaviour {
        number: 45,
        given: "what runs",
        when: "eco is started anew, or another version of it",
        then: "all is back, with the same pids",
        shown: By(&[
            "behaviours::surviving::apps_of_a_pm2_file_outlive_all_of_eco",
            "e2e::survive::left_apps_are_found_by_the_next_apply",
            "e2e::upgrade::another_program_takes_over_in_the_same_keeper",
            "e2e::boot::systemd_starts_eco_and_leaves_the_apps_alone_when_it_dies",
        ]),
    },
    Behaviour {
        number: 56,
        given: "what runs",
        when: "eco's processes are killed by SIGKILL",
        then: "the apps go on, and the next command finds them again",
        shown: By(&[
            "behaviours::surviving::apps_of_a_pm2_file_outlive_all_of_eco",
            "e2e::survive::with_all_three_dead_the_next_command_starts_them",
            "lost_requests::deaths::all_three",
        ]),
    },
];

#[test]
fn apps_of_a_pm2_file_outlive_all_of_eco() {
    let env = pm2("[{ name: 'web', script: 'sleep', args: '100000', instances: 2 },\n\
          { name: 'chatty', script: './app.sh' }]");
    // A broken pipe would end it.
    env.script("app.sh", "#!/bin/sh\nwhile echo line; do sleep 0.02; done\n");
    env.apply();
    let pids = || (env.pids("web"), env.pids("chatty"));
    let before = pids();
    assert_eq!((before.0.len(), before.1.len()), (2, 1));
    env.kill_roles(&["keeper", "recorder", "controller"]);
    assert!(before.0.values().chain(before.1.values()).all(|pid| alive(*pid)));
    env.wait_for("all to be known again", || env.eco(&["status"]).code == Some(0));
    assert_eq!(pids(), before);
    // They leave it by its own command, too.
    env.eco(&["daemon", "stop", "--leave-apps"]).ok();
    assert!(before.0.values().chain(before.1.values()).all(|pid| alive(*pid)));
    env.apply();
    assert_eq!(pids(), before);
    env.eco(&["diff"]).ok();
}
