//! The matrix of faults: each fault that eco promises to live with, and the tests that inject it.
//!
//! A row says in which part of eco the fault happens, and what is promised. A fault without a test says
//! why it has none. The tests below see to it that the tests named here exist.

mod apps;
mod changes;
mod core;
mod deaths;
mod own;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use deaths::DEATHS;

/// Faults of one part of eco.
#[derive(Debug)]
struct Row {
    part: &'static str,
    /// What holds under all of them.
    promise: &'static str,
    faults: &'static [(&'static str, Covered)],
}

/// What shows that a fault does no harm.
#[derive(Debug)]
enum Covered {
    /// These tests.
    By(&'static [&'static str]),
    /// Nothing, for this reason.
    Not(&'static str),
}

/// Faults of each part.
const FAULTS: &[Row] = &[
    core::RECONCILER,
    core::POLICY,
    core::CLOCK,
    apps::SPAWN,
    apps::CHILD,
    apps::PROBES,
    own::SUPERVISOR,
    own::IDENTITY,
    changes::FILE,
    changes::ROLLOUT,
    core::FUZZ,
];

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The module path of a file below `tests/it` or `src`.
fn module(path: &Path) -> String {
    let words = path.with_extension("").to_string_lossy().replace('/', "::");
    words.trim_end_matches("::mod").to_owned()
}

/// Every test there is: its module and its name, as in `e2e::stop::a_requested_stop_is_no_failure`.
pub(crate) fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    for dir in ["tests/it", "src"].map(|dir| root.join(dir)) {
        let mut all = Vec::new();
        files(&dir, &mut all);
        for file in all {
            let module = module(file.strip_prefix(&dir).unwrap());
            found.extend(tests_in(&fs::read_to_string(&file).unwrap(), &module));
        }
    }
    found
}

/// The functions of a text with `#[test]` above them, those of a property included.
fn tests_in<'a>(text: &'a str, module: &'a str) -> impl Iterator<Item = String> + 'a {
    let mut is_test = false;
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ").or(line.strip_prefix("async fn ")) {
            let name: String = rest.chars().take_while(|it| *it != '(').collect();
            return std::mem::take(&mut is_test).then(|| format!("{module}::{name}"));
        }
        None
    })
}

fn named(rows: &[Row]) -> impl Iterator<Item = (String, &'static str)> {
    rows.iter().flat_map(|row| {
        row.faults.iter().flat_map(move |(fault, covered)| {
            let tests = match covered {
                Covered::By(tests) => *tests,
                Covered::Not(_) => &[],
            };
            tests.iter().map(move |test| (format!("{}: {fault}", row.part), *test))
        })
    })
}

#[test]
fn every_test_of_the_matrix_exists() {
    let tests = tests();
    assert!(500 < tests.len(), "{} tests were found", tests.len());
    let rows = named(FAULTS).chain(named(DEATHS));
    let missing: Vec<_> = rows.filter(|(_, test)| !tests.contains(*test)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

#[test]
fn every_row_has_its_faults_and_every_fault_a_test_or_a_reason() {
    // As many as there are parts of eco in which faults are injected, and ways in which it dies.
    assert_eq!((FAULTS.len(), DEATHS.len()), (11, 7));
    for row in FAULTS.iter().chain(DEATHS) {
        assert!(!row.faults.is_empty() && !row.promise.is_empty(), "{}", row.part);
        for (fault, covered) in row.faults {
            match covered {
                Covered::By(tests) => assert!(!tests.is_empty(), "{}: {fault}", row.part),
                Covered::Not(why) => {
                    assert!(20 < why.len(), "{}: {fault}: {why}", row.part);
                }
            }
        }
    }
}

#[test]
fn tests_are_found_with_and_without_attributes_between() {
    let text = "#[test]\n#[cfg(x)]\nfn one() {}\nfn two() {}\n  #[test]\n  fn three(n: u8) {}\n";
    let found: Vec<String> = tests_in(text, "a::b").collect();
    assert_eq!(found, ["a::b::one", "a::b::three"]);
    assert_eq!(module(Path::new("keeper/mod.rs")), "keeper");
    assert_eq!(module(Path::new("e2e/stop.rs")), "e2e::stop");
}
