//! Files of eco's own with damage of every kind: the apps live on, nobody runs twice, and it is said.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::TWO_SLEEPERS;
use crate::harness::{TestEnv, alive};

const ALL: [&str; 3] = ["keeper", "controller", "recorder"];

/// What eco keeps on disk, sockets, locks and logs excepted.
fn kept(env: &TestEnv) -> Vec<PathBuf> {
    let mut dirs = vec![env.home()];
    let mut found = Vec::new();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            if kind.is_dir() && !path.ends_with("logs") {
                dirs.push(path);
            } else if kind.is_file() && !path.to_string_lossy().ends_with(".log") {
                found.push(path);
            }
        }
    }
    found.retain(|path| !path.ends_with("keeper.lock") && fs::metadata(path).unwrap().len() != 0);
    found.sort();
    found
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

fn pids(env: &TestEnv) -> Vec<u32> {
    ["web", "worker"].into_iter().flat_map(|app| env.pids(app).into_values()).collect()
}

fn sleepers(env: &TestEnv) -> usize {
    env.processes().iter().filter(|it| it.to_string().contains("sleep 100000")).count()
}

/// Damages each file of its own in turn, with `roles` of eco dead meanwhile.
fn survives(damage: impl Fn(&Path), roles: &[&str]) {
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let files = kept(&env);
    assert!(7 < files.len(), "{files:?}");
    for file in files {
        // What was replaced in a former round has another file now.
        if !file.exists() {
            continue;
        }
        let before = pids(&env);
        env.kill_roles(roles);
        damage(&file);
        let said = env.eco(&["status"]);
        assert!(matches!(said.code, Some(0 | 1)), "{}: {said}", file.display());
        env.eco(&["apply"]).ok();
        assert_eq!(sleepers(&env), 3, "{}: {:#?}", file.display(), env.processes());
        env.eco(&["diff"]).ok();
        let lost: Vec<u32> = before.into_iter().filter(|pid| !alive(*pid)).collect();
        // Whose file tells nothing is known to nobody any more once the keeper is dead: it makes way.
        let is_own = roles.contains(&"keeper") && file.to_string_lossy().contains("/runs/");
        assert!(lost.len() <= usize::from(is_own), "{}: {lost:?}", file.display());
    }
}

#[test]
fn a_flipped_bit_is_survived_by_a_controller() {
    survives(flip, &["controller"]);
}

#[test]
fn a_cut_file_is_survived_by_a_controller() {
    survives(cut, &["controller"]);
}

#[test]
fn a_flipped_bit_is_survived_by_all_three() {
    survives(flip, &ALL);
}

/// It says that it is of another boot.
#[test]
fn a_run_file_of_another_boot_is_survived_by_all_three() {
    let change = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        // Behind what it is, its version and two lengths.
        bytes[20] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    survives(
        |path| {
            if path.to_string_lossy().contains("/runs/") {
                change(path);
            }
        },
        &ALL,
    );
}

#[test]
fn a_cut_file_is_survived_by_all_three() {
    survives(cut, &ALL);
}
