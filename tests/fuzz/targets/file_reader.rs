//! See `cases/file_reader.rs`.
#![no_main]

use eco_fuzz::{cases::file_reader::CASE, put_seeds};

libfuzzer_sys::fuzz_target!(init: put_seeds(&CASE), |bytes: &[u8]| {
    (CASE.run)(bytes);
});
