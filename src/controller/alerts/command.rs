//! Receivers that are commands: the keeper runs them, like everything else.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::message::Message;
use crate::{
    controller::{environment, execute, state::State, surroundings},
    host::{clock, crash},
    model::{
        AppKey, Command, KillScope, ProjectName, RunId, RunRecord, RunState, RunTag, Signal, Time,
    },
    protocol::SpawnSpec,
    reconcile,
};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The commands under way, by their runs.
#[derive(Debug, Default)]
pub(super) struct Commands(BTreeMap<RunId, Telling>);

#[derive(Debug)]
struct Telling {
    project: ProjectName,
    number: u64,
    /// When it is killed; `None` once it was.
    deadline: Option<Time>,
}

impl Commands {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the next of them has had its time.
    pub(super) fn next(&self) -> Option<Time> {
        self.0.values().filter_map(|it| it.deadline).min()
    }

    /// The messages they tell.
    pub(super) fn numbers(&self) -> BTreeSet<u64> {
        self.0.values().map(|it| it.number).collect()
    }
}

impl State {
    /// Has a command run in the file's directory, as the user and with the environment of the app.
    pub(super) fn run_alert_command(
        &mut self,
        (lane, number): (&(ProjectName, String), u64),
        key: &AppKey,
        command: &Command,
        message: &Message,
    ) {
        let spawned = self.alert_spec(key, number, command, message).and_then(|spec| {
            let run = reconcile::next_run(&mut self.observed);
            self.keeper.spawn(run, &spec).map_err(|error| error.to_string())?;
            Ok(run)
        });
        match spawned {
            Ok(run) => {
                let deadline = Some(clock::now().after(PATIENCE));
                let telling = Telling { project: lane.0.clone(), number, deadline };
                self.alerts.commands.0.insert(run, telling);
                crash::point("an alert's command is asked for");
            }
            Err(why) => self.on_alerted((&lane.0, &lane.1), number, &Err(why)),
        }
    }

    fn alert_spec(
        &self,
        key: &AppKey,
        number: u64,
        command: &Command,
        message: &Message,
    ) -> Result<SpawnSpec, String> {
        let missing = || "its app is not known any more".to_owned();
        let app = self.desired.app(key).ok_or_else(missing)?;
        let meta = self.metas.get(&key.project).ok_or_else(missing)?;
        let (id, spec) = (key.instance(0), &app.spec);
        let program = environment::compose(&id, spec, command);
        let mut program = program.map_err(|error| format!("its environment: {error}"))?;
        let variables = [
            ("ECO_ALERT", message.first.alert.clone()),
            ("ECO_ALERT_STATE", message.first.state.to_owned()),
            ("ECO_ALERT_MESSAGE", message.first.message.clone()),
            ("ECO_ALERT_OTHERS", message.others.len().to_string()),
            ("ECO_ALERT_TEXT", message.text.clone()),
            ("ECO_ALERT_JSON", message.json()),
        ];
        program.env.retain(|(name, _)| variables.iter().all(|(own, _)| name != own));
        program.env.extend(variables.map(|(name, value)| (name.into(), value.into())));
        let tag = RunTag {
            // So that a controller that knows nothing of alerts takes it for a probe of nobody.
            probe_of: Some(RunId::default()),
            alert: Some(number),
            ..RunTag::new(id.clone(), app.revision, self.generation(&key.project))
        };
        let mut sink = execute::sink(&self.home, &id, app);
        sink.stem.push(".alert");
        let mut spawn = SpawnSpec {
            argv: program.argv,
            env: program.env,
            cwd: meta.dir.clone(),
            tag: serde_json::to_vec(&tag).map_err(|error| error.to_string())?,
            sink,
            ..SpawnSpec::default()
        };
        surroundings::put_in(&mut spawn, spec).map_err(|error| error.to_string())?;
        Ok(spawn)
    }

    /// The keeper tells of a command. One that this controller does not know is of an earlier one,
    /// and told the same message.
    pub(in crate::controller) fn on_alert_command(
        &mut self,
        record: &RunRecord,
        number: u64,
        drained: bool,
    ) {
        let (run, key) = (record.run, &record.tag.id.key);
        let telling = self.alerts.commands.0.entry(run).or_insert_with(|| Telling {
            project: key.project.clone(),
            number,
            deadline: Some(clock::now().after(PATIENCE)),
        });
        let is_late = telling.deadline.is_none();
        let status = match &record.state {
            RunState::Launching | RunState::Running => return,
            RunState::Exited(status) => {
                // What it left behind is nobody's.
                self.kill_alert_command(run);
                Ok(*status)
            }
            RunState::Gone(status) => Ok(*status),
            RunState::Failed(failure) => Err(failure.to_string()),
        };
        let result = match status {
            Ok(_) if is_late => Err(format!("it had not ended after {} s", PATIENCE.as_secs())),
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) => Err(format!("it ended with {status}")),
            Err(why) => Err(why),
        };
        if matches!(record.state, RunState::Exited(_)) {
            return;
        }
        self.alerts.commands.0.remove(&run);
        self.over.push((run, key.clone(), drained));
        self.on_command_ended(&key.project, number, &result);
    }

    /// The keeper refused to start a command.
    pub(in crate::controller) fn refuse_alert_command(&mut self, run: RunId, why: &str) -> bool {
        let Some(telling) = self.alerts.commands.0.remove(&run) else { return false };
        self.on_command_ended(&telling.project, telling.number, &Err(why.to_owned()));
        true
    }

    fn on_command_ended(
        &mut self,
        project: &ProjectName,
        number: u64,
        result: &Result<(), String>,
    ) {
        let receivers = self.metas.get(project).into_iter().flat_map(|meta| meta.notify.keys());
        let receivers: Vec<String> = receivers.cloned().collect();
        self.answer_attempt(number, result);
        // Numbers are given once, so it is that of one of them.
        for receiver in receivers {
            self.on_alerted((project, &receiver), number, result);
        }
    }

    /// Ends the commands that have had their time.
    pub(super) fn end_late_alert_commands(&mut self, now: Time) {
        let late = self.alerts.commands.0.iter_mut();
        let late = late.filter(|(_, it)| it.deadline.is_some_and(|at| at <= now));
        let late: Vec<RunId> = late
            .map(|(run, telling)| {
                telling.deadline = None;
                *run
            })
            .collect();
        for run in late {
            self.kill_alert_command(run);
        }
    }

    /// Ends them all: eco ends.
    pub(in crate::controller) fn end_alert_commands(&mut self) {
        self.end_late_alert_commands(Time(Duration::MAX));
    }

    fn kill_alert_command(&mut self, run: RunId) {
        let sent = self.keeper.signal(run, Signal::KILL, KillScope::Group);
        self.asked(sent);
    }
}
