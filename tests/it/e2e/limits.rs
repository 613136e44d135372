//! Limits: kept where the system can, and said where it cannot.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::harness::TestEnv;

const LIMITED: &str = "  web:\n    command: ./app.sh\n    umask: 027\n    nice: 5\n    oom_score_adj: 300\n    \
    limits: { nofile: 123, core: 0, memory: 64M, cpu: 0.5, processes: 50 }\n";

#[test]
fn limits_of_each_process_hold() {
    let env = TestEnv::new();
    env.script(
        "app.sh",
        "#!/bin/sh\numask\nulimit -n\nulimit -c\nnice\ncat /proc/self/oom_score_adj\necho made > file\nexec sleep 100000\n",
    );
    env.apps(LIMITED);
    env.apply();
    env.wait_for("what it says", || env.path("file").exists());
    assert_eq!(env.log("web"), "0027\n123\n0\n5\n300\n");
    let mode = fs::metadata(env.path("file")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    // Each is a change of its own, which takes a new process.
    let before = env.pid("web");
    env.apps(&LIMITED.replace("123", "124").replace("nice: 5", "nice: 6"));
    let diff = env.eco(&["diff", "--json"]).json();
    let changes = diff["changes"].as_array().unwrap();
    let fields: Vec<_> = changes.iter().map(|it| (&it["field"], &it["effect"])).collect();
    assert_eq!(fields.len(), 2, "{diff}");
    assert!(fields.contains(&(&"limits.nofile".into(), &"rolling".into())), "{diff}");
    assert!(fields.contains(&(&"nice".into(), &"rolling".into())), "{diff}");
    env.apply();
    assert_ne!(env.pid("web"), before);
}

#[test]
fn a_limit_that_cannot_be_kept_is_said_and_hinders_nothing() {
    let env = TestEnv::new();
    env.script("app.sh", "#!/bin/sh\nexec sleep 100000\n");
    env.apps(LIMITED);
    let eco = |args: &[&str]| env.call(args).env("ECO_CGROUP", "none").run();
    let told = |text: &str| {
        ["memory", "cpu", "processes"].iter().all(|key| {
            text.contains(&format!(
                "`limits.{key}` of web cannot be kept here: ECO_CGROUP is `none`"
            ))
        })
    };
    let diff = eco(&["diff"]);
    assert!(told(&diff.stdout), "before anything runs: {diff}");
    let apply = eco(&["apply"]).ok();
    assert!(told(&format!("{}{}", apply.stdout, apply.stderr)), "{apply}");
    assert_eq!(env.app("web")["state"], "ready");
    let described = env.eco(&["describe", "web"]).ok().stdout;
    assert!(described.contains("64M (not kept: ECO_CGROUP is `none`)"), "{described}");
    assert!(described.contains("limits.nofile"), "{described}");
    let unkept = |status: &str| status.matches(" is not kept here: ECO_CGROUP is `none`").count();
    assert_eq!(unkept(&env.eco(&["status"]).ok().stdout), 3);
    assert_eq!(env.app("web")["unkept"].as_array().unwrap().len(), 3);
    env.eco(&["stop", "web"]).ok();
    assert_eq!(unkept(&env.eco(&["status"]).stdout), 0);
    env.eco(&["start", "web"]).ok();
    let diff = env.eco(&["diff"]);
    assert!(told(&diff.stdout), "{diff}");
}

/// Whatever the kernel gives to the group of an app is set there, and the rest is said.
#[test]
fn limits_of_a_whole_app_are_set_or_said() {
    let env = TestEnv::new();
    env.script("app.sh", "#!/bin/sh\nexec sleep 100000\n");
    env.apps(LIMITED);
    env.apply();
    let text = fs::read_to_string(format!("/proc/{}/cgroup", env.pid("web"))).unwrap();
    let path = text.lines().find_map(|line| line.strip_prefix("0::/")).unwrap();
    assert!(
        path.contains("/run-"),
        "this test needs a writable cgroup v2 (run it as root): {text}"
    );
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let mut mounts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let mount = mounts.find(|words| words[2] == "cgroup2").unwrap()[1];
    let diff = env.eco(&["diff"]).stdout;
    for (key, file, value) in [
        ("memory", "memory.max", "67108864\n"),
        ("cpu", "cpu.max", "50000 100000\n"),
        ("processes", "pids.max", "50\n"),
    ] {
        let said = diff.contains(&format!("`limits.{key}` of web cannot be kept here"));
        match fs::read_to_string(format!("{mount}/{path}/{file}")) {
            Ok(found) => assert_eq!((found.as_str(), said), (value, false), "{key}: {diff}"),
            Err(_) => assert!(said, "{key}: {diff}"),
        }
    }
}
