//! What of the recorder takes in bytes of others, for the fuzz targets and the tests of their inputs.

use std::{fs::File, io};

use super::index::Index;

/// Takes an index over as for a log of `log_len` bytes.
pub fn check_index(file: File, log_len: u64) -> io::Result<()> {
    Index::new(file, log_len).map(drop)
}
