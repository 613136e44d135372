//! Watched sources: every edit counts once things are quiet, and nothing else does.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
};

use eco::{
    host::source_watch::{SourceChanged, SourceWatcher},
    model::{AppKey, WatchPolicy},
};

use super::{Dir, git, run};

fn app(name: &str) -> AppKey {
    AppKey { project: "shop".parse().unwrap(), app: name.parse().unwrap() }
}

/// The app that is reported last of those that are due at once.
fn last() -> AppKey {
    app("zz-sentinel")
}

fn policy(base: &Path, paths: &[&str], ignore: &[&str]) -> WatchPolicy {
    WatchPolicy {
        paths: paths.iter().map(|path| base.join(path)).collect(),
        ignore: ignore.iter().map(|&pattern| pattern.to_owned()).collect(),
        base: base.to_owned(),
    }
}

/// A project with one watched app and a file whose edit tells that all before it was handled.
struct Watched {
    dir: Dir,
    watcher: SourceWatcher,
    round: u32,
}

impl Watched {
    async fn new(dir: Dir, paths: &[&str], ignore: &[&str], exclude: &[&str]) -> Self {
        fs::create_dir(dir.path.join("sentinel")).unwrap();
        let mut watcher = SourceWatcher::new();
        let exclude: Vec<PathBuf> = exclude.iter().map(|path| dir.path.join(path)).collect();
        watcher.watch(app("web"), &policy(&dir.path, paths, ignore), exclude);
        watcher.watch(last(), &policy(&dir.path, &["sentinel"], &[]), Vec::new());
        let mut begun = Self { dir, watcher, round: 0 };
        // The second time, what was written just before the watch began is surely behind.
        begun.settle().await;
        begun.settle().await;
        begun
    }

    async fn next(&mut self) -> SourceChanged {
        self.watcher.next().await.unwrap()
    }

    /// Waits until all that happened before is handled; gives what was reported for the app.
    async fn settle(&mut self) -> Vec<PathBuf> {
        self.round += 1;
        let now = self.dir.write(&format!("sentinel/{}", self.round), "");
        let mut seen = Vec::new();
        loop {
            let changed = self.next().await;
            if changed.key != last() {
                seen.extend(changed.paths);
            } else if changed.paths.contains(&now) {
                return seen;
            }
        }
    }

    /// Does something that has to be reported, and gives the paths that are.
    async fn reported(&mut self, act: impl FnOnce(&Dir)) -> Vec<PathBuf> {
        act(&self.dir);
        let paths = self.settle().await;
        assert!(!paths.is_empty(), "not reported");
        paths
    }

    /// Does something that must not be reported.
    async fn unreported(&mut self, act: impl FnOnce(&Dir)) {
        act(&self.dir);
        assert_eq!(self.settle().await, Vec::<PathBuf>::new());
    }
}

#[test]
fn edits_of_all_kinds_are_reported() {
    run(async {
        let dir = Dir::new();
        let file = dir.write("src/a.js", "0");
        dir.write("src/deep/b.js", "0");
        let mut watched = Watched::new(dir, &["src"], &[], &[]).await;
        let paths = watched.reported(|dir| drop(dir.write("src/a.js", "1"))).await;
        assert_eq!(paths, std::slice::from_ref(&file));
        watched.reported(|dir| drop(dir.write("src/new.js", ""))).await;
        watched.reported(|_| fs::remove_file(&file).unwrap()).await;
        let rename = |dir: &Dir| {
            fs::rename(dir.path.join("src/deep/b.js"), dir.path.join("src/deep/c.js")).unwrap();
        };
        watched.reported(rename).await;
        let atomic = |dir: &Dir| {
            let new = dir.write("src/.c.js.tmp", "2");
            fs::rename(new, dir.path.join("src/deep/c.js")).unwrap();
        };
        watched.reported(atomic).await;
        let link = |dir: &Dir| symlink("deep/c.js", dir.path.join("src/link.js")).unwrap();
        watched.reported(link).await;
    });
}

