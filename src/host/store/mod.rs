//! What survives the controller: revisions of each project, the journal of exits, the events.
//!
//! Revisions are synced to disk and checked by a digest; journal and events are appended without
//! a sync, because losing their last lines in a power cut loses nothing that is acted on.

mod alerts;
mod append;
pub(super) mod atomic;
mod backward;
mod check;
mod events;
mod fault;
mod frame;
mod journal;
mod project;
mod replay;
mod revisions;

pub use alerts::{OwedAlert, StoredAlert, StoredAlerts};
pub use check::check;
pub use events::{EventLine, EventQuery, Events};
pub use fault::StoreFault;
pub use journal::Journal;
pub use project::{RevisionSummary, StoredProject, StoredResult};
#[doc(hidden)]
pub use replay::rewritten;
pub use replay::{Looked, Recovered};
pub use revisions::Store;
