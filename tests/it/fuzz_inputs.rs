//! The inputs of the fuzz targets (`tests/fuzz`): the ones they start from, and the ones they found.

use std::{fs, path::Path};

use crate::fuzz_cases::ALL;

#[test]
fn every_seed_is_valid() {
    for case in ALL {
        for (number, seed) in (case.seeds)().iter().enumerate() {
            let text = String::from_utf8_lossy(seed);
            assert!((case.run)(seed), "seed {number} of {}: {text:?}", case.name);
        }
    }
}

#[test]
fn every_input_that_was_found_is_dealt_with() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/inputs");
    for case in ALL {
        let mut tried = 0;
        for entry in fs::read_dir(root.join(case.name)).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            (case.run)(&fs::read(path).unwrap());
            tried += 1;
        }
        assert!(tried != 0, "no input of {}", case.name);
    }
}
