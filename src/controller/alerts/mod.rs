//! Alerts: looks at their conditions when something of an app has changed or time has, and has the
//! receivers told. Telling goes on aside; whoever hangs holds up nobody.

mod attempt;
mod command;
mod deliver;
mod measure;
mod message;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};

use super::{events::Told, report::rfc3339, state::State, timers::Timers, words::app_hold};
use crate::{
    api::{AlertReply, AlertState, ChangeReply, EventType},
    host::{
        clock,
        home::Home,
        store::{OwedAlert, StoredAlert, StoredAlerts},
    },
    model::{
        AlertCondition, AlertPhase, AlertRule, App, AppKey, Effect, ProjectName, Receivers, Time,
        human_duration,
    },
    reconcile::{self, AlertNews, AlertSight},
};

use attempt::Attempts;
use command::Commands;
use deliver::Lanes;
use measure::Samples;

/// An alert: of which app, and its words.
type AlertId = (AppKey, String);

/// All alerts that are not quiet, and who is to be told.
#[derive(Debug)]
pub(super) struct Alerts {
    known: BTreeMap<AlertId, Known>,
    /// When to look at the alerts of an app again if nothing happens before.
    timers: Timers<AppKey>,
    samples: Samples,
    lanes: Lanes,
    commands: Commands,
    attempts: Attempts,
    /// The number of the next message.
    next: u64,
    /// As it lies on disk.
    stored: StoredAlerts,
    /// Whether something has come of a message since the receivers were last looked at.
    stirred: bool,
}

/// What is known of an alert.
#[derive(Debug, Default)]
struct Known {
    phase: AlertPhase,
    /// Since when its condition holds, for people.
    since: String,
    /// What is seen now, in words.
    seen: String,
    /// Who is still to be told.
    owed: BTreeMap<String, Owed>,
    /// Why telling somebody has failed.
    error: Option<String>,
}

/// What a receiver is still to be told.
#[derive(Debug)]
struct Owed {
    what: OwedAlert,
    /// Not before that.
    at: Time,
}

/// What there is to tell of an alert.
struct News {
    kind: AlertNews,
    /// How it stood.
    before: AlertPhase,
    value: Option<f64>,
    /// What is seen, in words.
    seen: String,
}

impl Known {
    fn is_over(&self) -> bool {
        self.phase == AlertPhase::Quiet && self.owed.is_empty()
    }
}

impl Alerts {
    /// As an earlier controller has left them.
    pub(super) fn read(home: &Home) -> Self {
        let stored = StoredAlerts::read(home);
        let known = stored.alerts.iter().map(|it| {
            let owed = it.owed.iter().map(|(name, what)| {
                (name.clone(), Owed { what: what.clone(), at: Time::default() })
            });
            let known = Known {
                phase: it.phase,
                since: it.since.clone(),
                seen: String::new(),
                owed: owed.collect(),
                error: it.error.clone(),
            };
            ((it.key.clone(), it.words.clone()), known)
        });
        Self {
            known: known.collect(),
            timers: Timers::new(),
            samples: Samples::default(),
            lanes: Lanes::default(),
            commands: Commands::default(),
            attempts: Attempts::new(),
            next: stored.next,
            stored,
            stirred: true,
        }
    }

    fn next(&self) -> Option<Time> {
        let others = [self.timers.next(), self.samples.next_look, self.lanes.next];
        others.into_iter().chain([self.commands.next()]).flatten().min()
    }

    /// Whether a command runs that tells somebody.
    pub(super) fn is_telling(&self) -> bool {
        !self.commands.is_empty()
    }

    fn to_stored(&self) -> StoredAlerts {
        let alerts = self.known.iter().map(|((key, words), it)| StoredAlert {
            key: key.clone(),
            words: words.clone(),
            phase: it.phase,
            since: it.since.clone(),
            owed: it.owed.iter().map(|(name, owed)| (name.clone(), owed.what.clone())).collect(),
            error: it.error.clone(),
        });
        let StoredAlerts { schema, boot, .. } = &self.stored;
        let alerts = alerts.collect();
        StoredAlerts { schema: *schema, boot: boot.clone(), next: self.next, alerts }
    }
}

