//! How a run is ended: by a signal or by the command its file names, and then, if that does not help, by
//! SIGKILL.

use crate::model::{AppSpec, Observed, Phase, Run, RunId, StopCommand, StopReason, Stopping, Time};

use super::observe::{Observation, find};

/// A stop that begins at `since`.
pub(super) fn begun(reason: StopReason, since: Time) -> Stopping {
    Stopping {
        since,
        reason,
        killed: None,
        group: false,
        draining: false,
        drained: false,
        command: None,
    }
}

/// Whether a run is asked to stop by a command: one that has ended, or does not run yet, is not.
pub(super) fn is_by_command(spec: &AppSpec, run: &Run) -> bool {
    let up = match run.phase {
        Phase::Starting { .. } | Phase::Ready { .. } => true,
        Phase::Launching | Phase::Exited { .. } => false,
    };
    up && spec.stop.command.is_some()
}

/// Notes that the command is run.
pub(super) fn by_command(run: &mut Run, reason: StopReason, now: Time) {
    let stopping = run.stopping.get_or_insert(begun(reason, now));
    end_drain(stopping, now);
    stopping.command = Some(StopCommand::Running);
}

/// Notes that the signal is sent.
pub(super) fn by_signal(run: &mut Run, (reason, group): (StopReason, bool), now: Time) {
    let stopping = run.stopping.get_or_insert(begun(reason, now));
    end_drain(stopping, now);
    stopping.command = None;
    stopping.group |= group;
}

/// From now on its time until SIGKILL counts.
fn end_drain(stopping: &mut Stopping, now: Time) {
    stopping.since = if stopping.draining { now } else { stopping.since };
    stopping.draining = false;
}

/// The command has ended. That it did so well says nothing yet of the run: that may take its time.
pub(super) fn command_ended(observed: &mut Observed, run: RunId, succeeded: bool) -> Observation {
    let Some((key, run)) = find(observed, run) else { return Observation::default() };
    match &mut run.stopping {
        Some(stopping) if stopping.command == Some(StopCommand::Running) => {
            let how = if succeeded { StopCommand::Done } else { StopCommand::Failed };
            stopping.command = Some(how);
            Observation { app: Some(key), retired: None }
        }
        Some(_) | None => Observation::default(),
    }
}
