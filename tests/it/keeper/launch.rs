//! The real keeper, started as the command line starts it: detached, one per directory.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use rustix::process::{Pid, Signal, getsid, kill_process};

use super::world::{lives, until};

/// A keeper without a controller: that has no home, or it would take the default one, and ends.
fn start(dir: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eco"));
    command.env("ECO_HOME", "relative/and/therefore/refused");
    command.arg("__keeper").arg(dir).arg("--detach").output().unwrap()
}

/// The process that has the directory's lock.
fn holder(dir: &Path) -> Option<Pid> {
    use std::os::unix::fs::MetadataExt as _;
    let inode = fs::metadata(dir.join("lock")).ok()?.ino();
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let line = locks.lines().find(|line| line.contains(&format!(":{inode} ")))?;
    Pid::from_raw(line.split_whitespace().nth(4)?.parse().ok()?)
}

#[test]
fn one_keeper_runs_detached() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(dir.path());
    assert_eq!(String::from_utf8_lossy(&first.stdout), "ready\n");
    assert!(first.status.success());
    let keeper = holder(dir.path()).unwrap();
    assert_eq!(getsid(Some(keeper)), Ok(keeper));
    let proc = format!("/proc/{}", keeper.as_raw_nonzero());
    assert_eq!(fs::read_link(format!("{proc}/cwd")).unwrap(), Path::new("/"));
    until("its stdio is left", || {
        (0..3).all(|fd| fs::read_link(format!("{proc}/fd/{fd}")).unwrap() == Path::new("/dev/null"))
    });
    assert_eq!(fs::read_to_string(format!("{proc}/comm")).unwrap(), "eco-keeper\n");
    assert!(dir.path().join("api.sock").exists());
    let second = start(dir.path());
    assert_eq!(String::from_utf8_lossy(&second.stdout), "held\n");
    assert_eq!(holder(dir.path()), Some(keeper));
    kill_process(keeper, Signal::KILL).unwrap();
    until("it is gone", || !lives(keeper));
    let third = start(dir.path());
    assert_eq!(String::from_utf8_lossy(&third.stdout), "ready\n");
    let keeper = holder(dir.path()).unwrap();
    kill_process(keeper, Signal::KILL).unwrap();
    until("it is gone", || !lives(keeper));
}

#[test]
fn what_keeps_a_keeper_from_starting_is_said() {
    let missing = start(Path::new("/no/such/directory"));
    let text = String::from_utf8_lossy(&missing.stdout).into_owned();
    assert!(text.starts_with("cannot open the lock: No such file"), "{text}");
}
