//! The pure core, in virtual time: a world of fake processes with faults, what must hold in it at
//! every moment, and plain tests of single rules.

mod alerts;
mod canaries;
mod diffs;
mod fixtures;
mod invariants;
mod jobs;
mod keeper;
mod liveness;
mod orders;
mod processes;
mod promises;
mod properties;
mod queues;
mod quiescence;
mod restarts;
mod revisions;
mod rollouts;
mod scenarios;
mod schedules;
mod states;
mod statuses;
mod watching;
mod words;
mod world;
