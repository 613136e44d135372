//! What a run that failed wrote last to its standard error: for events and `eco describe`. It is read
//! once the output is in the log, so it is told apart from the exit.

use super::{events::Told, report, state::State};
use crate::{
    api::{EventType, LastOutput, Stream},
    host::{home::Home, log_runs::last_lines_of},
    model::{App, Exit, ExitStatus, InstanceId, RunId},
};

/// So many lines are kept.
const LINES: usize = 20;

/// Whether somebody will ask why.
fn is_failure(exit: &Exit) -> bool {
    !exit.requested && exit.failure.is_none() && exit.status != ExitStatus::Code(0)
}

/// The last lines of a run's standard error.
fn last_lines(home: &Home, id: &InstanceId, app: &App, run: RunId) -> Vec<String> {
    last_lines_of(&report::log_file(home, id, app, Stream::Err).log, run, LINES)
}

impl State {
    /// A run has ended: what it wrote is looked at once all of it is in the log.
    pub(super) fn await_evidence(&mut self, id: &InstanceId, exit: &Exit) {
        if is_failure(exit) {
            self.failed.insert(exit.run, (id.clone(), *exit));
        }
    }

    /// All a run wrote is in the log now, or has had its time.
    pub(super) fn tell_evidence(&mut self, run: RunId) {
        let Some((id, exit)) = self.failed.remove(&run) else { return };
        let Some(app) = self.desired.app(&id.key) else { return };
        let lines = last_lines(&self.home, &id, app, run);
        let Some(last) = lines.iter().rev().find(|line| !line.trim().is_empty()) else { return };
        let text = format!("{}; the last line of its stderr: {last}", exit.status);
        let told = Told::of(EventType::Crashed, &id, text).revision(exit.revision);
        self.tell(told.stderr(lines));
    }
}

/// What the last failed run of each instance wrote.
pub(super) fn last_outputs<'a>(
    home: &Home,
    app: &App,
    exits: impl Iterator<Item = (InstanceId, &'a Exit)>,
) -> Vec<LastOutput> {
    exits
        .filter(|(_, exit)| is_failure(exit))
        .map(|(id, exit)| LastOutput {
            id: id.short(),
            ended: exit.status.to_string(),
            stderr: last_lines(home, &id, app, exit.run),
        })
        .filter(|output| !output.stderr.is_empty())
        .collect()
}
