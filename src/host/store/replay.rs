//! What a journal says once it is read: the exits and pending stops of this boot.

use std::collections::BTreeMap;

use super::StoreFault;
use crate::model::{Exit, InstanceId, RunId, Stopping};

/// What the journal holds of this boot.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Exits in the order they were written, at most `History::KEPT` for each instance.
    pub exits: Vec<(InstanceId, Exit)>,
    /// For each instance, how many exits nobody asked for are older than those in `exits`.
    pub earlier: BTreeMap<InstanceId, u64>,
    /// Stops that were asked for, with SIGKILL where it was sent. Runs that are gone meanwhile
    /// may be among them.
    pub stops: BTreeMap<RunId, Stopping>,
    /// What could not be read.
    pub faults: Vec<StoreFault>,
}
