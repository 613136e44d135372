//! What to do next, and why what is not done is not done.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    hold::Hold,
    id::{AppKey, Cohort, Generation, InstanceId, Revision, RunId},
    reason::{RolloutFailure, StopReason},
    signal::Signal,
    spec::KillScope,
    time::Time,
};

/// The next steps, what they leave waiting, and when time alone would change the answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What to do now.
    pub actions: Vec<Action>,
    /// Why an instance is not as desired and nothing is done about it now.
    pub holds: Vec<(InstanceId, Hold)>,
    /// When to plan again if nothing happens before.
    pub wake_at: Option<Time>,
}

/// One thing to do. No choice is left to whoever does it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Action {
    /// Start a run of an instance.
    Start {
        /// The instance.
        id: InstanceId,
        /// The revision to start it with.
        revision: Revision,
        /// The generation it belongs to.
        generation: Generation,
        /// With whom it shares listening sockets.
        cohort: Cohort,
    },
    /// Keep new connections from a run and let its open requests end, before it is asked to stop.
    Drain {
        /// The instance.
        id: InstanceId,
        /// The run.
        run: RunId,
        /// Why.
        reason: StopReason,
    },
    /// Divide new connections among an app's cohorts by these weights.
    Steer {
        /// The app.
        key: AppKey,
        /// Those with none get no new connections.
        weights: BTreeMap<Cohort, u32>,
    },
    /// Give up a cohort's sockets.
    Retire {
        /// The app.
        key: AppKey,
        /// The cohort, of which no run is left.
        cohort: Cohort,
    },
    /// Undo the change of an app: it failed.
    RollBack {
        /// The app.
        key: AppKey,
        /// How it failed.
        failure: RolloutFailure,
    },
    /// Note that the change of an app is good: there is nothing to go back to any more.
    Complete {
        /// The app.
        key: AppKey,
    },
    /// Run the command that stops a run.
    StopByCommand {
        /// The instance.
        id: InstanceId,
        /// The run.
        run: RunId,
        /// Why.
        reason: StopReason,
    },
    /// Ask a run to stop.
    Stop {
        /// The instance.
        id: InstanceId,
        /// The run.
        run: RunId,
        /// The signal to send,
        signal: Signal,
        /// and to whom.
        scope: KillScope,
        /// Why.
        reason: StopReason,
    },
    /// End a run's whole group with SIGKILL.
    Kill {
        /// The instance.
        id: InstanceId,
        /// The run.
        run: RunId,
    },
}

/// The state of an app in one word.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AppState {
    /// Every wanted instance has been ready for `min_ready`, nothing else runs.
    Ready,
    /// On its way, without a failure.
    Converging,
    /// Some instance failed and is being tried again.
    Degraded,
    /// Some instance failed too often and is tried slowly.
    CrashLooping,
    /// An operator stopped it.
    Stopped,
    /// The file wants no instance of it.
    Off,
    /// Every instance ended as it should.
    Done,
    /// Some instance ended badly and is not tried again.
    Failed,
}

/// The phase of an instance in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstancePhase {
    /// No process; one will be started.
    Waiting,
    /// Its program is being executed, or is not ready yet.
    Starting,
    /// It is ready.
    Ready,
    /// It was asked to stop.
    Stopping,
    /// Its first process ended, others of its group live.
    Exited,
    /// It ended as it should and is not started again.
    Done,
    /// It ended badly and is not started again.
    Failed,
}
