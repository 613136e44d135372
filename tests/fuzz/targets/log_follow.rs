//! See `cases/log_follow.rs`.
#![no_main]

use eco_fuzz::{cases::log_follow::CASE, put_seeds};

libfuzzer_sys::fuzz_target!(init: put_seeds(&CASE), |bytes: &[u8]| {
    (CASE.run)(bytes);
});
