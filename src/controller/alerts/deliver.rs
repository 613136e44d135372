//! Telling receivers: one message at a time to each, not too often, again after a failure, and of
//! each alert only what is newest.

use std::collections::BTreeMap;

use super::{
    AlertId,
    message::{Item, Message},
    webhook,
};
use crate::{
    api::EventType,
    controller::{calls::Internal, events::Told, state::State},
    host::clock,
    model::{AppKey, ProjectName, Receiver, Time, human_duration},
    reconcile::{self, Pace},
};

/// So many alerts are told of in one message.
const IN_ONE: usize = 50;

/// A receiver: of which project, and its name.
type LaneId = (ProjectName, String);

/// How it stands with the receivers.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_receiver: BTreeMap<LaneId, Lane>,
    /// When one can be told something that waits.
    pub(super) next: Option<Time>,
}

#[derive(Debug, Default)]
struct Lane {
    pace: Pace,
    /// The number of the message that is on its way.
    sent: Option<u64>,
}

impl State {
    /// Begins to tell those who can be told now.
    pub(super) fn tell_receivers(&mut self, now: Time) {
        self.drop_strangers();
        let mut waiting: BTreeMap<LaneId, Vec<(Time, AlertId)>> = BTreeMap::new();
        for (id, known) in &self.alerts.known {
            for (name, owed) in known.owed.iter().filter(|(_, owed)| owed.what.sent_as.is_none()) {
                let lane = (id.0.project.clone(), name.clone());
                waiting.entry(lane).or_default().push((owed.at, id.clone()));
            }
        }
        self.alerts.lanes.next = None;
        for (lane, mut items) in waiting {
            items.sort();
            self.tell_receiver(&lane, &items, now);
        }
    }

    /// Receivers that the file has no more are told nothing more.
    fn drop_strangers(&mut self) {
        let metas = &self.metas;
        let is_known = |project: &ProjectName, name: &String| {
            metas.get(project).is_some_and(|meta| meta.notify.contains_key(name))
        };
        self.alerts.lanes.by_receiver.retain(|(project, name), _| is_known(project, name));
        for ((key, _), known) in &mut self.alerts.known {
            known.owed.retain(|name, _| is_known(&key.project, name));
        }
        self.alerts.known.retain(|_, known| !known.is_over());
    }

    fn tell_receiver(&mut self, id: &LaneId, items: &[(Time, AlertId)], now: Time) {
        let lane = self.alerts.lanes.by_receiver.entry(id.clone()).or_default();
        if lane.sent.is_some() {
            return;
        }
        let due: Vec<AlertId> =
            items.iter().filter(|(at, _)| *at <= now).map(|(_, id)| id.clone()).collect();
        let free = usize::try_from(lane.pace.free(now)).unwrap_or(0);
        if due.is_empty() || free == 0 {
            let first = items.iter().map(|(at, _)| *at).min();
            let at = first.map(|at| at.max(lane.pace.next(now)));
            self.alerts.lanes.next = [self.alerts.lanes.next, at].into_iter().flatten().min();
            return;
        }
        // What cannot be told one by one is told together.
        let count = if due.len() <= free { 1 } else { IN_ONE };
        lane.pace = lane.pace.taken(now);
        let number = self.alerts.next;
        self.alerts.next = number.saturating_add(1);
        lane.sent = Some(number);
        let told = due.into_iter().take(count).filter_map(|alert| {
            let owed = self.alerts.known.get_mut(&alert)?.owed.get_mut(&id.1)?;
            owed.what.sent_as = Some(number);
            let item = Item::of(&alert.0, &alert.1, &owed.what);
            Some((alert.0, item))
        });
        let (keys, items): (Vec<AppKey>, Vec<Item>) = told.unzip();
        // Before it is sent, so that the next controller knows the number.
        self.keep_alerts();
        if let (Some(key), Some(message)) = (keys.first(), Message::of(items)) {
            self.send(id, key, number, &message);
        }
    }

