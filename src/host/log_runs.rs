//! Whose bytes a log has. Two runs of one instance write to the same files while one takes the other's
//! place; the recorder keeps a list beside each log of whose bytes follow from which offset on.

use std::{collections::VecDeque, fs::File, ops::Range, os::unix::fs::FileExt as _, path::Path};

use crate::model::RunId;

/// Bytes of a record: offset and run, both little-endian u64.
const RECORD: usize = 16;
/// So many of the last records are heeded.
const MOST: usize = 1 << 16;
/// The list of a log.
#[derive(Debug, Default)]
pub struct LogRuns {
    file: Option<File>,
    read: u64,
    records: VecDeque<(u64, u64)>,
}

impl LogRuns {
    /// The list at this path. One that is missing says nothing.
    pub fn open(path: &Path) -> Self {
        let mut runs = Self { file: File::open(path).ok(), ..Self::default() };
        runs.refresh();
        runs
    }

    /// Whether there is a list.
    pub fn is_there(&self) -> bool {
        self.file.is_some()
    }

    /// Reads what was added. What is read of the log before this has its records in here after it.
    pub fn refresh(&mut self) {
        let Some(file) = &self.file else { return };
        let len = file.metadata().map_or(0, |meta| meta.len());
        if len < self.read {
            (self.read, self.records) = (0, VecDeque::new());
        }
        let size = u64::try_from(RECORD).unwrap_or_default();
        let count = (len - self.read) / size;
        let most = u64::try_from(MOST).unwrap_or_default();
        self.read += count.saturating_sub(most) * size;
        let mut bytes = vec![0; RECORD * usize::try_from(count.min(most)).unwrap_or_default()];
        if file.read_exact_at(&mut bytes, self.read).is_err() {
            return;
        }
        self.read += u64::try_from(bytes.len()).unwrap_or_default();
        let number = |part: Option<&[u8]>| {
            let part = part.and_then(|part| part.try_into().ok());
            u64::from_le_bytes(part.unwrap_or_default())
        };
        for record in bytes.chunks_exact(RECORD) {
            self.records.push_back((number(record.get(..8)), number(record.get(8..))));
        }
        let surplus = self.records.len().saturating_sub(MOST);
        self.records.drain(..surplus);
    }

    /// Which of these bytes are of `run`, or may be because nobody wrote down whose they are.
    pub fn bytes_of(&self, run: RunId, bytes: Range<u64>) -> Vec<Range<u64>> {
        let mut found: Vec<Range<u64>> = Vec::new();
        let first = self.records.front().map_or(u64::MAX, |(offset, _)| *offset);
        let before = (bytes.start < first).then_some((bytes.start, run.0));
        let place = self.records.partition_point(|(offset, _)| *offset <= bytes.start);
        let mut records =
            before.into_iter().chain(self.records.range(place.saturating_sub(1)..).copied());
        let mut next = records.next();
        while let Some((offset, owner)) = next {
            next = records.next();
            let end = next.map_or(bytes.end, |(offset, _)| offset.min(bytes.end));
            let start = offset.max(bytes.start);
            if bytes.end <= start {
                break;
            }
            if owner == run.0 && start < end {
                match found.last_mut().filter(|last| last.end == start) {
                    Some(last) => last.end = end,
                    None => found.push(start..end),
                }
            }
        }
        found
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Writes down whose bytes a log has: (offset, run).
    pub(in crate::host) fn write(path: &Path, records: &[(u64, u64)]) {
        let bytes: Vec<u8> = records
            .iter()
            .flat_map(|(offset, run)| [offset.to_le_bytes(), run.to_le_bytes()].concat())
            .collect();
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn bytes_are_of_the_last_record_before_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.runs");
        write(&path, &[(10, 1), (20, 2), (20, 1), (30, 2), (40, 1)]);
        let mut runs = LogRuns::open(&path);
        let of = |runs: &LogRuns, run, bytes: Range<u64>| -> Vec<(u64, u64)> {
            let found = runs.bytes_of(RunId(run), bytes).into_iter();
            found.map(|range| (range.start, range.end)).collect()
        };
        // What somebody wrote before there was a list may be anybody's.
        assert_eq!(of(&runs, 1, 0..50), [(0, 30), (40, 50)]);
        assert_eq!(of(&runs, 2, 0..50), [(0, 10), (30, 40)]);
        assert_eq!(of(&runs, 2, 35..38), [(35, 38)]);
        assert_eq!(of(&runs, 1, 35..38), []);
        write(&path, &[(10, 1), (20, 2), (20, 1), (30, 2), (40, 1), (45, 2)]);
        runs.refresh();
        assert_eq!(of(&runs, 2, 31..99), [(31, 40), (45, 99)]);
        write(&path, &[(0, 3)]);
        runs.refresh();
        assert_eq!(of(&runs, 3, 0..9), [(0, 9)]);
    }
}
