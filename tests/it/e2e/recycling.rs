//! Instances that are replaced though they live, since they use too much memory, and such that read
//! their files again without being replaced.

use crate::harness::{TestEnv, alive, free_port, http_get, program};

/// Uses 80 MB more once there is the file `grow`.
const GROW: &str = r"
import os, time
while not os.path.exists('grow'): time.sleep(0.02)
held = b'x' * (80 << 20)
time.sleep(100000)
";

fn told(env: &TestEnv) -> Vec<String> {
    let events = env.events().into_iter().filter(|event| event["type"] == "over_memory");
    events.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn too_much_memory_of_a_wrapped_program() {
    program("python3");
    let env = TestEnv::new();
    env.write("grow.py", GROW);
    env.apps(
        "  web:\n    command: { shell: 'python3 grow.py & wait' }\n    restart: { max_memory: 60M }\n",
    );
    env.apply();
    let former = env.pid("web");
    env.write("grow", "");
    env.wait_for("the replacement", || !alive(former) && env.is("web", "ready"));
    let words = told(&env);
    assert!(words[0].starts_with("it uses ") && words[0].ends_with("more than 60.0M"), "{words:?}");
    // No failure: nothing is counted, nobody waits.
    let instance = &env.app("web")["instances"][0];
    assert_eq!(instance["restarts"], 0);
    env.eco(&["describe", "web"]).ok().says("it used more memory than `restart.max_memory`");
}

#[test]
fn where_a_port_is_shared_another_one_serves_first() {
    program("node");
    let (env, port) = (TestEnv::new(), free_port());
    // One that waits by epoll: it can be kept from accepting beside the one that takes its place.
    let serve = "require('http').createServer((_, to) => to.end('x')).listen(process.env.PORT)";
    env.write("server.js", serve);
    let apps = |memory: &str| {
        env.apps(&format!(
            "  web:\n    command: node server.js\n    listen: {port}\n    \
             restart: {{ backoff: {{ max: 1h }}{memory} }}\n"
        ));
    };
    apps("");
    env.apply();
    let former = env.pid("web");
    // Any program uses more than that. It holds at once and touches no process by itself.
    apps(", max_memory: 1M");
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    assert_eq!(diff["changes"][0]["field"], "restart.max_memory");
    assert_eq!(diff["changes"][0]["effect"], "live");
    env.eco(&["apply", "--no-wait"]).ok();
    while alive(former) {
        assert!(http_get(port, "/").is_some());
    }
    env.wait_state("web", "ready");
    // The next one uses as much; it is not replaced for that for an hour.
    assert_eq!(told(&env).len(), 1);
}

/// Reads its file again at SIGHUP, and says so at `NOTIFY_SOCKET`; is done with it once there is `go`.
const RELOADS: &str = r"
import os, signal, socket, time
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
to.connect(os.environ['NOTIFY_SOCKET'])
def reload(*_):
    to.send(b'RELOADING=1')
    while not os.path.exists('go'): time.sleep(0.02)
    open('loaded', 'a').write(open('conf').read())
    to.send(b'READY=1')
signal.signal(signal.SIGHUP, reload)
to.send(b'READY=1')
while True: time.sleep(1)
";

#[test]
fn a_reload_by_signal_is_waited_for_where_the_app_tells_of_it() {
    program("python3");
    let env = TestEnv::new();
    env.write("reloads.py", RELOADS);
    env.write("conf", "one\n");
    env.apps(
        "  web: { command: python3 reloads.py, ready: { notify: true }, reload: { signal: SIGHUP } }\n",
    );
    env.apply();
    let former = env.pid("web");
    let mut reload = env.call(&["reload", "web"]).spawn();
    env.wait_for("the reload", || env.app("web")["instances"][0]["hold_code"] == "reloading");
    assert!(!reload.has_ended());
    env.write("go", "");
    reload.wait().ok();
    assert_eq!(env.read("loaded"), "one\n");
    assert_eq!(env.pid("web"), former);
    env.eco(&["events"]).ok().says("SIGHUP was sent, to have it read its files again");
}

#[test]
fn a_reload_by_signal_needs_no_word_of_the_app() {
    let env = TestEnv::new();
    env.script(
        "web.sh",
        "#!/bin/sh\ntrap 'echo again >> loaded' HUP\necho > up\nwhile :; do sleep 0.05; done\n",
    );
    let apps = |reload: &str| {
        env.apps(&format!(
            "  web: {{ command: ./web.sh, instances: 2, {reload}ready: {{ exec: test -e up }} }}\n"
        ));
    };
    apps("");
    env.apply();
    let former = env.pids("web");
    apps("reload: { signal: HUP }, ");
    let diff = env.eco(&["diff", "--json"]).exits(1).json();
    assert_eq!(diff["changes"][0]["effect"], "live");
    env.apply();
    env.eco(&["reload", "web/1"]).ok();
    env.wait_for("one", || env.path("loaded").exists() && env.read("loaded") == "again\n");
    env.eco(&["reload", "web"]).ok();
    env.wait_for("both", || env.read("loaded").lines().count() == 3);
    assert_eq!(env.pids("web"), former);
}
