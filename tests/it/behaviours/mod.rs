//! What users of PM2 rely on, and what they miss in it: each behaviour in short, and the tests that show
//! how eco behaves there.
//!
//! One file per topic: its rows, and the tests that nobody else has. A behaviour that eco has otherwise
//! on purpose says why. The tests below see to it that none is forgotten and that the tests named exist.

mod drift;
mod ending;
mod environment;
mod logs;
mod replacing;
mod restarting;
mod scaling;
mod selecting;
mod starting;
mod surviving;
mod watching;

use std::{collections::BTreeMap, fs};

use crate::{faults, harness::TestEnv};

use Shown::{By, Differs};

/// One behaviour.
#[derive(Debug)]
struct Behaviour {
    /// From 1 on.
    number: usize,
    given: &'static str,
    when: &'static str,
    then: &'static str,
    shown: Shown,
}

/// How eco behaves there.
#[derive(Debug)]
enum Shown {
    /// So, as these tests show.
    By(&'static [&'static str]),
    /// Otherwise, for this reason; the tests show what it does.
    Differs(&'static str, &'static [&'static str]),
}

const TOPICS: &[&[Behaviour]] = &[
    starting::ROWS,
    environment::ROWS,
    scaling::ROWS,
    replacing::ROWS,
    drift::ROWS,
    ending::ROWS,
    restarting::ROWS,
    watching::ROWS,
    logs::ROWS,
    selecting::ROWS,
    surviving::ROWS,
];
/// So many are there.
const ALL: usize = 56;

fn behaviours() -> impl Iterator<Item = &'static Behaviour> {
    TOPICS.iter().flat_map(|rows| rows.iter())
}

#[test]
fn every_behaviour_is_there_once() {
    let mut numbers: Vec<usize> = behaviours().map(|it| it.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=ALL).collect::<Vec<_>>());
    for behaviour in behaviours() {
        let words = [behaviour.given, behaviour.when, behaviour.then];
        assert!(words.iter().all(|it| !it.is_empty()), "{behaviour:?}");
        match behaviour.shown {
            By(tests) => assert!(!tests.is_empty(), "{behaviour:?}"),
            Differs(why, tests) => assert!(20 < why.len() && !tests.is_empty(), "{behaviour:?}"),
        }
    }
}

#[test]
fn every_test_of_a_behaviour_exists() {
    let tests = faults::tests();
    let missing: Vec<_> = behaviours()
        .flat_map(|row| {
            let (By(named) | Differs(_, named)) = row.shown;
            named.iter().map(move |test| (row.number, *test))
        })
        .filter(|(_, test)| !tests.contains(*test))
        .collect();
    assert!(missing.is_empty(), "no such tests: {missing:#?}");
}

/// A world with this PM2 file.
fn pm2(text: &str) -> TestEnv {
    let env = TestEnv::new();
    env.write(PM2, text);
    env
}

/// The file that [`pm2`] writes.
const PM2: &str = "ecosystem.config.json";

/// The variables a process was started with.
fn variables(pid: u32) -> BTreeMap<String, String> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// How many lines a file of the project has.
fn lines(env: &TestEnv, file: &str) -> usize {
    env.read(file).lines().count()
}
