//! Keeps the layers honest: who may import whom, file size, a doc line in every file, no forgotten
//! test file.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A layer, and what of this crate it may import.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("protocol", &[]),
    ("reconcile", &["model"]),
    ("config", &["model"]),
    ("import", &["config", "model"]),
    ("render", &["api", "model"]),
    ("export", &["model"]),
    ("api", &["model"]),
    ("host", &["protocol", "model"]),
    ("keeper", &["protocol"]),
    ("recorder", &["protocol"]),
    ("logs", &["host", "api", "config"]),
    ("controller", &["host", "api", "config", "import", "logs", "reconcile", "model"]),
    (
        "cli",
        &[
            "controller",
            "api",
            "config",
            "import",
            "logs",
            "render",
            "export",
            "reconcile",
            "model",
        ],
    ),
    ("main", &["cli", "controller", "keeper", "recorder"]),
];

/// Crates that only the named layers may use.
const RESERVED: &[(&str, &[&str])] = &[
    ("tokio", &["host", "controller", "cli"]),
    ("axum", &["controller"]),
    ("hyper", &["host", "controller", "cli"]),
    ("notify", &["host"]),
    ("clap", &["cli"]),
    ("granit_parser", &["config"]),
    ("unicode_width", &["render"]),
    ("flate2", &["recorder", "host"]),
    ("ruzstd", &["recorder", "host"]),
    ("ratatui", &["render", "cli"]),
    ("hdrhistogram", &["controller"]),
    ("tokio_rustls", &["controller"]),
    ("clap_mangen", &["cli"]),
];

/// The crates the small processes may use.
const SMALL: &[&str] = &["keeper", "recorder", "protocol"];
const SMALL_MAY_USE: &[&str] = &["std", "core", "rustix", "libc", "crate", "super", "self"];

/// What compresses the recorder's files: bytes in, bytes out.
const RECORDER_MAY_USE: &[&str] = &["flate2", "ruzstd"];

const MAX_LINES: usize = 400;

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    files(&root, ".rs")
        .into_iter()
        .map(|file| {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            (name, fs::read_to_string(&file).unwrap())
        })
        .collect()
}

fn layer_of(name: &str) -> &str {
    name.trim_end_matches(".rs").split('/').next().unwrap()
}

fn word_at(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The code of a file before its `#[cfg(test)]` part, without comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line))
}

#[test]
fn layers_import_only_what_is_below_them() {
    let mut faults = Vec::new();
    for (name, text) in sources() {
        let layer = layer_of(&name);
        if layer == "lib" {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(known, _)| *known == layer) else {
            faults.push(format!("{name}: `{layer}` is no layer"));
            continue;
        };
        for (number, line) in code_lines(&text) {
            for used in line.split("crate::").skip(1).chain(line.split("eco::").skip(1)) {
                let used = word_at(used);
                let is_layer = LAYERS.iter().any(|(known, _)| *known == used);
                if used != layer && is_layer && !allowed.contains(&used.as_str()) {
                    faults.push(format!("{name}:{number}: {layer} imports {used}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether a line has `name::`, and not as the end of a longer word such as `inotify::`.
fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).any(|(at, _)| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
    })
}

#[test]
fn crates_stay_in_their_layers() {
    let mut faults = Vec::new();
    for (name, text) in sources() {
        let layer = layer_of(&name);
        if name.ends_with("/tests.rs") {
            continue;
        }
        for (number, line) in code_lines(&text) {
            for (reserved, layers) in RESERVED {
                let uses = names_crate(line, reserved);
                if uses && !layers.contains(&layer) {
                    faults.push(format!("{name}:{number}: {layer} uses {reserved}"));
                }
            }
            if SMALL.contains(&layer)
                && let Some(used) = line.trim_start().strip_prefix("use ").map(word_at)
                && !SMALL_MAY_USE.contains(&used.as_str())
                && !(layer == "recorder" && RECORDER_MAY_USE.contains(&used.as_str()))
            {
                faults.push(format!("{name}:{number}: {layer} uses {used}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_are_short_and_say_what_belongs_in_them() {
    let mut faults = Vec::new();
    for (name, text) in sources() {
        let lines = text.lines().count();
        if MAX_LINES < lines {
            faults.push(format!("{name}: {lines} lines, over {MAX_LINES}"));
        }
        if !text.starts_with("//!") {
            faults.push(format!("{name}: does not start with `//!`"));
        }
        for word in ["utils", "helpers", "manager"] {
            if name.contains(word) {
                faults.push(format!("{name}: `{word}` says nothing"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_test_file_is_forgotten() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let all = files(&root, ".rs");
    let mut forgotten = Vec::new();
    for file in &all {
        let name = file.strip_prefix(&root).unwrap();
        let (module, parent) = if name.ends_with("mod.rs") {
            let dir = name.parent().unwrap();
            (dir.file_name().unwrap(), dir.parent().unwrap())
        } else {
            (name.file_stem().unwrap(), name.parent().unwrap())
        };
        if name == Path::new("main.rs") {
            continue;
        }
        let declared_in = if parent == Path::new("") {
            root.join("main.rs")
        } else {
            root.join(parent).join("mod.rs")
        };
        let text = fs::read_to_string(&declared_in).unwrap_or_default();
        if !text.contains(&format!("mod {};", module.to_string_lossy())) {
            forgotten.push(name.display().to_string());
        }
    }
    assert!(forgotten.is_empty(), "not a module of the test binary: {forgotten:?}");
}
