//! What the keeper says: folds records into the observed state, journals exits, lets go of runs.

use super::{
    events::Told,
    state::{DRAIN_PATIENCE, State},
    words::named,
};
use crate::{
    api::EventType,
    host::{clock, crash, keeper::KeeperEvent},
    model::{
        AppKey, Cohort, CohortGroup, Event, Exit, InstanceId, LastExit, Phase, RunId, RunRecord,
        RunState, Time,
    },
    protocol::kind,
    reconcile,
};

impl State {
    /// Takes in one message of the keeper.
    pub(super) fn on_keeper(&mut self, event: KeeperEvent) {
        match event {
            KeeperEvent::Record { record, drained, dropped, .. } => {
                self.note_dropped(&record, dropped);
                self.on_record(record, drained);
            }
            KeeperEvent::Refused { run, .. } if self.refuse_exec_probe(run) => {}
            KeeperEvent::Refused { run, failure }
                if self.refuse_alert_command(run, &failure.to_string()) => {}
            KeeperEvent::Refused { run, failure }
                if self.refuse_stop_command(run, &failure.to_string()) => {}
            KeeperEvent::Refused { run, failure } => {
                self.observe(&Event::Refused { run, failure });
            }
            KeeperEvent::Recorder { pid, .. } => {
                self.recorder_pid = pid.unwrap_or_default();
                if let Some(pid) = pid {
                    let text = format!("a new recorder writes the logs (pid {pid})");
                    self.tell(Told::eco(EventType::Eco, text));
                }
            }
            KeeperEvent::Foreign { run, .. } => {
                tracing::warn!(run = run.0, "a run of the keeper has an unreadable tag");
            }
            KeeperEvent::Connections { run, open, queued, .. } => {
                self.on_connections(run, open, queued);
            }
            KeeperEvent::Queue(seen) => self.on_queue(seen),
            KeeperEvent::Said { run, pid, bytes } => self.hear_agent(run, (pid, &bytes)),
            KeeperEvent::Cohort { cohort, group } => self.on_cohort(cohort, group),
            KeeperEvent::Removed { run, bytes } => self.note_removed(run, bytes),
            KeeperEvent::Members { run, found } => self.on_members(run, &found),
            KeeperEvent::UpgradeRefused { errno } => self.upgrade_refused(errno),
            KeeperEvent::Declined { run, request: kind::QUIESCE, errno: libc::ENOTSUP } => {
                self.goes_on_accepting(run);
            }
            // A signal or a new sink came too late: the run's record says so too.
            KeeperEvent::Declined { .. } | KeeperEvent::ListEnd => {}
            KeeperEvent::Hello { .. } => self.upgraded(),
        }
    }

    /// The keeper has sockets of a cohort, perhaps of one of which no run is left.
    pub(super) fn on_cohort(&mut self, cohort: Cohort, group: CohortGroup) {
        let found = self.desired.apps().map(|(key, _)| key).find(|key| key.group() == group);
        if let Some(key) = found {
            self.observe(&Event::Cohort { key, cohort });
        } else {
            let sent = self.keeper.retire(cohort);
            self.asked(sent);
        }
    }

    fn on_record(&mut self, record: RunRecord, drained: bool) {
        let (run, over) = (record.run, is_over(&record.state));
        if record.tag.stops {
            self.on_stop_command(&record, drained);
            return;
        }
        if let Some(number) = record.tag.alert {
            self.on_alert_command(&record, number, drained);
            return;
        }
        if record.tag.probe_of.is_some() {
            self.on_exec_probe(&record, drained);
            return;
        }
        let id = record.tag.id.clone();
        self.note_refused(&record);
        self.note_status(&record);
        self.observe(&Event::Record(record));
        if over {
            self.over.push((run, id.key, drained));
        }
    }

    /// Folds an event in, and tells what it means.
    pub(super) fn observe(&mut self, event: &Event) {
        let now = clock::now();
        let launching = self.is_launching(event);
        let observation = reconcile::observe(&mut self.observed, event, now);
        if let Some(key) = &observation.app {
            self.touch(key);
        }
        if let Event::Record(record) = event
            && launching
            && was_executed(&record.state)
        {
            let text = format!("started, pid {}", record.pid);
            let told = Told::of(EventType::Started, &record.tag.id, text);
            self.tell(told.revision(record.tag.revision));
        }
        if let Some((id, exit)) = observation.retired {
            self.ends.push((id, exit));
        }
    }

