//! Reading ecosystem files: what every fault looks like, what good files become, and that schema,
//! decoder and another YAML reader agree.

mod differential;
mod faults;
mod hazards;
mod merging;
mod order;
mod processes;
mod resolving;
mod schema;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use eco::config::{Faults, Loaded, SecretKey, Source, load, load_text};

/// The key that files are read with here.
const KEY: SecretKey = SecretKey::new([7; SecretKey::LEN]);

/// The environment all these tests read files with.
fn env() -> BTreeMap<String, String> {
    let pairs = [
        ("HOME", "/home/me"),
        ("PATH", "/usr/bin"),
        ("LC_ALL", "C"),
        ("EMPTY", ""),
        ("UNRELATED", "1"),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Files say in their first lines with which profile they are to be read.
fn profile_of(text: &str) -> Option<String> {
    let line = text.lines().take(3).find_map(|line| line.strip_prefix("# profile: "));
    line.map(str::to_owned)
}

fn read_file(path: &Path) -> Result<Loaded, Faults> {
    let bytes = std::fs::read(path).unwrap();
    let profile = profile_of(&String::from_utf8_lossy(&bytes));
    load(
        path,
        &Source {
            env: &env(),
            profile: profile.as_deref(),
            cpus: 4,
            accounts: &eco::controller::Machine,
            secret_key: KEY,
            files: None,
        },
    )
}

fn read_text(text: &str) -> Result<Loaded, Faults> {
    read_with(text, &env(), None)
}

fn read_with(
    text: &str,
    env: &BTreeMap<String, String>,
    profile: Option<&str>,
) -> Result<Loaded, Faults> {
    let path = here("good/ecosystem.yaml");
    load_text(
        &path,
        text.as_bytes(),
        &Source {
            env,
            profile,
            cpus: 4,
            accounts: &eco::controller::Machine,
            secret_key: KEY,
            files: None,
        },
    )
}

/// Text made of a piece for each number.
fn repeated(numbers: std::ops::Range<usize>, piece: impl Fn(usize) -> String) -> String {
    numbers.map(piece).collect::<Vec<_>>().concat()
}

/// A path below the directory of these tests.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/config").join(path)
}

/// The YAML files of a directory below the directory of these tests.
fn yaml_files(dir: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(here(dir))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}
