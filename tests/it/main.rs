//! Every test that is not beside the code it tests: one binary.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::as_conversions,
    reason = "tests fail by panicking, start programs and read clocks"
)]

mod architecture;
mod behaviours;
mod config;
mod e2e;
mod faults;
mod follow;
#[path = "../fuzz/cases/mod.rs"]
#[expect(unreachable_pub, reason = "it is part of a library elsewhere")]
mod fuzz_cases;
mod fuzz_inputs;
mod harness;
mod import;
mod keeper;
#[path = "../support/load/mod.rs"]
mod load;
mod logs;
mod lost_requests;
mod openapi;
mod probe;
mod render;
mod sim;
mod store;
