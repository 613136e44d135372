//! `eco status` and `eco describe` in full: what processes use, looking again and again, where values
//! come from, and how far a change is.

use std::{fs::File, io::Write as _, process::Command};

use serde_json::Value;

use super::TWO_SLEEPERS;
use crate::harness::{Signal, TestEnv};

/// Cores in use by the only instance of an app.
fn cores(env: &TestEnv, app: &str) -> f64 {
    env.app(app)["instances"][0]["cpu"].as_f64().unwrap_or_default()
}

#[test]
fn a_busy_app_shows_as_busy_also_where_its_child_is() {
    let env = TestEnv::with_apps(
        "  idle: { command: sleep 100000 }\n  \
         busy: { command: { shell: \"(while :; do :; done) & wait\" } }\n",
    );
    env.apply();
    env.wait_for("a busy one", || cores(&env, "idle") + 0.05 < cores(&env, "busy"));
    let idle = env.app("idle")["instances"][0]["memory"].as_u64().unwrap();
    let busy = env.app("busy")["instances"][0]["memory"].as_u64().unwrap();
    assert!(0 < idle && 0 < busy);
    let text = env.eco(&["status"]).ok().stdout;
    let row = text.lines().find(|line| line.contains("busy")).unwrap();
    assert!(row.contains('%') && text.contains("CPU") && text.contains("MEM"), "{text}");
}

#[test]
fn wide_shows_every_instance() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, instances: 3, tags: edge }\n");
    env.apply();
    let short = env.eco(&["status"]).ok().stdout;
    assert!(!short.contains("web/1") && short.contains("3/3"), "{short}");
    let wide = env.eco(&["status", "--wide"]).ok().stdout;
    for (id, pid) in env.pids("web") {
        assert!(wide.contains(&id) && wide.contains(&pid.to_string()), "{wide}");
    }
    assert!(wide.contains("TAGS") && wide.contains("edge"), "{wide}");
}

#[test]
fn the_status_counts_the_changes_of_an_edit() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    env.eco(&["status"]).ok().says("in sync with what runs");
    let text = env.read("ecosystem.yaml");
    env.write("ecosystem.yaml", &format!("{text}  more: {{ command: sleep 100001 }}\n"));
    env.eco(&["status"]).exits(1).says("ahead of what runs by 1 change").says("eco diff");
}

#[test]
fn watching_in_a_pipe_prints_what_changes_and_survives_the_controller() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let mut watching = env.call(&["status", "--watch=0.1"]).spawn();
    let tables = |text: &str| text.matches("shop · ").count();
    env.wait_for("a table", || tables(&watching.stdout()) == 1);
    env.kill_roles(&["controller"]);
    env.eco(&["stop", "worker"]).ok();
    env.wait_for("the change", || watching.stdout().contains("override: stopped"));
    let after = tables(&watching.stdout());
    // It is printed again for changes, not for times.
    let looked = env.status();
    assert_eq!(looked["project"], "shop");
    assert!(after <= 4, "{after} tables\n{}", watching.stdout());
    watching.signal(Signal::INT);
    watching.wait().exits(1);
}

#[test]
fn watching_as_json_is_a_line_each_time() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let mut watching = env.call(&["status", "--json", "--watch=0.1"]).spawn();
    env.wait_for("three lines", || 3 <= watching.stdout().lines().count());
    watching.signal(Signal::INT);
    let output = watching.wait().ok();
    for line in output.stdout.lines() {
        let object: Value = serde_json::from_str(line).unwrap();
        assert_eq!(object["project"], "shop");
    }
}

#[test]
fn watching_on_a_terminal_draws_in_place_until_a_key_ends_it() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let keys = env.path("keys");
    let made = Command::new("mkfifo").arg(&keys).status().unwrap();
    assert!(made.success());
    let starter = ["sh", "-c", "exec script -qec \"$*\" /dev/null <keys", "sh"];
    let mut watching = env.call_by(&starter, &["status", "--watch=0.1"]).spawn();
    let mut keys = File::options().write(true).open(keys).unwrap();
    env.wait_for("two drawings", || 2 <= watching.stdout().matches("2 ready").count());
    keys.write_all(b"xq").unwrap();
    let output = watching.wait().ok();
    let text = &output.stdout;
    let place = |words: &str| {
        text.find(words).unwrap_or_else(|| panic!("no {words:?} in\n{}", text.escape_debug()))
    };
    let (entered, left) = (place("\u{1b}[?1049h"), place("\u{1b}[?1049l"));
    assert!(place("\u{1b}[?25l") < left && place("\u{1b}[?25h") < text.len());
    // What was seen last stays where the person can read it.
    let last = text[left..].find("shop · 2 apps: 2 ready");
    assert!(entered < left && last.is_some(), "{}", text.escape_debug());
    env.eco(&["status", "--watch=0"]).exits(2).says("seconds");
}

/// The origin of each field of an app.
fn origins(env: &TestEnv, app: &str) -> Value {
    env.eco(&["describe", app, "--json"]).ok().json()["apps"][0]["origins"].clone()
}

const LAYERS: &str = "\
name: shop
vars_file: vars.env
defaults:
  stop: { timeout: 7s }
  rollout: { min_ready: 100ms }
apps:
  web:
    command: sleep 100000
    env:
      SELF: a
      FILLED: \"${NUMBER} ${WHO}\"
    env_file: web.env
  other: { command: sleep 100001, restart: on-failure }
