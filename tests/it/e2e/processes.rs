//! The processes of an app: all of them end with it, whoever they run as, and they hold nothing of
//! eco's.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::harness::{Call, TestEnv, alive, free_port};

/// Starts a daemon of its own session, whose parent is gone, and lives on.
const DAEMON: &str = "#!/bin/sh\n\
    setsid -f sh -c 'echo $$ > daemon.new; mv daemon.new daemon.pid; exec sleep 100000'\n\
    exec sleep 100000\n";
/// The same with a daemon that knows nothing of where it comes from.
const BARE_DAEMON: &str = "#!/bin/sh\n\
    setsid -f env -i sh -c 'echo $$ > daemon.new; mv daemon.new daemon.pid; exec sleep 100000'\n\
    exec sleep 100000\n";

fn daemon(env: &TestEnv) -> u32 {
    env.wait_until("the daemon's pid", || env.read("daemon.pid").trim().parse().ok())
}

fn without_groups(env: &TestEnv, args: &[&str]) -> Call {
    env.call(args).env("ECO_CGROUP", "none")
}

/// The control group a process is in; fails in words where there is none of eco's.
fn group_of(pid: u32) -> PathBuf {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let path = text.lines().find_map(|line| line.strip_prefix("0::/")).unwrap().to_owned();
    assert!(path.contains("eco-"), "this test needs a writable cgroup v2 (run it as root): {text}");
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let mut mounts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    Path::new(mounts.find(|words| words[2] == "cgroup2").unwrap()[1]).join(path)
}

#[test]
fn a_daemon_ends_with_its_app_without_control_groups() {
    let env = TestEnv::new();
    env.script("app.sh", DAEMON);
    env.apps("  web: { command: ./app.sh }\n  other: { command: sleep 100000 }\n");
    without_groups(&env, &["apply"]).run().ok();
    let (daemon, other) = (daemon(&env), env.pid("other"));
    env.eco(&["stop", "web"]).ok();
    assert!(!alive(daemon));
    assert_eq!(env.pid("other"), other);
}

#[test]
fn a_daemon_ends_with_its_app_in_a_control_group_whoever_dies() {
    let env = TestEnv::new();
    env.script("app.sh", BARE_DAEMON);
    env.apps("  web: { command: ./app.sh }\n");
    env.apply();
    let daemon = daemon(&env);
    let group = group_of(daemon);
    assert_eq!(group, group_of(env.pid("web")));
    assert!(group.file_name().unwrap().to_str().unwrap().ends_with(".shop.web"), "{group:?}");
    env.kill_roles(&["keeper", "controller"]);
    env.wait_state("web", "ready");
    env.eco(&["stop", "web"]).ok();
    assert!(!alive(daemon));
    env.wait_for("the group's end", || !group.exists());
    env.eco(&["daemon", "stop"]).ok();
    assert!(!group.parent().unwrap().exists(), "{group:?}");
}

#[test]
fn what_a_stop_has_to_kill_is_named() {
    let env = TestEnv::new();
    env.script(
        "deaf.sh",
        "#!/bin/sh\ntrap '' TERM\nsleep 100000 &\necho up\nwhile :; do sleep 0.1; done\n",
    );
    env.apps("  web: { command: ./deaf.sh, stop: { timeout: 300ms } }\n");
    env.apply();
    env.wait_for("the trap", || env.log("web").contains("up"));
    let pid = env.pid("web");
    env.eco(&["stop", "web"]).ok();
    let named =
        |text: &str| text.contains(&format!("killed with all of it: deaf.sh ({pid}), sleep ("));
    env.wait_for("the event", || {
        env.events().iter().any(|event| named(event["message"].as_str().unwrap()))
    });
    let described = env.eco(&["describe", "web"]).ok().stdout;
    assert!(named(&described), "{described}");
}

#[test]
fn what_a_first_process_leaves_is_named() {
    let env = TestEnv::new();
    env.script(
        "app.sh",
        "#!/bin/sh\nsleep 100000 &\necho $! > child.pid\n[ -e stay ] && wait\nexit 1\n",
    );
    env.apps("  web: { command: ./app.sh, restart: never }\n");
    env.eco(&["apply", "--no-wait"]).ok();
    let child = env.wait_until("the child", || env.read("child.pid").trim().parse::<u32>().ok());
    env.wait_for("its end", || !alive(child));
    env.wait_for("the event", || {
        // It may have ended before it became `sleep`.
        let is_it = |text: &str| {
            text.starts_with("left behind: ") && text.ends_with(&format!(" ({child})"))
        };
        env.events().iter().filter_map(|event| event["message"].as_str()).any(is_it)
    });
}

/// Tells who it is and what it was given, then that it is ready.
const WHO: &str = r"
import os, socket
for name in ('HOME', 'USER', 'LOGNAME', 'SHELL', 'KEPT'):
    print(name, os.environ.get(name))
