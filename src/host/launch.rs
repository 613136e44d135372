//! Starting the keeper: the only program that anything but the keeper starts.

use std::{
    io::{self, Read as _},
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
};

use super::home::Home;

/// What the keeper gets of the caller's environment: where eco's things are, how much it says, and
/// what the system needs to show times and text, and to know whom to trust over TLS.
const KEPT: [&str; 9] = [
    "ECO_HOME",
    "ECO_LOG",
    super::cgroup::PLACE,
    "HOME",
    "PATH",
    "TZ",
    "LANG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// The words of `keeper::{READY, HELD, DETACH}`, which this layer does not import.
const READY: &str = "ready";
const HELD: &str = "held";
const DETACH: &str = "--detach";

/// What a service manager gives the services it starts: where they say that they are ready.
const NOTIFY: &str = "NOTIFY_SOCKET";
/// Set in a keeper that somebody else looks after, and in its controller.
pub const SERVICE: &str = "ECO_SERVICE";

/// Has this process become the keeper, for whoever looks after services. It returns only if it
/// could not.
#[expect(clippy::disallowed_methods, reason = "this is where the keeper is started")]
pub fn become_keeper(home: &Home) -> io::Error {
    let kept = KEPT.iter().chain([&NOTIFY]);
    let kept = kept.filter_map(|name| Some((*name, std::env::var_os(name)?)));
    Command::new("/proc/self/exe")
        .arg("__keeper")
        .arg(&home.run)
        .env_clear()
        .envs(kept)
        .env(SERVICE, "1")
        .stdin(Stdio::null())
        .exec()
}

/// Starts a keeper for this home, unless one runs. Returns once the API's socket takes
/// connections; the error says in words what the keeper could not do.
#[expect(clippy::disallowed_methods, reason = "this is where the keeper is started")]
pub fn start_keeper(home: &Home) -> io::Result<()> {
    let kept = KEPT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
    let mut keeper = Command::new("/proc/self/exe")
        .arg("__keeper")
        .arg(&home.run)
        .arg(DETACH)
        .env_clear()
        .envs(kept)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut said = String::new();
    let read = match keeper.stdout.take() {
        Some(mut output) => output.read_to_string(&mut said),
        None => Ok(0),
    };
    // The process started here ends as soon as the keeper has left it.
    keeper.wait()?;
    read?;
    match said.trim_end() {
        READY | HELD => Ok(()),
        "" => Err(io::Error::other("the keeper ended without a word")),
        fault => Err(io::Error::other(fault.to_owned())),
    }
}
