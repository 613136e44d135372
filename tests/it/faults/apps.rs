//! Faults of apps: of their start, their processes, and what is asked of them.

use super::{Covered::By, Row};

pub(super) const SPAWN: Row = Row {
    part: "spawn",
    promise: "told with the step and the reason, and nobody else is affected",
    faults: &[
        (
            "no such program",
            By(&[
                "keeper::spawn::what_cannot_start_says_at_which_step",
                "e2e::failures::a_program_that_does_not_exist",
            ]),
        ),
        (
            "a program that may not be executed",
            By(&[
                "keeper::spawn::what_cannot_start_says_at_which_step",
                "e2e::failures::a_program_that_may_not_be_executed",
            ]),
        ),
        (
            "no descriptors",
            By(&["keeper::spawn::a_keeper_short_of_descriptors_refuses_and_goes_on"]),
        ),
        ("no processes", By(&["keeper::spawn::a_keeper_that_cannot_fork_refuses_and_goes_on"])),
        ("no memory", By(&["keeper::spawn::a_keeper_that_cannot_fork_refuses_and_goes_on"])),
        (
            "no such directory",
            By(&[
                "keeper::spawn::what_cannot_start_says_at_which_step",
                "e2e::failures::a_directory_that_goes_away_between_runs",
            ]),
        ),
        (
            "no such user",
            By(&[
                "config::processes::who_is_not_there_is_named",
                "config::processes::only_root_may_choose_a_user",
            ]),
        ),
    ],
};

pub(super) const CHILD: Row = Row {
    part: "child",
    promise: "bounded memory, no EPIPE, its end is seen, and nothing of its tree is left",
    faults: &[
        (
            "ends at once",
            By(&[
                "e2e::failures::a_crash_loop_is_named_and_tried_slowly",
                "sim::statuses::an_early_exit_fails_and_a_later_one_does_not",
            ]),
        ),
        (
            "ends after it was ready",
            By(&[
                "e2e::failures::a_killed_app_is_replaced_and_counted",
                "lost_requests::deaths::one_of_two_of_go",
            ]),
        ),
        (
            "ignores SIGTERM",
            By(&[
                "e2e::stop::a_program_that_ignores_term_is_killed_after_its_timeout",
                "e2e::stop::a_stubborn_app_hinders_no_other",
            ]),
        ),
        (
            "forks and ends",
            By(&[
                "e2e::stop::a_wrapper_that_ends_at_once_leaves_no_orphan",
                "e2e::stop::a_leader_that_exits_alone_has_its_group_stopped_before_the_next_run",
                "keeper::processes::those_who_fork_for_ever_are_killed_to_the_last",
            ]),
        ),
        (
            "a grandchild with a session of its own keeps its output",
            By(&[
                "keeper::output::a_grandchild_that_keeps_the_pipe_hides_no_exit",
                "keeper::processes::who_made_a_session_of_its_own_ends_with_its_run",
            ]),
        ),
        (
            "a line of 10 MB",
            By(&[
                "keeper::output::bytes_are_kept_as_they_are",
                "logs::merging::a_line_may_be_huge",
                "probe::log::a_long_line_is_looked_at_up_to_64_kib_and_the_next_one_again",
            ]),
        ),
        (
            "bytes that are no text",
            By(&[
                "keeper::output::bytes_are_kept_as_they_are",
                "e2e::logs::bytes_that_are_no_text_come_back_too",
            ]),
        ),
        (
            "output as fast as it can",
            By(&["keeper::output::a_writer_at_full_speed_waits_and_loses_nothing"]),
        ),
        (
            "closes its output",
            By(&["keeper::output::who_closes_its_output_lives_on_and_its_end_is_seen"]),
        ),
        (
            "hangs",
            By(&[
                "e2e::liveness::a_stopped_server_is_found_and_replaced",
                "e2e::queues::those_who_hang_are_replaced_and_who_waited_is_answered",
                "e2e::queues::one_that_computes_does_not_hang",
            ]),
        ),
    ],
};

pub(super) const PROBES: Row = Row {
    part: "probes",
    promise: "the control loop is as quick as without them",
    faults: &[
        (
            "hang",
            By(&[
                "probe::many::two_hundred_that_hang_do_not_delay_the_next_one",
                "probe::many::commands_that_hang_do_not_delay_a_request",
                "e2e::readiness::fifty_hanging_probes_delay_nobody",
                "e2e::liveness::many_that_hang_delay_no_other_app",
                "e2e::machine::name_servers_and_others_that_do_not_answer_delay_nobody",
            ]),
        ),
        (
            "flap",
            By(&[
                "probe::pace::successes_have_to_follow_each_other",
                "probe::http::a_503_is_named_once_and_a_200_after_it_is_ready",
            ]),
        ),
        (
            "slow name servers",
            By(&["e2e::machine::name_servers_and_others_that_do_not_answer_delay_nobody"]),
        ),
        ("200, then it dies", By(&["e2e::rollout::a_release_that_answers_well_and_then_dies"])),
        (
            "redirects",
            By(&["probe::http::only_the_given_statuses_are_good_and_redirects_are_not_followed"]),
        ),
        (
            "answers without end",
            By(&[
                "probe::http::a_head_that_drips_is_no_answer_in_time",
                "probe::http::a_body_without_end_is_not_waited_for",
            ]),
        ),
    ],
};
