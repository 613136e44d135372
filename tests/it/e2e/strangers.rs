//! What other users of the machine may not do. As root, since only root can be another user.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
};

use super::TWO_SLEEPERS;
use crate::harness::{TestEnv, file_of};

const NOBODY: u32 = 65534;

fn as_root() {
    assert!(rustix::process::geteuid().is_root(), "run it as root: it becomes another user");
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn root_takes_no_orders_from_files_that_others_can_write() {
    as_root();
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    let file = env.path("ecosystem.yaml");
    chown(&file, Some(NOBODY), None).unwrap();
    for words in [&["apply"][..], &["diff"], &["validate"]] {
        env.eco(words).exits(2).says("user 65534's").says("chown root");
    }
    chown(&file, Some(0), None).unwrap();
    chmod(&file, 0o666);
    env.eco(&["apply"]).exits(2).says("everybody may write the file").says("chmod o-w");
    chmod(&file, 0o644);
    let dir = env.dir();
    let before = fs::metadata(&dir).unwrap().permissions().mode();
    chmod(&dir, 0o777);
    env.eco(&["apply"]).exits(2).says("put another file in the place");
    chmod(&dir, before);
    env.eco(&["apply", "--watch"]).ok();
    // One that is followed: what ran goes on.
    let pids = env.pids("web");
    chmod(&file, 0o666);
    // In place: one that is renamed to there has a mode of its own.
    fs::write(&file, file_of("shop", "  web: { command: sleep 5, instances: 3 }\n")).unwrap();
    env.wait_for("the fault", || env.status()["file"]["state"] == "broken");
    assert_eq!(env.pids("web"), pids);
    chmod(&file, 0o644);
}

/// Whatever comes at the socket of the API, it answers the next one.
#[test]
fn any_bytes_at_the_api_harm_nobody() {
    use std::io::{Read as _, Write as _};
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    let (pids, controller) = (env.pids("web"), env.daemon_pid("controller"));
    let socket = env.home().join("run/api.sock");
    let long = [b"GET /".to_vec(), vec![b'a'; 1 << 20], b" HTTP/1.1\r\n\r\n".to_vec()].concat();
    let body = |length: &str, body: &str| {
        format!("POST /v1/apply HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}")
            .into_bytes()
    };
    let all = [
        Vec::new(),
        b"\0\xff\xfe".to_vec(),
        b"GET".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        long,
        body("99999999999999999999", "{}"),
        body("5", "{\"a\":"),
        body("2", "{}"),
        (0..=255).cycle().take(100_000).collect(),
    ];
    for bytes in all {
        let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
        // It may hang up before all is sent, and need not say why.
        stream.write_all(&bytes).unwrap_or_default();
        stream.shutdown(std::net::Shutdown::Write).unwrap_or_default();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap_or_default();
        assert_eq!(env.pids("web"), pids);
    }
    assert_eq!(env.daemon_pid("controller"), controller);
}

#[test]
fn nobody_but_the_owner_and_root_is_answered() {
    as_root();
    let env = TestEnv::with_apps(TWO_SLEEPERS);
    env.apply();
    // Somebody has opened what eco keeps closed.
    let socket = env.home().join("run/api.sock");
    let owner = |path: &Path| {
        (fs::metadata(path).unwrap().uid(), fs::metadata(path).unwrap().mode() & 0o777)
    };
    assert_eq!(owner(&env.home().join("run")), (0, 0o700));
    for dir in socket.ancestors().skip(1).take_while(|dir| dir.parent().is_some()) {
        if fs::metadata(dir).unwrap().permissions().mode() & 0o001 == 0 {
            chmod(dir, 0o755);
        }
    }
    chmod(&socket, 0o777);
    let starter = ["setpriv", "--reuid", "65534", "--clear-groups"];
    let refused = env.call_by(&starter, &["daemon", "status"]).run();
    assert_ne!(refused.code, Some(0), "{refused}");
    assert!(!refused.stdout.contains("keeper"), "{refused}");
    env.eco(&["daemon", "status"]).ok();
}
