//! Changes that come in one instance at a time, fail without a trace, are taken back or superseded.

use std::fs;

use serde_json::Value;

use super::{
    server,
    site::{Site, begin},
};
use crate::harness::{TestEnv, alive, free_port, http_get};

#[test]
fn a_release_that_throws() {
    let words = ["exit code 1", "cannot start: no such thing"];
    Site::start(2).refuse("VERSION: two, BEHAVE: throw", "min_ready: 100ms", &words);
}

#[test]
fn a_release_that_never_listens() {
    let rollout = "min_ready: 100ms, deadline: 2s";
    Site::start(2).refuse("VERSION: two, BEHAVE: deaf", rollout, &["not listen on port", "2s"]);
}

#[test]
fn a_release_that_crashes_after_a_moment() {
    Site::start(2).refuse("VERSION: two, BEHAVE: crash", "min_ready: 30s", &["exit code 7"]);
}

#[test]
fn a_release_that_answers_well_and_then_dies() {
    let mut site = Site::start(2);
    site.more = "    ready: { http: /healthz, interval: 20ms }\n";
    site.save();
    site.env.apply();
    site.refuse("VERSION: two, BEHAVE: crash", "min_ready: 30s", &["exit code 7"]);
    let asked = site.env.read("asked");
    assert!(asked.contains("GET /healthz"), "{asked}");
}

/// It moves to a port that somebody else has.
#[test]
fn a_release_whose_port_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut site, port) = (Site::start(2), taken.local_addr().unwrap().port());
    let (before, former) = (site.pids(), site.port);
    site.rollout = "min_ready: 100ms, deadline: 2s";
    site.port = port;
    site.release("VERSION: two");
    site.env.eco(&["apply"]).exits(1).says("rolled back").says(&port.to_string());
    assert_eq!(site.pids(), before);
    site.port = former;
    assert_eq!(site.version(), "one");
}

#[test]
fn a_release_that_listens_elsewhere() {
    let (mut site, other) = (Site::start(1), free_port());
    let words = [format!("listens on port {other}"), format!("not on port {}", site.port)];
    let words = words.each_ref().map(String::as_str);
    let vars = format!("VERSION: two, BIND: {other}");
    site.refuse(&vars, "min_ready: 100ms, deadline: 2s", &words);
}

#[test]
fn a_failed_release_is_tried_again_only_when_asked() {
    let mut site = Site::start(2);
    site.env.eco(&["apply", "--watch"]).ok();
    let before = site.pids();
    site.release("VERSION: two, BEHAVE: throw");
    site.env.wait_for("the way back", || site.env.status()["file"]["state"] == "rolled_back");
    assert_eq!(site.events("rolled_back"), 1);
    // The same bytes; the same revision with another edit beside it; the next controller.
    site.save();
    site.edit_other();
    site.kill_controller();
    site.save();
    site.edit_other();
    assert_eq!(site.events("rolled_back"), 1);
    assert_eq!(site.pids(), before);
    assert_eq!(site.env.status()["file"]["state"], "rolled_back");
    // Asked for, it is tried again.
    site.env.eco(&["apply"]).exits(1);
    assert_eq!(site.events("rolled_back"), 2);
    assert_eq!(site.pids(), before);
    // A mended one comes in by itself.
    site.release("VERSION: three");
    site.env.wait_for("the mended release", || {
        site.version() == "three" && site.env.eco(&["status"]).code == Some(0)
    });
    assert!(site.pids().iter().all(|(id, pid)| before[id] != *pid));
    site.env.eco(&["diff"]).ok();
}

#[test]
fn pause_goes_no_further_and_not_back() {
    let mut site = Site::start(2);
    let before = site.pids();
    site.rollout = "min_ready: 100ms, on_failure: pause";
    site.release("VERSION: two, BEHAVE: throw");
    site.env.eco(&["apply"]).exits(1).says("paused").says("exit code 1");
    site.env.eco(&["status"]).exits(1).says("paused");
    assert!(before.values().all(|pid| alive(*pid)), "{}", site.env.status());
    assert_eq!(site.version(), "one");
    site.release("VERSION: three");
    site.env.apply();
    assert_eq!(site.version(), "three");
    assert!(!before.values().any(|pid| alive(*pid)));
}

