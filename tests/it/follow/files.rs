//! Every way an ecosystem file is replaced in practice; each must be seen, and a later write too.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use eco::{
    host::follow::{Content, Follower},
    model::ProjectName,
};

use super::{Dir, git, run};

fn name(text: &str) -> ProjectName {
    text.parse().unwrap()
}

/// The next change. Where watches are used up, changes are seen later, but they are.
async fn next(follower: &mut Follower) -> ProjectName {
    loop {
        if let Ok(changed) = follower.next().await {
            return changed.key;
        }
    }
}

/// Waits until a report comes at which the file holds `text`.
async fn reported_with(follower: &mut Follower, key: &ProjectName, file: &Path, text: &str) {
    loop {
        assert_eq!(next(follower).await, *key);
        if fs::read_to_string(file).ok().as_deref() == Some(text) {
            return;
        }
    }
}

/// Follows the file that `set_up` makes, changes it by `act`, waits until it is reported holding
/// `wanted`, and does the same with a plain write afterwards.
fn scenario(set_up: impl Fn(&Dir) -> PathBuf, act: impl Fn(&Path), wanted: &str) {
    let dir = Dir::new();
    let file = set_up(&dir);
    let key = name("shop");
    run(async move {
        let mut follower = Follower::new();
        follower.follow(key.clone(), vec![file.clone()]);
        act(&file);
        reported_with(&mut follower, &key, &file, wanted).await;
        fs::write(&file, "later\n").unwrap();
        reported_with(&mut follower, &key, &file, "later\n").await;
        drop(dir);
    });
}

fn plain(dir: &Dir) -> PathBuf {
    // One level down, so that tests which replace the parent stay within their directory.
    dir.write("project/ecosystem.yaml", "v: 0\n")
}

#[test]
fn written_in_place() {
    scenario(plain, |file| fs::write(file, "v: 1\n").unwrap(), "v: 1\n");
}

#[test]
fn moved_aside_and_written_anew() {
    let act = |file: &Path| {
        let aside = file.with_extension("yaml~");
        fs::rename(file, &aside).unwrap();
        fs::write(file, "v: 1\n").unwrap();
        fs::remove_file(aside).unwrap();
    };
    scenario(plain, act, "v: 1\n");
}

#[test]
fn replaced_by_a_rename() {
    let act = |file: &Path| {
        let new = file.with_file_name(".new");
        fs::write(&new, "v: 1\n").unwrap();
        fs::rename(&new, file).unwrap();
    };
    scenario(plain, act, "v: 1\n");
}

#[test]
fn deleted_and_written_again_once_that_was_reported() {
    let dir = Dir::new();
    let file = plain(&dir);
    let key = name("shop");
    run(async {
        let mut follower = Follower::new();
        follower.follow(key.clone(), vec![file.clone()]);
        fs::remove_file(&file).unwrap();
        assert_eq!(next(&mut follower).await, key);
        fs::write(&file, "v: 1\n").unwrap();
        reported_with(&mut follower, &key, &file, "v: 1\n").await;
        fs::write(&file, "later\n").unwrap();
        reported_with(&mut follower, &key, &file, "later\n").await;
    });
}

#[test]
fn a_thousand_writes_make_few_reports() {
    let dir = Dir::new();
    let file = plain(&dir);
    let key = name("shop");
    run(async {
        let mut follower = Follower::new();
        follower.follow(key.clone(), vec![file.clone()]);
        let writer = std::thread::spawn({
            let file = file.clone();
            move || (1..=1000).for_each(|i| fs::write(&file, format!("v: {i}\n")).unwrap())
        });
        let mut reports = 0;
        loop {
            assert_eq!(next(&mut follower).await, key);
            reports += 1;
            if fs::read_to_string(&file).unwrap() == "v: 1000\n" {
                break;
            }
        }
        writer.join().unwrap();
        assert!(reports < 200, "{reports} reports of 1000 writes");
        fs::write(&file, "later\n").unwrap();
        reported_with(&mut follower, &key, &file, "later\n").await;
    });
}

#[test]
fn written_in_two_steps() {
    let act = |file: &Path| {
        let mut open = fs::File::create(file).unwrap();
        open.write_all(b"v: ").unwrap();
        std::thread::sleep(Duration::from_millis(20));
        open.write_all(b"7\n").unwrap();
    };
    scenario(plain, act, "v: 7\n");
}

#[test]
fn touch_and_chmod_are_no_change() {
    let dir = Dir::new();
    let file = plain(&dir);
    let sentinel = dir.write("project/sentinel.yaml", "v: 0\n");
    run(async {
        let mut follower = Follower::new();
        follower.follow(name("shop"), vec![file.clone()]);
        follower.follow(name("sentinel"), vec![sentinel.clone()]);
        for round in 1..=3 {
            let touched = fs::File::options().append(true).open(&file).unwrap();
            touched.set_modified(std::time::SystemTime::now()).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            let same = dir.write("project/.new", "v: 0\n");
            fs::rename(same, &file).unwrap();
            fs::write(&sentinel, format!("v: {round}\n")).unwrap();
            reported_with(&mut follower, &name("sentinel"), &sentinel, &format!("v: {round}\n"))
                .await;
        }
        fs::write(&file, "later\n").unwrap();
        reported_with(&mut follower, &name("shop"), &file, "later\n").await;
    });
}

#[test]
fn parent_directory_moved_away_and_made_again() {
    let act = |file: &Path| {
        let parent = file.parent().unwrap();
        fs::rename(parent, parent.with_extension("old")).unwrap();
        fs::create_dir(parent).unwrap();
        fs::write(file, "v: 3\n").unwrap();
    };
    scenario(plain, act, "v: 3\n");
}