print('ids', os.getuid(), os.getgid(), sorted(os.getgroups()), flush=True)
open('/dev/stderr', 'a').write('opened again\n')
address = os.environ['NOTIFY_SOCKET']
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect('\0' + address[1:] if address[0] == '@' else address)
notify.send(b'READY=1')
while True:
    os.read(os.pipe()[0], 1)
";

/// A Python that every user may execute: the first in `PATH` may lie in somebody's home.
fn python() -> &'static str {
    let found = ["/usr/bin/python3", "/usr/local/bin/python3"];
    let found = found.into_iter().find(|path| Path::new(path).exists());
    found.expect("python3 is missing in /usr: run tests/run")
}

/// Lets every user into the world of a test.
fn open_to_all(env: &TestEnv) {
    assert!(rustix::process::getuid().is_root(), "this test needs root: run it as root");
    fs::set_permissions(env.dir().parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_app_of_another_user_can_say_that_it_is_ready() {
    let env = TestEnv::new();
    open_to_all(&env);
    env.write("who.py", WHO);
    let python = python();
    env.apps(&format!(
        "  web: {{ command: [{python}, who.py], user: nobody, env: {{ SHELL: /kept }}, ready: {{ notify: true }} }}\n"
    ));
    env.apply();
    let log = env.log("web");
    for line in
        ["HOME /nonexistent", "USER nobody", "LOGNAME nobody", "SHELL /kept", "opened again"]
    {
        assert!(log.contains(&format!("{line}\n")), "{line}: {log}");
    }
    let group = fs::read_to_string("/etc/passwd").unwrap();
    let group = group.lines().find(|line| line.starts_with("nobody:")).unwrap();
    let ids: Vec<&str> = group.split(':').skip(2).take(2).collect();
    assert!(log.contains(&format!("ids {} {} [{}]\n", ids[0], ids[1], ids[1])), "{log}");
    // Another group is a change.
    env.apps(&format!(
        "  web: {{ command: [{python}, who.py], user: nobody, group: 7, env: {{ SHELL: /kept }}, ready: {{ notify: true }} }}\n"
    ));
    let diff = env.eco(&["diff", "--json"]).json();
    let change = &diff["changes"][0];
    assert_eq!((&change["field"], &change["new"]), (&"group".into(), &"7".into()), "{diff}");
    env.apply();
    assert!(
        env.log("web").contains(" 7 [7]\n") || env.log("web").contains(" 7 ["),
        "{}",
        env.log("web")
    );
}

/// Serves on a port and tells whose it is.
const SERVER: &str = r"
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f'{os.getuid()} {os.getpid()}'.encode())
    def log_message(self, *_):
        pass
HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
";

#[test]
fn instances_of_another_user_share_a_port() {
    let env = TestEnv::new();
    open_to_all(&env);
    env.write("server.py", SERVER);
    let port = free_port();
    env.apps(&format!(
        "  web: {{ command: [{}, server.py], user: nobody, instances: 2, listen: \"127.0.0.1:{port}\" }}\n",
        python()
    ));
    env.apply();
    assert_eq!(env.app("web")["listen"]["sharing"], "injected", "{}", env.app("web"));
    let answer = crate::harness::http_get(port, "/").unwrap();
    let (user, pid) = answer.split_once(' ').unwrap();
    assert_ne!(user, "0");
    assert!(env.pids("web").values().any(|found| found.to_string() == pid), "{answer}");
    env.eco(&["restart", "web"]).ok();
    assert!(crate::harness::http_get(port, "/").is_some());
}

#[test]
fn no_program_gets_a_descriptor_that_is_not_its_own() {
    let env = TestEnv::new();
    let port = free_port();
    // What lists the directory has it open itself.
    let list = "ls /proc/self/fd | tr '\\n' ' ' > ";
    env.script("plain.sh", &format!("#!/bin/sh\n{list}plain.fds\nexec sleep 100000\n"));
    env.script("listen.sh", &format!("#!/bin/sh\n{list}listen.fds\nexec sleep 100000\n"));
    env.script("fds.sh", &format!("#!/bin/sh\n{list}sockets.fds\nexec sleep 100000\n"));
    env.script("probe.sh", &format!("#!/bin/sh\n{list}probe.fds\n"));
    env.apps(&format!(
        "  plain: {{ command: ./plain.sh, ready: {{ exec: ./probe.sh }} }}\n\
        \x20 web: {{ command: ./listen.sh, listen: \"127.0.0.1:{port}\", ready: {{ delay: 10ms }} }}\n\
        \x20 sockets: {{ command: ./fds.sh, listen: {{ port: \"{}\", pass: fds }}, ready: {{ delay: 10ms }} }}\n",
        free_port()
    ));
    env.apply();
    for (name, expected) in [
        ("plain", "0 1 2 3 "),
        ("listen", "0 1 2 3 "),
        ("sockets", "0 1 2 3 4 "),
        ("probe", "0 1 2 3 "),
    ] {
        env.wait_for(name, || !env.read(&format!("{name}.fds")).is_empty());
        assert_eq!(env.read(&format!("{name}.fds")), expected, "{name}");
    }
}

/// Runs eco as a normal user, from a copy that it may execute, with a home of its own.
struct Normal {
    env: TestEnv,
    eco: PathBuf,
}

impl Normal {
    fn new() -> Self {
        let env = TestEnv::new();
        open_to_all(&env);
        let root = env.dir().parent().unwrap().to_owned();
        let eco = root.join("eco");
        fs::copy(env!("CARGO_BIN_EXE_eco"), &eco).unwrap();
        let home = root.join("n");
        fs::create_dir(&home).unwrap();
        for path in [&home, &env.dir()] {
            std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
        }
        Self { env, eco }
    }

    fn eco(&self, args: &[&str]) -> std::process::Output {
        use std::os::unix::process::CommandExt as _;
        std::process::Command::new(&self.eco)
            .args(args)
            .current_dir(self.env.dir())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("COLUMNS", "200")
            .env("ECO_HOME", self.env.dir().parent().unwrap().join("n/h"))
            .uid(65534)
            .gid(65534)
            .output()
            .unwrap()
    }
}

impl Drop for Normal {
    fn drop(&mut self) {
        self.eco(&["daemon", "stop"]);
    }
}

/// A group that is left to a user, with whatever is started in it.
struct Delegated(PathBuf);

impl Delegated {
    fn new() -> Self {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mut mounts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let mount = mounts.find(|words| words[2] == "cgroup2").expect("this test needs cgroup v2");
        let path = Path::new(mount[1]).join(format!("eco-test-user-{}", std::process::id()));
        fs::create_dir(&path).expect("this test needs a writable cgroup v2: run it as root");
        for file in ["", "cgroup.procs", "cgroup.subtree_control"] {
            std::os::unix::fs::chown(path.join(file), Some(65534), Some(65534)).unwrap();
        }
        Self(path)
    }
}

impl Drop for Delegated {
    fn drop(&mut self) {
        drop(fs::write(self.0.join("cgroup.kill"), "1"));
        for _ in 0..1000 {
            for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
                fs::remove_dir(entry.path()).unwrap_or_default();
            }
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

fn both(output: &std::process::Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{out}{err}")
}

#[test]
fn a_normal_user_may_name_itself_and_nobody_else() {
    let world = Normal::new();
    world.env.script("app.sh", DAEMON);
    world.env.apps("  web: { command: ./app.sh, user: root }\n");
    for command in ["validate", "apply"] {
        let refused = world.eco(&[command]);
        let text = both(&refused);
        assert_eq!(refused.status.code(), Some(2), "{text}");
        assert!(text.contains("only root may have an app become another user"), "{text}");
        assert!(text.contains("ecosystem.yaml:5:"), "{text}");
    }
    world.env.apps("  web: { command: ./app.sh, user: nobody, nice: 5 }\n");
    let applied = world.eco(&["apply"]);
    assert!(applied.status.success(), "{}", both(&applied));
    // Nothing gives a control group to such a user: its daemons are found without.
    let daemon = daemon(&world.env);
    let stopped = world.eco(&["stop", "web"]);
    assert!(stopped.status.success() && !alive(daemon), "{}", both(&stopped));
}

#[test]
fn a_group_that_is_delegated_to_a_user_is_used() {
    let world = Normal::new();
    let group = Delegated::new();
    world.env.script("app.sh", BARE_DAEMON);
    world.env.apps("  web: { command: ./app.sh }\n");
    // Enters the group as root, then becomes the user: what a service manager does.
    let text = format!(
        "echo 0 > {}/cgroup.procs && exec setpriv --reuid=65534 --regid=65534 --clear-groups {} apply",
        group.0.display(),
        world.eco.display()
    );
    let applied = std::process::Command::new("/bin/sh")
        .args(["-c", &text])
        .current_dir(world.env.dir())
        .env("ECO_HOME", world.env.dir().parent().unwrap().join("n/h"))
        .output()
        .unwrap();
    assert!(applied.status.success(), "{}", both(&applied));
    let daemon = daemon(&world.env);
    let found = group_of(daemon);
    assert!(found.starts_with(&group.0), "{found:?}");
    let stopped = world.eco(&["stop", "web"]);
    assert!(stopped.status.success() && !alive(daemon), "{}", both(&stopped));
    world.env.wait_for("the group's end", || !found.exists());
    assert!(world.eco(&["daemon", "stop"]).status.success());
}