/// What an edit of `notify` changes. It holds at once.
pub(super) fn changes(before: &Receivers, after: &Receivers) -> Vec<ChangeReply> {
    let changes = reconcile::receiver_changes(before, after).into_iter();
    let reply = |it: reconcile::ReceiverChange| ChangeReply {
        app: String::new(),
        field: it.field,
        old: it.values.0,
        new: it.values.1,
        effect: Effect::Live,
        masked: it.masked,
    };
    changes.map(reply).collect()
}

impl State {
    /// Looks at the alerts of apps of which something is new, and has told what there is to tell.
    pub(super) fn settle_alerts(&mut self) {
        // What eco stops as it ends is no news, and what fires goes on firing.
        if self.ending.is_some() {
            return;
        }
        let now = clock::now();
        let mut keys: BTreeSet<AppKey> =
            self.touched.iter().filter(|key| self.has_alerts(key)).cloned().collect();
        keys.extend(self.sample_for_alerts(now));
        while let Some(key) = self.alerts.timers.pop_due(now) {
            keys.insert(key);
        }
        for key in &keys {
            self.look_at_alerts(key, now);
        }
        self.end_late_alert_commands(now);
        let is_due = self.alerts.lanes.next.is_some_and(|at| at <= now);
        if std::mem::take(&mut self.alerts.stirred) || is_due || !keys.is_empty() {
            self.tell_receivers(now);
            self.keep_alerts();
        }
    }

    /// When something of them is to be done though nothing happens.
    pub(super) fn next_alert(&self) -> Option<Time> {
        self.alerts.next().filter(|_| self.ending.is_none())
    }

    fn has_alerts(&self, key: &AppKey) -> bool {
        let says_so = self.desired.app(key).is_some_and(|app| !app.spec.alerts.is_empty());
        says_so || self.alerts_of(key).next().is_some()
    }

    fn alerts_of<'a>(&'a self, key: &'a AppKey) -> impl Iterator<Item = &'a AlertId> {
        let from = (key.clone(), String::new());
        self.alerts.known.range(from..).map(|(id, _)| id).take_while(move |id| id.0 == *key)
    }

    fn look_at_alerts(&mut self, key: &AppKey, now: Time) {
        let app = self.desired.app(key).filter(|app| app.wanted() != 0).cloned();
        let rules = app.as_ref().map(|app| app.spec.alerts.as_slice()).unwrap_or_default();
        // Those of an app that nobody wants to run, or that the file has no more, end silently.
        let gone = self.alerts_of(key).filter(|id| rules.iter().all(|rule| rule.words != id.1));
        let gone: Vec<AlertId> = gone.cloned().collect();
        for id in gone {
            self.alerts.known.remove(&id);
        }
        let Some(app) = &app else { return self.alerts.timers.set(key, None) };
        self.expect_samples(app, now);
        let wakes = rules.iter().map(|rule| self.look_at_alert((key, app), rule, now));
        let wake_at = wakes.collect::<Vec<_>>().into_iter().flatten().min();
        self.alerts.timers.set(key, wake_at);
    }

    /// When to look at it again.
    fn look_at_alert(
        &mut self,
        (key, app): (&AppKey, &App),
        rule: &AlertRule,
        now: Time,
    ) -> Option<Time> {
        let id = (key.clone(), rule.words.clone());
        let observed = self.observed.apps.get(key);
        let measured = self.alerts.samples.of(key);
        let sight = reconcile::alert_sight(rule, (key, app), observed, measured, now);
        let before = self.alerts.known.get(&id).map(|known| known.phase).unwrap_or_default();
        let step = reconcile::alert_step(rule, before, sight.holds, now);
        let seen = self.in_words(rule, (key, app), &sight, now);
        if before != AlertPhase::Quiet || step.phase != AlertPhase::Quiet {
            let known = self.alerts.known.entry(id.clone()).or_default();
            known.phase = step.phase;
            if before == AlertPhase::Quiet {
                known.since = rfc3339(clock::wall());
            }
            if sight.holds {
                known.seen.clone_from(&seen);
            }
        }
        match step.news {
            Some(kind) => {
                let value = sight.value;
                self.note_news(&id, rule, News { kind, before, value, seen }, now);
            }
            None => self.drop_if_quiet(&id),
        }
        [step.wake_at, sight.turns_at].into_iter().flatten().min()
    }