    /// Journals the ends of runs, then lets the runs go. This comes after the plan was carried
    /// out: the next run of a crashed instance should not wait for it. Until an end is journalled
    /// the keeper has the run's record, so that a controller that dies in between loses nothing.
    pub(super) fn settle_ends(&mut self) {
        for (id, exit) in std::mem::take(&mut self.ends) {
            // Else the next controller might hold this end against a change that was good before.
            self.save_good(&id.key.project);
            self.on_exit(&id, &exit);
        }
        for (run, key, drained) in std::mem::take(&mut self.over) {
            self.log_from.remove(&run);
            self.let_go(run, &key, drained);
        }
    }

    /// Whether the run an event is about has, so far, not been seen to be executed.
    fn is_launching(&self, event: &Event) -> bool {
        let Event::Record(record) = event else { return false };
        let runs = self.observed.apps.get(&record.tag.id.key).map(|app| &app.runs);
        let run = runs.and_then(|runs| runs.get(&record.run));
        run.is_some_and(|run| match run.phase {
            Phase::Launching => true,
            Phase::Starting { .. } | Phase::Ready { .. } | Phase::Exited { .. } => false,
        })
    }

    fn on_exit(&mut self, id: &InstanceId, exit: &Exit) {
        let written = self.journal.exit(id, exit);
        self.noted(written);
        crash::point("an exit is noted");
        let told = match exit.failure {
            Some(failure) => {
                let app = self.desired.app(&id.key);
                let text =
                    app.map_or_else(|| failure.to_string(), |app| named(&failure, &app.spec));
                Told::of(EventType::StartFailed, id, text)
            }
            None if exit.failed_while_up().is_some() => {
                let text = format!("{}, and it ended: {}", LastExit::of(exit), exit.status);
                Told::of(EventType::Exited, id, text)
            }
            None if exit.requested => {
                Told::of(EventType::Exited, id, format!("stopped: {}", exit.status))
            }
            None => Told::of(EventType::Exited, id, format!("ended by itself: {}", exit.status)),
        };
        if let Some(words) = self.memory_in_words(exit.run, id) {
            self.tell(Told::of(EventType::Killed, id, words.clone()).revision(exit.revision));
            self.left.remarks.insert(id.clone(), words);
        }
        self.tell(told.revision(exit.revision));
        self.await_evidence(id, exit);
    }

    /// Lets the keeper drop a run's record: its end is in the journal. A caller that waits wants
    /// to show the last lines it wrote, so a run counts as over only once they are in the log, or
    /// have had their time.
    fn let_go(&mut self, run: RunId, key: &AppKey, drained: bool) {
        if drained {
            self.forget_run(run, key);
            self.tell_evidence(run, None);
        } else {
            let deadline = clock::now().after(DRAIN_PATIENCE);
            self.undrained.entry(run).or_insert_with(|| (key.clone(), deadline));
        }
    }

    /// What cannot be written to the journal waits in memory and is written with the next entry.
    #[expect(clippy::unused_self, reason = "reads as what it is about")]
    pub(super) fn noted(&self, written: std::io::Result<()>) {
        if let Err(error) = written {
            tracing::warn!(%error, "cannot write the journal");
        }
    }

    /// A request that cannot even be queued means that the keeper is gone; the loop is told so
    /// when it next asks for events.
    #[expect(clippy::unused_self, reason = "reads as what it is about")]
    pub(super) fn asked(&self, sent: std::io::Result<()>) {
        if let Err(error) = sent {
            tracing::warn!(%error, "cannot reach the keeper");
        }
    }

    /// Lets go of runs whose output has had its time.
    pub(super) fn let_go_of_late(&mut self, now: Time) {
        let late = self.undrained.iter().filter(|(_, (_, deadline))| *deadline <= now);
        let late: Vec<_> = late.map(|(run, (key, _))| (*run, key.clone())).collect();
        for (run, key) in late {
            self.forget_run(run, &key);
            // It may come to its log yet.
            self.tell_evidence(run, Some(now));
        }
    }

    fn forget_run(&mut self, run: RunId, key: &AppKey) {
        self.undrained.remove(&run);
        self.traffic.forget_run(run);
        self.touched.insert(key.clone());
        self.cgroups.remove(run, key);
        let sent = self.keeper.forget(run);
        self.asked(sent);
        crash::point("a run is let go");
    }
}

fn is_over(state: &RunState) -> bool {
    match state {
        RunState::Failed(_) | RunState::Gone(_) => true,
        RunState::Launching | RunState::Running | RunState::Exited(_) => false,
    }
}

/// Whether the program of a run in this state was executed.
fn was_executed(state: &RunState) -> bool {
    match state {
        RunState::Running | RunState::Exited(_) | RunState::Gone(_) => true,
        RunState::Launching | RunState::Failed(_) => false,
    }
}
