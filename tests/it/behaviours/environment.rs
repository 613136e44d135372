//! What processes are given: variables, words of the command.

use std::fs;

use super::{Behaviour, PM2, Shown::By, pm2, variables};
use crate::harness::{TestEnv, program};

pub(super) const ROWS: &[Behaviour] = &[
    Behaviour {
        number: 7,
        given: "A=1 under `env`",
        when: "it is edited to A=2, and then taken out",
        then: "the process sees 2, and then no A",
        shown: By(&[
            "behaviours::environment::a_variable_is_changed_and_taken_away",
            "e2e::env::a_removed_variable_is_gone_at_the_next_start",
        ]),
    },
    Behaviour {
        number: 8,
        given: "`env` and `env_production`",
        when: "the profile is chosen, and dropped again",
        then: "its values count, and then those of `env` again",
        shown: By(&["behaviours::environment::a_profile_is_chosen_and_dropped"]),
    },
    Behaviour {
        number: 9,
        given: "an object as the value of a variable",
        when: "the app starts",
        then: "it is given as JSON in one line",
        shown: By(&["behaviours::environment::objects_are_given_as_json"]),
    },
    Behaviour {
        number: 10,
        given: "rules about what is inherited",
        when: "the caller has such a variable",
        then: "the app has it not",
        shown: By(&[
            "behaviours::environment::what_is_filtered_is_not_inherited",
            "e2e::env::nothing_of_the_caller_leaks",
            "config::resolving::inherited_values_follow_the_patterns",
        ]),
    },
    Behaviour {
        number: 11,
        given: "options of an interpreter",
        when: "another is added, and later the app restarted",
        then: "the interpreter has them all, before and after",
        shown: By(&["behaviours::environment::options_of_an_interpreter_are_changed"]),
    },
];

fn sleeper(env: &str) -> String {
    format!("{{ name: 'web', script: 'sleep', args: '100000', {env} }}")
}

fn value(env: &TestEnv, name: &str) -> Option<String> {
    variables(env.pid("web")).remove(name)
}

#[test]
fn a_variable_is_changed_and_taken_away() {
    let env = pm2(&sleeper("env: { A: 1, B: 'b' }"));
    env.apply();
    assert_eq!(value(&env, "A").as_deref(), Some("1"));
    env.write(PM2, &sleeper("env: { A: 2, B: 'b' }"));
    env.apply();
    assert_eq!(value(&env, "A").as_deref(), Some("2"));
    env.write(PM2, &sleeper("env: { B: 'b' }"));
    env.apply();
    assert_eq!(value(&env, "A"), None);
    assert_eq!(value(&env, "B").as_deref(), Some("b"));
}

#[test]
fn a_profile_is_chosen_and_dropped() {
    let env = pm2(&sleeper("env: { A: 'dev', B: 'b' }, env_production: { A: 'prod', C: 'c' }"));
    let values = || ["A", "B", "C"].map(|name| value(&env, name).unwrap_or_default());
    env.apply();
    assert_eq!(values(), ["dev", "b", ""]);
    env.eco(&["apply", "--env", "production"]).ok();
    assert_eq!(values(), ["prod", "b", "c"]);
    env.eco(&["apply", "--no-profile"]).ok();
    assert_eq!(values(), ["dev", "b", ""]);
    env.eco(&["apply", "--env", "prodction"]).exits(2).says("prodction");
    assert_eq!(values(), ["dev", "b", ""]);
}

#[test]
fn objects_are_given_as_json() {
    let env = pm2(&sleeper("env: { O: { b: [1, 'x', { c: null }], a: \"q\\\"\" }, L: [true, 2] }"));
    env.apply();
    let object: serde_json::Value = serde_json::from_str(&value(&env, "O").unwrap()).unwrap();
    assert_eq!(object, serde_json::json!({ "b": [1, "x", { "c": null }], "a": "q\"" }));
    assert!(!value(&env, "O").unwrap().contains([' ', '\n']));
    assert_eq!(value(&env, "L").as_deref(), Some("[true,2]"));
}

#[test]
fn what_is_filtered_is_not_inherited() {
    let env =
        pm2(&format!("[{}, {}]", sleeper("filter_env: true"), sleeper("").replace("web", "open")));
    env.call(&["apply"]).env("SHELL_TOKEN", "secret").run().ok();
    assert_eq!(value(&env, "SHELL_TOKEN"), None);
    assert!(value(&env, "PATH").is_some());
    let open = variables(env.pid("open"));
    assert_eq!(open["SHELL_TOKEN"], "secret", "without a filter it is as with PM2");
    assert!(!open.contains_key("pm_id") && !open.contains_key("autorestart"));
}

#[test]
fn options_of_an_interpreter_are_changed() {
    program("python3");
    let env = TestEnv::new();
    env.write("app.py", "import time\ntime.sleep(100000)\n");
    let file = |options: &str| {
        let app = format!("{{ script: 'app.py', interpreter_args: {options}, args: ['-x'] }}");
        env.write(PM2, &app);
    };
    let words = || {
        let line = fs::read(format!("/proc/{}/cmdline", env.pid("app"))).unwrap();
        // The program may have become another one by the same name.
        let words = String::from_utf8_lossy(&line).replace('\0', " ");
        words.split_once("python3 ").map(|(_, words)| words.to_owned())
    };
    file("'-u'");
    env.apply();
    assert_eq!(words().as_deref(), Some("-u app.py -x "));
    file("['-u', '-B']");
    env.eco(&["diff"]).exits(1).says("command");
    env.apply();
    assert_eq!(words().as_deref(), Some("-u -B app.py -x "));
    env.eco(&["restart", "app"]).ok();
    assert_eq!(words().as_deref(), Some("-u -B app.py -x "));
}
