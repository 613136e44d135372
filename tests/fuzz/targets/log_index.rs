//! See `cases/log_index.rs`.
#![no_main]

use eco_fuzz::{cases::log_index::CASE, put_seeds};

libfuzzer_sys::fuzz_target!(init: put_seeds(&CASE), |bytes: &[u8]| {
    (CASE.run)(bytes);
});
