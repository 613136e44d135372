//! Processes as `/proc` shows them, and signals to those a test has started.

use std::{fmt, fs};

pub(crate) use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// A process as `/proc` showed it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) session: u32,
    /// Clock ticks since boot: with the pid it names a process for ever.
    start: u64,
    line: String,
}

impl Process {
    /// The process of this pid, unless it is gone or a zombie.
    pub(crate) fn find(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, after) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = after.split(' ').collect();
        if matches!(fields[0], "Z" | "X") {
            return None;
        }
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        Some(Self {
            pid,
            parent: fields[1].parse().ok()?,
            session: fields[3].parse().ok()?,
            start: fields[19].parse().ok()?,
            line: String::from_utf8_lossy(&line).replace('\0', " "),
        })
    }

    /// Every process there is.
    pub(super) fn all() -> Vec<Self> {
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(Self::find)
            .collect()
    }

    /// Whether this very process still lives.
    pub(crate) fn is_alive(&self) -> bool {
        Self::find(self.pid).is_some_and(|now| now.start == self.start)
    }

    /// Sends a signal to this very process.
    pub(super) fn signal(&self, signal: Signal) {
        if self.is_alive() {
            send(self.pid, signal);
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (child of {}) {}", self.pid, self.parent, self.line)
    }
}

/// Sends a signal to a process of the test; one that has just ended is no error.
pub(crate) fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).expect("a pid is not 0");
    kill_process(pid, signal).unwrap_or_default();
}

/// Whether a process lives and is no zombie.
pub(crate) fn alive(pid: u32) -> bool {
    Process::find(pid).is_some()
}
