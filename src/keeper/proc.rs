//! What the keeper reads of `/proc`.

use std::{fs, io::Read as _};

use rustix::process::Pid;

/// More than the system takes at exec.
const LONGEST_ENVIRONMENT: u64 = 8 << 20;

/// The id of this boot; empty where there is none.
pub(super) fn boot_id() -> Vec<u8> {
    let text = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim_ascii().to_vec()
}

/// What the system says about a process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stat {
    /// Only what is left of it until its parent takes note.
    pub(super) zombie: bool,
    pub(super) group: i32,
    pub(super) session: i32,
    /// When it was made, in clock ticks since boot.
    pub(super) start_ticks: u64,
    /// How it ended, as `wait` gives it; only of a zombie of this user.
    pub(super) wait_status: i32,
}

/// What the system says about the process of this number.
pub(super) fn stat(pid: u32) -> Option<Stat> {
    // Numbers and a short name: one reading has it all.
    let mut text = [0; 2048];
    let mut file = fs::File::open(format!("/proc/{pid}/stat")).ok()?;
    let count = file.read(&mut text).ok()?;
    parse(text.get(..count)?)
}

fn parse(stat: &[u8]) -> Option<Stat> {
    const GROUP: usize = 2;
    const SESSION: usize = 3;
    const START_TIME: usize = 19;
    const EXIT_CODE: usize = 49;
    // The name before it may contain anything, also `)` and spaces.
    let after_name = std::str::from_utf8(stat.rsplit(|byte| *byte == b')').next()?).ok()?;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    let small = |at: usize| fields.get(at)?.parse().ok();
    Some(Stat {
        zombie: matches!(*fields.first()?, "Z" | "X"),
        group: small(GROUP)?,
        session: small(SESSION)?,
        start_ticks: fields.get(START_TIME)?.parse().ok()?,
        wait_status: small(EXIT_CODE).unwrap_or_default(),
    })
}

/// When a process was made, in clock ticks since boot. `None` if there is none, or only what is
/// left of it until its parent takes note (a zombie).
pub(super) fn start_ticks(pid: u32) -> Option<u64> {
    stat(pid).filter(|stat| !stat.zombie).map(|stat| stat.start_ticks)
}

/// The real user of a process.
pub(super) fn user(pid: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// The number of every process there is.
pub(super) fn all() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// What a process calls itself: at most 15 bytes. Empty if there is none.
pub(super) fn name(pid: u32) -> Vec<u8> {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_ascii_end().to_vec()
}

/// A variable of the environment a process was started with. `None` also for one that may not be
/// looked into, and for one that has written over it.
pub(super) fn variable(pid: u32, name: &str) -> Option<Vec<u8>> {
    let file = fs::File::open(format!("/proc/{pid}/environ")).ok()?;
    let mut environ = Vec::new();
    file.take(LONGEST_ENVIRONMENT).read_to_end(&mut environ).ok()?;
    let mut pairs = environ.split(|byte| *byte == 0);
    pairs.find_map(|pair| Some(pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?.to_vec()))
}

/// The children of this process, the ones it took over from others included.
pub(super) fn children() -> Vec<Pid> {
    let own = rustix::process::getpid();
    let path = format!("/proc/self/task/{}/children", own.as_raw_nonzero());
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_name_cannot_disguise_the_rest() {
        let fields: Vec<String> = (2..=49).map(|number| number.to_string()).collect();
        let text = format!("12 (a) Z 9 (b)) R 1 {}", fields.join(" "));
        let found = parse(text.as_bytes()).unwrap();
        assert!(!found.zombie);
        assert_eq!((found.group, found.session, found.start_ticks), (2, 3, 19));
        assert_eq!(found.wait_status, 49);
        assert!(parse(b"12 (a) Z 1 2").is_none());
    }

    #[test]
    fn this_process_is_found() {
        let own = rustix::process::getpid();
        let pid = own.as_raw_nonzero().get().unsigned_abs();
        assert!(start_ticks(pid).is_some());
        assert_eq!(user(pid), Some(rustix::process::getuid().as_raw()));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a process of the test's own")]
    fn variables_of_a_process_are_found() {
        let mut sleep = Command::new("sleep");
        let mut child =
            sleep.arg("100000").env("ECO_RUN", "7@x").env("XECO_RUN", "no").spawn().unwrap();
        let found =
            || (variable(child.id(), "ECO_RUN"), variable(child.id(), "ECO_RU"), name(child.id()));
        // They are there a moment after the program is.
        while found() != (Some(b"7@x".to_vec()), None, b"sleep".to_vec()) {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(all().contains(&std::process::id()));
        assert_eq!(variable(child.id(), "ECO_RUN"), None);
    }
}
