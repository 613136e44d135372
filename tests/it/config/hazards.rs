//! Texts made to hurt: too deep, too long, too many, or random. Never a panic, never a long wait.

use std::path::Path;

use eco::config::{check_static, json_schema};
use proptest::prelude::*;

use super::{KEY, here, read_text, repeated, yaml_files};

#[test]
fn twenty_thousand_brackets_are_one_fault() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
        let text = format!("apps: \n  {}{}\n", open.repeat(20_000), close.repeat(20_000));
        let faults = read_text(&text).unwrap_err();
        assert_eq!(faults.len(), 1);
        let text = faults.render(100, false);
        assert!(text.lines().count() < 12 && text.len() < 2_000, "{text}");
        assert!(open == "- " || text.contains("nested too deeply"), "{text}");
    }
}

#[test]
fn aliases_cannot_nest_without_end() {
    let levels = repeated(1..400, |i| format!("x-{i}: &a{i} [*a{}]\n", i - 1));
    let faults = read_text(&format!("x-0: &a0 [1]\n{levels}apps: {{}}\n")).unwrap_err();
    assert!(faults.render(100, false).contains("nested too deeply"));
}

#[test]
fn merging_again_and_again_is_stopped() {
    let keys = repeated(0..2_000, |i| format!("  k{i}: 1\n"));
    let uses = repeated(0..2_000, |i| format!("  u{i}: {{ <<: *m }}\n"));
    let faults = read_text(&format!("x-m: &m\n{keys}x-u:\n{uses}apps: {{}}\n")).unwrap_err();
    assert!(faults.render(100, false).contains("aliases make this more than"));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let faults = read_text("apps:\n  web: { command: x, \"a\\e[31mb\": 1, '\u{7f}\u{9b}c': 2 }\n");
    let text = faults.unwrap_err().render(100, false);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

#[test]
fn many_apps_are_read() {
    let apps = many_apps(5_000);
    assert_eq!(read_text(&apps).unwrap().apps.len(), 5_000);
}

/// About 1.4 MB for 5,000 apps.
fn many_apps(count: usize) -> String {
    let app = |i: usize| {
        format!(
            "  app-{i}:\n    command: node server.js --id {i} --title \"number {i}\"\n    \
             instances: 2\n    env:\n      NODE_ENV: production\n      PORT: {i}\n      \
             URL: http://localhost:{i}/${{ECO_INSTANCE}}\n      HOME_OF: ${{HOME}}\n    \
             restart: {{ policy: on-failure, backoff: {{ max: 1m }} }}\n    \
             stop: {{ timeout: 5s }}\n    tags: [edge, n{i}]\n"
        )
    };
    let apps = repeated(0..count, app);
    format!("name: many\ndefaults:\n  rollout: {{ min_ready: 2s }}\napps:\n{apps}")
}

fn samples() -> Vec<Vec<u8>> {
    let dirs = ["good", "bad/shape", "bad/semantic", "bad/syntax"];
    let files = dirs.into_iter().flat_map(yaml_files);
    let texts = files.map(|path| std::fs::read(path).unwrap());
    texts.filter(|text| text.len() < 4_000).collect()
}

/// Reads it every way there is and renders what is wrong.
fn read_every_way(bytes: &[u8]) {
    let path = here("good/ecosystem.yaml");
    let env = super::env();
    let source = eco::config::Source {
        env: &env,
        profile: Some("production"),
        cpus: 4,
        accounts: &eco::controller::Machine,
        secret_key: KEY,
        files: None,
    };
    if let Err(faults) = eco::config::load_text(&path, bytes, &source) {
        assert!(!faults.is_empty());
        let text = faults.render(100, false);
        assert!(!text.is_empty());
    }
    if let Err(faults) = check_static(Path::new("x.yaml"), bytes) {
        assert!(!faults.render(60, true).is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_every_way(&bytes);
    }

    #[test]
    fn yaml_like_text_never_panics(
        text in "([a-z\"'${}\\[\\]:,&*|>#!%@\\-\n\t é]|apps:\n  |<<: |\\$\\{A:-){0,60}"
    ) {
        read_every_way(text.as_bytes());
        read_every_way(format!("apps:\n  web:\n    command: {text}").as_bytes());
    }

    #[test]
    fn mutated_files_never_panic(
        sample in proptest::sample::select(samples()),
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let mut text = sample;
        for (at, byte, kind) in cuts {
            if text.is_empty() {
                break;
            }
            let at = at.index(text.len());
            match kind {
                0 => text[at] = byte,
                1 => { text.remove(at); }
                2 => text.insert(at, b"{}[]:\"'$&*\n -"[usize::from(byte) % 13]),
                _ => text.truncate(at),
            }
        }
        read_every_way(&text);
    }
}

#[test]
fn the_schema_is_always_made_the_same() {
    assert_eq!(json_schema().to_string(), json_schema().to_string());
}
