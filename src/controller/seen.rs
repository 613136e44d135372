//! What was seen of an instance that has not become ready: what asking it showed, or who holds the
//! port it wants. Kept for a while after the run's end: that is when people ask.

use std::collections::BTreeMap;

use super::{environment, port_in_use::port_in_use, state::State, words};
use crate::{
    host::{clock, port_owner::port_owner},
    model::{AppKey, Exit, Hold, InstanceId, Phase, Revision, RunId, RunRecord, RunTag},
    reconcile,
};

/// What was seen of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) run: RunId,
    revision: Revision,
    /// The port it could not have, if that is what the words are about.
    port: Option<u16>,
    /// Part of a sentence.
    pub(super) words: String,
}

/// What was seen of the latest run of each instance.
pub(super) type AllSeen = BTreeMap<InstanceId, Seen>;

impl State {
    /// Asking a run showed this.
    pub(super) fn note_try(&mut self, run: RunId, words: String) {
        let Some((key, found)) = self.observed.run(run) else { return };
        // What its end looks like from outside tells nothing.
        if found.stopping.is_some() {
            return;
        }
        let seen = Seen { run, revision: found.revision, port: None, words };
        self.seen.insert(key.instance(found.index), seen);
    }

    /// Notes who is in the way of a run that could not have its port. Looked up once for each run.
    pub(super) fn note_refused(&mut self, record: &RunRecord) {
        let in_use = record.sockets.refused.filter(|(_, errno)| *errno == libc::EADDRINUSE);
        let Some((port, _)) = in_use else { return };
        let RunTag { id, revision, .. } = &record.tag;
        let known = self.seen.get(id);
        if known
            .is_some_and(|it| record.run < it.run || it.run == record.run && it.port == Some(port))
        {
            return;
        }
        let Some(holder) = self.holder(port, &id.key) else { return };
        let (run, revision) = (record.run, *revision);
        let words = format!("{holder} holds port {port}");
        self.seen.insert(id.clone(), Seen { run, revision, port: Some(port), words });
    }

    /// Notes who is in the way of a run that has said at its end that an address is in use, and says
    /// it. Its port is the one it named, else the one it was given in `PORT`.
    pub(super) fn note_port_in_use(
        &mut self,
        id: &InstanceId,
        exit: &Exit,
        lines: &[String],
    ) -> Option<String> {
        let given = || environment::port(&self.desired.app(&id.key)?.spec)?.parse().ok();
        let port = port_in_use(lines, given)?;
        let holder = self.holder(port, &id.key)?;
        let words = format!("{holder} holds port {port}");
        let (run, revision) = (exit.run, exit.revision);
        if self.seen.get(id).is_none_or(|known| known.run <= run) {
            let seen = Seen { run, revision, port: Some(port), words: words.clone() };
            self.seen.insert(id.clone(), seen);
        }
        Some(words)
    }

    /// Notes what a run says it does while it is not ready.
    pub(super) fn note_status(&mut self, record: &RunRecord) {
        let (said, id) = (&record.notify.status, &record.tag.id);
        let starting = self.observed.run(record.run).is_some_and(|(_, run)| match run.phase {
            Phase::Launching | Phase::Starting { .. } => run.stopping.is_none(),
            Phase::Ready { .. } | Phase::Exited { .. } => false,
        });
        if said.is_empty() || record.notify.ready || !starting {
            return;
        }
        let words = format!("it says: {said}");
        let (run, revision) = (record.run, record.tag.revision);
        self.seen.insert(id.clone(), Seen { run, revision, port: None, words });
    }

    /// A run is about to be stopped because it did not become ready: notes what it lacked, unless
    /// more is known of it.
    pub(super) fn note_not_ready(&mut self, id: &InstanceId, run: RunId) {
        if self.seen.get(id).is_some_and(|seen| seen.run == run) {
            return;
        }
        let observed = self.observed.apps.get(&id.key);
        let Some(app) = self.desired.app(&id.key) else { return };
        let status = reconcile::status(&id.key, app, observed, clock::now());
        let found = status.instances.iter().find(|instance| instance.run == Some(run));
        let Some((hold, revision)) = found.and_then(|it| it.hold.as_ref().zip(it.revision)) else {
            return;
        };
        let Hold::NotReady { sockets, expected, .. } = hold else { return };
        if let Some(words) = sockets.explain(expected).or_else(|| words::unsaid(&app.spec)) {
            self.seen.insert(id.clone(), Seen { run, revision, port: None, words });
        }
    }

    /// An instance is ready: nothing seen of it before matters any more.
    pub(super) fn forget_seen(&mut self, run: RunId) {
        if let Some((key, found)) = self.observed.run(run) {
            self.seen.remove(&key.instance(found.index));
        }
    }

    /// What was seen of an instance of this revision.
    pub(super) fn seen_of(&self, id: &InstanceId, revision: Revision) -> Option<&str> {
        let seen = self.seen.get(id).filter(|seen| seen.revision == revision);
        seen.map(|seen| seen.words.as_str())
    }

    /// Who listens on a port that `key` wants. Sockets that apps share are open in eco's own
    /// processes, too: then it is one of its apps.
    fn holder(&self, port: u16, key: &AppKey) -> Option<String> {
        let owner = port_owner(port);
        let own = [self.keeper_pid, self.recorder_pid, std::process::id()];
        let app = match owner.as_ref().and_then(|owner| owner.pid) {
            Some(pid) if !own.contains(&pid) => self.app_of_pid(pid),
            Some(_) | None => self.app_of_port(port, key),
        };
        match (app, owner) {
            (Some(app), _) if app.project == key.project => Some(format!("the app `{}`", app.app)),
            (Some(app), _) => Some(format!("the app `{app}`")),
            (None, Some(owner)) => Some(owner.to_string()),
            (None, None) => None,
        }
    }

    fn app_of_pid(&self, pid: u32) -> Option<&AppKey> {
        let mut apps = self.observed.apps.iter();
        apps.find(|(_, app)| app.runs.values().any(|run| run.pid == pid)).map(|(key, _)| key)
    }

    /// Another app that shares this port: one that listens there, else one that is to.
    fn app_of_port(&self, port: u16, but: &AppKey) -> Option<&AppKey> {
        let mut observed = self.observed.apps.iter().filter(|(key, _)| *key != but);
        let listens = observed
            .find(|(_, app)| app.runs.values().any(|run| run.sockets.shared.contains(&port)));
        let wants = || {
            self.desired
                .projects
                .iter()
                .flat_map(|(project, it)| {
                    it.apps.iter().map(move |(name, app)| (project, name, app))
                })
                .filter(|(project, name, _)| (*project, *name) != (&but.project, &but.app))
                .find(|(_, _, app)| {
                    let listen = app.spec.listen.as_ref();
                    listen.is_some_and(|listen| listen.ports.iter().any(|it| it.port == port))
                })
                .and_then(|(project, name, _)| {
                    let mut keys = self.observed.apps.keys();
                    keys.find(|key| key.project == *project && key.app == *name)
                })
        };
        listens.map(|(key, _)| key).or_else(wants)
    }
}
