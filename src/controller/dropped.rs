//! Output that could not be written to its log, or only in the place of older parts: told when it
//! begins, and again each time it has doubled, so that a disk that stays full fills no list.

use std::collections::BTreeMap;

use super::{events::Told, state::State};
use crate::{
    api::EventType,
    host::keeper::Dropped,
    model::{InstanceId, RunId, RunRecord, human_size},
};

/// What of an instance's latest run was dropped.
#[derive(Clone, Debug)]
pub(super) struct DroppedOutput {
    run: RunId,
    /// What was told.
    told: u64,
    /// In words.
    pub(super) words: String,
}

/// Of all instances of which any was.
pub(super) type AllDropped = BTreeMap<InstanceId, DroppedOutput>;

impl State {
    /// The keeper told how much of a run's output was dropped so far.
    pub(super) fn note_dropped(&mut self, record: &RunRecord, dropped: Dropped) {
        let id = &record.tag.id;
        let known = self.dropped.get(id).filter(|known| known.run == record.run);
        if dropped.bytes == 0 {
            // A later run of which all is written ends the matter.
            if known.is_none() && self.dropped.get(id).is_some_and(|old| old.run < record.run) {
                self.dropped.remove(id);
            }
            return;
        }
        let told = known.map_or(0, |known| known.told);
        let words = format!(
            "{} of its output dropped: {}",
            human_size(dropped.bytes),
            reason(dropped.errno)
        );
        let is_news = told.saturating_mul(2).max(1) <= dropped.bytes;
        let told = if is_news { dropped.bytes } else { told };
        if is_news {
            self.tell(Told::of(EventType::OutputDropped, id, words.clone()));
        }
        self.dropped.insert(id.clone(), DroppedOutput { run: record.run, told, words });
    }
}

impl State {
    /// The keeper told how much of the older output of a run's instance was removed so far.
    pub(super) fn note_removed(&mut self, run: RunId, bytes: u64) {
        let Some((key, found)) = self.observed.run(run) else { return };
        let id = key.instance(found.index);
        let known = self.removed.get(&id).filter(|(known, told)| *known == run && *told <= bytes);
        let told = known.map_or(0, |(_, told)| *told);
        if told.saturating_mul(2).max(1) <= bytes {
            let size = human_size(bytes);
            let words = format!("{size} of its older logs removed: the disk of its log is full");
            self.tell(Told::of(EventType::LogsRemoved, &id, words));
            self.removed.insert(id, (run, bytes));
        }
    }
}

fn reason(errno: i32) -> String {
    match errno {
        libc::ENOSPC | libc::EDQUOT => "the disk of its log is full".to_owned(),
        libc::ETIMEDOUT => "writing to its log hangs".to_owned(),
        other => {
            let text = std::io::Error::from_raw_os_error(other).to_string();
            let text = text.split(" (os error").next().unwrap_or_default();
            format!("its log cannot be written: {}", text.to_lowercase())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_words() {
        assert_eq!(reason(libc::ENOSPC), "the disk of its log is full");
        assert_eq!(reason(libc::EROFS), "its log cannot be written: read-only file system");
    }
}
