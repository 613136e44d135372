//! Being the first process of a container: orphans come to it, and stay as zombies unless it reaps.

use rustix::process::{Pid, WaitOptions, getpid, wait};

/// Whether this is the first process of its PID namespace.
pub fn is_first_process() -> bool {
    getpid() == Pid::INIT
}

/// Reaps every child that has ended. Only for a process that waits for none of its own meanwhile.
pub fn reap_orphans() {
    // Whether none is left, or none has ended yet, does not matter.
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
}
