//! Started with the machine, by a real systemd.

use std::process::Command;

use crate::harness::{program, repository};

#[test]
fn systemd_starts_eco_and_leaves_the_apps_alone_when_it_dies() {
    program("systemd-nspawn");
    assert!(rustix::process::geteuid().is_root(), "run it as root: it boots a container");
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(repository("tests/support/boot/boots.sh"))
        .args([env!("CARGO_BIN_EXE_eco").as_ref(), dir.path().as_os_str()])
        .output()
        .unwrap();
    let (found, trace) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let expected = [
        "applied",
        "written",
        "started",
        "the service took the apps over",
        "it is the keeper",
        "enabled",
        "another keeper",
        "it is the service's",
        "the apps did not notice",
        "restarted",
        "the apps are back",
        "they were stopped in order: 2",
        "status: fine",
        // And after a reboot.
        "the apps are back",
        "stopped in order: 4",
        "started once",
        "stopped",
        "nothing is left",
        "inactive",
        "removed",
    ];
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found, expected, "{trace}");
}
