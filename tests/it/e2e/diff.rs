//! `eco diff`: what apply would do, field by field, and what it would interrupt.

use serde_json::{Value, json};

use super::TWO_SLEEPERS;
use crate::harness::TestEnv;

fn change<'a>(diff: &'a Value, field: &str) -> &'a Value {
    let changes = diff["changes"].as_array().unwrap();
    changes
        .iter()
        .find(|change| change["field"] == field)
        .unwrap_or_else(|| panic!("no change of {field} in {diff}"))
}

#[test]
fn without_a_controller_everything_would_be_created_and_none_is_started() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    assert_eq!(diff["schema"], 1);
    let created: Vec<(&Value, &Value)> = diff["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (&change["app"], &change["effect"]))
        .collect();
    assert_eq!(created, [(&json!("web"), &json!("create")), (&json!("worker"), &json!("create"))]);
    env.eco(&["diff"]).exits(1).says("web").says("worker");
    env.eco(&["daemon", "status"]).exits(3);
    assert!(env.processes().is_empty());
}

#[test]
fn nothing_to_do_is_exit_0() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let diff = env.eco(&["diff", "--json"]).ok().json();
    assert_eq!(diff["changes"], json!([]));
    assert_eq!(diff["actions"], json!([]));
    assert_eq!(diff["interruption"], json!([]));
}

#[test]
fn each_change_has_its_path_and_effect() {
    let env = TestEnv::with_apps(
        "  web: { command: sleep 100000, instances: 2, env: { A: secret1, B: x } }\n  old: { command: sleep 100000 }\n",
    );
    env.apply();
    env.apps(
        "  web: { command: sleep 200000, instances: 3, env: { A: secret2, C: y }, restart: never }\n  new: { command: sleep 100000 }\n",
    );
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    let instances = change(&diff, "instances");
    assert_eq!(instances["effect"], "scale");
    assert_eq!((&instances["old"], &instances["new"]), (&json!("2"), &json!("3")));
    assert_eq!(change(&diff, "restart.policy")["effect"], "live");
    for field in ["command", "env.A", "env.B", "env.C"] {
        let effect = &change(&diff, field)["effect"];
        assert!(effect == "recreate" || effect == "rolling", "{field}: {diff}");
    }
    for field in ["env.A", "env.B", "env.C"] {
        let change = change(&diff, field);
        assert_eq!(change["masked"], true, "{diff}");
        assert_eq!((&change["old"], &change["new"]), (&Value::Null, &Value::Null), "{diff}");
    }
    let whole = |app: &str| {
        let changes = diff["changes"].as_array().unwrap();
        changes.iter().find(|change| change["app"] == app).unwrap()["effect"].clone()
    };
    assert_eq!((whole("new"), whole("old")), (json!("create"), json!("remove")));
    assert!(!diff["interruption"].as_array().unwrap().is_empty());
    assert!(!diff["actions"].as_array().unwrap().is_empty());
}

#[test]
fn values_of_env_are_shown_only_when_asked_for() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, env: { A: hush1 } }\n");
    env.apply();
    env.apps("  web: { command: sleep 100000, env: { A: hush2 } }\n");
    let plain = env.eco(&["diff"]).exits(1).says("env.A");
    assert!(!plain.to_string().contains("hush"), "{plain}");
    env.eco(&["diff", "--show-values"]).exits(1).says("hush1").says("hush2");
}

#[test]
fn an_interruption_names_the_app_and_how_many() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    env.apps(&TWO_SLEEPERS.replace("sleep 100000, instances", "sleep 200000, instances"));
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    assert_eq!(diff["interruption"][0]["app"], "web", "{diff}");
    assert_eq!(diff["interruption"][0]["instances"], 2, "{diff}");
}

#[test]
fn a_wrong_file_is_exit_2() {
    let env = TestEnv::with_apps("  web: { command: sleep 1, instnces: 3 }\n");
    env.eco(&["diff"]).exits(2).says("instances").says("ecosystem.yaml:5:");
}

#[test]
fn a_new_build_is_a_change_that_names_its_files() {
    let env = TestEnv::new();
    env.write("dist/app.txt", "one");
    env.write("dist/same.txt", "same");
    env.apps("  web: { command: sleep 100000, artifacts: ['dist/**'] }\n");
    env.apply();
    let pid = env.pid("web");
    env.eco(&["diff"]).ok();

    env.write("dist/app.txt", "two");
    let diff = env.eco(&["diff"]).exits(1).says("dist/app.txt");
    assert!(!diff.to_string().contains("same.txt"), "{diff}");
    env.apply();
    assert_ne!(env.pid("web"), pid);
    env.eco(&["diff"]).ok();
}
