//! Names the processes that a run leaves behind: asked for before they are killed.

use std::collections::BTreeMap;

use super::{events::Told, state::State};
use crate::{
    api::EventType,
    host::keeper::Found,
    model::{Action, InstanceId, RunId, StopReason},
};

/// More are counted, not named.
const NAMED: usize = 8;

/// Why somebody asks.
#[derive(Clone, Copy, Debug)]
enum Why {
    /// They are killed since they did not end in time.
    Killed,
    /// Their first process has ended.
    Leftover,
}

/// What is known of processes that runs have left.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// The runs whose processes were asked for.
    asked: BTreeMap<RunId, (InstanceId, Why)>,
    /// What was odd about the end of an instance's latest run that had anything odd.
    pub(super) remarks: BTreeMap<InstanceId, String>,
}

impl State {
    /// Asks for the processes of a run of which more is left than should be, before this is done.
    pub(super) fn ask_for_left(&mut self, action: &Action) {
        let (id, run, why) = match action {
            Action::Stop { id, run, reason: StopReason::Leftover, .. } => (id, *run, Why::Leftover),
            Action::Kill { id, run } => (id, *run, Why::Killed),
            Action::Stop { .. }
            | Action::StopByCommand { .. }
            | Action::Start { .. }
            | Action::Drain { .. }
            | Action::Steer { .. }
            | Action::Retire { .. }
            | Action::RollBack { .. }
            | Action::Complete { .. } => return,
        };
        self.left.asked.insert(run, (id.clone(), why));
        let sent = self.keeper.members(run);
        self.asked(sent);
    }

    /// The keeper has named them.
    pub(super) fn on_members(&mut self, run: RunId, found: &[Found]) {
        let Some((id, why)) = self.left.asked.remove(&run) else { return };
        let (proved, unproved): (Vec<&Found>, Vec<&Found>) = found.iter().partition(|it| it.proved);
        if !proved.is_empty() {
            let names = names(&proved);
            let (kind, text) = match why {
                Why::Killed => (EventType::Killed, format!("killed with all of it: {names}")),
                Why::Leftover => (EventType::Stopping, format!("left behind: {names}")),
            };
            self.tell(Told::of(kind, &id, text.clone()));
            self.left.remarks.insert(id.clone(), text);
        }
        if !unproved.is_empty() {
            let names = names(&unproved);
            let text = format!("of some app, nobody can say of which, and left alone: {names}");
            self.tell(Told::eco(EventType::Eco, text));
        }
    }
}

fn names(found: &[&Found]) -> String {
    let first = found.iter().take(NAMED).map(|it| format!("{} ({})", it.name, it.pid));
    let mut names: Vec<String> = first.collect();
    if NAMED < found.len() {
        names.push(format!("and {} more", found.len() - NAMED));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_counted() {
        let found: Vec<Found> =
            (1..=9).map(|pid| Found { pid, name: "sh".to_owned(), proved: true }).collect();
        let refs: Vec<&Found> = found.iter().collect();
        assert_eq!(names(&refs[..2]), "sh (1), sh (2)");
        assert!(names(&refs).ends_with("sh (8), and 1 more"));
    }
}
