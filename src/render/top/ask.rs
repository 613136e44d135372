//! What is asked before something is done: what it is, and whom it will interrupt.

use super::{event::Wish, list::Subject};
use crate::{
    api::Operation,
    model::{AppState, InstancePhase},
};

/// A question that is answered by yes or no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// `restart web`.
    pub(super) what: String,
    /// What comes of it.
    pub(super) effect: String,
    pub(super) wish: Wish,
}

/// An action by its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Restart,
    Reload,
    Stop,
    Start,
    Rollback,
    Scale(u32),
}

fn count(instances: usize) -> String {
    if instances == 1 { "1 instance".to_owned() } else { format!("{instances} instances") }
}

/// The question for an action on what is selected.
pub(super) fn ask(act: Act, found: &Subject<'_>) -> Ask {
    let app = &found.app.name;
    let one = found.index().filter(|_| matches!(act, Act::Restart | Act::Reload));
    let name = one.map_or_else(|| app.clone(), |index| format!("{app}/{index}"));
    let (what, operation) = match act {
        Act::Restart => (format!("restart {name}"), Operation::Restart),
        Act::Reload => (format!("reload {name}"), Operation::Reload),
        Act::Stop => (format!("stop {name}"), Operation::Stop),
        Act::Start => (format!("start {name}"), Operation::Start),
        Act::Rollback => (format!("roll {name} back"), Operation::Rollback(None)),
        Act::Scale(to) => (format!("scale {name} to {to}"), Operation::Scale(to)),
    };
    let wish =
        Wish { project: found.project.to_owned(), app: app.clone(), instance: one, operation };
    Ask { what, effect: effect(act, found, one.is_some()), wish }
}

fn effect(act: Act, found: &Subject<'_>, is_one: bool) -> String {
    let app = found.app;
    let live = |it: &&crate::api::InstanceReply| match it.phase {
        InstancePhase::Starting | InstancePhase::Ready | InstancePhase::Stopping => true,
        InstancePhase::Waiting
        | InstancePhase::Exited
        | InstancePhase::Done
        | InstancePhase::Failed => false,
    };
    let running = app.instances.iter().filter(live).count();
    let wanted = usize::try_from(app.desired).unwrap_or(usize::MAX);
    let shared = app.listen.as_ref().map(|listen| listen.ports.join(", "));
    match act {
        Act::Restart | Act::Reload if is_one => {
            let keeps = if 1 < running { "; the others are not touched" } else { "" };
            format!("This instance is replaced, as its rollout policy says{keeps}.")
        }
        Act::Restart | Act::Reload if app.state == AppState::Stopped => {
            "It was stopped: it is started again.".to_owned()
        }
        Act::Restart => format!("{} replaced, as its rollout policy says.", are(wanted)),
        Act::Reload => format!(
            "Its program reads its files again: by the signal of its `reload`, else {} replaced.",
            are(wanted)
        ),
        Act::Stop => {
            let ports = shared.map_or_else(String::new, |ports| {
                format!(" Nobody answers on port {ports} any more.")
            });
            format!(
                "{} stopped, and kept down until it is started or applied.{ports}",
                are(running)
            )
        }
        Act::Start => "A stop ends, and what had given up is tried again.".to_owned(),
        Act::Rollback => {
            format!("What was there before its last change comes back: {} replaced.", are(wanted))
        }
        Act::Scale(to) => scaled(to, app.desired),
    }
}

fn are(instances: usize) -> String {
    let verb = if instances == 1 { "is" } else { "are" };
    format!("{} {verb}", count(instances))
}

fn scaled(to: u32, from: u32) -> String {
    let difference = usize::try_from(to.abs_diff(from)).unwrap_or(usize::MAX);
    let does = if from <= to {
        format!("{} started", are(difference))
    } else {
        format!("{} drained and stopped", are(difference))
    };
    format!("{from} wanted now: {does}. It holds until the file is applied again.")
}
