//! What a keeper leaves to the next one in memory: the note of what it shares, and its whole state.

use eco::keeper::fuzzing::{sharing_again, state_again};

use super::Case;

/// The input is a note, or a state.
pub const CASE: Case = Case { name: "keeper_state", run, seeds };

fn run(bytes: &[u8]) -> bool {
    is_stable(bytes, sharing_again) | is_stable(bytes, state_again)
}

/// What was read and written once is read and written the same again.
fn is_stable(bytes: &[u8], again: fn(&[u8]) -> Option<Vec<u8>>) -> bool {
    let Some(once) = again(bytes) else { return false };
    assert_eq!(again(&once).as_ref(), Some(&once));
    true
}

fn seeds() -> Vec<Vec<u8>> {
    vec![
        include_bytes!("../../../src/keeper/recorded/sharing.1").to_vec(),
        include_bytes!("../../../src/keeper/recorded/state.1").to_vec(),
    ]
}
