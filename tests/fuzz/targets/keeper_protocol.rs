//! See `cases/keeper_protocol.rs`.
#![no_main]

use eco_fuzz::{cases::keeper_protocol::CASE, put_seeds};

libfuzzer_sys::fuzz_target!(init: put_seeds(&CASE), |bytes: &[u8]| {
    (CASE.run)(bytes);
});
