//! Runs that are to stop and whose open requests are given time to end: watched through the keeper
//! until nothing is left of them.
//!
//! A server in the way of each connection could tell a busy one from an idle one. Without that the
//! kernel's view has to do: what was received and sent, and how long ago.

use std::{collections::BTreeMap, time::Duration};

use super::state::State;
use crate::{
    api::EventType,
    host::clock,
    model::{Event, Phase, ProjectName, RunId, Time},
    protocol::Closing,
};

/// Time between two looks at a draining run.
const LOOK: Duration = Duration::from_millis(20);
/// A connection that is quiet for so long after an answer is idle.
const QUIET_MS: u32 = 500;
/// So long before the deadline any pause counts; at most half of the whole time.
const HURRY: Duration = Duration::from_millis(2500);
const HURRIED_QUIET_MS: u32 = 8;
/// So long before it a connection is closed as soon as an answer was sent on it; at most a quarter
/// of the whole time. Such moments are short: they are looked for more often.
const LAST: Duration = Duration::from_millis(1500);
const LAST_LOOK: Duration = Duration::from_millis(5);
/// So many looks in a row have to find nothing: a connection may be on its way from the queue.
const CALM: u32 = 2;

/// What is known of a draining run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drain {
    /// When to look next; `None` while an answer is awaited.
    next: Option<Time>,
    /// Looks in a row that found nothing.
    calm: u32,
    /// Whether its time is almost over.
    is_last: bool,
    /// Whether an earlier controller began it.
    is_resumed: bool,
}

/// The runs that are drained.
pub(super) type Drains = BTreeMap<RunId, Drain>;

impl State {
    /// Begins to drain a run, or goes on with what an earlier controller had begun.
    pub(super) fn drain(&mut self, run: RunId, is_resumed: bool) {
        // Who shares its sockets with others that stay has to leave new connections to them. Of a
        // cohort that goes as a whole new ones are kept away by steering, and somebody has to
        // answer those that wait already.
        if !self.is_alone_in_cohort(run) {
            let sent = self.keeper.quiesce(run);
            self.asked(sent);
        }
        let next = Some(clock::now());
        self.drains.insert(run, Drain { next, calm: 0, is_last: false, is_resumed });
    }

    /// The keeper cannot keep a run from accepting. One that was silenced before looks the same, so
    /// of a resumed drain nothing is said.
    pub(super) fn goes_on_accepting(&mut self, run: RunId) {
        if self.drains.get(&run).is_none_or(|drain| drain.is_resumed) {
            return;
        }
        let Some((key, found)) = self.observed.run(run) else { return };
        let text = "it does not wait for connections by epoll, so it goes on accepting while it \
                    drains, and may lose the last ones; `listen: { share: port }` cures that";
        let id = key.instance(found.index);
        self.tell_of_run(EventType::Stopping, (&id, run), text);
    }

    /// Looks at the draining runs that are due.
    pub(super) fn look_at_drains(&mut self, now: Time) {
        let due = self.drains.iter().filter(|(_, drain)| drain.next.is_some_and(|at| at <= now));
        let due: Vec<_> = due.map(|(run, _)| *run).collect();
        for run in due {
            let Some(closing) = self.closing(run, now) else {
                self.drains.remove(&run);
                continue;
            };
            let sent = self.keeper.connections(run, closing);
            self.asked(sent);
            if let Some(drain) = self.drains.get_mut(&run) {
                drain.next = None;
                drain.is_last = closing.between;
            }
        }
    }

    /// Which connections of a run are to be closed for it; `None` if it is not drained any more.
    fn closing(&self, run: RunId, now: Time) -> Option<Closing> {
        let (key, found) = self.observed.run(run)?;
        let stopping = found.stopping.filter(|stopping| stopping.draining)?;
        let spec = &self.desired.app(key)?.spec;
        if spec.listen.as_ref().is_some_and(|listen| !listen.close_idle) {
            return Some(Closing::default());
        }
        let drain = spec.stop.drain;
        let left = stopping.since.after(drain).since(now);
        let hurried = left < HURRY.min(drain / 2);
        let quiet_ms = if hurried { HURRIED_QUIET_MS } else { QUIET_MS };
        Some(Closing { quiet_ms, between: left < LAST.min(drain / 4) })
    }

    /// The keeper has looked at a run's connections.
    pub(super) fn on_connections(&mut self, run: RunId, open: u32, queued: u32) {
        let alone = self.is_alone_in_cohort(run);
        let Some(drain) = self.drains.get_mut(&run) else { return };
        // What waits in a shared queue is for whoever of the cohort stays.
        let idle = open == 0 && (queued == 0 || !alone);
        drain.calm = if idle { drain.calm.saturating_add(1) } else { 0 };
        if CALM <= drain.calm {
            self.drains.remove(&run);
            self.observe(&Event::Drained { run });
        } else {
            let pause = if drain.is_last { LAST_LOOK } else { LOOK };
            drain.next = Some(clock::now().after(pause));
        }
    }

    /// Whether nobody but draining runs accepts what waits for this run's cohort.
    fn is_alone_in_cohort(&self, run: RunId) -> bool {
        let Some((key, found)) = self.observed.run(run) else { return true };
        let mut others = self.observed.apps.get(key).into_iter().flat_map(|app| app.runs.values());
        !others.any(|other| {
            other.cohort == found.cohort
                && other.stopping.is_none()
                && matches!(other.phase, Phase::Ready { .. })
        })
    }

    /// Takes up the drains of a project that an earlier controller had begun.
    pub(super) fn resume_drains_of(&mut self, name: &ProjectName) {
        let mine = self.observed.apps.iter().filter(|(key, _)| key.project == *name);
        let runs = mine.flat_map(|(_, app)| &app.runs);
        let draining = runs.filter(|(_, run)| run.stopping.is_some_and(|it| it.draining));
        let draining: Vec<_> = draining.map(|(run, _)| *run).collect();
        for run in draining {
            self.drain(run, true);
        }
    }

    /// When the next draining run is to be looked at.
    pub(super) fn next_look(&self) -> Option<Time> {
        self.drains.values().filter_map(|drain| drain.next).min()
    }
}
