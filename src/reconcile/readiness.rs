//! When a run counts as ready by what the keeper knows of it.

use crate::model::{AppSpec, Pass, ReadyProbe, RunRecord, RunState, Sharing, Time};

/// What is known of a run's readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Its record says that it is ready, since then at the earliest.
    Ready(Time),
    /// Its record will tell.
    Awaited,
    /// It has to be asked.
    Probed,
}

/// What the record of a run of `spec` says about its readiness at `now`.
#[must_use]
pub fn readiness(spec: &AppSpec, record: &RunRecord, now: Time) -> Readiness {
    match record.state {
        RunState::Running => {}
        RunState::Launching | RunState::Failed(_) | RunState::Exited(_) | RunState::Gone(_) => {
            return Readiness::Awaited;
        }
    }
    match &spec.ready.probe {
        ReadyProbe::Started => Readiness::Ready(record.started.unwrap_or(now)),
        ReadyProbe::Listen if listens(spec, record) => Readiness::Ready(now),
        ReadyProbe::Notify if record.notify.ready => Readiness::Ready(now),
        ReadyProbe::Listen | ReadyProbe::Notify => Readiness::Awaited,
        ReadyProbe::Http(_)
        | ReadyProbe::Tcp(_)
        | ReadyProbe::Exec(_)
        | ReadyProbe::Log(_)
        | ReadyProbe::Delay(_) => Readiness::Probed,
    }
}

/// Whether the run listens on every port of `listen`, or on any if the file names none.
fn listens(spec: &AppSpec, record: &RunRecord) -> bool {
    let Some(listen) = &spec.listen else { return true };
    let sockets = &record.sockets;
    if sockets.sharing == Sharing::Unavailable {
        // Nobody sees its ports unless it tells; that it runs is all there is to know.
        return true;
    }
    if listen.ports.is_empty() {
        return !sockets.shared.is_empty();
    }
    listen.pass == Pass::Fds || listen.ports.iter().all(|it| sockets.shared.contains(&it.port))
}