#[test]
fn taken_back_on_the_way_the_old_ones_stay() {
    let mut site = Site::start(2);
    let before = site.pids();
    begin(&mut site, "two");
    site.release("VERSION: one");
    site.env.apply();
    assert_eq!(site.pids(), before);
    assert_eq!(site.servers(), 2);
    site.env.eco(&["diff"]).ok();
}

#[test]
fn a_newer_edit_supersedes() {
    let mut site = Site::start(2);
    let former = site.servers();
    site.release("VERSION: two, LISTEN_WITH: go");
    let first = site.env.call(&["apply"]).spawn();
    site.env.wait_for("a new instance", || former < site.servers());
    site.release("VERSION: three");
    site.env.apply();
    first.wait().exits(1).says("Superseded");
    assert_eq!(site.version(), "three");
    assert_eq!(site.servers(), 2);
}

#[test]
fn rollback_holds_until_the_content_changes() {
    let mut site = Site::start(2);
    site.env.eco(&["apply", "--watch"]).ok();
    site.release("VERSION: two");
    site.env.wait_for("two", || site.version() == "two" && site.env.is("web", "ready"));
    site.env.eco(&["rollback", "web"]).ok();
    assert_eq!(site.version(), "one");
    let back = site.pids();
    site.env.eco(&["status"]).exits(1).says("rolled back by an operator");
    site.save();
    site.edit_other();
    site.kill_controller();
    site.edit_other();
    assert_eq!(site.pids(), back);
    site.release("VERSION: three");
    site.env.wait_for("three", || site.version() == "three");
    site.env.wait_for("all as desired", || site.env.eco(&["status"]).code == Some(0));
    // Asked for, the file comes in again.
    site.env.eco(&["rollback", "web"]).ok();
    site.env.eco(&["apply"]).ok();
    assert_eq!(site.version(), "three");
    site.env.eco(&["status"]).ok();
}

#[test]
fn rollback_to_a_generation() {
    let mut site = Site::start(1);
    site.env.eco(&["rollback", "web"]).exits(1).says("nothing");
    for version in ["two", "three"] {
        site.release(&format!("VERSION: {version}"));
        site.env.apply();
    }
    let history = site.env.eco(&["history", "--json"]).ok().json();
    let first = generations(&history).into_iter().min().unwrap();
    site.env.eco(&["rollback", "web", "--to", &first.to_string()]).ok();
    assert_eq!(site.version(), "one");
    let before = site.pids();
    site.env.eco(&["rollback", "web", "--to", "99"]).exits(2).says("generation 99");
    site.env.eco(&["rollback", "nobody"]).exits(2).says("nobody");
    assert_eq!(site.pids(), before);
}

fn generations(history: &Value) -> Vec<u64> {
    let revisions = history["revisions"].as_array().or_else(|| history.as_array());
    let revisions = revisions.unwrap_or_else(|| panic!("no revisions in {history}"));
    revisions.iter().filter_map(|it| it["generation"].as_u64()).collect()
}

#[test]
fn restart_and_reload() {
    let site = Site::start(2);
    for words in [&["restart", "web"][..], &["restart", "web", "--now"], &["reload", "web"]] {
        let before = site.pids();
        site.env.eco(words).ok();
        let after = site.pids();
        assert_eq!(after.len(), 2);
        assert!(before.iter().all(|(id, pid)| after[id] != *pid), "{words:?}");
        assert!(!before.values().any(|pid| alive(*pid)), "{words:?}");
        assert_eq!(site.servers(), 2);
    }
    let before = site.pids();
    site.env.eco(&["restart", "web/1"]).ok();
    let after = site.pids();
    assert_eq!(after["web/0"], before["web/0"]);
    assert_ne!(after["web/1"], before["web/1"]);
    site.env.eco(&["diff"]).ok();
}

/// How many old and new instances there are while no new one gets ready.
fn shares(rollout: &'static str, old: usize, new: usize) {
    let mut site = Site::start(4);
    let before = site.pids();
    site.rollout = rollout;
    begin(&mut site, "two");
    let count = || {
        let left = before.values().filter(|pid| alive(**pid)).count();
        (left, site.servers() - left)
    };
    site.env.wait_for(&format!("{old} old and {new} new ones"), || count() == (old, new));
    assert_eq!(site.version(), "one");
    // It is as far as it gets: eco has planned since.
    site.env.eco(&["restart", "other"]).ok();
    let (seen, servers) = (count(), site.server_pids());
    assert_eq!(seen, (old, new), "{rollout}: {before:?} {servers:?}\n{}", site.env.dump());
    site.env.write("go", "");
    site.env.wait_for("the end", || site.env.eco(&["status"]).code == Some(0));
    assert_eq!(count(), (0, 4));
    assert_eq!(site.version(), "two");
}