#[test]
fn new_directories_are_watched_too() {
    run(async {
        let dir = Dir::new();
        dir.write("src/a.js", "0");
        let mut watched = Watched::new(dir, &["src"], &[], &[]).await;
        watched.reported(|dir| drop(dir.write("src/x/y/z/new.js", "0"))).await;
        watched.reported(|dir| drop(dir.write("src/x/y/z/new.js", "1"))).await;
        watched.reported(|dir| drop(dir.write("src/x/y/other.js", "1"))).await;
        let moved = |dir: &Dir| {
            fs::rename(dir.path.join("src/x"), dir.path.join("src/w")).unwrap();
        };
        watched.reported(moved).await;
        watched.reported(|dir| drop(dir.write("src/w/y/z/new.js", "2"))).await;
        let replaced = |dir: &Dir| {
            fs::remove_dir_all(dir.path.join("src/w")).unwrap();
            dir.write("src/w/y/z/new.js", "3");
        };
        watched.reported(replaced).await;
        watched.reported(|dir| drop(dir.write("src/w/y/z/new.js", "4"))).await;
        let outside = |dir: &Dir| {
            dir.write("outside/n/a.js", "5");
            fs::rename(dir.path.join("outside"), dir.path.join("src/inside")).unwrap();
        };
        watched.reported(outside).await;
        watched.reported(|dir| drop(dir.write("src/inside/n/a.js", "6"))).await;
    });
}

#[test]
fn ignored_files_do_not_count() {
    run(async {
        let dir = Dir::new();
        git(&dir.path, &["init", "-q"]);
        dir.write(".gitignore", "dist/\n*.tmp\n!keep.tmp\n");
        dir.write("src/a.js", "0");
        dir.write("src/sub/.gitignore", "/generated\n");
        let ignore = ["*.log", "/src/data/"];
        let mut watched = Watched::new(dir, &["."], &ignore, &["logs", "sentinel"]).await;
        let quiet = |dir: &Dir| {
            for name in [
                "logs/web-0.out.log",
                "src/logs.log",
                "dist/deep/bundle.js",
                "src/dist/x.js",
                "src/a.tmp",
                "src/data/store.db",
                "src/sub/generated",
                "node_modules/express/index.js",
                ".git/index.lock",
                "src/__pycache__/a.cpython-312.pyc",
                "src/.a.js.swp",
                "src/a.js~",
            ] {
                dir.write(name, "1");
            }
            fs::remove_dir_all(dir.path.join("dist")).unwrap();
            fs::remove_file(dir.path.join("src/a.tmp")).unwrap();
            fs::rename(dir.path.join("src/dist"), dir.path.join("src/data/dist")).unwrap();
        };
        watched.unreported(quiet).await;
        // Reading, touching and changing rights is no edit; neither is a program's own socket.
        let idle = |dir: &Dir| {
            let file = dir.path.join("src/a.js");
            assert_eq!(fs::read_to_string(&file).unwrap(), "0");
            let open = fs::File::options().append(true).open(&file).unwrap();
            let now = std::time::SystemTime::now();
            open.set_times(fs::FileTimes::new().set_accessed(now).set_modified(now)).unwrap();
            drop(UnixListener::bind(dir.path.join("src/app.sock")).unwrap());
        };
        watched.unreported(idle).await;
        watched.unreported(|dir| fs::remove_file(dir.path.join("src/app.sock")).unwrap()).await;
        watched.reported(|dir| drop(dir.write("src/a.js", "1"))).await;
        watched.reported(|dir| drop(dir.write("src/keep.tmp", "1"))).await;
        watched.reported(|dir| drop(dir.write("src/generated", "1"))).await;
        // A changed `.gitignore` holds at once.
        watched.reported(|dir| drop(dir.write(".gitignore", "*.js\n"))).await;
        watched.unreported(|dir| drop(dir.write("src/a.js", "2"))).await;
        watched.reported(|dir| drop(dir.write("src/a.tmp", "2"))).await;
    });
}

#[test]
fn a_gitignore_above_the_watched_directory_holds() {
    run(async {
        let dir = Dir::new();
        git(&dir.path, &["init", "-q"]);
        dir.write(".gitignore", "*.out\n");
        dir.write("app/src/a.js", "0");
        let mut watched = Watched::new(dir, &["app/src"], &[], &[]).await;
        watched.unreported(|dir| drop(dir.write("app/src/a.out", "1"))).await;
        watched.reported(|dir| drop(dir.write(".gitignore", "*.js\n"))).await;
        watched.unreported(|dir| drop(dir.write("app/src/a.js", "1"))).await;
        watched.reported(|dir| drop(dir.write("app/src/a.out", "2"))).await;
    });
}

#[test]
fn many_edits_make_few_reports_and_the_last_one_counts() {
    run(async {
        let dir = Dir::new();
        let file = dir.write("src/a.js", "0");
        let mut watched = Watched::new(dir, &["src"], &[], &[]).await;
        let writer = std::thread::spawn(move || {
            (1..=50).for_each(|i| fs::write(&file, format!("{i}")).unwrap());
        });
        let mut reports = 0;
        loop {
            // What the report is about is read after it, as a restarted program would.
            assert_eq!(watched.next().await.key, app("web"));
            reports += 1;
            if fs::read_to_string(watched.dir.path.join("src/a.js")).unwrap() == "50" {
                break;
            }
        }
        writer.join().unwrap();
        assert!(reports <= 10, "{reports} reports of 50 edits");
        watched.settle().await;
        watched.reported(|dir| drop(dir.write("src/a.js", "51"))).await;
    });
}

