//! What the keeper reads of `/proc`.

use std::fs;

use rustix::process::Pid;

/// The id of this boot; empty where there is none.
pub(super) fn boot_id() -> Vec<u8> {
    let text = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim_ascii().to_vec()
}

/// When a process was made, in clock ticks since boot. `None` if there is none, or only what is
/// left of it until its parent takes note (a zombie).
pub(super) fn start_ticks(pid: u32) -> Option<u64> {
    const START_TIME: usize = 18;
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may contain anything, also `)` and spaces.
    let after_name = stat.rsplit(|byte| *byte == b')').next()?;
    let mut fields = after_name.split(|byte| *byte == b' ').skip(1);
    if matches!(fields.next()?, b"Z" | b"X") {
        return None;
    }
    std::str::from_utf8(fields.nth(START_TIME)?).ok()?.parse().ok()
}

/// The children of this process, the ones it took over from others included.
pub(super) fn children() -> Vec<Pid> {
    let own = rustix::process::getpid();
    let path = format!("/proc/self/task/{}/children", own.as_raw_nonzero());
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}
