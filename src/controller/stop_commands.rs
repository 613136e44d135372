//! Commands that stop an instance in place of a signal: the keeper runs them, like everything else.

use std::collections::BTreeMap;

use super::{environment, execute, state::State, surroundings, words};
use crate::{
    api::EventType,
    host::{clock, crash},
    model::{
        Event, InstanceId, KillScope, RunId, RunRecord, RunState, RunTag, Signal, StopCommand,
        StopReason, Time,
    },
    protocol::SpawnSpec,
    reconcile,
};

/// The variable that names the first process of what is to be stopped.
const PID: &str = "ECO_PID";

/// A command that stops a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopper {
    /// The run it is to stop.
    of: RunId,
    /// When it is killed; `None` once it was.
    deadline: Option<Time>,
}

/// The commands under way, by their own runs.
pub(super) type Stoppers = BTreeMap<RunId, Stopper>;

impl State {
    /// Has a run stopped by the command its file names. That is noted first; it is begun before anything
    /// else is, so that without a record of it at the keeper it was not.
    pub(super) fn stop_by_command(&mut self, id: &InstanceId, run: RunId, reason: StopReason) {
        self.note_stop(run);
        crash::point("a stop command is noted");
        let command = self.desired.app(&id.key).and_then(|app| app.spec.stop.command.as_ref());
        let program = command.map(words::program).unwrap_or_default();
        let text = format!("its stop command, `{program}`, is run: {reason}");
        self.tell_of_run(EventType::Stopping, (id, run), text);
        self.start_stop_command(run);
        crash::point("a stop command is asked for");
    }

    fn start_stop_command(&mut self, of: RunId) {
        let spawned = self.stop_command_spec(of).and_then(|spec| {
            let run = reconcile::next_run(&mut self.observed);
            self.keeper.spawn(run, &spec).map_err(|error| error.to_string())?;
            Ok(run)
        });
        match spawned {
            Ok(run) => self.note_stop_command(run, of),
            Err(why) => self.stop_command_ended(of, Err(why)),
        }
    }

    fn stop_command_spec(&self, of: RunId) -> Result<SpawnSpec, String> {
        let missing = || "the app is not known any more".to_owned();
        let (key, run) = self.observed.run(of).ok_or_else(missing)?;
        let app = self.desired.app(key).ok_or_else(missing)?;
        let command = app.spec.stop.command.as_ref().ok_or_else(missing)?;
        let spec = reconcile::spec_of(app, run);
        let id = key.instance(run.index);
        let program = environment::compose(&id, spec, command);
        let mut program = program.map_err(|error| format!("its environment: {error}"))?;
        program.env.retain(|(name, _)| name != PID);
        program.env.push((PID.into(), run.pid.to_string().into()));
        let tag = RunTag {
            probe_of: Some(of),
            stops: true,
            ..RunTag::new(id.clone(), run.revision, run.generation)
        };
        let mut spawn = SpawnSpec {
            argv: to_stderr(program.argv),
            env: program.env,
            cwd: spec.cwd.clone(),
            tag: serde_json::to_vec(&tag).map_err(|error| error.to_string())?,
            sink: execute::sink(&self.home, &id, app),
            ..SpawnSpec::default()
        };
        surroundings::put_in(&mut spawn, spec).map_err(|error| error.to_string())?;
        Ok(spawn)
    }

    /// Notes that a command is under way, until when it may be.
    fn note_stop_command(&mut self, run: RunId, of: RunId) {
        let found = self.observed.run(of).and_then(|(key, found)| {
            let timeout = self.desired.app(key)?.spec.stop.timeout;
            Some(found.stopping?.since.after(timeout))
        });
        let deadline = Some(found.unwrap_or_else(clock::now));
        self.stoppers.insert(run, Stopper { of, deadline });
    }

    /// The keeper tells of a command. One that this controller does not know is of an earlier one.
    pub(super) fn on_stop_command(&mut self, record: &RunRecord, drained: bool) {
        let (run, Some(of)) = (record.run, record.tag.probe_of) else { return };
        if !self.stoppers.contains_key(&run) {
            self.note_stop_command(run, of);
        }
        let status = match &record.state {
            RunState::Launching | RunState::Running => return,
            RunState::Exited(status) => {
                // What it left behind is nobody's.
                self.kill_stop_command(run);
                Ok(*status)
            }
            RunState::Gone(status) => Ok(*status),
            RunState::Failed(failure) => Err(failure.to_string()),
        };
        let result = status.and_then(|status| {
            if status.is_success() { Ok(()) } else { Err(format!("it ended with {status}")) }
        });
        self.stop_command_ended(of, result);
        if !matches!(record.state, RunState::Exited(_)) {
            self.stoppers.remove(&run);
            self.over.push((run, record.tag.id.key.clone(), drained));
        }
    }

    /// The keeper refused to start a command.
    pub(super) fn refuse_stop_command(&mut self, run: RunId, why: &str) -> bool {
        let Some(stopper) = self.stoppers.remove(&run) else { return false };
        self.stop_command_ended(stopper.of, Err(why.to_owned()));
        true
    }

    /// What came of a command, if that is still of interest. It is noted before the keeper may forget
    /// the command, so that it is not run again.
    fn stop_command_ended(&mut self, of: RunId, result: Result<(), String>) {
        let Some((key, found)) = self.observed.run(of) else { return };
        let Some(stopping) = found.stopping else { return };
        if stopping.command != Some(StopCommand::Running) {
            return;
        }
        let id = key.instance(found.index);
        self.observe(&Event::StopCommand { run: of, succeeded: result.is_ok() });
        self.note_stop(of);
        crash::point("the end of a stop command is noted");
        if let Err(why) = result
            && stopping.killed.is_none()
        {
            let signal = self.desired.app(&id.key).map_or(Signal::TERM, |app| app.spec.stop.signal);
            let text = format!("its stop command failed ({why}): {signal} is sent instead");
            self.tell_of_run(EventType::Stopping, (&id, of), text);
        }
    }

    /// Runs the commands that an earlier controller was about to run: it died before it had them begun.
    pub(super) fn resume_stop_commands(&mut self) {
        let runs = self.observed.apps.values().flat_map(|app| &app.runs);
        let asked = runs.filter(|(run, found)| {
            let running = found.stopping.and_then(|it| it.command) == Some(StopCommand::Running);
            running && self.stoppers.values().all(|stopper| stopper.of != **run)
        });
        let asked: Vec<RunId> = asked.map(|(run, _)| *run).collect();
        for run in asked {
            self.start_stop_command(run);
        }
    }

    /// Ends the commands that have had their time.
    pub(super) fn end_late_stop_commands(&mut self, now: Time) {
        let late =
            self.stoppers.iter_mut().filter(|(_, it)| it.deadline.is_some_and(|at| at <= now));
        let late: Vec<RunId> = late
            .map(|(run, stopper)| {
                stopper.deadline = None;
                *run
            })
            .collect();
        for run in late {
            self.kill_stop_command(run);
        }
    }

    fn kill_stop_command(&mut self, run: RunId) {
        let sent = self.keeper.signal(run, Signal::KILL, KillScope::Group);
        self.asked(sent);
    }

    /// When the next of them has had its time.
    pub(super) fn next_late_stop_command(&self) -> Option<Time> {
        self.stoppers.values().filter_map(|stopper| stopper.deadline).min()
    }
}

/// The words of a command all of whose output goes to where its errors go.
fn to_stderr(argv: Vec<std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    let before = ["/bin/sh", "-c", "exec \"$@\" >&2", "sh"].map(Into::into);
    before.into_iter().chain(argv).collect()
}
