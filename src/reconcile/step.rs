//! How far a change of an app has come, for those who are told of it.

use crate::model::{App, AppKey, AppObserved, RolloutFailure, Time};

use super::{canary, rollout, view::View};

/// How far a change has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many instances are to prove themselves before any other is replaced.
    Canary(u32),
    /// The others are replaced, or all of them if none goes first.
    Others,
    /// It failed and goes no further; what was good before runs on.
    Paused(RolloutFailure),
}

/// How far the change of an app has come; `None` if none is under way.
#[must_use]
pub fn step(key: &AppKey, app: &App, observed: Option<&AppObserved>, now: Time) -> Option<Step> {
    if app.good || app.removed {
        return None;
    }
    let view = View::new(key, app, observed, now);
    Some(if let Some(failure) = rollout::failure(&view) {
        Step::Paused(failure)
    } else if canary::is_out(&view) {
        Step::Canary(canary::size(&view))
    } else {
        Step::Others
    })
}
