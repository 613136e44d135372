//! The index of codes: whole, true, and as the repository has it.

use std::{collections::BTreeSet, fs, path::Path};

use eco::{
    config::{SecretKey, Source},
    import::{Asked, Options, load, native},
    render::explain::{Example, entries, errors_page},
};

use super::fresh;
use crate::harness::repository;

/// What makes a fault or an error of a code, and which of its arguments that is.
const MAKERS: &[(&str, usize)] = &[
    ("Problem::new(", 0),
    ("Fault::of_file(", 1),
    ("ApiError::input(", 0),
    ("ApiError::refused(", 0),
    ("ApiError::failed(", 0),
    ("refusal(StatusCode::", 1),
    ("refusal(\n", 1),
];

/// Where a code is passed on, and how it is written where it comes from.
const PASSED_ON: &[(&str, &str)] = &[
    ("config/decode/error.rs", "Self::Complaint(\""),
    ("config/vars.rs", "code: \""),
    ("import/node/mod.rs", "problem(\""),
    ("cli/error.rs", "=> (\""),
    ("cli/error.rs", "=> {\n                (\""),
    ("cli/error.rs", "=> (\n                \""),
    ("controller/refusals.rs", "=> \""),
    ("controller/refusals.rs", "const TOO_MANY: &str = \""),
    ("controller/dashboard/routes.rs", "refusal(status, \""),
    ("model/hold.rs", "=> \""),
];

/// These only stand in for others in tests.
const STAND_INS: &[&str] = &["controller/fuzzing.rs"];

fn sources(dir: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let name = path.strip_prefix(repository("src")).unwrap().display().to_string();
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
            found.push((name, code));
        }
    }
}

/// The text that a quoted word begins with, if one does.
fn quoted(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix('"')?.split_once('"').map(|(word, _)| word)
}

/// Every code that the sources have, and each call whose code is not written there.
fn codes_of_the_sources() -> (BTreeSet<String>, Vec<String>) {
    let (mut codes, mut hidden, mut files) = (BTreeSet::new(), Vec::new(), Vec::new());
    sources(&repository("src"), &mut files);
    for (name, text) in files.iter().filter(|(name, _)| !STAND_INS.contains(&name.as_str())) {
        for (maker, argument) in MAKERS {
            for (at, _) in text.match_indices(maker) {
                let mut rest = &text[at + maker.len()..];
                for _ in 0..*argument {
                    rest = rest.split_once(',').map_or("", |(_, rest)| rest);
                }
                match quoted(rest) {
                    Some(code) => drop(codes.insert(code.to_owned())),
                    None if PASSED_ON.iter().any(|(known, _)| name == known) => {}
                    None => hidden.push(format!("{name}: {}", rest.lines().next().unwrap())),
                }
            }
        }
        for (_, before) in PASSED_ON.iter().filter(|(known, _)| name == known) {
            let from = if name == "model/hold.rs" { "pub fn code(&self)" } else { "" };
            let text = &text[text.find(from).unwrap()..];
            let text =
                if from.is_empty() { text } else { &text[..text.find("\n    }\n").unwrap()] };
            for (at, _) in text.match_indices(before) {
                let word = quoted(&text[at + before.len() - 1..]).unwrap();
                codes.insert(word.to_owned());
            }
        }
    }
    (codes, hidden)
}

#[test]
fn every_code_has_an_entry_and_every_entry_a_code() {
    let (codes, hidden) = codes_of_the_sources();
    assert!(
        hidden.is_empty(),
        "write the code as a text where the fault is made, or add the file to PASSED_ON: {hidden:#?}"
    );
    let known: BTreeSet<String> = entries().map(|entry| entry.code.to_owned()).collect();
    let missing: Vec<_> = codes.difference(&known).collect();
    assert!(missing.is_empty(), "without an entry in src/render/explain: {missing:?}");
    let unused: Vec<_> = known.difference(&codes).collect();
    assert!(unused.is_empty(), "explained, but nothing has these codes: {unused:?}");
    assert_eq!(known.len(), entries().count(), "a code has two entries");
}

#[test]
fn entries_are_in_order_and_say_something() {
    let all: Vec<_> = entries().collect();
    for pair in all.windows(2) {
        let is_next = pair[0].subject != pair[1].subject || pair[0].code < pair[1].code;
        assert!(is_next, "{} before {}", pair[0].code, pair[1].code);
    }
    for entry in all {
        for text in [entry.means, entry.cure] {
            assert!(text.ends_with('.'), "{}: {text:?}", entry.code);
        }
    }
}

/// The codes of the faults and warnings that a file has.
fn found(name: &str, text: &str) -> Vec<&'static str> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    let source = Source {
        env: &[("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
        profile: None,
        cpus: 2,
        accounts: &eco::controller::Machine,
        files: None,
        secret_key: SecretKey::new([7; SecretKey::LEN]),
    };
    let loaded = if name.starts_with("ecosystem.") {
        load(&path, &source, Options::default())
    } else {
        native(Asked::file(&path), &source).and_then(|native| native.unwrap().here)
    };
    match loaded {
        Ok(loaded) => loaded.warnings.iter().map(|warning| warning.code).collect(),
        Err(faults) => faults.iter().map(|fault| fault.code).collect(),
    }
}

#[test]
fn the_example_of_each_fault_has_this_fault_and_no_other() {
    let mut wrong = Vec::new();
    for entry in entries() {
        if let Example::File { name, text } = entry.example {
            let codes = found(name, text);
            if codes != [entry.code] {
                wrong.push(format!("{}: {codes:?}", entry.code));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_page_of_codes_is_fresh() {
    fresh("schema/errors.md", &errors_page());
}
