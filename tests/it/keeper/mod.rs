//! Keeper and recorder as real processes; the test speaks as their controller.

mod client;
mod connections;
mod deaths;
mod launch;
mod notify;
mod output;
mod ports;
mod ports_ahead;
mod ports_edges;
mod ports_programs;
mod ports_shut_down;
mod processes;
mod protocol;
mod queues;
mod retire;
mod rotation;
mod slow_answers;
mod spawn;
mod surroundings;
mod takeover;
mod takeover_ports;
mod world;

pub(crate) use world::naughty;
