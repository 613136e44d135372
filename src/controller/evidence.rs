//! What a run that failed wrote last to its standard error: for events and `eco describe`. It is read
//! once the output is in the log, so it is told apart from the exit.

use std::time::Duration;

use super::{events::Told, report, state::State};
use crate::{
    api::{EventType, LastOutput, Stream},
    host::{home::Home, last_lines::last_lines_of},
    model::{App, Exit, ExitStatus, InstanceId, RunId, Time},
};

/// So many lines are kept.
const LINES: usize = 20;

/// What comes late to its log is looked for so often,
const LOOKS: u32 = 30;
/// so long after each other.
const PAUSE: Duration = Duration::from_secs(1);

/// A run that failed, whose last words were not told yet.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    id: InstanceId,
    exit: Exit,
    /// Set once they are late.
    looks: Option<Looks>,
}

#[derive(Clone, Copy, Debug)]
struct Looks {
    next: Time,
    left: u32,
}

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
            self.failed.insert(exit.run, Failed { id: id.clone(), exit: *exit, looks: None });
        }
    }

    /// When evidence that is late is looked for again.
    pub(super) fn next_look_for_evidence(&self) -> Option<Time> {
        self.failed.values().filter_map(|failed| failed.looks).map(|looks| looks.next).min()
    }

    /// Looks for what is late.
    pub(super) fn look_for_evidence(&mut self, now: Time) {
        let is_due = |failed: &Failed| failed.looks.is_some_and(|looks| looks.next <= now);
        let due = self.failed.iter().filter(|(_, failed)| is_due(failed));
        let due: Vec<RunId> = due.map(|(run, _)| *run).collect();
        for run in due {
            self.tell_evidence(run, Some(now));
        }
    }

    /// All a run wrote is in the log now; or not yet, but somebody waited for it until `late`.
    pub(super) fn tell_evidence(&mut self, run: RunId, late: Option<Time>) {
        let Some(Failed { id, exit, looks }) = self.failed.remove(&run) else { return };
        let Some(app) = self.desired.app(&id.key) else { return };
        let lines = last_lines(&self.home, &id, app, run);
        let left = looks.map_or(LOOKS, |looks| looks.left);
        if let (true, Some(now), Some(left)) = (lines.is_empty(), late, left.checked_sub(1)) {
            let looks = Some(Looks { next: now.after(PAUSE), left });
            self.failed.insert(run, Failed { id, exit, looks });
            return;
        }
        let Some(last) = lines.iter().rev().find(|line| !line.trim().is_empty()) else { return };
        let mut text = format!("{}; the last line of its stderr: {last}", exit.status);
        if let Some(words) = self.note_port_in_use(&id, &exit, &lines) {
            text.extend(["; ", &words]);
        }
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
