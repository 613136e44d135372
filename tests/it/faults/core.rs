//! Faults of what decides, and of what it goes by.

use super::{
    Covered::{By, Not},
    Row,
};

pub(super) const RECONCILER: Row = Row {
    part: "reconciler",
    promise: "never fewer than may be missing by our own act, never more than may surge, and a second \
              plan is empty",
    faults: &[
        (
            "any runs, any file, any time",
            By(&[
                "sim::properties::the_world_converges_once_faults_stop",
                "sim::properties::nothing_is_left_to_chance",
                "sim::orders::every_graph_comes_up_and_goes_down",
            ]),
        ),
        (
            "adopted runs",
            By(&[
                "sim::properties::a_new_controller_sees_what_the_old_one_saw",
                "sim::restarts::an_adopted_run_that_is_gone_is_one_exit",
            ]),
        ),
        (
            "the same again",
            By(&[
                "sim::quiescence::the_effect_of_a_diff_is_what_happens",
                "sim::quiescence::plans_of_apps_make_up_the_plan",
                "e2e::apply::first_apply_starts_everything_and_the_second_touches_nothing",
            ]),
        ),
        (
            "an app is taken out and put back",
            By(&["sim::states::taken_out_and_put_back_is_as_before"]),
        ),
        (
            "an app is renamed",
            Not(
                "another name is another app: `diff` says so before, and nothing promises its pids",
            ),
        ),
    ],
};

pub(super) const POLICY: Row = Row {
    part: "policy",
    promise: "every state takes every event, and nobody is started twice",
    faults: &[
        (
            "every state, every event",
            By(&[
                "sim::states::every_state_takes_every_event",
                "sim::states::a_start_under_way_is_not_begun_twice",
            ]),
        ),
        (
            "the late end of an old process",
            By(&[
                "sim::states::every_state_takes_every_event",
                "sim::restarts::of_two_runs_of_one_instance_the_newest_good_one_stays",
            ]),
        ),
        (
            "a stop during a start",
            By(&[
                "sim::states::every_state_takes_every_event",
                "e2e::watch::an_edit_during_a_start_is_not_lost",
            ]),
        ),
        (
            "ready after the deadline",
            By(&[
                "sim::states::every_state_takes_every_event",
                "sim::rollouts::a_release_that_never_listens_is_undone",
            ]),
        ),
    ],
};

pub(super) const CLOCK: Row = Row {
    part: "clock",
    promise: "decisions know the monotonic clock only",
    faults: &[
        (
            "the wall clock jumps an hour ahead and back",
            By(&[
                "e2e::machine::the_wall_clock_jumps_an_hour_ahead_and_back",
                "sim::jobs::a_clock_that_is_set_makes_nothing_run_twice_or_never",
            ]),
        ),
        (
            "clocks change in spring and autumn",
            By(&["sim::jobs::half_past_two_does_not_exist_in_spring_and_comes_twice_in_autumn"]),
        ),
        (
            "suspend",
            Not(
                "the monotonic clock stands still meanwhile, so that to eco no time passes; a machine \
                 cannot be suspended by a test. What has to wake up late is the fault after this one.",
            ),
        ),
        (
            "a process of eco does not run for long",
            By(&[
                "lost_requests::deaths::a_controller_that_is_stopped_for_long",
                "keeper::takeover::a_stopped_recorder_holds_up_nothing",
            ]),
        ),
    ],
};

pub(super) const FUZZ: Row = Row {
    part: "any bytes",
    promise: "no panic, and errors with their place",
    faults: &[
        (
            "as a file",
            By(&[
                "config::differential::both_readers_refuse_the_same",
                "config::hazards::twenty_thousand_brackets_are_one_fault",
                "config::hazards::aliases_cannot_nest_without_end",
                "import::generated::damaged_data_is_read_or_refused",
                "import::generated::files_are_wrong_or_become_ours",
                "import::generated::many_keys_are_read_soon",
                "fuzz_inputs::every_input_that_was_found_is_dealt_with",
            ]),
        ),
        (
            "at the sockets of eco",
            By(&[
                "e2e::strangers::any_bytes_at_the_api_harm_nobody",
                "keeper::protocol::any_bytes_are_read_without_panic",
                "keeper::spawn::nonsense_is_refused_and_harms_nobody",
            ]),
        ),
        (
            "as stored state",
            By(&[
                "store::revisions::damage_never_yields_what_was_not_saved",
                "store::journal::no_bytes_make_it_fail",
                "store::events::no_bytes_make_it_fail",
                "fuzz_inputs::every_input_that_was_found_is_dealt_with",
            ]),
        ),
        (
            "as what an app says of itself",
            By(&[
                "fuzz_inputs::every_input_that_was_found_is_dealt_with",
                "keeper::notify::one_that_never_stops_talking_holds_up_nobody",
            ]),
        ),
    ],
};
