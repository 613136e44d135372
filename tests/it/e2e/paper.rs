//! What eco tells about itself: explanations of codes and keys, manual pages.

use std::{fs, path::Path, process::Command};

use crate::harness::{TestEnv, program};

#[test]
fn explain_tells_of_a_code_with_an_example_and_what_to_do() {
    let env = TestEnv::new();
    let text = env.eco(&["explain", "unknown_key"]).ok().says("instnaces").says("what to do");
    assert!(text.stdout.starts_with("unknown_key\n"), "{text}");
    env.eco(&["explain", "crash_looping"]).ok().says("restart.limit");
    let all = env.eco(&["explain"]).ok();
    for code in ["unknown_key", "no_node", "which_project", "rolled_back"] {
        assert!(all.stdout.contains(code), "{all}");
    }
    let json = env.eco(&["explain", "unknown_key", "--json"]).ok().json();
    assert_eq!((&json["schema"], &json["key"]), (&1.into(), &serde_json::Value::Null));
    assert_eq!(json["codes"][0]["subject"], "file");
    let json = env.eco(&["explain", "--json"]).ok().json();
    assert!(json["codes"].as_array().unwrap().len() > 50);
    assert!(env.processes().is_empty());
}

#[test]
fn explain_tells_of_a_key_of_the_file() {
    let env = TestEnv::new();
    env.eco(&["explain", "web.rollout.max_surge"]).ok().says("on a change: no process touched");
    let json = env.eco(&["explain", "restart", "--json"]).ok().json();
    assert_eq!(json["key"]["path"], "restart");
    assert!(json["key"]["keys"].as_array().unwrap().contains(&"restart.backoff".into()));
}

#[test]
fn explain_suggests_what_may_be_meant() {
    let env = TestEnv::new();
    env.eco(&["explain", "unknwon_key"]).exits(2).says("did you mean `unknown_key`?");
    env.eco(&["explain", "rollout.max_srge"]).exits(2).says("did you mean `rollout.max_surge`?");
    env.eco(&["explain", "zzzzzz"]).exits(2).says("`eco explain` lists all codes");
    let json = env.eco(&["explain", "unknwon_key", "--json"]).exits(2).json();
    assert_eq!(json["error"]["code"], "input");
}

#[test]
fn an_error_ends_with_where_its_code_is_explained() {
    let env = TestEnv::with_apps("  web: { command: x, instnaces: 2 }\n");
    let faults = env.eco(&["validate"]).exits(2);
    assert!(faults.stderr.ends_with("more: eco explain unknown_key\n"), "{faults}");
    let error = env.eco(&["logs", "web"]).exits(3);
    assert!(error.stderr.ends_with("more: eco explain not_running\n"), "{error}");
    let input = env.eco(&["explain", "zzzzzz"]).exits(2);
    assert!(!input.stderr.contains("more: "), "{input}");
}

/// The names of the files in a directory, sorted.
fn names(dir: &Path) -> Vec<String> {
    let found = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        found.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn manual_pages_are_there_for_every_command_and_well_formed() {
    program("mandoc");
    let env = TestEnv::new();
    env.eco(&["man", "--dir", "man"]).ok();
    let pages = names(&env.path("man/man1"));
    for page in ["eco.1", "eco-apply.1", "eco-daemon.1", "eco-daemon-stop.1", "eco-man.1"] {
        assert!(pages.iter().any(|known| known == page), "{page} is not in {pages:?}");
    }
    assert_eq!(names(&env.path("man/man5")), ["ecosystem.yaml.5"]);
    for page in pages.iter().map(|page| format!("man/man1/{page}")) {
        let text = env.read(&page);
        for section in ["NAME", "SYNOPSIS", "EXIT STATUS", "FILES", "ENVIRONMENT", "SEE ALSO"] {
            let is_there =
                |line: &str| line.trim_start_matches(".SH ").trim_matches('"') == section;
            assert!(text.lines().any(is_there), "{page} has no {section}");
        }
        lint(&env.path(&page));
    }
    lint(&env.path("man/man5/ecosystem.yaml.5"));
    assert!(env.read("man/man1/eco-apply.1").contains(".SH EXAMPLES\n"));
    assert!(!env.read("man/man1/eco.1").contains("help(1)"), "a page that is not there");
    let apply = env.eco(&["man", "apply"]).ok();
    assert_eq!(apply.stdout, env.read("man/man1/eco-apply.1"));
    env.eco(&["man", "daemon", "stop"]).ok();
    env.eco(&["man", "ecosystem.yaml"]).ok().says("max_surge");
    env.eco(&["man", "aply"]).exits(2).says("eco-apply");
}

/// Nothing in a page is an error or a warning; how its source is styled is nobody's concern.
fn lint(page: &Path) {
    let said = Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).arg(page).output();
    let said = String::from_utf8(said.unwrap().stdout).unwrap();
    // No date, so that a page changes only with what it says.
    let faults: Vec<&str> =
        said.lines().filter(|line| !line.contains("missing date") && !line.is_empty()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
