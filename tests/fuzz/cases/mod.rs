//! What each fuzz target does with its input.
//!
//! A module of the targets' library and of the tests, so that an input does the same in both. A case
//! panics where a promise is broken.

pub mod api_requests;
pub mod dotenv;
pub mod file_reader;
pub mod keeper_protocol;
pub mod keeper_state;
pub mod literals;
pub mod log_follow;
pub mod log_index;
pub mod log_parts;
pub mod notify;
pub mod pm2_files;
pub mod run_records;
pub mod schedules;
pub mod state_files;

use std::path::Path;

use eco::config::Faults;

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
pub const ALL: [&Case; 14] = [
    &keeper_protocol::CASE,
    &keeper_state::CASE,
    &run_records::CASE,
    &state_files::CASE,
    &log_index::CASE,
    &log_follow::CASE,
    &log_parts::CASE,
    &notify::CASE,
    &file_reader::CASE,
    &literals::CASE,
    &pm2_files::CASE,
    &dotenv::CASE,
    &schedules::CASE,
    &api_requests::CASE,
];

/// Takes the first `N` bytes off, zeros where there are fewer.
fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (head, rest) = bytes.split_at(N.min(bytes.len()));
    *bytes = rest;
    let mut taken = [0; N];
    taken[..head.len()].copy_from_slice(head);
    taken
}

/// Every fault of a text points into it, and can be shown.
fn sound(faults: &Faults, path: &Path, text: &str) {
    for fault in faults {
        assert!(!fault.message.is_empty() && !fault.code.is_empty(), "{fault:?}");
        let lines = text.matches('\n').count() + 1;
        let is_in = |line: u32| usize::try_from(line).unwrap() <= lines;
        for (span, _) in fault.labels.iter().filter(|_| fault.file == path) {
            assert!(text.get(span.start..span.end).is_some(), "{fault:?}");
            assert!(fault.line != 0 && fault.col != 0 && is_in(fault.line), "{fault:?}");
        }
    }
    for (width, color) in [(40, true), (100, false)] {
        let shown = faults.render(width, color);
        assert_eq!(shown.is_empty(), faults.is_empty());
        let is_bad = |c: char| c.is_control() && c != '\n' && !(color && c == '\u{1b}');
        assert!(!shown.contains(is_bad), "{shown:?}");
    }
    assert!(faults.is_empty() || !faults.one_line().is_empty());
    serde_json::to_string(faults).unwrap();
}
