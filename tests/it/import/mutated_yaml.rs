//! Compose files that were damaged, or put together at random: whatever they are, what is made of
//! them is a good file of ours, and what is wrong with them is in them.

use std::path::Path;

use eco::{
    config::{Faults, check_static},
    import::{Asked, Format, native},
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{files, with_source};

fn samples() -> Vec<String> {
    let files = files("other").into_iter().chain(files("other_bad"));
    let compose = files.filter(|file| file.to_string_lossy().contains("compose"));
    compose.map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// Pieces that mean something somewhere.
const PIECES: [&str; 24] = [
    "${",
    "}",
    "$",
    "$$",
    "${A:-",
    "${A:+b}",
    "{{.X}}",
    "{{",
    ":",
    "- ",
    "\n",
    "  ",
    "[",
    "]",
    "{",
    "'",
    "\"",
    "*a",
    "&a ",
    "null",
    "-1",
    "\u{f0000}",
    "é",
    "<<: ",
];

fn check(text: &str, format: Format) {
    // A place where nothing is, so that no Dockerfile is read.
    let path = Path::new("/nowhere/at/all/compose.yaml");
    let asked = Asked { bytes: Some(text.as_bytes()), format: Some(format), ..Asked::file(path) };
    match with_source(None, |source| native(asked, source)) {
        Ok(native) => {
            let native = native.unwrap();
            let secret = native.without_secrets.as_ref().map(|(text, _)| text);
            for written in std::iter::once(&native.text).chain(secret) {
                let read = check_static(Path::new("/nowhere/ecosystem.yaml"), written.as_bytes());
                if let Err(faults) = read {
                    panic!("{text}\n---\n{written}\n{}", faults.render(100, false));
                }
            }
            inside(&native.warnings, text);
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            inside(&faults, text);
        }
    }
}

fn inside(faults: &Faults, text: &str) {
    for (span, _) in faults.iter().flat_map(|fault| &fault.labels) {
        assert!(span.start <= span.end && span.end <= text.len(), "{span:?} of {}", text.len());
    }
    let _ = faults.render(80, false);
}

/// A value that a key may have by right or not.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..100_000).prop_map(Value::from),
        select(vec![
            "",
            "a",
            "no",
            "always",
            "on-failure:3",
            "on_failure",
            "512m",
            "1m30s",
            "5s",
            "a:b",
            "8080:80",
            "3000:3000",
            "./src:/app",
            "/app",
            "${X}",
            "$X",
            "${X:-y z}",
            "$$X",
            "A=1",
            "A=$B",
            "a 'b c'",
            "echo 'x",
            "SIGINT",
            "1000:1000",
            "CMD",
            "CMD-SHELL",
            "NONE",
            "{{.X}}",
            "{{.PC_REPLICA_NUM}}",
            "* * * * *",
            "service_healthy",
            "http://other:80/",
            "process_completed_successfully",
            "other",
            "all",
            "0.5",
            "\u{1}",
            "a\nb",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            (select(vec!["all", "other", "A", "x", "PORT", "condition"]), inner)
                .prop_map(|(key, value)| json!({ key: value })),
        ]
    })
}

/// A mapping with some keys of a table below `section`, most of which have keys of their own.
fn section(format: Format, section: &str) -> BoxedStrategy<Value> {
    let below = |path: &String| {
        path.strip_prefix(section)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|rest| !rest.contains('.'))
    };
    let paths: Vec<String> =
        format.keys().into_iter().map(|(path, _)| path).filter(below).collect();
    if paths.is_empty() {
        return value().boxed();
    }
    let one = select(paths).prop_flat_map(move |path| {
        let name = match path.rsplit('.').next().unwrap() {
            "*" => "other".to_owned(),
            name => name.to_owned(),
        };
        let inner = prop_oneof![2 => self::section(format, &path), 1 => value()];
        inner.prop_map(move |value| (name.clone(), value))
    });
    vec(one, 0..5).prop_map(|entries| Value::Object(entries.into_iter().collect())).boxed()
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases: 150, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn damaged_files_are_read_or_refused(
        sample in select(samples()),
        cuts in vec((any::<prop::sample::Index>(), 0_usize..12, select(PIECES.to_vec())), 0..4),
    ) {
        let mut text: Vec<char> = sample.chars().collect();
        for (at, length, piece) in cuts {
            let at = at.index(text.len() + 1);
            let end = (at + length).min(text.len());
            text.splice(at..end, piece.chars());
        }
        let text: String = text.into_iter().collect();
        check(&text, Format::Compose);
        check(&text, Format::ProcessCompose);
    }

    #[test]
    fn any_services_become_a_good_file(
        all in section(Format::Compose, "services.*"),
        other in section(Format::Compose, "services.*"),
    ) {
        let mut services = json!({ "all": all, "other": other });
        for name in ["all", "other"] {
            let service = services[name].as_object_mut().unwrap();
            service.entry("command").or_insert_with(|| "run it".into());
            service.entry("image").or_insert_with(|| "node".into());
        }
        check(&json!({ "services": services }).to_string(), Format::Compose);
    }

    #[test]
    fn any_processes_become_a_good_file(
        all in section(Format::ProcessCompose, "processes.*"),
        other in section(Format::ProcessCompose, "processes.*"),
    ) {
        let mut processes = json!({ "all": all, "other": other });
        for name in ["all", "other"] {
            let process = processes[name].as_object_mut().unwrap();
            process.entry("command").or_insert_with(|| "run it | x".into());
        }
        check(&json!({ "processes": processes }).to_string(), Format::ProcessCompose);
    }
}
