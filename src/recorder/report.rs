//! What the recorder tells the keeper.

use std::{os::fd::OwnedFd, sync::Arc};

use crate::protocol::{Blocking, FromRecorder, Message, send};

/// The way to the keeper; packets of several threads do not mix.
#[derive(Clone, Debug)]
pub(super) struct Reports {
    channel: Arc<OwnedFd>,
}

impl Reports {
    pub(super) fn new(channel: Arc<OwnedFd>) -> Self {
        Self { channel }
    }

    /// Tells something about a run. A keeper that is dead needs no report.
    pub(super) fn tell(&self, run: u64, body: FromRecorder) {
        if let Ok(bytes) = (Message { seq: 0, run, body }).encode() {
            drop(send(&self.channel, &bytes, &[], Blocking::Wait));
        }
    }
}