#[test]
fn more_events_than_are_kept_lose_no_edit() {
    run(async {
        let dir = Dir::new();
        dir.write("src/a.js", "0");
        let mut watched = Watched::new(dir, &["src"], &[], &[]).await;
        let flood = |dir: &Dir| {
            for i in 0..20_000 {
                fs::write(dir.path.join(format!("src/{}.js", i % 500)), "x").unwrap();
            }
        };
        watched.reported(flood).await;
        watched.reported(|dir| drop(dir.write("src/deep/a.js", "1"))).await;
    });
}

#[test]
fn a_single_file_is_watched_through_editors_and_removal() {
    run(async {
        let dir = Dir::new();
        dir.write("server.js", "0");
        let mut watched = Watched::new(dir, &["server.js"], &[], &[]).await;
        watched.unreported(|dir| drop(dir.write("other.js", "1"))).await;
        watched.reported(|dir| drop(dir.write("server.js", "1"))).await;
        let atomic = |dir: &Dir| {
            let new = dir.write(".new", "2");
            fs::rename(new, dir.path.join("server.js")).unwrap();
        };
        watched.reported(atomic).await;
        watched.reported(|dir| fs::remove_file(dir.path.join("server.js")).unwrap()).await;
        watched.reported(|dir| drop(dir.write("server.js", "3"))).await;
        watched.reported(|dir| drop(dir.write("server.js", "4"))).await;
    });
}

#[test]
fn a_release_swapped_by_its_link_is_a_change() {
    run(async {
        let dir = Dir::new();
        dir.write("release1/src/a.js", "1");
        dir.write("release2/src/a.js", "2");
        symlink("release1", dir.path.join("current")).unwrap();
        let mut watched = Watched::new(dir, &["current/src"], &[], &[]).await;
        watched.reported(|dir| drop(dir.write("release1/src/a.js", "1a"))).await;
        let swap = |dir: &Dir| {
            symlink("release2", dir.path.join("next")).unwrap();
            fs::rename(dir.path.join("next"), dir.path.join("current")).unwrap();
        };
        watched.reported(swap).await;
        watched.reported(|dir| drop(dir.write("release2/src/a.js", "2a"))).await;
        watched.unreported(|dir| drop(dir.write("release1/src/a.js", "1b"))).await;
    });
}

#[test]
fn a_directory_that_comes_later_is_watched() {
    run(async {
        let dir = Dir::new();
        let mut watched = Watched::new(dir, &["later/src"], &[], &[]).await;
        watched.reported(|dir| drop(dir.write("later/src/a.js", "1"))).await;
        watched.reported(|dir| drop(dir.write("later/src/a.js", "2"))).await;
        watched.reported(|dir| fs::remove_dir_all(dir.path.join("later")).unwrap()).await;
        watched.reported(|dir| drop(dir.write("later/src/a.js", "3"))).await;
        watched.reported(|dir| drop(dir.write("later/src/a.js", "4"))).await;
    });
}

#[test]
fn an_edit_right_after_the_watch_began_is_not_lost() {
    run(async {
        for _ in 0..10 {
            let dir = Dir::new();
            let file = dir.write("src/deep/a.js", "0");
            let mut watcher = SourceWatcher::new();
            watcher.watch(app("web"), &policy(&dir.path, &["src"], &[]), Vec::new());
            fs::write(&file, "1").unwrap();
            let changed = watcher.next().await.unwrap();
            assert_eq!(changed, SourceChanged { key: app("web"), paths: vec![file] });
        }
    });
}

#[test]
fn apps_that_share_a_directory_each_hear_of_it_by_their_own_rules() {
    run(async {
        let dir = Dir::new();
        dir.write("src/a.js", "0");
        let mut watched = Watched::new(dir, &["src"], &[], &[]).await;
        let base = watched.dir.path.clone();
        watched.watcher.watch(app("other"), &policy(&base, &["src"], &["*.js"]), Vec::new());
        watched.settle().await;
        let a = watched.dir.write("src/a.js", "1");
        assert_eq!(watched.next().await, SourceChanged { key: app("web"), paths: vec![a] });
        watched.watcher.unwatch(&app("web"));
        watched.dir.write("src/a.js", "2");
        let b = watched.dir.write("src/b.txt", "2");
        assert_eq!(watched.next().await, SourceChanged { key: app("other"), paths: vec![b] });
    });
}
