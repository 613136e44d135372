//! Reading PM2's files: what each becomes in our format, what every fault looks like, and that no key
//! was forgotten.

mod compose;
mod fields;
mod generated;
mod mutated;
mod mutated_yaml;
mod node;
mod other;
mod tables;
mod units;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use eco::{
    config::{Faults, Loaded, SecretKey, Source, load_text},
    import::{self, Asked, Native, Options, load, native},
    model::EnvValue,
};

use crate::harness::program;

/// The key that files are read with here.
const KEY: SecretKey = SecretKey::new([7; SecretKey::LEN]);

fn env() -> BTreeMap<String, String> {
    let path = std::env::var("PATH").unwrap();
    let pairs = [("HOME", "/home/me"), ("PATH", &path), ("LANG", "C"), ("SECRET_A", "1")];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn with_source<T>(profile: Option<&str>, use_it: impl FnOnce(&Source<'_>) -> T) -> T {
    let env = env();
    use_it(&Source {
        env: &env,
        profile,
        cpus: 4,
        accounts: &eco::controller::Machine,
        secret_key: KEY,
        files: None,
    })
}

/// The files of a directory beside this one, relative to the crate, where tests run.
fn files(dir: &str) -> Vec<PathBuf> {
    let dir = Path::new("tests/it/import").join(dir);
    let mut files: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files
}

/// Copies a file to a directory where everything is that it names.
fn placed(file: &Path) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    for sub in ["workers", "src", "views"] {
        std::fs::create_dir(dir.path().join(sub)).unwrap();
    }
    let path = dir.path().join(file.file_name().unwrap());
    std::fs::copy(file, &path).unwrap();
    (dir, path)
}

fn read(file: &Path, profile: Option<&str>) -> Result<Loaded, Faults> {
    with_source(profile, |source| load(file, source, Options::default()))
}

/// Whether a file has to be run to be read.
fn is_program(file: &Path) -> bool {
    let without_node = with_source(None, |source| {
        let env = BTreeMap::from([("PATH".to_owned(), "/nowhere".to_owned())]);
        load(file, &Source { env: &env, ..*source }, Options::default())
    });
    without_node.is_err_and(|faults| faults.one_line().contains("no `node` in PATH"))
}

fn written(file: &Path) -> Native {
    let native = with_source(None, |source| native(Asked::file(file), source));
    native.unwrap_or_else(|faults| panic!("{}", faults.render(100, false))).unwrap()
}

#[test]
fn good_files_become_ours() {
    program("node");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots/good");
    settings.bind(|| {
        for file in files("good") {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let (dir, path) = placed(&file);
            // Computed paths say where they were computed.
            let dir = dir.path().canonicalize().unwrap();
            let text = written(&path).text.replace(&*dir.to_string_lossy(), "/DIR");
            insta::assert_snapshot!(name.replace('.', "_"), text, &name);
        }
    });
}

/// `eco import` changes nothing: the file it writes says the same, with and without a profile.
#[test]
fn what_is_written_says_the_same() {
    for file in files("good") {
        let (_dir, path) = placed(&file);
        let text = written(&path).text;
        for profile in [None, Some("production")] {
            let Ok(before) = read(&path, profile) else { continue };
            let ours = path.with_file_name("ecosystem.yaml");
            let after = with_source(profile, |source| load_text(&ours, text.as_bytes(), source));
            let after =
                after.unwrap_or_else(|faults| panic!("{text}\n{}", faults.render(100, false)));
            assert_eq!(before.apps, after.apps, "{}\n{text}", path.display());
            // What a program looked up is part of the text by now.
            if !is_program(&path) {
                assert_eq!(before.vars_used, after.vars_used);
            }
        }
    }
}

#[test]
fn bad_files_are_underlined() {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("tests/it/import/bad/", "");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots/bad");
    settings.bind(|| {
        for file in files("bad") {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let text = read(&file, None).unwrap_err().render(100, false);
            insta::assert_snapshot!(name.replace('.', "_"), text, &name);
        }
    });
}

#[test]
fn all_forms_of_a_file_say_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let app = r#"{"name": "web", "script": "a.js", "instances": 2, "exec_mode": "cluster"}"#;
    let forms = [
        ("a.json", format!("[{app}]")),
        ("b.json", app.to_owned()),
        ("c.json", format!("{{\"apps\": [{app}]}}")),
        ("d.json", format!("{{\"pm2\": [{app}]}}")),
        ("e.json", format!("{{\"pm2\": {{\"apps\": [{app}]}}}}")),
        ("f.json", format!("{{\"apps\": {app}}}")),
        ("g.config.js", format!("module.exports = {{apps: [{app}]}};")),
        ("h.config.mjs", format!("export default {{apps: [{app},],}}")),
        ("i.config.cjs", format!("'use strict'\nmodule.exports = [{app}]")),
        ("j.yaml", format!("apps: [{app}]")),
        ("k.yml", format!("[{app}]")),
        ("l.yaml", format!("pm2: [{app}]")),
        ("m.yaml", "name: web\nscript: a.js\ninstances: '2'\nexecMode: cluster\n".to_owned()),
    ];
    let mut apps = None;
    for (name, text) in forms {
        let file = dir.path().join(name);
        std::fs::write(&file, text).unwrap();
        let read = read(&file, None);
        let read = read.unwrap_or_else(|faults| panic!("{name}: {}", faults.render(100, false)));
        let first = apps.get_or_insert_with(|| read.apps.clone());
        assert_eq!(read.apps, *first, "{name}");
    }
}

#[test]
fn a_profile_adds_the_variables_of_its_name() {
    let (_dir, path) = placed(Path::new("tests/it/import/good/express.config.js"));
    let env_of = |profile| {
        let loaded = read(&path, profile).unwrap();
        let app = loaded.apps.values().next().unwrap();
        ["NODE_ENV", "PORT"].map(|name| match &app.env[name] {
            EnvValue::Set(text) => text.as_escaped().to_owned(),
            other @ (EnvValue::Unset | EnvValue::File { .. }) => panic!("{other:?}"),
        })
    };
    assert_eq!(env_of(None), ["development", "3000"]);
    assert_eq!(env_of(Some("production")), ["production", "8080"]);
    let faults = read(&path, Some("prodction")).unwrap_err();
    assert!(faults.one_line().contains("there is no profile `prodction`"), "{faults}");
}

#[test]
fn lenient_lets_unknown_keys_pass() {
    let file = Path::new("tests/it/import/bad/misspelt.config.js");
    let loaded = with_source(None, |source| load(file, source, Options { lenient: true })).unwrap();
    assert!(loaded.lenient);
    let told = loaded.warnings.iter().filter(|warning| warning.code == "unknown_key").count();
    assert_eq!(told, 5);
}

#[test]
fn the_text_alone_is_checked_without_files() {
    let text =
        br#"{"apps": [{"script": "nowhere/app.js", "cwd": "/nowhere", "kill_timeout": "x"}]}"#;
    let faults = import::check_static(Path::new("a.json"), text, Options::default()).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults}");
    let computed = b"module.exports = { apps: make() }";
    import::check_static(Path::new("a.config.js"), computed, Options::default()).unwrap();
}
