//! What is done with bytes that could not be written: on a full file system parts of logs make room
//! for them, the oldest first; else they are dropped and counted.

use std::collections::VecDeque;

use super::{
    log::Unwritten,
    output::{Key, Shared},
    parts::{self, Part},
    writer::{Writer, realtime},
};
use crate::protocol::FromRecorder;

/// Drops are reported at most this often while they go on, in ns.
const REPORT_EVERY: u64 = 1_000_000_000;
/// Where nothing can be removed from a full file system, that is looked for again after this time,
/// in ns.
const LOOK_FOR_ROOM: u64 = 1_000_000_000;

/// Parts that may go when the file system is full.
#[derive(Debug, Default)]
pub(super) struct Removable {
    parts: VecDeque<Part>,
    /// When they were looked for in vain, in ns since 1970.
    looked_at: u64,
}

impl Writer {
    /// The last bytes of a reading of `count` could not be written: makes room for them if that is
    /// what is missing, else counts them as dropped.
    pub(super) fn insist(&mut self, id: u64, first: Unwritten, count: usize) {
        let mut unwritten = first;
        while unwritten.is_full() && self.make_room() {
            let Some(source) = self.sources.get(&id) else { return };
            let Some(Shared { output, .. }) = self.outputs.get_mut(&source.key) else { return };
            let from = count.saturating_sub(unwritten.bytes);
            let rest = self.buffer.get(from..count).unwrap_or_default();
            self.inbox.progress.begin();
            match output.append(source.pipe.run, rest, realtime()) {
                Ok(()) => return,
                Err(still) => unwritten = still,
            }
        }
        let Some(source) = self.sources.get_mut(&id) else { return };
        let dropped = u64::try_from(unwritten.bytes).unwrap_or(u64::MAX);
        source.dropped = (source.dropped.0.saturating_add(dropped), unwritten.errno);
        let time = realtime();
        if REPORT_EVERY <= time.abs_diff(source.reported_at) {
            source.reported_at = time;
            let (bytes, errno) = std::mem::take(&mut source.dropped);
            let report = FromRecorder::Dropped { stream: source.pipe.stream, bytes, errno };
            self.reports.tell(source.pipe.run, report);
        }
    }

    /// The file system is full: removes the part that was written longest ago, of all logs on it, and
    /// says so about a run that writes to its log. Whether there was one.
    fn make_room(&mut self) -> bool {
        if self.removable.parts.is_empty() {
            let now = realtime();
            if now.abs_diff(self.removable.looked_at) < LOOK_FOR_ROOM {
                return false;
            }
            let files = self.outputs.keys().filter_map(|key| match key {
                Key::File(path) => Some(path.as_path()),
                Key::Run(..) => None,
            });
            self.removable.parts = parts::of_logs(files).into();
            if self.removable.parts.is_empty() {
                self.removable.looked_at = now;
            }
        }
        let Some(part) = self.removable.parts.pop_front() else { return false };
        if part.remove().is_err() {
            return false;
        }
        let whose = self.sources.values().find(|source| match &source.key {
            Key::File(path) => part.is_of(path),
            Key::Run(..) => false,
        });
        if let Some(source) = whose {
            self.reports.tell(source.pipe.run, FromRecorder::Removed { bytes: part.bytes });
        }
        true
    }
}
