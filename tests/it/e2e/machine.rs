//! Machines that misbehave: a wall clock that jumps, name servers that do not answer, a disk that can
//! only be read any more. As root, in a mount namespace with an `/etc` of its own.

use std::{fs, path::PathBuf, process::Command, time::Instant};

use serde_json::Value;

use super::TWO_SLEEPERS;
use crate::harness::{Signal, TestEnv, alive, program, send};

/// A world with a copy of `/etc` in which eco runs.
struct Machine {
    env: TestEnv,
    etc: tempfile::TempDir,
}

impl Machine {
    /// `None` where this user may not mount.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn new(apps: &str) -> Option<Self> {
        program("unshare");
        let (env, etc) = (TestEnv::with_apps(apps), tempfile::tempdir().unwrap());
        let copied = Command::new("cp").args(["-a", "/etc/."]).arg(etc.path()).status();
        assert!(copied.unwrap().success());
        let machine = Self { env, etc };
        if machine.try_eco(&["--version"]).is_none() {
            eprintln!("skipped: this user may not mount a directory");
            return None;
        }
        Some(machine)
    }

    fn starter(&self) -> [String; 6] {
        let script = "mount --bind \"$0\" /etc && exec \"$@\"";
        let etc = self.etc.path().to_str().unwrap();
        ["unshare", "-m", "sh", "-c", script, etc].map(str::to_owned)
    }

    fn try_eco(&self, args: &[&str]) -> Option<crate::harness::Output> {
        let starter = self.starter();
        let output = self.env.call_by(&starter.each_ref().map(String::as_str), args).run();
        (output.code == Some(0)).then_some(output)
    }

    /// Runs eco in this machine; it has to succeed.
    fn eco(&self, args: &[&str]) {
        assert!(self.try_eco(args).is_some(), "{args:?}\n{}", self.env.dump());
    }
}

/// Adds to the wall clock what a file says, in seconds.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *at) {
    int done = syscall(SYS_clock_gettime, clock, at);
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        FILE *file = fopen(SHIFT, "r");
        long shift = 0;
        if (file) {
            if (fscanf(file, "%ld", &shift) != 1) shift = 0;
            fclose(file);
        }
        at->tv_sec += shift;
    }
    return done;
}
"#;

/// Has every program of a machine see the clock that the shim tells.
fn shift_clocks(machine: &Machine) {
    let (source, shim) = (machine.env.path("shim.c"), machine.env.path("shim.so"));
    fs::write(&source, SHIM).unwrap();
    let shift = format!("-DSHIFT=\"{}\"", machine.env.path("shift").display());
    let mut cc = Command::new(program("cc"));
    let done = cc.args(["-shared", "-fPIC", "-O1", &shift, "-o"]).arg(&shim).arg(&source).status();
    assert!(done.unwrap().success());
    let preload = format!("{}\n", shim.display());
    fs::write(machine.etc.path().join("ld.so.preload"), preload).unwrap();
}

fn time_of(event: &Value) -> jiff::Timestamp {
    event["time"].as_str().unwrap().parse().unwrap()
}

#[test]
fn the_wall_clock_jumps_an_hour_ahead_and_back() {
    let apps = "  web: { command: sleep 100000, instances: 2, live: { exec: 'true', interval: 50ms } }\n  \
                flaky: { command: { shell: 'test -e mended || exit 1; exec sleep 100000' }, restart: { backoff: { initial: 300ms, factor: 1, jitter: 0 }, limit: none } }\n";
    let Some(machine) = Machine::new(apps) else { return };
    shift_clocks(&machine);
    let env = &machine.env;
    machine.eco(&["apply", "--no-wait", "--watch"]);
    env.wait_state("web", "ready");
    let mut seq = 0;
    for (number, shift) in [3_600, -3_600, 0].into_iter().enumerate() {
        let (before, kept) = (env.pids("web"), env.pids("web")["web/1"]);
        let failed = || env.app("flaky")["instances"][0]["restarts"].as_u64().unwrap_or(0);
        let tries = failed();
        env.write("shift", &shift.to_string());
        // What waits goes on in time, what runs is replaced only if it ends.
        env.wait_for("further tries", || tries + 2 < failed());
        assert_eq!(env.pids("web"), before, "shifted by {shift}");
        send(before["web/0"], Signal::KILL);
        env.wait_for("a replacement", || {
            env.pids("web").get("web/0").is_some_and(|pid| *pid != before["web/0"])
                && env.is("web", "ready")
        });
        assert_eq!(env.pids("web")["web/1"], kept);
        // A followed edit, whatever the stamps of files say.
        env.apps(&format!("{apps}  more{number}: {{ command: sleep 100000 }}\n"));
        env.wait_state(&format!("more{number}"), "ready");
        // It did jump; the order of what happened did not.
        let events = env.events();
        let last = events.last().unwrap();
        assert!(seq < last["seq"].as_u64().unwrap());
        seq = last["seq"].as_u64().unwrap();
        let ahead = time_of(last).as_second() - jiff::Timestamp::now().as_second();
        assert!((ahead - shift).abs() < 600, "{ahead} s ahead, not {shift}");
    }
    env.write("mended", "");
    env.wait_state("flaky", "ready");
}