    /// What is seen, with why the app is not as it should be where that is what is told.
    fn in_words(
        &self,
        rule: &AlertRule,
        (key, app): (&AppKey, &App),
        sight: &AlertSight,
        now: Time,
    ) -> String {
        let is_state = match rule.condition {
            AlertCondition::State(_) => sight.holds,
            AlertCondition::Measured { .. } | AlertCondition::Restarts { .. } => false,
        };
        let hold = is_state.then(|| {
            let status = reconcile::status(key, app, self.observed.apps.get(key), now);
            app_hold(&status, (&app.spec, key), &self.seen)
        });
        let text = match hold.flatten() {
            Some(hold) => format!("{}; {hold}", sight.words),
            None => sight.words.clone(),
        };
        message::clean(&text)
    }

    fn drop_if_quiet(&mut self, id: &AlertId) {
        if self.alerts.known.get(id).is_some_and(Known::is_over) {
            self.alerts.known.remove(id);
        }
    }

    fn note_news(&mut self, id: &AlertId, rule: &AlertRule, news: News, now: Time) {
        let key = &id.0;
        let News { kind, before, value, seen } = news;
        let (event, text) = match kind {
            AlertNews::Fired => (EventType::AlertFired, format!("`{}` fires: {seen}", rule.words)),
            AlertNews::Resolved => {
                let held = lasted(before).map(human_duration);
                let held = held.map(|held| format!(" after {held}")).unwrap_or_default();
                (EventType::AlertResolved, format!("`{}` is over{held}: {seen}", rule.words))
            }
        };
        self.tell(Told::about_app(event, key, text));
        let receivers = self.receivers_of(&key.project, rule);
        let Some(known) = self.alerts.known.get_mut(id) else { return };
        known.error = None;
        let owed = OwedAlert {
            resolved: kind == AlertNews::Resolved,
            since: known.since.clone(),
            message: seen,
            value,
            tries: 0,
            sent_as: None,
        };
        // Of two that somebody is to be told, only the newer one is of interest.
        let owed = receivers.into_iter().map(|name| (name, Owed { what: owed.clone(), at: now }));
        known.owed.extend(owed);
        self.drop_if_quiet(id);
    }

    /// The names of those who are told of an alert.
    fn receivers_of(&self, project: &ProjectName, rule: &AlertRule) -> Vec<String> {
        let notify = self.metas.get(project).map(|meta| &meta.notify);
        let names = notify.into_iter().flat_map(|notify| notify.keys());
        names.filter(|name| rule.to.is_empty() || rule.to.contains(name)).cloned().collect()
    }

    /// Puts down what the next controller has to know, before it is acted on.
    fn keep_alerts(&mut self) {
        let stored = self.alerts.to_stored();
        if stored == self.alerts.stored {
            return;
        }
        match stored.write(&self.home) {
            Ok(()) => self.alerts.stored = stored,
            // It is tried again with the next change.
            Err(error) => tracing::warn!(%error, "cannot keep the alerts"),
        }
    }

    /// The alerts of a project that are not quiet.
    pub(super) fn alert_replies(
        &self,
        name: &ProjectName,
        meant: impl Fn(&AppKey) -> bool,
    ) -> Vec<AlertReply> {
        let mine =
            self.alerts.known.iter().filter(|((key, _), _)| key.project == *name && meant(key));
        let reply = |((key, words), known): (&AlertId, &Known)| {
            let state = match known.phase {
                AlertPhase::Quiet => return None,
                AlertPhase::Pending { .. } => AlertState::Pending,
                AlertPhase::Firing { .. } => AlertState::Firing,
            };
            Some(AlertReply {
                app: key.app.to_string(),
                alert: words.clone(),
                state,
                since: known.since.clone(),
                message: known.seen.clone(),
                error: known.error.clone(),
            })
        };
        mine.filter_map(reply).collect()
    }
}

/// How long a condition has held that is over.
fn lasted(phase: AlertPhase) -> Option<std::time::Duration> {
    match phase {
        AlertPhase::Firing { since, over: Some(over) } => Some(over.since(since)),
        AlertPhase::Quiet | AlertPhase::Pending { .. } | AlertPhase::Firing { over: None, .. } => {
            None
        }
    }
}
