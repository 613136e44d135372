//! `eco diff` against accepted states and against commits of git: no eco has to run for it.

use std::{fs, os::unix::fs::symlink};

use serde_json::{Value, json};

use super::{
    TWO_SLEEPERS,
    history::{ONE, TWO, commit, git},
};
use crate::harness::{TestEnv, file_of};

#[test]
fn generations_are_compared_with_the_file_and_with_each_other() {
    let env = TestEnv::with_apps(ONE);
    env.apply();
    env.apps(&format!("{TWO}  worker: {{ command: sleep 100000 }}\n"));
    env.apply();
    let fields = |output: &Value| -> Vec<String> {
        let changes = output["changes"].as_array().unwrap().iter();
        changes.map(|it| format!("{}.{}", it["app"], it["field"]).replace('"', "")).collect()
    };
    let both = ["diff", "--from", "1", "--to", "2", "--json"];
    let between = env.eco(&both).exits(1).json();
    assert_eq!(fields(&between), ["web.env.A", "worker."], "{between}");
    assert_eq!(between["actions"], json!([]));
    assert_eq!(env.eco(&["diff", "--from", "1", "--json"]).exits(1).json(), between);
    env.eco(&["diff", "--from", "2"]).ok().says("Nothing to do");
    env.eco(&["diff", "--from", "1", "--show-values"]).exits(1).says("one").says("two");
    env.eco(&["daemon", "stop"]).ok();
    assert_eq!(env.eco(&both).exits(1).json(), between, "no eco has to run for it");
    env.eco(&["diff", "--from", "9"]).exits(2).says("there are 1 to 2");
    env.eco(&["diff", "--from", "1", "--to", "7"]).exits(2).says("no generation 7");
}

#[test]
fn a_file_is_compared_with_what_a_commit_had() {
    let env = TestEnv::new();
    let text = |instances| {
        let apps = format!(
            "  web:\n    command: sleep 100000\n    cwd: place\n    instances: {instances}\n    env_file: [link.env, local.env]\n"
        );
        file_of("shop", &apps)
    };
    env.write("deploy/ecosystem.yaml", &text(1));
    env.write("deploy/place/x", "");
    env.write("shared.env", "A=one\nB=same\n");
    env.write(".gitignore", "local.env\n");
    env.write("deploy/local.env", "SECRET=mine\n");
    symlink("../shared.env", env.path("deploy/link.env")).unwrap();
    let old = commit(&env);
    let file = "deploy/ecosystem.yaml";
    env.eco(&["diff", "--git", "HEAD", file]).ok().says("local.env is not in git");
    env.write("shared.env", "A=two\nB=same\n");
    env.write("deploy/local.env", "SECRET=other\n");
    env.write(file, &text(3));
    let diff = env.eco(&["diff", "--git", "HEAD", file, "--json"]).exits(1).json();
    let changes = diff["changes"].as_array().unwrap();
    let fields: Vec<_> = changes.iter().map(|it| it["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["instances", "env.A"], "{diff}");
    assert_eq!(diff["actions"], json!([]));
    // The same of a place that is there no more, and by way of a link.
    fs::rename(env.path("deploy/place"), env.path("deploy/elsewhere")).unwrap();
    env.write(file, &text(3).replace("cwd: place", "cwd: elsewhere"));
    commit(&env);
    env.eco(&["diff", "--git", "HEAD", file]).ok();
    env.eco(&["diff", "--git", &old, file]).exits(1).says("cwd").says("instances");
    symlink("deploy", env.path("current")).unwrap();
    env.eco(&["diff", "--git", "HEAD~1", "current/ecosystem.yaml"]).exits(1).says("instances");
    assert!(env.processes().is_empty(), "nothing was started");
}

#[test]
fn a_commit_without_the_file_and_without_anything() {
    let env = TestEnv::new();
    env.write("README", "x");
    env.eco(&["diff", "--git", "HEAD"]).exits(2).says("does not exist");
    env.apps(TWO_SLEEPERS);
    env.eco(&["diff", "--git", "HEAD"]).exits(2).says("no repository");
    fs::rename(env.path("ecosystem.yaml"), env.path("kept")).unwrap();
    commit(&env);
    fs::rename(env.path("kept"), env.path("ecosystem.yaml")).unwrap();
    env.eco(&["diff", "--git", "HEAD"]).exits(1).says("2 apps to create").says("not in HEAD");
    for name in ["nothing", "--help", "HEAD~5", ""] {
        let name = format!("--git={name}");
        env.eco(&["diff", &name]).exits(2).says("knows no commit");
    }
    let nowhere = env.path("empty");
    fs::create_dir(&nowhere).unwrap();
    let without = env.call(&["diff", "--git", "HEAD"]).env("PATH", nowhere.to_str().unwrap());
    without.run().exits(2).says("git cannot be executed");
}

#[test]
fn what_a_commit_has_wrong_is_told_of_that_commit() {
    let env = TestEnv::with_apps("  web: { comand: sleep 100000 }\n");
    commit(&env);
    env.apps(ONE);
    env.eco(&["diff", "--git", "HEAD"]).exits(2).says("as it is in HEAD").says("comand");
    env.apps("  web: { command: sleep 100000, env_file: new.env }\n");
    commit(&env);
    env.write("new.env", "A=one\n");
    git(&env, &["add", "new.env"]);
    env.eco(&["diff", "--git", "HEAD"]).exits(2).says("new.env").says("does not exist");
    env.write("ecosystem.config.js", "module.exports = { apps: [{ name: 'a', script: f() }] }\n");
    commit(&env);
    env.write(
        "ecosystem.config.js",
        "module.exports = { apps: [{ name: 'a', script: 'x.js' }] }\n",
    );
    env.write("x.js", "");
    let program = env.eco(&["diff", "--git", "HEAD", "ecosystem.config.js"]);
    program.exits(2).says("is a program");
    env.write(
        "ecosystem.config.js",
        "module.exports = { apps: [{ name: 'a', script: 'x.js' }] }\n",
    );
    commit(&env);
    env.eco(&["diff", "--git", "HEAD", "ecosystem.config.js"]).ok();
}

#[test]
fn a_file_in_a_submodule_is_not_looked_for_in_this_repository() {
    let env = TestEnv::new();
    let other = TestEnv::new();
    other.write("web.env", "A=one\n");
    commit(&other);
    env.apps("  web: { command: sleep 100000, env_file: sub/web.env }\n");
    commit(&env);
    git(&env, &["submodule", "--quiet", "add", other.dir().to_str().unwrap(), "sub"]);
    commit(&env);
    env.eco(&["diff", "--git", "HEAD"]).exits(2).says("submodule sub");
}

#[test]
fn a_commit_or_a_repository_is_no_file_to_apply() {
    let env = TestEnv::with_apps(ONE);
    commit(&env);
    env.eco(&["apply", "git:HEAD"]).exits(2).says("git checkout HEAD").says("eco diff --git HEAD");
    git(&env, &["clone", "--quiet", "--bare", ".", "bare.git"]);
    env.eco(&["apply", "bare.git"]).exits(2).says("worktree add");
    env.eco(&["apply", "."]).exits(2).says("ecosystem.yaml");
    assert!(env.processes().is_empty());
}
