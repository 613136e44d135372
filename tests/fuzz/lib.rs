//! What all fuzz targets have in common.

pub mod cases;

use std::path::Path;

use cases::Case;

/// Writes the seeds of a case to where the fuzzer will look for them: what `ECO_FUZZ_SEEDS` names.
pub fn put_seeds(case: &Case) {
    let Some(dir) = std::env::var_os("ECO_FUZZ_SEEDS") else { return };
    for (number, seed) in (case.seeds)().iter().enumerate() {
        std::fs::write(Path::new(&dir).join(format!("seed-{number}")), seed).unwrap();
    }
}