#[test]
fn name_servers_and_others_that_do_not_answer_delay_nobody() {
    // The system accepts connections for it, and nobody answers.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    let probe = "timeout: 1h }\n    rollout: { deadline: 1h }\n";
    let apps = format!(
        "  other: {{ command: sleep 100000 }}\n  \
         slow:\n    command: sleep 100000\n    instances: 20\n    \
         ready: {{ http: \"http://nowhere.example.org:81/\", {probe}  \
         deaf:\n    command: sleep 100000\n    instances: 20\n    \
         ready: {{ http: \"http://127.0.0.1:{port}/\", {probe}  \
         stuck:\n    command: sleep 100000\n    instances: 20\n    \
         ready: {{ exec: sleep 100000, {probe}"
    );
    // It takes what comes and says nothing.
    let Ok(server) = std::net::UdpSocket::bind("127.53.53.53:53") else {
        eprintln!("skipped: this user may not be a name server");
        return;
    };
    let Some(machine) = Machine::new(&apps) else { return };
    let conf = "nameserver 127.53.53.53\noptions timeout:30 attempts:5\n";
    fs::remove_file(machine.etc.path().join("resolv.conf")).unwrap_or_default();
    fs::write(machine.etc.path().join("resolv.conf"), conf).unwrap();
    fs::write(machine.etc.path().join("nsswitch.conf"), "hosts: files dns\n").unwrap();
    let env = &machine.env;
    machine.eco(&["apply", "--no-wait"]);
    server.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let mut question = [0; 512];
    let length = server.recv(&mut question).unwrap();
    let name = b"\x07nowhere\x07example\x03org\0";
    assert!(question[..length].windows(name.len()).any(|part| part == name));
    let hanging = latency(env);
    env.eco(&["down"]).ok();
    env.apps("  other: { command: sleep 100000 }\n");
    machine.eco(&["apply"]);
    // Next to how long it takes with nobody to wait for.
    let calm = latency(env);
    assert!(
        hanging < calm.mul_add(5.0, 1.0),
        "{hanging} s with probes that hang, {calm} s without"
    );
}

/// How long it takes to be told how things are and to have an app replaced, in s.
fn latency(env: &TestEnv) -> f64 {
    let begun = Instant::now();
    for _ in 0..3 {
        let pid = env.pid("other");
        env.eco(&["restart", "other"]).ok();
        assert_ne!(env.pid("other"), pid);
    }
    begun.elapsed().as_secs_f64()
}

/// A mount that is taken away in the end.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn mount(args: &[&str], at: &PathBuf) -> bool {
    Command::new("mount").args(args).arg(at).output().is_ok_and(|it| it.status.success())
}

#[test]
fn a_disk_that_can_only_be_read_stops_nobody() {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let (web, home) = (env.pids("web"), env.home());
    // What is open stays so; whatever is opened, made or renamed from now on is refused.
    let bind = ["--bind", home.to_str().unwrap()];
    if !mount(&bind, &home) {
        eprintln!("skipped: this user may not mount a directory");
        return;
    }
    let mounted = Mounted(home.clone());
    assert!(mount(&["-o", "remount,bind,ro"], &home));
    assert!(fs::write(home.join("x"), "").is_err());
    assert_eq!(env.pids("web"), web);
    env.apps(&TWO_SLEEPERS.replace("instances: 2", "instances: 3"));
    let refused = env.eco(&["apply"]);
    assert_ne!(refused.code, Some(0), "{refused}");
    assert!(refused.to_string().to_lowercase().contains("read-only file system"), "{refused}");
    assert_eq!(env.pids("web"), web);
    // Whoever comes after the controller has nothing else to go by.
    env.kill_roles(&["controller"]);
    env.wait_for("the next controller", || env.pids("web") == web);
    drop(mounted);
    env.eco(&["apply"]).ok();
    assert_eq!(env.pids("web").len(), 3);
    assert!(web.values().all(|pid| alive(*pid)));
}
