//! Faults of eco itself, and of whom it takes for its own.

use super::{Covered::By, Row};

pub(super) const SUPERVISOR: Row = Row {
    part: "supervisor",
    promise: "apps serve all the time, nobody runs twice, and a change goes on or is undone",
    faults: &[
        (
            "kill -9 at every step of a change",
            By(&[
                "lost_requests::crash_points::a_change_goes_on_wherever_the_controller_dies",
                "lost_requests::crash_points::a_change_is_undone_wherever_the_controller_dies",
                "lost_requests::deaths::the_keeper_in_the_middle_of_a_rollout",
                "e2e::jobs::a_job_that_is_due_runs_once_wherever_the_controller_dies",
            ]),
        ),
        (
            "kill -9 again and again",
            By(&["lost_requests::kills::a_hundred_kills_of_keeper_and_controller"]),
        ),
        (
            "SIGSTOP",
            By(&[
                "lost_requests::deaths::a_controller_that_is_stopped_for_long",
                "e2e::survive::a_stopped_controller_is_exit_3_and_touches_nothing",
                "keeper::takeover::an_app_waits_for_a_stopped_recorder_and_loses_nothing",
            ]),
        ),
        (
            "killed for want of memory",
            By(&["lost_requests::deaths::all_three", "lost_requests::deaths::the_keeper"]),
        ),
        (
            "a new binary that is no good",
            By(&[
                "e2e::upgrade::a_program_that_cannot_take_over_changes_nothing",
                "e2e::upgrade::a_program_that_does_not_understand_what_is_stored_changes_nothing",
            ]),
        ),
        (
            "state of an older version",
            By(&[
                "store::revisions::files_of_other_versions_load",
                "store::revisions::a_recorded_project_is_read_as_it_was_meant",
                "store::journal::a_recorded_journal_is_read_as_it_was_meant",
                "keeper::protocol::a_record_file_of_the_second_version_is_read",
                "keeper::protocol::a_recorded_exchange_is_understood_and_still_spoken",
            ]),
        ),
        (
            "state that is cut off",
            By(&[
                "e2e::damage::a_cut_file_is_survived_by_a_controller",
                "e2e::damage::a_cut_file_is_survived_by_all_three",
                "store::revisions::a_save_cut_short_leaves_the_former_state",
                "store::journal::a_torn_line_is_left_out_and_the_next_one_is_whole",
                "store::events::a_torn_last_line_is_left_out",
            ]),
        ),
        (
            "state with a bit flipped",
            By(&[
                "e2e::damage::a_flipped_bit_is_survived_by_a_controller",
                "e2e::damage::a_flipped_bit_is_survived_by_all_three",
                "e2e::damage::a_run_file_of_another_boot_is_survived_by_all_three",
                "store::revisions::damage_never_yields_what_was_not_saved",
                "store::journal::no_bytes_make_it_fail",
                "store::events::no_bytes_make_it_fail",
            ]),
        ),
        (
            "a full disk",
            By(&[
                "store::revisions::a_disk_that_refuses_is_an_error_and_no_loss",
                "store::journal::what_cannot_be_written_waits",
                "keeper::output::a_full_disk_costs_bytes_and_nothing_else",
                "keeper::rotation::on_a_full_disk_the_oldest_parts_go_first_then_bytes_are_dropped",
            ]),
        ),
        (
            "a disk that can only be read",
            By(&["e2e::machine::a_disk_that_can_only_be_read_stops_nobody"]),
        ),
        (
            "a disk that hangs",
            By(&[
                "keeper::rotation::a_disk_that_hangs_holds_up_nobody_for_ever_and_no_other_disk_at_all",
            ]),
        ),
    ],
};

pub(super) const IDENTITY: Row = Row {
    part: "identity",
    promise: "who cannot be proved to be ours is left alone, and named",
    faults: &[
        (
            "a process id that is another's now",
            By(&["keeper::takeover::nobody_elses_process_is_taken_over_or_signalled"]),
        ),
        (
            "a process id of an earlier boot",
            By(&[
                "keeper::takeover::nobody_elses_process_is_taken_over_or_signalled",
                "e2e::daemon::what_ran_when_the_machine_went_down_comes_back",
            ]),
        ),
        (
            "somebody else at our port",
            By(&[
                "e2e::ports::a_foreign_process_is_named_and_the_port_taken_once_it_is_free",
                "e2e::ports::a_second_app_is_told_who_has_the_port",
                "e2e::failures::who_holds_the_port_of_an_app_without_listen_is_named",
            ]),
        ),
        (
            "a control group that cannot be written",
            By(&[
                "keeper::surroundings::a_directory_that_is_no_control_group_is_refused",
                "e2e::processes::a_daemon_ends_with_its_app_without_control_groups",
            ]),
        ),
    ],
};
