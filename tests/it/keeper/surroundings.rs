//! What a program is started in and as: control group, user, limits, priorities.

use std::{fs, os::unix::fs::DirBuilderExt as _, path::PathBuf};

use eco::protocol::{Ids, Limit, Scope, SpawnSpec, State, Step};
use rustix::process::{Pid, Signal};

use super::world::{World, lives, pid, until};

/// A user that has nothing here.
const NOBODY: u32 = 65534;

/// What is tested here is root's alone.
fn needs_root() {
    assert!(rustix::process::getuid().is_root(), "this test needs root: run it as root");
}

/// A program that everybody may execute, and what it says at the end.
fn shell(world: &World, run: u64, text: &str) -> SpawnSpec {
    let mut spec = world.spec(run, &[]);
    spec.argv = ["/bin/sh", "-c", text].map(Into::into).into();
    spec.cwd = "/".into();
    spec
}

/// What a run has written once it has ended.
fn said(world: &mut World, run: u64, spec: &SpawnSpec) -> String {
    world.spawn_spec(run, spec);
    world.wait_gone(run);
    world.out_text(run)
}

#[test]
fn a_program_runs_as_its_user_and_no_other() {
    needs_root();
    let mut world = World::new();
    let ids = Ids { uid: NOBODY, gid: 7, groups: vec![7, 12, 34] };
    let spec = SpawnSpec { ids: Some(ids), ..shell(&world, 1, "cat /proc/self/status") };
    let text = said(&mut world, 1, &spec);
    let line = |name: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(name));
        let words = found.unwrap_or_else(|| panic!("no {name} in {text}")).split_ascii_whitespace();
        words.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("Uid:"), "65534 65534 65534 65534");
    assert_eq!(line("Gid:"), "7 7 7 7");
    assert_eq!(line("Groups:"), "7 12 34");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(line(set), "0000000000000000", "{set}");
    }
    assert_eq!(line("NoNewPrivs:"), "0", "`sudo` works as in a login");
    // It may open again what it was given.
    let text = "echo again > /dev/stdout; echo more >> /proc/self/fd/1";
    let ids = Ids { uid: NOBODY, gid: NOBODY, groups: vec![NOBODY] };
    let spec = SpawnSpec { ids: Some(ids.clone()), ..shell(&world, 2, text) };
    assert_eq!(said(&mut world, 2, &spec), "again\nmore\n");
    // A directory that it may not enter.
    let cwd = world.run_dir().join("private");
    fs::DirBuilder::new().mode(0o700).create(&cwd).unwrap();
    let spec = SpawnSpec { ids: Some(ids), cwd, ..shell(&world, 3, "true") };
    world.spawn_spec(3, &spec);
    let failed = world.wait_state(3, |record| matches!(record.state, State::Failed { .. }));
    assert_eq!(failed.state, State::Failed { step: Step::Cwd, errno: libc::EACCES });
    world.quit();
}

#[test]
fn masks_priorities_and_limits_hold() {
    needs_root();
    let mut world = World::new();
    let text = "umask; ulimit -n; ulimit -c; nice; cat /proc/self/oom_score_adj";
    // What nobody may refuse; the others are told of by the controller.
    let limits = [(libc::RLIMIT_NOFILE, 77, 99), (libc::RLIMIT_CORE, 0, 0)];
    let limits = limits.map(|(resource, soft, hard)| Limit { resource, soft, hard });
    let spec = SpawnSpec {
        umask: Some(0o027),
        nice: Some(3),
        oom_score_adj: Some(500),
        limits: limits.into(),
        ids: Some(Ids { uid: NOBODY, gid: NOBODY, groups: Vec::new() }),
        ..shell(&world, 1, text)
    };
    assert_eq!(said(&mut world, 1, &spec), "0027\n77\n0\n3\n500\n");
    let usual = shell(&world, 2, "umask; nice");
    assert!(said(&mut world, 2, &usual).starts_with("0022\n"));
    // More than anybody may have, and lower than some root may go: it starts all the same.
    let limits = vec![Limit { resource: libc::RLIMIT_NOFILE, soft: 1 << 40, hard: 1 << 40 }];
    let spec = SpawnSpec {
        nice: Some(-20),
        oom_score_adj: Some(-1000),
        limits,
        ..shell(&world, 3, "echo started")
    };
    assert_eq!(said(&mut world, 3, &spec), "started\n");
    world.quit();
}

/// A control group of this test's own; fails in words where none can be made.
struct Group(PathBuf);

impl Group {
    fn new(name: &str) -> Self {
        needs_root();
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mut mounts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let mount = mounts.find(|words| words[2] == "cgroup2").expect("this test needs cgroup v2");
        let path = PathBuf::from(mount[1]).join(format!("eco-test-{name}-{}", std::process::id()));
        fs::create_dir(&path).expect("this test needs a writable cgroup v2");
        Self(path)
    }

    fn spec(&self, world: &World, run: u64, args: &[&str]) -> SpawnSpec {
        SpawnSpec { cgroup: Some(self.0.clone()), ..world.spec(run, args) }
    }

    fn processes(&self) -> Vec<Pid> {
        let list = fs::read_to_string(self.0.join("cgroup.procs")).unwrap();
        list.lines().map(|line| pid(line.parse().unwrap())).collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(fs::write(self.0.join("cgroup.kill"), "1"));
        until("the group's end", || fs::remove_dir(&self.0).is_ok() || !self.0.exists());
    }
}

#[test]
fn a_control_group_holds_even_who_denies_every_bond() {
    hold(&Group::new("holds"), World::new());
}

#[test]
fn a_control_group_is_entered_where_no_process_can_be_born_there() {
    hold(&Group::new("entered"), World::under(Some("no-clone3")));
}

fn hold(group: &Group, mut world: World) {
    world.spawn_spec(1, &group.spec(&world, 1, &["daemon", "no-env"]));
    let daemon = world.said(1, "started");
    world.wait_running(1);
    assert!(group.processes().contains(&daemon));
    world.ask(1, eco::protocol::Request::Members);
    world.wait("the members", |world| world.members.len() == 2);
    assert!(world.members.iter().all(|it| it.proved));
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    assert!(!lives(daemon));
    world.quit();
}

#[test]
fn a_control_group_outlives_the_keeper() {
    let group = Group::new("outlives");
    let mut world = World::new();
    world.spawn_spec(1, &group.spec(&world, 1, &["daemon", "no-env"]));
    let daemon = world.said(1, "started");
    world.wait_running(1);
    world.kill_keeper();
    world.next_keeper(None);
    world.wait_running(1);
    world.signal(1, Signal::TERM, Scope::Group);
    world.wait_gone(1);
    assert!(!lives(daemon));
    world.quit();
}

#[test]
fn who_forks_for_ever_is_killed_at_once_in_a_control_group() {
    let group = Group::new("forks");
    let mut world = World::new();
    world.spawn_spec(1, &group.spec(&world, 1, &["fork-for-ever"]));
    world.said(1, "started");
    world.wait_running(1);
    world.signal(1, Signal::KILL, Scope::Group);
    world.wait_gone(1);
    assert!(group.processes().is_empty());
    world.quit();
}

#[test]
fn a_directory_that_is_no_control_group_is_refused() {
    let mut world = World::new();
    let spec = SpawnSpec { cgroup: Some(world.run_dir()), ..world.spec(1, &["sleep"]) };
    world.spawn_spec(1, &spec);
    assert_eq!(world.wait_refused(), (1, Step::Cgroup, libc::EOPNOTSUPP));
    world.quit();
}
