//! What tells that an instance still lives: each way through a file, and what becomes of one that
//! does not.

use std::{fs, net::TcpListener};

use super::server;
use crate::harness::{Signal, TestEnv, alive, app_of, free_port, http_get, program, send};

/// Found soon, also where processes have to wait for a processor.
const SOON: &str = "interval: 100ms, timeout: 1s, failures: 2";
const STOP: &str = "stop: { drain: 300ms, timeout: 300ms }";

/// A server under `listen` that is asked over its port.
fn shared() -> (TestEnv, u16) {
    let (env, port) = (server(), free_port());
    env.apps(&format!(
        "  web:\n    command: python3 server.py\n    listen: {port}\n    {STOP}\n    \
         live: {{ http: /healthz, {SOON} }}\n"
    ));
    env.apply();
    (env, port)
}

/// Waits until another process has taken the place of `former`, and that is gone.
fn is_replaced(env: &TestEnv, former: u32) {
    env.wait_for("the replacement", || {
        !alive(former) && env.pids("web").len() == 1 && env.is("web", "ready")
    });
    assert_ne!(env.pid("web"), former);
    assert_eq!(env.app("web")["instances"][0]["restarts"], 1);
}

fn messages(env: &TestEnv, kind: &str) -> Vec<String> {
    let events = env.events().into_iter().filter(|event| event["type"] == kind);
    events.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

fn hold(env: &TestEnv) -> String {
    let app = app_of(&env.status(), "web");
    app["instances"][0]["hold"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_stopped_server_is_found_and_replaced() {
    let (env, port) = shared();
    let former = env.pid("web");
    env.eco(&["describe", "web"]).ok().says("live probes").says("well");
    send(former, Signal::STOP);
    is_replaced(&env, former);
    assert!(http_get(port, "/").unwrap().starts_with(&env.pid("web").to_string()));
    let told = messages(&env, "not_live");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("no answer within 1s; failed 2 times in a row"), "{told:?}");
    env.eco(&["describe", "web"]).ok().says("its live probe failed");
    env.eco(&["events"]).ok().says("not live");
}

#[test]
fn a_port_of_its_own_is_given_up_first() {
    let (env, port) = (server(), free_port());
    env.apps(&format!(
        "  web:\n    command: python3 server.py\n    env: {{ PORT: {port} }}\n    {STOP}\n    \
         ready: {{ tcp: true }}\n    live: {{ tcp: true, {SOON}, start_period: 50ms }}\n"
    ));
    env.apply();
    let former = env.pid("web");
    // A stopped server has its connections accepted by the kernel for it: not so one that is gone
    // deaf. Its backlog is full, and further ones get no answer.
    send(former, Signal::STOP);
    let mut waiting = Vec::new();
    let address = ([127, 0, 0, 1], port).into();
    let short = std::time::Duration::from_millis(300);
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, short) {
        waiting.push(stream);
    }
    env.wait_for("the replacement", || !alive(former) && env.is("web", "ready"));
    assert!(messages(&env, "not_live")[0].contains(&format!("127.0.0.1:{port}: no answer")));
}

#[test]
fn one_that_never_lives_becomes_a_crash_loop() {
    let (env, port) = (server(), free_port());
    env.apps(&format!(
        "  web:\n    command: python3 server.py\n    listen: {port}\n    {STOP}\n    \
         env: {{ GOOD_WITH: go }}\n    live: {{ http: /healthz, interval: 20ms, failures: 1 }}\n    \
         restart: {{ backoff: {{ initial: 10ms }}, limit: {{ failures: 3, within: 1m }} }}\n"
    ));
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_state("web", "crash_looping");
    let told = messages(&env, "not_live");
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("/healthz: 503"), "{told:?}");
    assert!(hold(&env).contains("its live probe failed"), "{}", hold(&env));
    assert!(hold(&env).contains("503"), "{}", hold(&env));
    env.eco(&["status"]).exits(1).says("its live probe failed");
    // It goes on serving meanwhile, and what it lacked puts it right at the next try.
    env.write("go", "");
    env.eco(&["restart", "web"]).ok();
    assert!(env.is("web", "ready"), "{}", env.status());
}

