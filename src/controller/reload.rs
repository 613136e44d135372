//! Lets instances read their own files again by a signal, where the app's file names one.

use std::{collections::BTreeSet, time::Duration};

use super::{
    events::{OPERATOR, Told},
    state::State,
};
use crate::{
    api::EventType,
    host::clock,
    model::{AppKey, Event, KillScope, Phase},
};

/// So long after the signal an instance may begin to say that it reloads; who says it later is not
/// waited for.
const ANSWER: Duration = Duration::from_millis(500);

impl State {
    /// Sends these instances of an app (all, if none is named) the signal of its `reload`. Whether
    /// that was done: without such a signal, or without an instance that runs, there is another way.
    pub(super) fn reload_by_signal(&mut self, key: &AppKey, instances: &BTreeSet<u32>) -> bool {
        let Some(signal) = self.desired.app(key).and_then(|app| app.spec.reload) else {
            return false;
        };
        let runs = self.observed.apps.get(key).into_iter().flat_map(|app| &app.runs);
        let meant = runs.filter(|(_, run)| {
            let up = matches!(run.phase, Phase::Starting { .. } | Phase::Ready { .. });
            up && (instances.is_empty() || instances.contains(&run.index))
        });
        let meant: Vec<_> = meant.map(|(run, found)| (*run, key.instance(found.index))).collect();
        for (run, id) in &meant {
            let until = clock::now().after(ANSWER);
            self.observe(&Event::Reload { run: *run, until });
            let sent = self.keeper.signal(*run, signal, KillScope::Main);
            self.asked(sent);
            let text = format!("{signal} was sent, to have it read its files again");
            let revision = self.observed.run(*run).map(|(_, found)| found.revision);
            let told = Told::of(EventType::Operated, id, text).by(OPERATOR);
            self.tell(told.maybe_revision(revision));
        }
        !meant.is_empty()
    }
}
