//! `watch:` of sources: an edit replaces the instances once, and nothing else does.

use std::{fs, time::Instant};

use crate::harness::TestEnv;

/// An app under `watch: src` that writes down each of its starts with the source it saw.
fn watched(extra: &str) -> TestEnv {
    let env = TestEnv::new();
    env.write("src/app.txt", "0");
    env.script(
        "app.sh",
        "#!/bin/sh\necho \"saw $(cat src/app.txt)\" >> starts\nexec sleep 100000\n",
    );
    env.apps(&format!("  web: {{ command: ./app.sh, watch: {extra} }}\n"));
    env.apply();
    env.wait_for("the first start", || starts(&env) == 1);
    env
}

fn starts(env: &TestEnv) -> usize {
    env.read("starts").lines().count()
}

fn wait_replaced(env: &TestEnv, pid: u32) {
    env.wait_for("a replacement", || {
        env.pids("web").get("web/0").is_some_and(|now| *now != pid) && env.is("web", "ready")
    });
}

#[test]
fn an_edit_replaces_once() {
    let env = watched("src");
    let pid = env.pid("web");
    env.write("src/app.txt", "1");
    wait_replaced(&env, pid);
    env.wait_for("the new source", || env.read("starts").ends_with("saw 1\n"));
    // One more edit is one more start: had the first caused two, there would be three.
    let pid = env.pid("web");
    env.write("src/app.txt", "2");
    wait_replaced(&env, pid);
    env.wait_for("the newest source", || env.read("starts").ends_with("saw 2\n"));
    assert_eq!(starts(&env), 3);
    assert_eq!(env.app("web")["instances"][0]["restarts"], 0, "an edit is no failure");
}

#[test]
fn a_burst_of_edits_is_few_replacements_and_ends_with_the_last() {
    let env = watched("src");
    let began = Instant::now();
    for count in 1..=200 {
        env.write("src/app.txt", &count.to_string());
        env.write(&format!("src/file{}.txt", count % 7), "x");
    }
    let took = began.elapsed();
    env.wait_for("the last source", || env.read("starts").ends_with("saw 200\n"));
    // At most one per second of writing, two for its ends.
    let most = 3 + usize::try_from(took.as_secs()).unwrap() * 2;
    assert!(starts(&env) <= 1 + most, "{} starts in {took:?}", starts(&env));
}

#[test]
fn an_edit_during_a_start_is_not_lost() {
    let env = TestEnv::new();
    env.write("src/app.txt", "0");
    // The source is read first; what is edited afterwards, while it starts, must count.
    env.script(
        "app.sh",
        "#!/bin/sh\nseen=$(cat src/app.txt)\necho \"saw $seen\" >> starts\nsleep 0.3\nexec sleep 100000\n",
    );
    env.apps("  web: { command: ./app.sh, watch: src, rollout: { min_ready: 500ms } }\n");
    env.apply();
    env.write("src/app.txt", "1");
    env.wait_for("the start after the edit", || env.read("starts").ends_with("saw 1\n"));
    env.write("src/app.txt", "2");
    env.wait_for("the start after the second edit", || env.read("starts").ends_with("saw 2\n"));
}

#[test]
fn what_is_ignored_replaces_nothing() {
    let env = TestEnv::new();
    env.write(".gitignore", "*.tmp\nbuild/\n");
    env.write("src/app.txt", "0");
    env.script(
        "app.sh",
        "#!/bin/sh\necho \"saw $(cat src/app.txt)\" >> ../starts\nexec sleep 100000\n",
    );
    env.apps("  web: { command: ./app.sh, watch: { paths: ., ignore: '*.log' } }\n");
    fs::create_dir(env.path(".git")).unwrap();
    env.apply();
    let pid = env.pid("web");
    for ignored in ["src/x.tmp", "src/x.log", "build/out", ".git/index", "node_modules/a/b.js"] {
        env.write(ignored, "x");
    }
    // An edit that counts is seen, so the former ones have been looked at.
    env.write("src/app.txt", "1");
    wait_replaced(&env, pid);
    env.wait_for("the new source", || env.read("../starts").ends_with("saw 1\n"));
    assert_eq!(env.read("../starts").lines().count(), 2, "{}", env.read("../starts"));
}

#[test]
fn its_own_logs_never_trigger() {
    let env = TestEnv::new();
    env.write("src/app.txt", "0");
    env.script(
        "app.sh",
        "#!/bin/sh\necho start >> ../starts\nwhile :; do echo tick; echo tock >&2; sleep 0.02; done\n",
    );
    env.apps("  web: { command: ./app.sh, watch: ., logs: { dir: logs } }\n");
    env.apply();
    let pid = env.pid("web");
    env.wait_for("many lines", || env.log("web").lines().count() >= 100);
    assert_eq!(env.pid("web"), pid);
    assert_eq!(env.read("../starts").lines().count(), 1);
    env.write("src/app.txt", "1");
    wait_replaced(&env, pid);
}

#[test]
fn a_stopped_app_is_not_started_by_an_edit() {
    let env = watched("src");
    env.eco(&["stop", "web"]).ok();
    env.write("src/app.txt", "1");
    assert_eq!(env.app("web")["state"], "stopped");
    env.eco(&["start", "web"]).ok();
    env.wait_for("the start", || env.read("starts").ends_with("saw 1\n"));
}
