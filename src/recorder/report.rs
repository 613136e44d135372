//! What the recorder tells the keeper.

use std::sync::Arc;

use super::store::Store;
use crate::protocol::FromRecorder;

/// The way to the keeper; packets of several threads do not mix.
#[derive(Clone, Debug)]
pub(super) struct Reports {
    store: Arc<Store>,
}

impl Reports {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Tells something about a run.
    pub(super) fn tell(&self, run: u64, body: FromRecorder) {
        self.store.tell(run, body);
    }
}
