//! Commands that tell whether an instance is ready, or lives: the keeper runs them, like everything else.

use std::collections::BTreeMap;

use super::{environment, execute, state::State, surroundings};
use crate::{
    model::{Command, KillScope, Phase, RunId, RunRecord, RunState, RunTag, Signal},
    protocol::SpawnSpec,
    reconcile,
};

/// A command that is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExecProbe {
    /// The run it asks about.
    of: RunId,
    /// The try it is.
    attempt: u64,
}

/// The commands under way, by their own runs.
pub(super) type ExecProbes = BTreeMap<RunId, ExecProbe>;

impl State {
    /// Starts a command that tells whether `of` is ready: in its directory, with its environment,
    /// its output beside that of the instance.
    pub(super) fn start_exec_probe(&mut self, of: RunId, attempt: u64, command: &Command) {
        let spawned = self.exec_spec(of, command).map(|spec| {
            let run = reconcile::next_run(&mut self.observed);
            self.keeper.spawn(run, &spec).map(|()| run)
        });
        match spawned {
            Some(Ok(run)) => {
                self.exec_probes.insert(run, ExecProbe { of, attempt });
            }
            Some(Err(_)) | None => self.probes.exec_ended(of, attempt, false),
        }
    }

    fn exec_spec(&self, of: RunId, command: &Command) -> Option<SpawnSpec> {
        let (key, run) = self.observed.run(of)?;
        let app = self.desired.app(key)?;
        let spec = reconcile::spec_of(app, run);
        let id = key.instance(run.index);
        let program = environment::compose(&id, spec, command).ok()?;
        let tag =
            RunTag { probe_of: Some(of), ..RunTag::new(id.clone(), run.revision, run.generation) };
        let mut sink = execute::sink(&self.home, &id, app);
        sink.stem.push(match run.phase {
            Phase::Ready { .. } => ".live",
            Phase::Launching | Phase::Starting { .. } | Phase::Exited { .. } => ".ready",
        });
        let mut spawn = SpawnSpec {
            argv: program.argv,
            env: program.env,
            cwd: spec.cwd.clone(),
            tag: serde_json::to_vec(&tag).ok()?,
            sink,
            ..SpawnSpec::default()
        };
        surroundings::put_in(&mut spawn, spec).ok()?;
        Some(spawn)
    }

    /// The keeper tells of a command. One that this controller does not know is of an earlier one,
    /// and ended.
    pub(super) fn on_exec_probe(&mut self, record: &RunRecord, drained: bool) {
        let known = self.exec_probes.get(&record.run).copied();
        let ended = match record.state {
            RunState::Launching | RunState::Running => {
                if known.is_none() {
                    self.kill_exec_probe(record.run);
                }
                return;
            }
            RunState::Exited(status) => {
                // What it left behind is nobody's.
                self.kill_exec_probe(record.run);
                status.is_success()
            }
            RunState::Gone(status) => status.is_success(),
            RunState::Failed(_) => false,
        };
        if let Some(probe) = known {
            self.probes.exec_ended(probe.of, probe.attempt, ended);
        }
        if !matches!(record.state, RunState::Exited(_)) {
            self.exec_probes.remove(&record.run);
            self.over.push((record.run, record.tag.id.key.clone(), drained || known.is_none()));
        }
    }

    /// A command did not end in time.
    pub(super) fn end_exec_probe(&mut self, of: RunId, attempt: u64) {
        let found = self.exec_probes.iter().find(|(_, it)| it.of == of && it.attempt == attempt);
        if let Some(run) = found.map(|(run, _)| *run) {
            self.kill_exec_probe(run);
        }
    }

    /// Nobody asks about this run any more.
    pub(super) fn end_exec_probes_of(&mut self, of: RunId) {
        let mine = self.exec_probes.iter().filter(|(_, probe)| probe.of == of);
        let mine: Vec<_> = mine.map(|(run, _)| *run).collect();
        for run in mine {
            self.kill_exec_probe(run);
        }
    }

    fn kill_exec_probe(&mut self, run: RunId) {
        let sent = self.keeper.signal(run, Signal::KILL, KillScope::Group);
        self.asked(sent);
    }

    /// The keeper refused to start a command.
    pub(super) fn refuse_exec_probe(&mut self, run: RunId) -> bool {
        let Some(probe) = self.exec_probes.remove(&run) else { return false };
        self.probes.exec_ended(probe.of, probe.attempt, false);
        true
    }
}
