//! What a test finds on the machine: ports, programs, the repository's files.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

/// A port of 127.0.0.1 that nothing listens at just now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Removes the control groups of a killed eco with this directory, which nobody removes any more.
pub(super) fn remove_groups(run_dir: &Path) {
    let hash = run_dir.as_os_str().as_encoded_bytes().iter();
    let hash = hash.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    for words in mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()) {
        if words.get(2) == Some(&"cgroup2") {
            let dir = Path::new(words[1]).join(format!("eco-{hash:016x}"));
            for group in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
                std::fs::remove_dir(group.path()).unwrap_or_default();
            }
            std::fs::remove_dir(&dir).unwrap_or_default();
        }
    }
}

/// A path below the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What `tests/run` installs; fails in words where it has not run.
pub(crate) fn installed(path: &str) -> PathBuf {
    let path = repository(path);
    assert!(path.exists(), "{} is missing: run tests/run", path.display());
    path
}

/// Finds a program that `tests/run` installs; fails in words where it has not run.
pub(crate) fn program(name: &str) -> PathBuf {
    let dirs = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&dirs)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("`{name}` is missing: run tests/run"))
}

/// A GET request; the body, or `None` while nobody answers with 200.
pub(crate) fn http_get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.lines().next()?.contains(" 200 ").then(|| body.to_owned())
}
