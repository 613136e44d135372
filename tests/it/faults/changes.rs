//! Faults of the file, and of what is changed by it.

use super::{Covered::By, Row};

pub(super) const FILE: Row = Row {
    part: "config file",
    promise: "the last good state stands, and a quiet period is one change at most",
    faults: &[
        (
            "half written",
            By(&[
                "follow::files::written_in_two_steps",
                "e2e::saves::what_is_wrong_for_a_moment_is_never_told",
            ]),
        ),
        ("empty", By(&["e2e::follow::a_missing_or_empty_file_keeps_the_last_good_state"])),
        (
            "deleted",
            By(&[
                "e2e::follow::a_missing_or_empty_file_keeps_the_last_good_state",
                "follow::files::deleted_and_written_again_once_that_was_reported",
                "follow::files::parent_directory_deleted_and_made_again",
            ]),
        ),
        (
            "a link that is swapped",
            By(&[
                "e2e::follow::a_release_behind_a_symbolic_link_is_seen",
                "follow::files::current_release_swapped",
                "follow::files::mounted_config_map_swapped",
            ]),
        ),
        (
            "a checkout of 50 files",
            By(&[
                "e2e::saves::a_checkout_of_fifty_files_is_one_change",
                "follow::files::git_checkout_of_another_branch",
            ]),
        ),
        (
            "saved by a rename",
            By(&[
                "follow::files::replaced_by_a_rename",
                "e2e::follow::every_way_to_save_a_file_is_seen",
            ]),
        ),
        (
            "swap files of editors",
            By(&["e2e::saves::the_files_of_editors_beside_it_are_none_of_its_changes"]),
        ),
        (
            "100 saves in a second",
            By(&[
                "e2e::saves::a_hundred_saves_are_one_change",
                "follow::files::a_thousand_writes_make_few_reports",
            ]),
        ),
        (
            "wrong, then right",
            By(&[
                "e2e::saves::what_is_wrong_for_a_moment_is_never_told",
                "e2e::follow::a_bad_edit_keeps_everything_running_and_names_its_place",
            ]),
        ),
    ],
};

pub(super) const ROLLOUT: Row = Row {
    part: "rollout",
    promise: "no request fails, what is bad is undone, and the exit code says so",
    faults: &[
        (
            "crashes before it is ready",
            By(&[
                "e2e::rollout::a_release_that_throws",
                "lost_requests::releases::bad_releases_of_express",
            ]),
        ),
        (
            "crashes after it was ready",
            By(&[
                "e2e::rollout::a_release_that_crashes_after_a_moment",
                "e2e::rollout::a_release_that_answers_well_and_then_dies",
                "lost_requests::releases::bad_releases_of_go",
            ]),
        ),
        (
            "is slow",
            By(&[
                "lost_requests::releases::a_release_that_takes_five_seconds_to_listen",
                "e2e::rollout::a_release_that_never_listens",
            ]),
        ),
        ("fails only under load", By(&["e2e::canary::one_that_crashes_under_them_is_undone"])),
        (
            "its port is busy",
            By(&[
                "e2e::rollout::a_release_whose_port_is_taken",
                "e2e::rollout::a_release_that_listens_elsewhere",
            ]),
        ),
        (
            "a second edit on the way",
            By(&[
                "e2e::rollout::a_newer_edit_supersedes",
                "lost_requests::changes::the_file_is_edited_all_the_time",
                "sim::rollouts::edits_without_end_take_nothing_down",
            ]),
        ),
        (
            "taken back on the way",
            By(&[
                "e2e::rollout::taken_back_on_the_way_the_old_ones_stay",
                "sim::rollouts::a_change_that_is_taken_back_touches_nothing_former",
            ]),
        ),
    ],
};