    pub(super) fn send(&mut self, id: &LaneId, key: &AppKey, number: u64, message: &Message) {
        let receiver = self.metas.get(&id.0).and_then(|meta| meta.notify.get(&id.1)).cloned();
        match receiver {
            Some(Receiver::Webhook { url, headers }) => {
                let (internal, project, name) = (self.internal.clone(), id.0.clone(), id.1.clone());
                let json = message.json();
                tokio::spawn(async move {
                    let result = webhook::post(url, headers, json).await;
                    let sent = Internal::Alerted { project, receiver: name, number, result };
                    // The loop may be gone; then the next controller sends it again.
                    let _ignored = internal.send(sent);
                });
            }
            Some(Receiver::Command(command)) => {
                self.run_alert_command((id, number), key, &command, message);
            }
            // It was there a moment ago.
            None => {}
        }
    }

    /// A message has arrived, or has not.
    pub(in crate::controller) fn on_alerted(
        &mut self,
        (project, receiver): (&ProjectName, &str),
        number: u64,
        result: &Result<(), String>,
    ) {
        self.answer_attempt(number, result);
        self.alerts.stirred = true;
        let id = (project.clone(), receiver.to_owned());
        if let Some(lane) = self.alerts.lanes.by_receiver.get_mut(&id)
            && lane.sent == Some(number)
        {
            lane.sent = None;
        }
        // Killed because eco ends: the next controller tells it.
        if self.ending.is_some() {
            return;
        }
        let now = clock::now();
        let sent = self.alerts.known.iter().filter(|(_, known)| {
            known.owed.get(receiver).is_some_and(|owed| owed.what.sent_as == Some(number))
        });
        let sent: Vec<AlertId> = sent
            .filter(|((key, _), _)| key.project == *project)
            .map(|(id, _)| id.clone())
            .collect();
        for alert in sent {
            match result {
                Ok(()) => self.note_told(&alert, receiver),
                Err(why) => self.note_not_told(&alert, receiver, why, now),
            }
        }
    }

    fn note_told(&mut self, id: &AlertId, receiver: &str) {
        let Some(known) = self.alerts.known.get_mut(id) else { return };
        known.owed.remove(receiver);
        known.error = None;
        self.drop_if_quiet(id);
    }

    fn note_not_told(&mut self, id: &AlertId, receiver: &str, why: &str, now: Time) {
        let Some(known) = self.alerts.known.get_mut(id) else { return };
        let Some(owed) = known.owed.get_mut(receiver) else { return };
        owed.what.tries = owed.what.tries.saturating_add(1);
        let by = owed.what.sent_as.take().unwrap_or_default();
        let wait = reconcile::retry_after(owed.what.tries, by);
        let next = if let Some(wait) = wait {
            owed.at = now.after(wait);
            format!("tried again in {}", human_duration(wait))
        } else {
            known.owed.remove(receiver);
            "given up".to_owned()
        };
        let error = format!("`{receiver}` was not told: {why}");
        known.error = Some(error.clone());
        let text = format!("of `{}` {error}; {next}", id.1);
        self.tell(Told::about_app(EventType::AlertFailed, &id.0, text));
        self.drop_if_quiet(id);
    }

    /// What an earlier controller was about to tell when it ended is told by this one; a command of
    /// it that still runs is waited for.
    pub(in crate::controller) fn resume_alerts(&mut self) {
        let running = self.alerts.commands.numbers();
        for ((key, _), known) in &mut self.alerts.known {
            for (name, owed) in &mut known.owed {
                let Some(number) = owed.what.sent_as else { continue };
                if running.contains(&number) {
                    let lane = (key.project.clone(), name.clone());
                    self.alerts.lanes.by_receiver.entry(lane).or_default().sent = Some(number);
                } else {
                    owed.what.sent_as = None;
                }
            }
            // To be looked at even if nobody wants it any more.
            self.alerts.timers.set(key, Some(Time::default()));
        }
    }
}
