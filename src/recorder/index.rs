//! The index of a log: for each reading, when it was made and at which offset it begins.
//!
//! A record is 16 bytes: realtime ns and offset, both `u64` in little-endian order. Bytes of the log
//! that no record begins belong to the record before them.

use std::{
    fs::File,
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
};

/// The length of a record, in bytes.
const RECORD: u64 = 16;

/// So many bytes are collected before they are written at the latest.
const ENOUGH: usize = 256 * 16;

/// The open index of a log.
#[derive(Debug)]
pub(super) struct Index {
    file: File,
    /// Bytes of whole records in the file.
    len: u64,
    pending: Vec<u8>,
}

impl Index {
    /// Takes an open index over for a log of `log_len` bytes: what it says about bytes the log does
    /// not have (it was emptied, or is a new one) is cut off, and so is half a record.
    pub(super) fn new(file: File, log_len: u64) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let records = len / RECORD;
        let kept = valid_records(&file, records, log_len)?;
        if kept.saturating_mul(RECORD) != len {
            file.set_len(kept.saturating_mul(RECORD))?;
        }
        Ok(Self { file, len: kept.saturating_mul(RECORD), pending: Vec::new() })
    }

    /// When the first reading was made.
    pub(super) fn first_time(&self) -> Option<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, 0).ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    /// A reading was written.
    pub(super) fn add(&mut self, time: u64, offset: u64) -> io::Result<()> {
        self.pending.extend_from_slice(&time.to_le_bytes());
        self.pending.extend_from_slice(&offset.to_le_bytes());
        if self.pending.len() < ENOUGH { Ok(()) } else { self.flush() }
    }

    /// Writes what was collected.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let more = u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        let written = self.file.write_all(&self.pending);
        self.pending.clear();
        match written {
            Ok(()) => self.len = self.len.saturating_add(more),
            // Part of a record would shift all later ones. Without these the times are less exact.
            Err(_) => self.file.set_len(self.len)?,
        }
        Ok(())
    }

    /// The log was emptied by someone else.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.pending.clear();
        self.len = 0;
        self.file.set_len(0)
    }
}

/// How many of the first records begin within the log; offsets never fall.
fn valid_records(file: &File, records: u64, log_len: u64) -> io::Result<u64> {
    let (mut low, mut high) = (0, records);
    // The usual case: all of them.
    if let Some(last) = records.checked_sub(1)
        && offset_of(file, last)? < log_len
    {
        return Ok(records);
    }
    while low < high {
        let middle = low.midpoint(high);
        if offset_of(file, middle)? < log_len {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn offset_of(file: &File, record: u64) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, record.saturating_mul(RECORD).saturating_add(8))?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records_kept(offsets: &[u64], rest: &[u8], log_len: u64) -> u64 {
        let mut file = tempfile::tempfile().unwrap();
        for offset in offsets {
            file.write_all(&7_u64.to_le_bytes()).unwrap();
            file.write_all(&offset.to_le_bytes()).unwrap();
        }
        file.write_all(rest).unwrap();
        let index = Index::new(file, log_len).unwrap();
        index.file.metadata().unwrap().len() / 16
    }

    #[test]
    fn an_index_is_cut_to_what_the_log_has() {
        assert_eq!(records_kept(&[0, 10, 20], &[], 30), 3);
        assert_eq!(records_kept(&[0, 10, 20], &[1, 2, 3], 30), 3);
        assert_eq!(records_kept(&[0, 10, 20], &[], 20), 2);
        assert_eq!(records_kept(&[0, 10, 20], &[], 15), 2);
        assert_eq!(records_kept(&[0, 10, 20], &[], 0), 0);
        assert_eq!(records_kept(&[], &[], 5), 0);
    }
}
