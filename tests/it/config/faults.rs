//! The rendered text of every fault of every bad file.

use std::path::Path;

use eco::config::{Fault, check_static, json_schema};

use super::{KEY, here, profile_of, read_file, read_text, repeated, yaml_files};

fn rendered(path: &Path) -> String {
    // Relative to the crate, which is where tests run: so that the shown names are short.
    let path = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
    read_file(path).unwrap_err().render(100, false)
}

fn snapshot(dir: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(&regex_of(env!("CARGO_MANIFEST_DIR")), "[crate]");
    settings.add_filter("tests/it/config/bad/", "");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path(format!("snapshots/{dir}"));
    settings.bind(|| {
        for path in yaml_files(&format!("bad/{dir}")) {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            let profile = profile_of(&source);
            let about = profile.map_or(String::new(), |profile| format!(" --profile {profile}"));
            insta::assert_snapshot!(name.clone(), rendered(&path), &format!("{name}.yaml{about}"));
        }
    });
}

fn regex_of(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_alphanumeric() { c.to_string() } else { format!("\\{c}") })
        .collect()
}

#[test]
fn syntax() {
    snapshot("syntax");
}

#[test]
fn shape() {
    snapshot("shape");
}

#[test]
fn twenty_thousand_brackets() {
    let text = format!("apps: {}{}\n", "[".repeat(20_000), "]".repeat(20_000));
    let faults = check_static(Path::new("brackets.yaml"), text.as_bytes()).unwrap_err();
    insta::assert_snapshot!(faults.render(100, false), @r"
      × this is nested too deeply
       ╭─[brackets.yaml:1:71]
     1 │ …[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…
       ·                                          ┬
       ·                                          ╰── more than 64 levels
       ╰────
    ");
}

#[test]
fn semantic() {
    snapshot("semantic");
}

#[test]
fn a_fault_says_where_in_one_line() {
    let faults = read_text("apps:\n  wéb:\n    cömmand: x\n").unwrap_err();
    let lines: Vec<String> = faults.iter().map(Fault::one_line).collect();
    let file = here("good/ecosystem.yaml");
    let file = file.display();
    assert!(lines[0].starts_with(&format!("{file}:2:3: ")), "{lines:?}");
    assert!(lines[1].starts_with(&format!("{file}:3:5: ")), "{lines:?}");
    assert!(faults.one_line().ends_with("(and 1 more fault)"), "{}", faults.one_line());
    let json = serde_json::to_value(&faults).unwrap();
    let keys: Vec<&String> = json[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["file", "line", "col", "code", "message", "help"]);
}

#[test]
fn only_the_first_hundred_faults_are_shown() {
    let apps = repeated(0..150, |i| format!("  a{i}: {{ command: x, nope: 1 }}\n"));
    let faults = read_text(&format!("apps:\n{apps}")).unwrap_err();
    assert_eq!(faults.len(), 150);
    let text = faults.render(100, false);
    assert_eq!(text.matches("has no key `nope`").count(), 100);
    assert!(text.ends_with("… and 50 more faults\n"), "{text}");
}

#[test]
fn what_needs_no_surroundings_is_found_without_them() {
    for dir in ["bad/syntax", "bad/shape"] {
        for path in yaml_files(dir) {
            let bytes = std::fs::read(&path).unwrap();
            assert!(check_static(&path, &bytes).is_err(), "{}", path.display());
        }
    }
    for path in yaml_files("good") {
        let bytes = std::fs::read(&path).unwrap();
        let checked = check_static(Path::new("/nowhere/at/all.yaml"), &bytes);
        assert!(checked.is_ok(), "{}: {checked:?}", path.display());
    }
    let text = "vars_file: nope\napps: { a: { command: 'x ${NOPE}', cwd: nope, env_file: nope } }";
    assert!(check_static(Path::new("x.yaml"), text.as_bytes()).is_ok());
    for text in ["apps: { a: { command: 'a | b' } }", "apps: { a: { command: a, cwd: '${' } }"] {
        assert!(check_static(Path::new("x.yaml"), text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn good_files_have_no_faults() {
    for path in yaml_files("good") {
        let loaded = read_file(&path);
        assert!(loaded.is_ok(), "{}", loaded.unwrap_err().render(100, false));
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let text = read_missing("nothing/here.yaml");
    assert!(text.contains("nothing/here.yaml: the file does not exist"), "{text}");
    let text = read_missing("tests");
    assert!(text.contains("tests: this is a directory"), "{text}");
    let text = read_missing("ecosystem.config.js");
    assert!(text.contains("does not exist"), "{text}");
}

fn read_missing(path: &str) -> String {
    let env = std::collections::BTreeMap::new();
    let source = eco::config::Source {
        env: &env,
        profile: None,
        cpus: 1,
        accounts: &eco::controller::Machine,
        secret_key: KEY,
        files: None,
    };
    eco::config::load(Path::new(path), &source).unwrap_err().render(100, false)
}

#[test]
fn the_keys_of_the_schema_are_those_of_the_reader() {
    // A key of the schema that the reader does not know would be refused here.
    let schema = json_schema();
    let keys = schema["$defs"]["App"]["properties"].as_object().unwrap().keys();
    let nulls: Vec<String> =
        keys.filter(|key| *key != "command").map(|key| format!(", {key}: null")).collect();
    let nulls = nulls.concat();
    let read = read_text(&format!("apps: {{ a: {{ command: x{nulls} }} }}"));
    assert!(read.is_ok(), "{}", read.unwrap_err().render(100, false));
}
