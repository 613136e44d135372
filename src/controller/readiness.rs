//! When runs become ready: by what the keeper knows of them, or by being asked.

use std::collections::BTreeSet;

use super::{environment, report, state::State};
use crate::{
    api::Stream,
    host::{
        crash,
        probe::{Output, ProbeEvent, Subject},
    },
    model::{
        App, AppKey, Event, InstanceVars, Phase, Project, ProjectName, ReadyProbe, Run, RunId,
        RunRecord, Time,
    },
    reconcile::{self, Readiness},
};

impl State {
    /// Finds the runs of an app that have become ready, and asks those that have to be asked.
    pub(super) fn find_ready(&mut self, key: &AppKey, now: Time) {
        let found = self
            .desired
            .app(key)
            .map(|app| reconcile::readiness(app, self.observed.apps.get(key), now));
        let mut probed = BTreeSet::new();
        for (run, readiness) in found.unwrap_or_default() {
            match readiness {
                Readiness::Ready(at) => self.on_ready(run, at),
                Readiness::Awaited => {}
                Readiness::Probed => {
                    probed.insert(run);
                }
            }
        }
        let over: Vec<RunId> = self
            .asked_runs
            .iter()
            .filter(|(run, of)| *of == key && !probed.contains(run))
            .map(|(run, _)| *run)
            .collect();
        for run in over {
            self.end_asking(run);
        }
        for run in probed {
            if !self.asked_runs.contains_key(&run) {
                self.begin_asking(key, run);
            }
        }
    }

    fn begin_asking(&mut self, key: &AppKey, run_id: RunId) {
        let Some(app) = self.desired.app(key) else { return };
        let Some((_, run)) = self.observed.run(run_id) else { return };
        let Phase::Starting { started } = run.phase else { return };
        let spec = reconcile::spec_of(app, run);
        let (id, port) = (key.instance(run.index), environment::port(spec));
        let vars = InstanceVars { id: &id, port: port.as_deref() };
        let outputs = self.outputs(key, app, (run_id, run));
        let subject = Subject::new(&spec.ready, &vars, started, outputs);
        self.probes.begin(run_id, subject);
        self.asked_runs.insert(run_id, key.clone());
    }

    /// The log files of a run, from where its part begins.
    fn outputs(&self, key: &AppKey, app: &App, (run_id, run): (RunId, &Run)) -> [Output; 2] {
        let from = self.log_from.get(&run_id).copied().unwrap_or_default();
        let file = |stream, from| {
            let id = key.instance(run.index);
            let path = report::log_file(&self.home, &id, app, stream).log;
            Output { path, from, run: run_id }
        };
        let [out, err] = from;
        [file(Stream::Out, out), file(Stream::Err, err)]
    }

    fn end_asking(&mut self, run: RunId) {
        self.probes.end(run);
        self.asked_runs.remove(&run);
        self.log_from.remove(&run);
        self.end_exec_probes_of(run);
    }

    /// What came of asking.
    pub(super) fn on_probe(&mut self, event: ProbeEvent) {
        match event {
            ProbeEvent::Ready { run, at } => self.on_ready(run, at),
            ProbeEvent::Failing { run, why } => {
                let Some(key) = self.asked_runs.get(&run).cloned() else { return };
                self.note_try(run, why);
                self.touched.insert(key);
            }
            ProbeEvent::NotLive { run, at, well, why } => {
                self.on_probe_not_live(run, (at, well), &why);
            }
            // They are taken whenever the loop turns.
            ProbeEvent::Tries { .. } => {}
            ProbeEvent::Exec { run, attempt, command } => {
                self.start_exec_probe(run, attempt, &command);
            }
            ProbeEvent::ExecTimedOut { run, attempt } => self.end_exec_probe(run, attempt),
        }
    }

    /// A run is ready. That is kept, unless it follows from its having been started: a later
    /// controller could not always find it out again.
    pub(super) fn on_ready(&mut self, run: RunId, at: Time) {
        if !self.is_told_by_start(run) {
            let written = self.journal.ready(run, at);
            self.noted(written);
            crash::point("readiness is noted");
        }
        self.forget_seen(run);
        self.observe(&Event::Ready { run, at });
    }

    /// Writes down which runs are ready that would not be known to be once `next` is the desired state.
    pub(super) fn keep_readiness(&mut self, name: &ProjectName, next: &Project) {
        let mut kept = Vec::new();
        for (app, after) in &next.apps {
            let key = AppKey { project: name.clone(), app: app.clone() };
            let Some(before) = self.desired.app(&key) else { continue };
            kept.extend(reconcile::ready_by_start(before, after, self.observed.apps.get(&key)));
        }
        for (run, since) in kept {
            let written = self.journal.ready(run, since);
            self.noted(written);
        }
    }

    fn is_told_by_start(&self, run: RunId) -> bool {
        let spec = self
            .observed
            .run(run)
            .and_then(|(key, run)| Some(reconcile::spec_of(self.desired.app(key)?, run)));
        spec.is_none_or(|spec| spec.ready.probe == ReadyProbe::Started)
    }

    /// Remembers where the output of a run begins, as its tag says.
    pub(super) fn note_log_from(&mut self, record: &RunRecord) {
        if let Some(from) = record.tag.log_from {
            self.log_from.entry(record.run).or_insert(from);
        }
    }
}
