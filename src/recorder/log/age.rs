//! Files that become old though nothing is written to them.

use std::fs;

use super::{Log, Open};

/// One that could not be put aside is tried again after this time, in ns.
const TRY_AGAIN: u64 = 60_000_000_000;

impl Log {
    /// When the file is to be put aside though nothing more comes, in ns since 1970. Within a line it
    /// waits for the rest of it.
    pub(in crate::recorder) fn old_at(&self) -> Option<u64> {
        let open = self.open.as_ref()?;
        let age = self.rotation.age;
        let waits = age != 0 && open.is_regular && open.end != 0 && open.at_line_start;
        waits.then(|| open.old_at(age).max(self.no_rotation_before))
    }

    /// Opens what an earlier recorder, or an earlier run, has written, if it becomes old.
    pub(in crate::recorder) fn look_for_age(&mut self, time: u64) {
        let is_there =
            || fs::metadata(&self.paths.log).is_ok_and(|it| it.is_file() && it.len() != 0);
        if self.rotation.age != 0 && self.open.is_none() && is_there() {
            self.open = Open::new(&self.paths, time).ok();
        }
    }

    /// Puts the file aside if it has become old.
    pub(in crate::recorder) fn put_aside_if_old(&mut self, time: u64) {
        if self.old_at().is_none_or(|at| time < at) {
            return;
        }
        if self.open.as_mut().is_some_and(|open| !open.is_still_at(&self.paths, time)) {
            self.close();
        } else if self.rotate().is_err() {
            self.no_rotation_before = time.saturating_add(TRY_AGAIN);
            self.look_for_age(time);
        }
    }
}
