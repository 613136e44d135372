//! What tells that an instance is ready: each way through a file, and what comes of one that never
//! is.

use std::time::{Duration, Instant};

use super::server;
use crate::harness::{Output, Signal, TestEnv, alive, app_of, free_port, http_get, program, send};

/// Starts an app that waits for the file `go`: until then its hold says `words` and `apply` waits.
/// With the file it is ready.
fn becomes_ready(env: &TestEnv, words: &str) {
    let apply = env.call(&["apply"]).spawn();
    env.wait_for(&format!("a hold that says {words:?}"), || hold(env).contains(words));
    let pid = env.pid("web");
    env.write("go", "");
    apply.wait().ok();
    assert!(env.is("web", "ready"), "{}", env.status());
    assert_eq!(env.pid("web"), pid);
}

fn hold(env: &TestEnv) -> String {
    let app = env.eco(&["status", "--json"]);
    if !matches!(app.code, Some(0 | 1)) {
        return String::new();
    }
    app_of(&app.json(), "web")["hold"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn http() {
    let (env, port) = (server(), free_port());
    env.apps(&format!(
        "  web:\n    command: python3 server.py\n    env: {{ PORT: {port}, GOOD_WITH: go }}\n    \
         ready: {{ http: {{ path: /healthz, status: 200, headers: {{ X-Who: eco }} }} }}\n"
    ));
    becomes_ready(&env, "503");
    assert!(env.read("asked").contains("GET /healthz eco"), "{}", env.read("asked"));
}

#[test]
fn tcp() {
    let (env, port) = (server(), free_port());
    env.apps(&format!(
        "  web:\n    command: python3 server.py\n    env: {{ PORT: {port}, LISTEN_WITH: go }}\n    \
         ready: {{ tcp: {port} }}\n"
    ));
    becomes_ready(&env, &format!("127.0.0.1:{port}"));
}

#[test]
fn exec() {
    let env = TestEnv::with_apps(
        "  web:\n    command: sleep 100000\n    ready: { exec: [test, -e, go], interval: 50ms }\n",
    );
    becomes_ready(&env, "`test` fails");
}

#[test]
fn exec_has_the_environment_and_the_directory_of_the_instance() {
    let env = TestEnv::new();
    env.write("sub/go", "");
    env.apps(
        "  web:\n    command: sleep 100000\n    cwd: sub\n    env: { WHO: me }\n    ready: { exec: { shell: 'echo \"$WHO $ECO_INSTANCE ${ECO_APP}\" > told; test -e go' } }\n",
    );
    env.apply();
    assert_eq!(env.read("sub/told"), "me 0 web\n");
}

#[test]
fn log() {
    let env = TestEnv::new();
    env.script(
        "web.sh",
        "#!/bin/sh\necho start >> starts\necho listening on port one\nwhile ! test -e go; do sleep 0.02; done\necho listening on 3000\nexec sleep 100000\n",
    );
    env.apps("  web: { command: ./web.sh, ready: { log: 'listening on \\d+$' } }\n");
    becomes_ready(&env, "not ready yet");
    // The next one is not ready by what the former wrote.
    std::fs::remove_file(env.path("go")).unwrap();
    let former = env.pid("web");
    let restart = env.call(&["restart", "web"]).spawn();
    env.wait_for("the second start", || env.read("starts").lines().count() == 2);
    env.wait_for("a hold", || hold(&env).contains("not ready yet"));
    env.write("go", "");
    restart.wait().ok();
    assert_ne!(env.pid("web"), former);
}

/// Says what its arguments are at `NOTIFY_SOCKET`; `+N` waits for so many seconds, `-F` for a file.
const NOTIFY: &str = r"
import os, socket, sys, time
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for what in sys.argv[1:]:
    if what[0] == '+':
        time.sleep(float(what[1:]))
    elif what[0] == '-':
        while not os.path.exists(what[1:]): time.sleep(0.02)
    else:
        to.sendto(what.replace(' ', '\n').encode(), os.environ['NOTIFY_SOCKET'])
        open('said', 'a').write(what + '\n')
time.sleep(100000)
";

fn notifies(words: &str, rollout: &str) -> TestEnv {
    program("python3");
    let env = TestEnv::new();
    env.write("notify.py", NOTIFY);
    env.apps(&format!(
        "  web:\n    command: python3 notify.py {words}\n    ready: {{ notify: true }}\n    rollout: {{ {rollout} }}\n"
    ));
    env
}

#[test]
fn notify() {
    let env = notifies("STATUS=loading -go READY=1", "deadline: 60s");
    becomes_ready(&env, "it says: loading");
}

/// It takes longer than its deadline, and asks for that.
#[test]
fn notify_extends_its_deadline() {
    let env = notifies("EXTEND_TIMEOUT_USEC=60000000 +6 READY=1", "deadline: 5s");
    env.apply();
    assert_eq!(env.app("web")["instances"][0]["restarts"], 0);
}

#[test]
fn notify_of_stopping_and_reloading_does_no_harm() {
    let words = "'READY=1 STATUS=up' -go RELOADING=1 'READY=1' STOPPING=1 X=1 -never";
    let env = notifies(words, "deadline: 60s");
    env.apply();
    let pid = env.pid("web");
    env.write("go", "");
    env.wait_for("all of it to be said", || env.read("said").contains("X=1"));
    env.eco(&["status"]).ok();
    assert!(env.is("web", "ready"));
    assert_eq!(env.pid("web"), pid);
}

#[test]
fn delay() {
    let env = TestEnv::with_apps("  web: { command: sleep 100000, ready: { delay: 1500ms } }\n");
    let began = Instant::now();
    env.apply();
    assert!(Duration::from_millis(1500) <= began.elapsed(), "{:?}", began.elapsed());
    assert_eq!(env.app("web")["instances"][0]["restarts"], 0);
}

#[test]
fn listen_is_the_default_with_a_port() {
    let (env, port) = (server(), free_port());
    env.apps(&format!(
        "  web:\n    command: python3 server.py\n    listen: {port}\n    env: {{ LISTEN_WITH: go }}\n"
    ));
    becomes_ready(&env, &format!("it does not listen on port {port}"));
    assert!(http_get(port, "/pid").is_some());
}

#[test]
fn never_ready_is_exit_1_with_what_was_seen() {
    let (env, port) = (server(), free_port());
    let app = |rollout: &str| {
        format!(
            "  web:\n    command: python3 server.py\n    env: {{ PORT: {port}, GOOD_WITH: never }}\n    \
             ready: {{ http: /healthz, timeout: 30s, interval: 50ms }}\n    rollout: {{ {rollout} }}\n"
        )
    };
    env.apps(&app("deadline: 3s"));
    env.eco(&["apply"]).exits(1).says("/healthz: 503");
    // A next try may just begin.
    env.wait_for("the answer", || env.eco(&["status"]).exits(1).stdout.contains("503"));
    // As a release in the place of a good one.
    env.apps("  web: { command: sleep 100000 }\n");
    env.apply();
    env.apps(&app("deadline: 3s"));
    env.eco(&["apply"]).exits(1).says("not ready").says("/healthz: 503");
    env.eco(&["status"]).exits(1).says("rolled back").says("/healthz: 503");
    env.wait_state("web", "ready");
}

/// Who was ready once stays so, whatever asking it would show now and who asks.
#[test]
fn ready_is_kept_by_the_next_controller() {
    let (env, port) = (server(), free_port());
    env.apps(&format!(
        "  web:\n    command: python3 server.py\n    env: {{ PORT: {port}, GOOD_WITH: go }}\n    \
         ready: {{ http: /healthz }}\n    rollout: {{ deadline: 1s, min_ready: 100ms }}\n\
         \x20 other: {{ command: sleep 100000 }}\n"
    ));
    env.write("go", "");
    env.apply();
    let pid = env.pid("web");
    std::fs::remove_file(env.path("go")).unwrap();
    for _ in 0..2 {
        let asked = env.read("asked").lines().count();
        let controller = env.daemon_pid("controller");
        send(controller, Signal::KILL);
        env.wait_for("another controller", || {
            let now = env.eco(&["daemon", "status", "--json"]);
            now.code == Some(0) && now.json()["controller_pid"] != controller
        });
        // It plans: another app is replaced.
        env.eco(&["restart", "other"]).ok();
        assert!(env.is("web", "ready"), "{}", env.status());
        assert_eq!(env.pid("web"), pid);
        assert_eq!(env.read("asked").lines().count(), asked, "it is not asked again");
    }
}

fn probes(env: &TestEnv) -> usize {
    env.processes().iter().filter(|it| it.to_string().contains("hang.sh")).count()
}

/// Fifty commands that never end delay nothing else, and none of them is left in the end.
#[test]
fn fifty_hanging_probes_delay_nobody() {
    let env = TestEnv::new();
    env.script("hang.sh", "#!/bin/sh\necho $$ >> hanging\nexec sleep 100000\n");
    let other = "  other: { command: sleep 100000, rollout: { min_ready: 100ms } }\n";
    env.apps(other);
    env.apply();
    let hanging = "  web:\n    command: sleep 100000\n    instances: 50\n    \
                   ready: { exec: ./hang.sh, timeout: 1h }\n    rollout: { deadline: 1h }\n";
    env.apps(&format!("{other}{hanging}"));
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_for("fifty to hang", || env.read("hanging").lines().count() == 50);
    for _ in 0..3 {
        let pid = env.pid("other");
        env.eco(&["restart", "other"]).ok();
        assert_ne!(env.pid("other"), pid);
    }
    let hanging: Vec<u32> = env.read("hanging").lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(hanging.len(), 50, "each was asked once");
    assert!(hanging.iter().all(|pid| alive(*pid)), "all of them hang still");
    assert_eq!(env.app("web")["ready"], 0);
    env.eco(&["down"]).ok();
    env.wait_for("no probe to be left", || !hanging.iter().any(|pid| alive(*pid)));
    assert_eq!(probes(&env), 0);
}

/// A command that takes too long is ended before the next one is started.
#[test]
fn a_probe_that_takes_too_long_is_ended() {
    let env = TestEnv::new();
    env.script("hang.sh", "#!/bin/sh\necho $$ >> hanging\ntest -e go && exit 0\nsleep 100000\n");
    env.apps("  web: { command: sleep 100000, ready: { exec: ./hang.sh, timeout: 300ms, interval: 20ms } }\n");
    let apply = env.call(&["apply"]).spawn();
    env.wait_for("three tries", || env.read("hanging").lines().count() >= 3);
    env.wait_for("the words", || hold(&env).contains("does not end within 300ms"));
    env.write("go", "");
    let output: Output = apply.wait();
    output.ok();
    let left = || env.read("hanging").lines().filter(|it| alive(it.parse().unwrap())).count();
    env.wait_for("no probe to be left", || left() == 0);
}
