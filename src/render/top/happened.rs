//! What happened: the latest events, and which of them are about the selected app.

use std::collections::VecDeque;

use crate::api::EventReply;

/// So many are kept.
const MOST: usize = 1000;

/// The latest events, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Happened {
    events: VecDeque<EventReply>,
    /// So many lines above the newest the view ends.
    pub(super) back: usize,
}

impl Happened {
    /// Takes one in. After a reconnection some come twice.
    pub(super) fn take(&mut self, event: EventReply) {
        if self.events.back().is_some_and(|last| event.seq <= last.seq) {
            return;
        }
        self.events.push_back(event);
        if MOST < self.events.len() {
            self.events.pop_front();
        }
    }

    /// Those about one app, or about the whole of its project, or of nobody in particular.
    pub(super) fn about(&self, of: Option<(&str, &str)>) -> Vec<&EventReply> {
        let fits = |event: &&EventReply| {
            let Some((project, app)) = of else { return true };
            event.project.as_deref().is_none_or(|it| it == project)
                && event.app.as_deref().is_none_or(|it| it == app)
        };
        self.events.iter().filter(fits).collect()
    }
}