#[test]
fn parent_directory_deleted_and_made_again() {
    let act = |file: &Path| {
        let parent = file.parent().unwrap();
        fs::remove_dir_all(parent).unwrap();
        fs::create_dir(parent).unwrap();
        fs::write(file, "v: 3\n").unwrap();
    };
    scenario(plain, act, "v: 3\n");
}

#[test]
fn mounted_config_map_swapped() {
    let set_up = |dir: &Dir| {
        dir.write("..1/ecosystem.yaml", "v: 1\n");
        dir.write("..2/ecosystem.yaml", "v: 2\n");
        symlink("..1", dir.path.join("..data")).unwrap();
        let file = dir.path.join("ecosystem.yaml");
        symlink("..data/ecosystem.yaml", &file).unwrap();
        file
    };
    let act = |file: &Path| {
        let dir = file.parent().unwrap();
        symlink("..2", dir.join("..data_tmp")).unwrap();
        fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
        fs::remove_dir_all(dir.join("..1")).unwrap();
    };
    scenario(set_up, act, "v: 2\n");
}

#[test]
fn current_release_swapped() {
    let set_up = |dir: &Dir| {
        dir.write("release1/ecosystem.yaml", "v: 1\n");
        dir.write("release2/ecosystem.yaml", "v: 2\n");
        symlink("release1", dir.path.join("current")).unwrap();
        dir.path.join("current/ecosystem.yaml")
    };
    let act = |file: &Path| {
        let dir = file.parent().unwrap().parent().unwrap();
        symlink("release2", dir.join("next")).unwrap();
        fs::rename(dir.join("next"), dir.join("current")).unwrap();
    };
    scenario(set_up, act, "v: 2\n");
}

fn linked(dir: &Dir) -> PathBuf {
    dir.write("real/e.yaml", "v: 1\n");
    fs::create_dir(dir.path.join("linked")).unwrap();
    let file = dir.path.join("linked/ecosystem.yaml");
    symlink("../real/e.yaml", &file).unwrap();
    file
}

#[test]
fn link_into_another_directory_written_in_place() {
    scenario(linked, |file| fs::write(file, "v: 2\n").unwrap(), "v: 2\n");
}

#[test]
fn link_into_another_directory_replaced_by_a_rename() {
    let act = |file: &Path| {
        let real = fs::canonicalize(file).unwrap();
        fs::write(real.with_extension("new"), "v: 5\n").unwrap();
        fs::rename(real.with_extension("new"), real).unwrap();
    };
    scenario(linked, act, "v: 5\n");
}

#[test]
fn git_checkout_of_another_branch() {
    let set_up = |dir: &Dir| {
        let file = plain(dir);
        let at = file.parent().unwrap();
        git(at, &["init", "-q", "-b", "main"]);
        git(at, &["add", "."]);
        git(at, &["commit", "-qm", "a"]);
        git(at, &["checkout", "-qb", "two"]);
        fs::write(&file, "v: two\n").unwrap();
        git(at, &["commit", "-qam", "b"]);
        git(at, &["checkout", "-q", "main"]);
        file
    };
    let act = |file: &Path| git(file.parent().unwrap(), &["checkout", "-q", "two"]);
    scenario(set_up, act, "v: two\n");
}

#[test]
fn a_file_that_is_not_there_yet() {
    let set_up = |dir: &Dir| dir.path.join("a/b/ecosystem.yaml");
    let act = |file: &Path| {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "v: 1\n").unwrap();
    };
    scenario(set_up, act, "v: 1\n");
}

#[test]
fn what_was_read_before_following_counts() {
    let dir = Dir::new();
    let file = plain(&dir);
    let key = name("shop");
    run(async {
        let mut follower = Follower::new();
        follower.follow_from(key.clone(), vec![(file.clone(), Content::of_bytes(b"older"))]);
        reported_with(&mut follower, &key, &file, "v: 0\n").await;
        // Once reported, the same content is none any more.
        follower.follow(key.clone(), vec![file.clone()]);
        fs::write(&file, "v: 1\n").unwrap();
        reported_with(&mut follower, &key, &file, "v: 1\n").await;
    });
}

#[test]
fn an_unfollowed_project_is_not_reported() {
    let dir = Dir::new();
    let file = plain(&dir);
    let other = dir.write("other/ecosystem.yaml", "v: 0\n");
    run(async {
        let mut follower = Follower::new();
        follower.follow(name("shop"), vec![file.clone()]);
        follower.follow(name("other"), vec![other.clone()]);
        follower.unfollow(&name("shop"));
        fs::write(&file, "v: 1\n").unwrap();
        fs::write(&other, "v: 1\n").unwrap();
        reported_with(&mut follower, &name("other"), &other, "v: 1\n").await;
    });
}

#[test]
fn any_of_several_files_counts_and_a_cancelled_wait_loses_nothing() {
    let dir = Dir::new();
    let file = plain(&dir);
    let env = dir.write("project/.env", "A=1\n");
    let key = name("shop");
    run(async {
        let mut follower = Follower::new();
        follower.follow(key.clone(), vec![file, env.clone()]);
        fs::write(&env, "A=2\n").unwrap();
        let changed = loop {
            if let Ok(changed) =
                tokio::time::timeout(Duration::from_millis(5), next(&mut follower)).await
            {
                break changed;
            }
        };
        assert_eq!(changed, key);
    });
}
