//! Instances that are replaced though they live: they use too much memory.

use super::server;
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
    let (env, port) = (server(), free_port());
    let apps = |memory: &str| {
        env.apps(&format!(
            "  web:\n    command: python3 server.py\n    listen: {port}\n    \
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
