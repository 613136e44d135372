//! Keeper and recorder as real processes; the test speaks as their controller.

mod client;
mod deaths;
mod launch;
mod output;
mod processes;
mod protocol;
mod spawn;
mod world;
