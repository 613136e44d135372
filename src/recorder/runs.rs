//! The list beside a log of whose bytes follow: two runs of one instance write to the same files
//! while one takes the other's place.
//!
//! A record is 16 bytes: offset and run, both `u64` in little-endian order. The bytes from an offset
//! on are of the run of the last record that begins there or before. A record is written before the
//! bytes it tells of. Versions of eco that do not know the list are not hindered by it.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// Whose bytes were written last, as the list of an open log has it.
#[derive(Debug, Default)]
pub(super) struct Runs {
    last: Option<u64>,
}

impl Runs {
    /// The next bytes, at `offset`, are of `run`.
    pub(super) fn note(&mut self, list: &Path, run: u64, offset: u64) -> io::Result<()> {
        if self.last == Some(run) {
            return Ok(());
        }
        let record = [offset.to_le_bytes(), run.to_le_bytes()].concat();
        // Changes are rare: that is why the list is not kept open.
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(list)?;
        let len = file.metadata()?.len();
        if let Err(error) = file.write_all(&record) {
            // Half a record would shift all later ones.
            file.set_len(len)?;
            return Err(error);
        }
        self.last = Some(run);
        Ok(())
    }
}
