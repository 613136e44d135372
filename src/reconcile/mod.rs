//! The verbs over the nouns of `model`: fold events in, compare desired with observed, say what is
//! next and what a change means.
//!
//! Every function here is pure: the time is a parameter, nothing awaits, nothing fails. The loop
//! around them is `observe`, then `plan_app`, then `issue` and do each action, until a plan has none;
//! then sleep until an event or `wake_at`. No progress is stored: killed at any point, a controller
//! that knows the records of the keeper and its own journal goes on with the same plan.

mod alert;
mod canary;
mod diff;
mod fields;
mod health;
mod history;
mod interruption;
mod job;
mod observe;
mod order;
mod plan;
mod process_fields;
mod queue;
mod readiness;
mod receiver;
mod restart;
mod revision;
mod rollout;
mod schedule;
mod status;
mod steer;
mod step;
mod stop;
mod verdict;
mod view;
mod words;

pub use alert::{AlertNews, AlertSight, AlertStep, alert_sight, alert_step, alert_text};
pub use diff::diff;
pub use health::{Liveness, MemoryWatch, liveness, memory_watches};
pub use interruption::{effects, interruptions};
pub use job::{Due, asked, due, verdict_of_asked};
pub use observe::{
    Journaled, Observation, adopt, forget, issue, next_run, observe, remember, reserve,
};
pub use order::{look_around, neighbours, restarted_with};
pub use plan::{plan, plan_app};
pub use process_fields::limits_in_words;
pub use queue::{QueueWatch, queue_watch};
pub use readiness::{Readiness, readiness, ready_by_start, spec_of};
pub use receiver::{Pace, ReceiverChange, receiver_changes, retry_after};
pub use revision::revision;
pub use schedule::{Look, look, next_due};
pub use status::{AppStatus, InstanceStatus, status};
pub use step::{Step, step};
pub use verdict::{Verdict, verdict};
