//! Replaces instances that use more memory than their file lets them. Looks every second, and only
//! while there is an app that asks for it.

use std::time::Duration;

use super::state::State;
use crate::{
    api::EventType,
    host::{clock, stats},
    model::{AppKey, Time, Unfit, UnfitReason, fine_size},
    reconcile::{self, MemoryWatch},
};

/// Time between two looks.
const LOOK: Duration = Duration::from_secs(1);

impl State {
    /// Begins to look at memory, if this app asks for it and nobody looks yet.
    pub(super) fn expect_memory(&mut self, key: &AppKey, now: Time) {
        let asks = self.desired.app(key).is_some_and(|app| app.spec.restart.max_memory.is_some());
        if asks && self.next_memory_look.is_none() {
            self.next_memory_look = Some(now.after(LOOK));
        }
    }

    /// Looks at the memory of all runs for which it matters, if it is time.
    pub(super) fn look_at_memory(&mut self, now: Time) {
        if self.next_memory_look.is_none_or(|at| now < at) {
            return;
        }
        let asking = self.desired.apps().filter(|(_, app)| app.spec.restart.max_memory.is_some());
        let mut watches = Vec::new();
        let mut any = false;
        for (key, app) in asking {
            any = true;
            watches.extend(reconcile::memory_watches(app, self.observed.apps.get(&key)));
        }
        self.next_memory_look = any.then(|| now.after(LOOK));
        for watch in watches.into_iter().filter(|watch| watch.from <= now) {
            self.weigh(watch);
        }
    }

    fn weigh(&mut self, MemoryWatch { run, limit, .. }: MemoryWatch) {
        let Some((_, found)) = self.observed.run(run) else { return };
        let Some(bytes) = stats::tree_bytes(found.pid).filter(|bytes| limit < *bytes) else {
            return;
        };
        let at = clock::now();
        let words = format!("it uses {}, more than {}", fine_size(bytes), fine_size(limit));
        self.note_try(run, words.clone());
        let unfit = Unfit { why: UnfitReason::OverMemory, at, well: Some(at) };
        self.on_unfit(run, unfit, EventType::OverMemory, words);
    }
}
