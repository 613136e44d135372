//! What each fuzz target does with its input.
//!
//! A module of the targets' library and of the tests, so that an input does the same in both. A case
//! panics where a promise is broken.

pub mod keeper_protocol;
pub mod keeper_state;
pub mod log_follow;
pub mod log_index;
pub mod log_parts;
pub mod notify;
pub mod run_records;
pub mod state_files;

/// One target.
#[derive(Debug)]
pub struct Case {
    /// The target's name, and that of the directory of its inputs.
    pub name: &'static str,
    /// Tries one input. Says whether there was anything valid in it: a seed without is stale.
    pub run: fn(&[u8]) -> bool,
    /// Valid inputs to start from, as this build writes them.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const ALL: [&Case; 8] = [
    &keeper_protocol::CASE,
    &keeper_state::CASE,
    &run_records::CASE,
    &state_files::CASE,
    &log_index::CASE,
    &log_follow::CASE,
    &log_parts::CASE,
    &notify::CASE,
];

/// Takes the first `N` bytes off, zeros where there are fewer.
fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (head, rest) = bytes.split_at(N.min(bytes.len()));
    *bytes = rest;
    let mut taken = [0; N];
    taken[..head.len()].copy_from_slice(head);
    taken
}
