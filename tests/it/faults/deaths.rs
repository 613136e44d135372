//! Processes of eco that die.

use super::{Covered::By, Row};

/// What happens when processes of eco die.
pub(super) const DEATHS: &[Row] = &[
    Row {
        part: "controller",
        promise: "records wait, callers queue, and it is started again",
        faults: &[(
            "dies",
            By(&[
                "lost_requests::deaths::the_controller",
                "keeper::deaths::exits_without_a_controller_arrive_later",
                "e2e::survive::killing_the_controller_changes_nothing",
            ]),
        )],
    },
    Row {
        part: "recorder",
        promise: "another one goes on; one reading may be lost",
        faults: &[(
            "dies",
            By(&[
                "lost_requests::deaths::the_recorder",
                "keeper::deaths::a_dead_recorder_costs_one_reading_at_most",
                "e2e::survive::no_line_is_lost_when_controller_and_recorder_die_again_and_again",
            ]),
        )],
    },
    Row {
        part: "keeper",
        promise: "apps and logs go on, binds wait, and the next one takes over",
        faults: &[(
            "dies",
            By(&[
                "lost_requests::deaths::the_keeper",
                "e2e::survive::the_controller_of_a_killed_keeper_starts_the_next",
                "keeper::takeover::runs_of_a_killed_keeper_are_taken_over",
                "keeper::takeover_ports::shared_ports_outlive_the_keeper",
                "keeper::takeover_ports::a_call_waits_for_the_next_keeper",
            ]),
        )],
    },
    Row {
        part: "keeper and controller",
        promise: "the same, once a command or a service manager starts them",
        faults: &[
            (
                "die",
                By(&[
                    "lost_requests::deaths::keeper_and_controller",
                    "e2e::survive::with_keeper_and_controller_dead_the_next_command_starts_them",
                ]),
            ),
            (
                "die under a service manager",
                By(&["e2e::boot::systemd_starts_eco_and_leaves_the_apps_alone_when_it_dies"]),
            ),
        ],
    },
    Row {
        part: "all three",
        promise: "files, processes and their pipes tell; what is lost is said, and a restart cures it",
        faults: &[(
            "die",
            By(&[
                "lost_requests::deaths::all_three",
                "e2e::survive::with_all_three_dead_the_next_command_starts_them",
                "e2e::ports::what_is_lost_with_all_of_eco_is_said_and_cured_by_a_restart",
                "keeper::takeover::with_the_recorder_dead_too_files_and_processes_tell",
                "keeper::takeover_ports::with_nobody_left_sockets_are_taken_from_the_processes",
            ]),
        )],
    },
    Row {
        part: "the machine",
        promise: "what ran comes back",
        faults: &[(
            "boots anew",
            By(&[
                "e2e::daemon::what_ran_when_the_machine_went_down_comes_back",
                "sim::jobs::a_job_that_completed_does_not_run_again_after_a_boot",
            ]),
        )],
    },
    Row {
        part: "an older eco",
        promise: "the new one shows that it can go on before it does; else all is as before",
        faults: &[
            (
                "is upgraded",
                By(&[
                    "e2e::upgrade::another_program_takes_over_in_the_same_keeper",
                    "lost_requests::deaths::an_upgrade_under_express",
                    "e2e::upgrade::no_line_is_lost_in_an_upgrade",
                ]),
            ),
            (
                "stays, since the new one cannot go on",
                By(&["e2e::upgrade::a_program_that_cannot_take_over_changes_nothing"]),
            ),
        ],
    },
];
