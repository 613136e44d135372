//! Queues of connections from which nothing is taken: whether those who should take them compute, or
//! hang. Looks every second, and only while the keeper knows of such a queue.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use super::{events::Told, state::State};
use crate::{
    api::EventType,
    host::{clock, keeper::QueueSeen, stats},
    model::{AppKey, Cohort, Event, RunId, Stuck, Time, Unfit, UnfitReason},
    reconcile::{self, QueueWatch},
};

/// Time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Who computes for a larger part of the time, 1 in so many, does not hang.
const IDLE_PART: u32 = 20;

/// Which queue: whose, of which run if it is that one's alone, and where.
type QueueId = (Cohort, Option<RunId>, SocketAddr);

/// The queues from which nothing is taken.
#[derive(Debug, Default)]
pub(super) struct Queues {
    known: BTreeMap<QueueId, Known>,
    /// When to look next; `None` while there are none.
    pub(super) next_look: Option<Time>,
}

#[derive(Debug)]
struct Known {
    stuck: Stuck,
    /// What those who should take from it had computed at some time.
    before: Option<Computed>,
    /// The app it was told of.
    told: Option<AppKey>,
}

#[derive(Clone, Debug)]
struct Computed {
    at: Time,
    runs: Vec<(RunId, u32)>,
    time: Duration,
}

impl Computed {
    fn now(runs: &[(RunId, u32)]) -> Self {
        let times = runs.iter().filter_map(|(_, pid)| stats::tree_cpu(*pid));
        Self { at: clock::now(), runs: runs.to_vec(), time: times.sum() }
    }

    /// Whether more was computed since `before` than goes by the way.
    fn is_busy_since(&self, before: &Self) -> bool {
        self.at.since(before.at) / IDLE_PART < self.time.saturating_sub(before.time)
    }
}

impl State {
    /// The keeper says that nothing is taken from a queue, or again something.
    pub(super) fn on_queue(&mut self, seen: QueueSeen) {
        let QueueSeen { cohort, of, address, waiting, room: _, since } = seen;
        let id = (cohort, of, address);
        let stuck = since.map(|since| Stuck { address, waiting, since });
        let same = |known: &Known| stuck.is_some_and(|stuck| stuck.since == known.stuck.since);
        let goes_on = self.queues.known.get(&id).is_some_and(same);
        if !goes_on && let Some(known) = self.queues.known.remove(&id) {
            self.tell_taken(id, known);
        }
        let Some(stuck) = stuck else { return };
        let begun = Known { stuck, before: None, told: None };
        let known = self.queues.known.entry(id).or_insert(begun);
        known.stuck = stuck;
        let told = known.told.clone();
        self.queues.next_look.get_or_insert_with(|| clock::now().after(LOOK));
        if let Some(key) = told {
            self.note_queue(key, id, Some(stuck));
        }
    }

    /// Looks at the queues, if it is time.
    pub(super) fn look_at_queues(&mut self, now: Time) {
        if self.queues.next_look.is_none_or(|at| now < at) {
            return;
        }
        let ids: Vec<QueueId> = self.queues.known.keys().copied().collect();
        self.queues.next_look = (!ids.is_empty()).then(|| now.after(LOOK));
        for id in ids {
            self.look_at_queue(id, now);
        }
    }

    fn look_at_queue(&mut self, id: QueueId, now: Time) {
        let Some((key, watch)) = self.queue_watch(id) else { return };
        let Some(known) = self.queues.known.get_mut(&id) else { return };
        let computed = Computed::now(&watch.runs);
        let same = known.before.as_ref().filter(|before| before.runs == watch.runs);
        let Some(before) = same.filter(|before| !computed.is_busy_since(before)) else {
            known.before = Some(computed);
            return;
        };
        // For at least half of the time it has to be known that they computed nothing.
        let at = watch.from.after(watch.within).max(before.at.after(watch.within / 2));
        if known.told.is_some() || now < at {
            return;
        }
        known.told = Some(key.clone());
        let stuck = known.stuck;
        self.tell(Told::about_app(EventType::Stuck, &key, stuck.words(now)));
        self.note_queue(key, id, Some(stuck));
        if watch.replaces {
            self.replace_stuck(&watch, stuck, now);
        }
    }

    fn replace_stuck(&mut self, watch: &QueueWatch, stuck: Stuck, now: Time) {
        for (run, _) in &watch.runs {
            let words = stuck.words(now);
            self.note_try(*run, words.clone());
            let unfit = Unfit { why: UnfitReason::NotLive, at: now, well: Some(stuck.since) };
            self.on_unfit(*run, unfit, EventType::NotLive, words);
        }
    }

    /// The app a queue is of, and how long that may go on.
    fn queue_watch(&self, (cohort, of, address): QueueId) -> Option<(AppKey, QueueWatch)> {
        let since = self.queues.known.get(&(cohort, of, address))?.stuck.since;
        let mut apps = self.observed.apps.iter();
        let (key, observed) =
            apps.find(|(_, app)| app.runs.values().any(|run| run.cohort == cohort))?;
        let app = self.desired.app(key)?;
        let watch = reconcile::queue_watch(app, Some(observed), (cohort, of), since)?;
        Some((key.clone(), watch))
    }

    fn note_queue(&mut self, key: AppKey, (cohort, of, address): QueueId, stuck: Option<Stuck>) {
        self.observe(&Event::Queue { key, cohort, of, address, stuck });
    }

    fn tell_taken(&mut self, id: QueueId, known: Known) {
        let Some(key) = known.told else { return };
        let text = format!("connections at {} are taken again", known.stuck.address);
        let goes_on = |run: &crate::model::Run| run.cohort == id.0 && run.stopping.is_none();
        // Where those who took none are gone, nobody takes any again.
        let runs = self.observed.apps.get(&key).map(|app| app.runs.values().any(goes_on));
        if runs == Some(true) {
            self.tell(Told::about_app(EventType::Unstuck, &key, text));
        }
        self.note_queue(key, id, None);
    }
}
