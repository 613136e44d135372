//! Telling the controller: what changed is queued once and sent as it is when its socket takes it.

use std::io;

use super::{answers::Item, connections::Count, event_loop::Keeper};
use crate::protocol::{Blocking, Event, Message, VERSION, send};

impl Keeper {
    /// A run's record changed.
    pub(super) fn changed(&mut self, id: u64) {
        self.changes = self.changes.saturating_add(1);
        let Some(run) = self.runs.get_mut(&id) else { return };
        self.unwritten.insert(id);
        if self.greeted && !run.dirty && !run.forgotten {
            run.dirty = true;
            self.answers.push(Item::Run(id));
        }
    }

    /// Queues every record, then the end of the list.
    pub(super) fn list(&mut self, seq: u64) {
        let ids: Vec<u64> = self.runs.keys().copied().collect();
        for id in ids {
            self.changed(id);
        }
        self.list_cohorts();
        self.list_queues();
        self.answers.push(Item::ListEnd { seq });
    }

    /// A new controller has to greet before it is told anything.
    pub(super) fn forget_controller(&mut self) {
        self.greeted = false;
        self.answers.clear();
        self.members_found.clear();
        self.said.clear();
        for run in self.runs.values_mut() {
            run.dirty = false;
        }
    }

    /// Sends what the controller's socket takes.
    pub(super) fn deliver(&mut self) {
        while let Some(item) = self.answers.first() {
            let Some(channel) = &self.controller.channel else { return };
            let Some(message) = self.message(item) else {
                self.answers.sent();
                continue;
            };
            let sent = message
                .encode()
                .map_err(io::Error::from)
                .and_then(|bytes| send(channel, &bytes, &[], Blocking::Never));
            match sent.map_err(|error| error.kind()) {
                Err(io::ErrorKind::WouldBlock) => return,
                // A message that cannot be sent is no reason to hold up the others; if the
                // controller is dead, its successor asks for everything.
                Ok(()) | Err(_) => self.answers.sent(),
            }
            if let Item::Run(id) = item
                && let Some(run) = self.runs.get_mut(&id)
            {
                run.dirty = false;
            } else if let Item::Members { seq } = item {
                self.members_found.remove(&seq);
            } else if item == Item::Said {
                self.said.pop_front();
            } else if let Item::Queue(inode) = item {
                self.share.queue_was_told(inode);
            }
        }
    }

    fn message(&self, item: Item) -> Option<Message<Event>> {
        Some(match item {
            Item::Hello { seq } => Message {
                seq,
                run: 0,
                body: Event::Hello {
                    version: VERSION,
                    keeper: rustix::process::getpid().as_raw_nonzero().get().unsigned_abs(),
                    recorder: self.recorder.pid_number(),
                    started: self.started_at,
                },
            },
            Item::Run(id) => {
                let run = self.runs.get(&id).filter(|run| !run.forgotten)?;
                let body = Event::Record(Box::new(run.record.clone()));
                Message { seq: self.changes, run: id, body }
            }
            Item::ListEnd { seq } => Message { seq, run: 0, body: Event::ListEnd },
            Item::Refused { seq, run, request, step, errno } => {
                Message { seq, run, body: Event::Refused { request, step, errno } }
            }
            Item::Cohort { cohort, group } => {
                Message { seq: self.changes, run: 0, body: Event::Cohort { cohort, group } }
            }
            Item::Connections { seq, run, count } => {
                let Count { open, closed, queued } = count;
                Message { seq, run, body: Event::Connections { open, closed, queued } }
            }
            Item::Removed(id) => {
                let run = self.runs.get(&id).filter(|run| !run.forgotten)?;
                let body = Event::Removed { bytes: run.removed };
                Message { seq: self.changes, run: id, body }
            }
            Item::Queue(inode) => {
                let (run, queue) = self.share.queue(inode)?;
                Message { seq: self.changes, run, body: Event::Queue(queue) }
            }
            Item::Members { seq } => {
                let (run, members) = self.members_found.get(&seq)?.clone();
                Message { seq, run, body: Event::Members(members) }
            }
            Item::Said => {
                let (run, body) = self.next_said()?;
                Message { seq: self.changes, run, body }
            }
            Item::Recorder => Message {
                seq: self.changes,
                run: 0,
                body: Event::Recorder {
                    pid: self.recorder.pid_number(),
                    restarts: self.recorder.starts.saturating_sub(1),
                },
            },
        })
    }

    /// Drops a run the controller has forgotten, once nothing of it is left to hold.
    pub(super) fn drop_if_forgotten(&mut self, id: u64) {
        if self.runs.get(&id).is_some_and(|run| run.forgotten && run.is_finished()) {
            self.runs.remove(&id);
        }
    }
}
