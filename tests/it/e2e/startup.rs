//! `eco startup`: what is written where, and that it can be taken away again.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use crate::harness::{Signal, TestEnv, alive, installed, program, send};

/// What is written for one program that starts services, without the paths of this test.
fn written(env: &TestEnv, args: &[&str]) -> String {
    let root = env.path("root");
    let root = root.to_str().unwrap();
    let all = [&["startup", "--print", "--root", root], args].concat();
    let text = env.eco(&all).ok().stdout;
    text.replace(root, "")
        .replace(env!("CARGO_BIN_EXE_eco"), "/usr/bin/eco")
        .replace(env.home().parent().unwrap().to_str().unwrap(), "/PARENT")
}

#[test]
fn services_are_written_as_each_init_system_wants_them() {
    let env = TestEnv::new();
    for init in ["systemd", "openrc", "runit"] {
        insta::assert_snapshot!(format!("service_{init}"), written(&env, &["--init", init]));
    }
    insta::assert_snapshot!("service_user", written(&env, &["--user", "--init", "systemd"]));
}

#[test]
fn a_service_is_installed_looked_at_and_removed() {
    let env = TestEnv::new();
    let root = env.path("root");
    fs::create_dir_all(root.join("run/openrc")).unwrap();
    let eco =
        |words: &[&str]| env.eco(&[&["startup", "--root", root.to_str().unwrap()], words].concat());
    eco(&["status"]).exits(1).says("missing").says("OpenRC does not start eco");
    // Twice, as an update of eco does.
    for _ in 0..2 {
        eco(&[]).ok();
        let script = root.join("etc/init.d/eco");
        assert_eq!(fs::metadata(&script).unwrap().permissions().mode() & 0o777, 0o755);
        assert!(root.join("etc/runlevels/default/eco").is_symlink());
        eco(&["status"]).ok().says("OpenRC starts eco");
        fs::write(script, "something else").unwrap();
        eco(&["status"]).ok().says("differs");
    }
    for _ in 0..2 {
        eco(&["remove"]).ok();
        eco(&["status"]).exits(1);
    }
    assert!(!root.join("etc/init.d/eco").exists());
}

#[test]
fn where_nothing_starts_services_it_is_said() {
    let env = TestEnv::new();
    let root = env.path("");
    let root = root.to_str().unwrap();
    env.eco(&["startup", "--root", root]).exits(2).says("--init systemd").says("eco run");
    env.eco(&["startup", "--user", "--init", "runit", "--root", root])
        .exits(2)
        .says("runit has no");
}

#[test]
fn systemd_finds_no_fault_with_the_unit() {
    program("systemd-analyze");
    let env = TestEnv::new();
    let root = env.path("root");
    env.eco(&["startup", "--init", "systemd", "--root", root.to_str().unwrap()]).ok();
    let unit = root.join("etc/systemd/system/eco.service");
    let output = Command::new("systemd-analyze")
        .args(["verify", "--recursive-errors=no"])
        .arg(unit)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // Known from version 254 on.
    let faults = said.lines().filter(|line| !line.contains("'DelegateSubgroup'"));
    let faults: Vec<&str> = faults.filter(|line| line.contains("eco.service")).collect();
    assert!(faults.is_empty(), "{said}");
}

#[test]
fn runit_keeps_eco_and_eco_keeps_its_apps() {
    let runsv = installed("tests/.cache/runit/usr/bin/runsv");
    let env = TestEnv::with_apps("  web: { command: sleep 100000 }\n");
    let root = env.path("root");
    env.eco(&["startup", "--init", "runit", "--root", root.to_str().unwrap()]).ok();
    let mut runit = Command::new(runsv).arg(root.join("etc/sv/eco")).spawn().unwrap();
    let is_up = || env.call(&["daemon", "status"]).run().code == Some(0);
    env.wait_for("eco", is_up);
    env.apply();
    let pid = env.pid("web");

    env.kill_roles(&["keeper"]);
    env.wait_for("the next keeper", is_up);
    assert_eq!(env.pid("web"), pid);
    env.eco(&["status"]).ok();

    // It passes the end on and waits.
    send(runit.id(), Signal::TERM);
    assert!(runit.wait().unwrap().success());
    assert!(!alive(pid));
    env.eco(&["daemon", "status"]).exits(3);
}
