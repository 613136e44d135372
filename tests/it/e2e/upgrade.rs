//! `eco daemon upgrade`: another program takes over, and no app notices.

use std::{fs, path::PathBuf};

use super::TWO_SLEEPERS;
use crate::harness::{Signal, TestEnv, alive, send};

/// A copy of eco under another name.
fn copy(env: &TestEnv, name: &str) -> PathBuf {
    let path = env.path(name);
    fs::copy(env!("CARGO_BIN_EXE_eco"), &path).unwrap();
    path
}

fn program_of(pid: u32) -> PathBuf {
    fs::read_link(format!("/proc/{pid}/exe")).unwrap()
}

#[test]
fn another_program_takes_over_in_the_same_keeper() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    send(env.pids("web")["web/0"], Signal::KILL);
    env.wait_for("a counted restart", || {
        env.app("web")["instances"][0]["restarts"] == 1 && env.is("web", "ready")
    });
    let (web, worker, keeper) = (env.pids("web"), env.pid("worker"), env.daemon_pid("keeper"));
    for name in ["second", "third"] {
        let program = copy(&env, name);
        let old = ["controller", "recorder"].map(|role| env.daemon_pid(role));
        env.eco(&["daemon", "upgrade", name]).ok().says("has taken over");
        assert_eq!(env.daemon_pid("keeper"), keeper);
        for role in ["keeper", "controller", "recorder"] {
            let pid = env.daemon_pid(role);
            assert_eq!(program_of(pid).canonicalize().unwrap(), program.canonicalize().unwrap());
        }
        assert!(old.iter().all(|pid| !alive(*pid)));
        assert_eq!((env.pids("web"), env.pid("worker")), (web.clone(), worker));
        assert_eq!(env.app("web")["instances"][0]["restarts"], 1);
    }
    // Apps are the keeper's children as before.
    send(web["web/1"], Signal::USR2);
    env.wait_for("a replacement", || {
        env.pids("web").get("web/1").is_some_and(|pid| *pid != web["web/1"])
    });
    env.eco(&["events"]).ok().says("SIGUSR2");
    // And a keeper that is killed later is followed by one of the new program.
    env.kill_roles(&["keeper"]);
    env.wait_for("the next keeper", || env.eco(&["daemon", "status"]).code == Some(0));
    assert_eq!(env.pid("worker"), worker);
    assert_eq!(program_of(env.daemon_pid("keeper")).file_name().unwrap(), "third");
    env.eco(&["stop", "worker"]).ok();
    assert!(!alive(worker));
}

#[test]
fn a_program_that_cannot_take_over_changes_nothing() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let (before, web) = (env.daemon(), env.pids("web"));
    env.script("no.sh", "#!/bin/sh\nexit 1\n");
    env.write("data", "no program");
    fs::write(env.path("text"), "neither").unwrap();
    env.script("text", "neither");
    for other in ["/bin/false", "/bin/true"] {
        env.eco(&["daemon", "upgrade", other]).exits(1).says("nothing was changed");
    }
    env.eco(&["daemon", "upgrade", "no.sh"]).exits(1).says("nothing was changed");
    env.eco(&["daemon", "upgrade", "text"]).exits(1).says("cannot be executed");
    env.eco(&["daemon", "upgrade", "data"]).exits(2).says("cannot open the program");
    env.eco(&["daemon", "upgrade", "missing"]).exits(2).says("cannot open the program");
    assert_eq!((env.daemon(), env.pids("web")), (before, web));
    copy(&env, "good");
    env.eco(&["daemon", "upgrade", "good"]).ok();
}

#[test]
fn a_program_that_does_not_understand_what_is_stored_changes_nothing() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let (before, web) = (env.daemon(), env.pids("web"));
    copy(&env, "second");
    let state = env.home().join("state");
    let refused = || {
        let output = env.eco(&["daemon", "upgrade", "second", "--json"]).exits(1);
        let error = output.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(error.contains("stored projects or the journal"), "{error}");
        assert_eq!((env.daemon(), env.pids("web")), (before.clone(), web.clone()));
        fs::read_to_string(env.home().join("run/controller.log")).unwrap()
    };
    // As a later version would write it, and one that is only damaged.
    let dirs = ["later", "damaged"].map(|name| state.join("projects").join(name));
    for (dir, sum) in
        dirs.iter().zip(["44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "0"])
    {
        fs::create_dir_all(dir.join("revisions")).unwrap();
        let text = format!("{{\"schema\":1,\"sha256\":\"{sum}\"}}\n{{}}");
        fs::write(dir.join("revisions/000001.json"), text).unwrap();
    }
    assert!(refused().contains("later/revisions/000001.json"));
    fs::remove_dir_all(&dirs[0]).unwrap();
    let journal = state.join("journal.ndjson");
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, format!("no line\n{{\"later\":1}}\n{text}")).unwrap();
    assert!(refused().contains("line 2 of"));
    fs::write(&journal, format!("no line\n{text}")).unwrap();
    let now = env.eco(&["daemon", "upgrade", "second", "--json"]).ok().json();
    assert_eq!(now["keeper_pid"], before["keeper_pid"]);
    assert_ne!(now["controller_pid"], before["controller_pid"]);
}

#[test]
fn no_line_is_lost_in_an_upgrade() {
    let env = TestEnv::new();
    env.script(
        "counter.sh",
        "#!/bin/sh\ni=0\nwhile [ $i -lt 20000 ]; do i=$((i+1)); echo line $i of the log; done\nexec sleep 100000\n",
    );
    env.apps("  web: { command: ./counter.sh }\n");
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_for("it to run", || env.pids("web").len() == 1);
    copy(&env, "second");
    for _ in 0..4 {
        env.eco(&["daemon", "upgrade", "second"]).ok();
    }
    let expected: Vec<String> = (1..=20_000).map(|i| format!("line {i} of the log\n")).collect();
    let expected = expected.concat();
    env.wait_for("the whole log", || env.log("web").len() == expected.len());
    assert!(env.log("web") == expected, "bytes are as written");
}
