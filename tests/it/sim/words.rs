//! The words for why an instance is not as desired.

use std::time::Duration;

use eco::model::{Hold, Revision, RolloutFailure, Sockets, StopReason};

#[test]
fn holds_of_a_rollout_are_told_in_words() {
    let failure =
        RolloutFailure { index: 1, reason: "ended after 10ms with exit code 1".to_owned() };
    let wait = Duration::from_secs(3);
    let not_ready = |sockets, expected| Hold::NotReady { wait, sockets, expected };
    let rolled_back =
        Hold::RolledBack { revision: Revision(0x1234_5678_9abc_0000), failure: failure.clone() };
    for (hold, words) in [
        (not_ready(Sockets::default(), Vec::new()), "not ready yet; given up in 3s"),
        (
            not_ready(Sockets::default(), vec![80]),
            "not ready yet; it does not listen on port 80; given up in 3s",
        ),
        (
            Hold::Draining { reason: StopReason::Changed, wait },
            "draining (its revision changed): its open requests may end; asked to stop in 3s \
             at the latest",
        ),
        (Hold::Outdated, "from before the change; replaced when its turn comes"),
        (Hold::Replacing, "waits until the former run has ended"),
        (
            Hold::Paused(failure),
            "paused: instance 1: ended after 10ms with exit code 1; nothing more is replaced \
             until the file changes",
        ),
        (
            rolled_back,
            "rolled back: revision 123456789abc failed: instance 1: ended after 10ms with exit \
             code 1",
        ),
    ] {
        assert_eq!(hold.to_string(), words);
    }
}
