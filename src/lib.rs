//! `eco` keeps the processes of one machine as a file in git says they should be.

pub mod api;
pub mod cli;
pub mod config;
pub mod controller;
pub mod host;
pub mod keeper;
pub mod model;
pub mod protocol;
pub mod reconcile;
pub mod recorder;
pub mod render;
