//! Followed ecosystem files and watched sources, on a real file system.

mod files;
mod sources;

use std::{
    fs,
    future::Future,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A temporary directory whose path has no symbolic link in it.
struct Dir {
    path: PathBuf,
    _kept: tempfile::TempDir,
}

impl Dir {
    fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        Self { path: kept.path().canonicalize().unwrap(), _kept: kept }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

/// Runs one asynchronous test; it fails when it takes too long, whatever it waits for.
fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), test).await.expect("waited in vain");
    });
}

fn git(dir: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .current_dir(dir)
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
        .args(["-c", "core.hooksPath=/dev/null", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