#[test]
fn a_command_is_asked_again_and_again() {
    let env = TestEnv::new();
    env.write("well", "");
    env.apps(
        "  web:\n    command: sleep 100000\n    live: { exec: { shell: 'echo $ECO_INSTANCE >> asked; test -e well' }, interval: 20ms, failures: 2 }\n",
    );
    env.apply();
    let former = env.pid("web");
    env.wait_for("some tries", || env.read("asked").lines().count() > 3);
    assert!(env.read("asked").lines().all(|line| line == "0"));
    fs::remove_file(env.path("well")).unwrap();
    env.wait_for("the next run", || env.pids("web").values().any(|pid| *pid != former));
    env.write("well", "");
    env.wait_state("web", "ready");
    assert!(!alive(former));
    assert!(messages(&env, "not_live")[0].contains("the command fails; failed 2 times in a row"));
}

/// Says that it lives until there is the file `hang`.
const WATCHDOG: &str = r"
import os, socket, time
open('usec', 'w').write(os.environ['WATCHDOG_USEC'])
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
to.connect(os.environ['NOTIFY_SOCKET'])
to.send(b'READY=1')
while True:
    if not os.path.exists('hang'):
        to.send(b'WATCHDOG=1')
    time.sleep(0.02)
";

#[test]
fn one_that_says_so_itself_is_believed_as_long_as_it_does() {
    program("python3");
    let env = TestEnv::new();
    env.write("watchdog.py", WATCHDOG);
    env.apps(
        "  web:\n    command: python3 watchdog.py\n    ready: { notify: true }\n    live: { notify: true, interval: 700ms, failures: 2 }\n",
    );
    env.apply();
    let former = env.pid("web");
    assert_eq!(env.read("usec"), "700000");
    env.eco(&["describe", "web"]).ok().says("said that it lives");
    env.write("hang", "");
    env.wait_for("the next run", || env.pids("web").values().any(|pid| *pid != former));
    fs::remove_file(env.path("hang")).unwrap();
    env.wait_state("web", "ready");
    let told = messages(&env, "not_live");
    assert!(told[0].starts_with("no WATCHDOG=1 for 1.4s"), "{told:?}");
}

#[test]
fn the_next_controller_goes_on_asking() {
    let (env, _) = shared();
    let former = env.pid("web");
    env.kill_roles(&["controller"]);
    env.wait_for("the next controller", || env.is("web", "ready"));
    assert_eq!(env.pid("web"), former);
    send(former, Signal::STOP);
    is_replaced(&env, former);
}

#[test]
fn many_that_hang_delay_no_other_app() {
    let env = TestEnv::new();
    // Connections wait here for ever.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    env.apps(&format!(
        "  many:\n    command: sleep 100000\n    instances: 50\n    \
         live: {{ http: \"http://127.0.0.1:{port}/\", interval: 20ms, timeout: 10m }}\n\
         \x20 checked:\n    command: sleep 100000\n    instances: 20\n    \
         live: {{ exec: sleep 1000, interval: 20ms, timeout: 10m }}\n\
         \x20 web: {{ command: sleep 100000 }}\n"
    ));
    env.apply();
    let many = env.pids("many");
    for _ in 0..3 {
        let former = env.pid("web");
        env.eco(&["restart", "web"]).ok();
        assert_ne!(env.pid("web"), former);
    }
    // None of them has come to an end meanwhile.
    assert_eq!(env.pids("many"), many);
    assert!(messages(&env, "not_live").is_empty());
}

#[test]
fn a_change_holds_at_once_and_touches_no_process() {
    let (env, port) = shared();
    let former = env.pid("web");
    let with = |live: &str| {
        env.apps(&format!(
            "  web:\n    command: python3 server.py\n    listen: {port}\n    {STOP}\n{live}"
        ));
    };
    with("    live: { http: /other, interval: 20ms, timeout: 1s, failures: 2 }\n");
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    let changes = diff["changes"].as_array().unwrap();
    assert!(changes.iter().all(|change| change["effect"] == "live"), "{diff}");
    assert!(changes.iter().any(|change| change["field"] == "live.interval"), "{diff}");
    env.apply();
    assert_eq!(env.pid("web"), former);
    env.wait_for("the new path", || env.read("asked").contains("GET /other"));
    with("");
    env.apply();
    send(former, Signal::STOP);
    env.eco(&["describe", "web"]).ok();
    send(former, Signal::CONT);
    assert_eq!(env.pid("web"), former);
    assert!(messages(&env, "not_live").is_empty());
}
