//! Whether this program understands what another version of eco has stored. Nothing is changed.
//!
//! What is damaged is not looked at: no version can read it, and each has its way around it.

use std::{fs, path::Path};

use super::{Store, StoreFault, replay::Entry};
use crate::host::home::Home;

/// Looks at the current state of each project and at the journal.
///
/// # Errors
/// The first thing that is whole and not understood.
pub fn check(home: &Home) -> Result<(), StoreFault> {
    Store::at(home).check()?;
    check_journal(&home.state.join("journal.ndjson"))
}

fn check_journal(path: &Path) -> Result<(), StoreFault> {
    let bytes = fs::read(path).unwrap_or_default();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let Err(error) = serde_json::from_slice::<Entry>(line) else { continue };
        if serde_json::from_slice::<serde_json::Value>(line).is_ok() {
            let (path, why) = (path.to_owned(), error.to_string());
            return Err(StoreFault::Line { path, line: number, why });
        }
    }
    Ok(())
}
