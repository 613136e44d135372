//! Commands that need no running app: validate, schema, init, completions, help.

use serde_json::Value;

use super::TWO_SLEEPERS;
use crate::harness::TestEnv;

#[test]
fn validate_shows_every_fault_at_once_with_its_place() {
    let env = TestEnv::new();
    env.write(
        "ecosystem.yaml",
        "name: shop\napps:\n  web: { comand: x, instances: -1 }\n  api: { command: y, restrat: always }\n",
    );
    let output = env.eco(&["validate"]).exits(2);
    for words in ["ecosystem.yaml:3:10", "command", "instances", "ecosystem.yaml:4:", "restart"] {
        assert!(output.to_string().contains(words), "no {words:?}\n{output}");
    }
    let faults = env.eco(&["validate", "--json"]).exits(2).json();
    let faults = faults.as_array().unwrap().clone();
    assert!(faults.len() >= 3, "{faults:#?}");
    for fault in &faults {
        for key in ["file", "line", "col", "code", "message", "help"] {
            assert!(fault.get(key).is_some(), "no {key} in {fault}");
        }
    }
    assert_eq!((&faults[0]["line"], &faults[0]["col"]), (&3.into(), &10.into()));
}

#[test]
fn validate_of_a_good_file_is_exit_0_and_starts_nothing() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.eco(&["validate"]).ok();
    env.eco(&["validate", "ecosystem.yaml"]).ok();
    assert_eq!(env.eco(&["validate", "--json"]).ok().json(), Value::Array(Vec::new()));
    env.eco(&["validate", "missing.yaml"]).exits(2).says("missing.yaml");
    assert!(env.processes().is_empty());
}

#[test]
fn static_validation_looks_at_the_text_only() {
    let env = TestEnv::with_apps("  web: { command: x, cwd: nowhere, env_file: nothing.env }\n");
    env.eco(&["validate"]).exits(2).says("nowhere").says("nothing.env");
    env.eco(&["validate", "--static"]).ok();
}

#[test]
fn other_peoples_files_are_named() {
    let env = TestEnv::new();
    env.write("ecosystem.yaml", "services:\n  web:\n    image: nginx\n");
    let output = env.eco(&["validate"]).exits(2);
    assert!(output.to_string().to_lowercase().contains("compose"), "{output}");
}

#[test]
fn schema_is_the_one_in_the_repository() {
    let env = TestEnv::new();
    let schema = env.eco(&["schema"]).ok();
    assert!(schema.json()["properties"]["apps"].is_object());
    let stored =
        std::fs::read_to_string(crate::harness::repository("schema/ecosystem.schema.json"));
    assert!(stored.unwrap() == schema.stdout, "run `eco schema > schema/ecosystem.schema.json`");
}

#[test]
fn init_writes_a_file_that_works_and_overwrites_none() {
    let env = TestEnv::new();
    env.eco(&["init"]).ok();
    let text = env.read("ecosystem.yaml");
    assert!(text.contains("apps:"), "{text}");
    env.eco(&["validate", "--static"]).ok();
    env.eco(&["init"]).exits(2);
    assert_eq!(env.read("ecosystem.yaml"), text);
}

#[test]
fn completions_come_for_three_shells() {
    let env = TestEnv::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = env.eco(&["completions", shell]).ok();
        assert!(script.stdout.contains("eco"), "{script}");
    }
    env.eco(&["completions", "cmd.exe"]).exits(2);
}

#[test]
fn usage_faults_are_exit_2_and_help_is_exit_0() {
    let env = TestEnv::new();
    env.eco(&["aply"]).exits(2).says("apply");
    env.eco(&["apply", "--no-such-option"]).exits(2);
    env.eco(&["--help"]).ok().says("apply");
    env.eco(&["help", "apply"]).ok().says("--dry-run");
    let usage = env.eco(&["apply", "--no-such-option", "--json"]).exits(2).json();
    assert_eq!((&usage["error"]["code"], &usage["error"]["exit"]), (&"usage".into(), &2.into()));
    env.eco(&["--version"]).ok().says(env!("CARGO_PKG_VERSION"));
    for command in [
        "apply",
        "diff",
        "status",
        "describe",
        "logs",
        "events",
        "start",
        "stop",
        "restart",
        "scale",
        "signal",
        "down",
        "run",
        "init",
        "schema",
        "validate",
        "daemon",
        "completions",
    ] {
        let help = env.eco(&[command, "--help"]).ok();
        assert!(help.stdout.contains("Usage"), "{help}");
        assert!(help.stdout.contains("eco "), "no example in\n{help}");
    }
}

#[test]
fn faults_under_json_are_objects_too() {
    let env = TestEnv::with_apps("  web: { comand: x }\n");
    let lines = env.eco(&["apply", "--json"]).exits(2).ndjson();
    assert!(lines.last().is_some_and(Value::is_object), "{lines:#?}");
    assert!(env.eco(&["diff", "--json"]).exits(2).json().is_object());
}