profiles:
  production:
    apps:
      web:
        instances: 2
";

#[test]
fn describe_says_where_each_value_is_from() {
    let env = TestEnv::new();
    env.write("vars.env", "# numbers\nNUMBER=7\n");
    env.write("web.env", "FROM_FILE=x\nSELF=below\n");
    env.write("ecosystem.yaml", LAYERS);
    env.call(&["apply", "--profile", "production"]).env("WHO", "me").run().ok();
    let found = origins(&env, "web");
    for (field, origin) in [
        ("command", "ecosystem.yaml:8"),
        ("instances", "ecosystem.yaml:18, profile production"),
        ("stop.timeout", "ecosystem.yaml:4, defaults"),
        ("stop.signal", "default"),
        ("env.SELF", "ecosystem.yaml:10"),
        ("env.FROM_FILE", "web.env:1, env_file"),
        ("restart.policy", "default"),
    ] {
        assert_eq!(found[field], origin, "{field} in {found:#}");
    }
    let filled = found["env.FILLED"].as_str().unwrap();
    assert!(filled.starts_with("ecosystem.yaml:11"), "{filled}");
    assert!(filled.contains("${NUMBER} from vars.env:2"), "{filled}");
    assert!(filled.contains("${WHO} from the environment"), "{filled}");
    assert_eq!(origins(&env, "other")["restart.policy"], "ecosystem.yaml:13");
    let text = env.eco(&["describe", "web"]).ok().says("ecosystem.yaml:4, defaults").stdout;
    assert!(text.contains("web.env:1, env_file") && !text.contains("below"), "{text}");
    for file in ["ecosystem.yaml", "web.env"] {
        assert!(text.contains(env.path(file).to_str().unwrap()), "no {file} in\n{text}");
    }
    env.eco(&["scale", "web", "3"]).ok();
    assert_eq!(origins(&env, "web")["instances"], "override: `eco scale`");
    // It is kept.
    env.kill_roles(&["controller"]);
    assert_eq!(origins(&env, "web")["command"], "ecosystem.yaml:8");
}

#[test]
fn an_edit_that_only_moves_lines_is_no_change_and_is_followed_all_the_same() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.eco(&["apply", "--watch"]).ok();
    let line = |found: &Value| -> u64 {
        found["command"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
    };
    let (before, pids) = (line(&origins(&env, "web")), env.pids("web"));
    let generation = env.app("web")["instances"][0]["generation"].clone();
    let text = env.read("ecosystem.yaml");
    env.write("ecosystem.yaml", &format!("# one\n# two\n{text}"));
    env.wait_for("the new line", || line(&origins(&env, "web")) == before + 2);
    assert_eq!(env.pids("web"), pids);
    assert_eq!(env.app("web")["instances"][0]["generation"], generation);
    assert_eq!(
        env.eco(&["history", "--json"]).ok().json()["revisions"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn what_was_rolled_back_to_is_from_an_earlier_reading() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000 }\n");
    env.apply();
    let text = env.read("ecosystem.yaml");
    env.write("ecosystem.yaml", &format!("# one\n{}", text.replace("100000", "100002")));
    env.apply();
    let first = env.eco(&["history", "--json"]).ok().json()["revisions"][1]["generation"].clone();
    env.eco(&["rollback", "web"]).ok();
    let found = origins(&env, "web")["command"].as_str().unwrap().to_owned();
    assert!(found.ends_with(&format!(", in generation {first}")), "{found}");
    env.eco(&["status"]).exits(1).says("what runs is older than it");
}

#[test]
fn values_of_a_pm2_file_are_from_there() {
    let env = TestEnv::new();
    env.write(
        "ecosystem.config.json",
        "{ \"apps\": [\n  { \"name\": \"web\", \"script\": \"sleep\", \"interpreter\": \"none\",\n    \
         \"args\": \"100000\",\n    \"kill_timeout\": 2000 }\n] }\n",
    );
    env.eco(&["apply", "ecosystem.config.json"]).ok();
    let found = origins(&env, "web");
    assert_eq!(found["stop.timeout"], "ecosystem.config.json:4", "{found:#}");
    assert!(found["command"].as_str().unwrap().starts_with("ecosystem.config.json:"), "{found:#}");
}

#[test]
fn an_exit_is_told_with_how_long_it_lived_and_what_it_wrote() {
    let env = TestEnv::with_apps(
        "  web: { command: { shell: \"echo no such table >&2; exit 3\" }, restart: never }\n",
    );
    env.eco(&["apply"]).exits(1);
    env.wait_state("web", "failed");
    let text = env.eco(&["describe", "web"]).ok().says("no such table").stdout;
    let exit = text.lines().find(|line| line.contains("instance 0:")).unwrap();
    assert!(exit.contains('3') && exit.contains(", after "), "{text}");
    assert!(text.find("no such table") < text.find("fields, and where"), "{text}");
}

#[test]
fn an_apply_says_how_far_a_replacement_is() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, instances: 3 }\n");
    env.apply();
    let text = env.read("ecosystem.yaml");
    env.write("ecosystem.yaml", &text.replace("100000", "100002"));
    let output = env.apply().to_string();
    for words in ["1 of 3 replaced", "2 of 3 replaced", "web: ready 3/3"] {
        assert!(output.contains(words), "no {words:?}\n{output}");
    }
}