#[test]
fn all_beside_the_old_ones() {
    shares("max_surge: 100%, max_unavailable: 0", 4, 4);
}

#[test]
fn half_of_them_missing() {
    shares("max_surge: 0, max_unavailable: 50%", 2, 2);
}

#[test]
fn a_quarter_beside_and_a_quarter_missing() {
    shares("max_surge: 25%, max_unavailable: 25%", 3, 2);
}

#[test]
fn killing_the_controller_on_the_way_changes_nothing() {
    let mut site = Site::start(3);
    let before = site.pids();
    begin(&mut site, "two");
    site.kill_controller();
    site.env.write("go", "");
    site.env.wait_for("one to be replaced", || before.values().any(|pid| !alive(*pid)));
    site.kill_controller();
    site.env
        .wait_for("the end", || site.env.eco(&["status"]).code == Some(0) && site.servers() == 3);
    assert_eq!(site.version(), "two");
    let after = site.pids();
    assert_eq!(after.len(), 3);
    assert!(after.iter().all(|(id, pid)| before[id] != *pid));
    assert_eq!(site.env.app("web")["instances"].as_array().unwrap().len(), 3);
}

#[test]
fn artifacts_are_part_of_the_revision() {
    let env = server();
    let port = free_port();
    env.write("dist/a.js", "one");
    env.apps(&format!(
        "  web:\n    command: python3 server.py\n    instances: 2\n    listen: {port}\n    artifacts: 'dist/**'\n"
    ));
    env.apply();
    let before = env.pids("web");
    env.write("dist/a.js", "one");
    env.apply();
    assert_eq!(env.pids("web"), before, "the same content");
    env.write("dist/a.js", "two");
    env.eco(&["diff"]).exits(1).says("dist/a.js");
    env.apply();
    let after = env.pids("web");
    assert!(before.iter().all(|(id, pid)| after[id] != *pid), "{before:?} {after:?}");
    env.eco(&["diff"]).ok();
}

#[test]
fn an_edit_of_the_sources_rolls() {
    let (env, port) = (server(), free_port());
    env.apps(&format!(
        "  web: {{ command: python3 server.py, instances: 2, listen: {port}, watch: server.py }}\n"
    ));
    env.apply();
    let before = env.pids("web");
    let source = fs::read_to_string(env.path("server.py")).unwrap();
    env.write("server.py", &source.replace("get('VERSION', '')", "'edited'"));
    env.wait_for("the edit", || {
        http_get(port, "/").is_some_and(|body| body.ends_with("edited"))
            && env.eco(&["status"]).code == Some(0)
    });
    assert!(env.pids("web").iter().all(|(id, pid)| before[id] != *pid));
    // An edit that breaks it harms nobody.
    let good = env.pids("web");
    env.write("server.py", "import nothing_of_that_name\n");
    let undone = || env.events().iter().any(|it| it["type"] == "rolled_back");
    env.wait_for("the failure", undone);
    assert_eq!(env.pids("web"), good);
    assert!(http_get(port, "/").is_some());
}

/// Without a shared port no instance gets a second one beside it, and only one is down at a time.
#[test]
fn without_listen_one_at_a_time() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, instances: 3 }\n");
    env.apply();
    let seen = env.events().len();
    env.eco(&["restart", "web"]).ok();
    let mut down: Vec<Value> = Vec::new();
    let mut started = 0;
    for event in env.events().into_iter().skip(seen) {
        let instance = event["instance"].clone();
        match event["type"].as_str() {
            Some("stopping") => {
                assert!(down.is_empty(), "{down:?} and {instance} are down at once");
                down.push(instance);
            }
            Some("started") => {
                assert_eq!(down, [instance]);
                down.clear();
                started += 1;
            }
            _ => {}
        }
    }
    assert_eq!((started, down.len()), (3, 0));
}
