//! The many ways in which a followed file is saved: each quiet period is one change at most.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::harness::{TestEnv, file_of};

/// Saves with a longer pause than this between them may be taken for two.
const PAUSE: Duration = Duration::from_millis(50);

fn web(count: usize) -> String {
    format!("  web: {{ command: sleep 100000, instances: {count} }}\n")
}

fn followed() -> TestEnv {
    let env = TestEnv::with_apps(&web(1));
    env.eco(&["apply", "--watch"]).ok();
    env
}

fn applied(env: &TestEnv) -> usize {
    env.events().iter().filter(|event| event["type"] == "applied").count()
}

fn wait_instances(env: &TestEnv, count: usize) {
    env.wait_for(&format!("{count} instances"), || {
        env.pids("web").len() == count && env.is("web", "ready")
    });
}

/// Does something again and again; how often it took so long that there may have been quiet.
fn pauses(times: usize, mut act: impl FnMut(usize)) -> usize {
    let mut last = Instant::now();
    let mut pauses = 0;
    for time in 0..times {
        act(time);
        pauses += usize::from(PAUSE < last.elapsed());
        last = Instant::now();
    }
    pauses
}

#[test]
fn a_hundred_saves_are_one_change() {
    let env = followed();
    let before = applied(&env);
    let pauses = pauses(100, |time| env.apps(&web(1 + time % 3)));
    env.apps(&web(4));
    wait_instances(&env, 4);
    let changes = applied(&env) - before;
    assert!(changes <= 1 + 2 * pauses, "{changes} changes by 101 saves with {pauses} pauses");
}

#[test]
fn what_is_wrong_for_a_moment_is_never_told() {
    let env = followed();
    let before = applied(&env);
    let file = env.path("ecosystem.yaml");
    let whole = file_of("shop", &web(2));
    let pauses = pauses(30, |time| {
        let text = match time % 3 {
            0 => &whole[..whole.len() / 2],
            1 => "",
            _ => "apps: [",
        };
        fs::write(&file, text).unwrap();
    });
    fs::write(&file, &whole).unwrap();
    wait_instances(&env, 2);
    let changes = applied(&env) - before;
    assert!(changes <= 1 + 2 * pauses, "{changes} changes, {pauses} pauses");
    let broken = env.events().iter().filter(|event| event["type"] == "file_broken").count();
    assert!(broken <= 2 * pauses, "{broken} faults told, {pauses} pauses");
}

/// What vim, Emacs and others put beside a file while it is edited.
#[test]
fn the_files_of_editors_beside_it_are_none_of_its_changes() {
    let env = followed();
    let before = applied(&env);
    let pids = env.pids("web");
    for _ in 0..20 {
        for name in [".ecosystem.yaml.swp", "4913", "#ecosystem.yaml#", "ecosystem.yaml~"] {
            fs::write(env.path(name), file_of("shop", &web(9))).unwrap();
        }
        std::os::unix::fs::symlink("me@here.42:1", env.path(".#ecosystem.yaml")).unwrap();
        for name in [".ecosystem.yaml.swp", "4913", "#ecosystem.yaml#", ".#ecosystem.yaml"] {
            fs::remove_file(env.path(name)).unwrap();
        }
    }
    // As vim saves: the old one becomes the backup.
    fs::rename(env.path("ecosystem.yaml"), env.path("ecosystem.yaml~")).unwrap();
    fs::write(env.path("ecosystem.yaml"), file_of("shop", &web(2))).unwrap();
    wait_instances(&env, 2);
    assert_eq!(applied(&env) - before, 1, "{:#?}", env.events());
    assert!(pids.iter().all(|(id, pid)| env.pids("web").get(id) == Some(pid)));
}

/// The file, its env file and many others come with another branch, in any order.
#[test]
fn a_checkout_of_fifty_files_is_one_change() {
    let env = TestEnv::new();
    let branch = |count: usize| {
        for number in 0..48 {
            env.write(&format!("src/file{number}.js"), &format!("{count}\n"));
        }
        env.write("app.env", &format!("COUNT={count}\n"));
        let text = format!(
            "  web:\n    command: sleep 100000\n    instances: {count}\n    env_file: app.env\n"
        );
        env.apps(&text);
    };
    let git = |args: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(["-c", "user.name=x", "-c", "user.email=x@example.org"]).args(args);
        let done = git.current_dir(env.dir()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "-q", "-b", "one"]);
    branch(1);
    git(&["add", "."]);
    git(&["commit", "-qm", "one"]);
    git(&["checkout", "-qb", "two"]);
    branch(2);
    git(&["commit", "-qam", "two"]);
    git(&["checkout", "-q", "one"]);
    env.eco(&["apply", "--watch"]).ok();
    let before = applied(&env);
    let begun = Instant::now();
    git(&["checkout", "-q", "two"]);
    let slow = usize::from(PAUSE < begun.elapsed());
    wait_instances(&env, 2);
    let changes = applied(&env) - before;
    assert!(changes <= 1 + slow, "{changes} changes");
    env.eco(&["diff"]).ok();
}
