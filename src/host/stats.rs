//! What processes use: read from `/proc` when somebody asks, never by itself.

use std::time::Duration;

/// Resident memory of a process in bytes; `None` if it is gone.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let page_size = u64::try_from(rustix::param::page_size()).ok()?;
    pages.checked_mul(page_size)
}

/// So many descendants are counted.
const DESCENDANTS: usize = 1_000;

/// Memory of a process and all its descendants in bytes: what is resident of the first one, and what
/// the others have for themselves. `None` if the process is gone.
pub fn tree_bytes(pid: u32) -> Option<u64> {
    let own = resident_bytes(pid)?;
    Some(descendants(pid).into_iter().filter_map(own_bytes).fold(own, u64::saturating_add))
}

/// How long a process, all its descendants, and those of them that ended and were waited for have
/// computed; `None` if it is gone.
pub fn tree_cpu(pid: u32) -> Option<Duration> {
    let own = own_cpu(pid)?;
    Some(descendants(pid).into_iter().filter_map(own_cpu).fold(own, Duration::saturating_add))
}

/// What a process and all its descendants use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeUse {
    /// As [`tree_bytes`] has it.
    pub memory: u64,
    /// As [`tree_cpu`] has it.
    pub computed: Duration,
}

/// Both at once, with as few files read as can be: one that looks at a thousand programs waits for
/// this. `None` if the process is gone.
pub fn tree_use(pid: u32) -> Option<TreeUse> {
    let (computed, threads) = times_and_threads(pid)?;
    let mut sum = TreeUse { memory: resident_bytes(pid)?, computed };
    let mut known = children_of(pid, threads);
    let mut at = 0;
    while let Some(child) = known.get(at).copied() {
        at += 1;
        let Some((computed, threads)) = times_and_threads(child) else { continue };
        sum.computed = sum.computed.saturating_add(computed);
        sum.memory = sum.memory.saturating_add(own_bytes(child).unwrap_or_default());
        if known.len() < DESCENDANTS {
            known.extend(children_of(child, threads));
        }
    }
    Some(sum)
}

/// How long a process and the children it has waited for have computed, and its number of threads.
fn times_and_threads(pid: u32) -> Option<(Duration, u32)> {
    const UTIME: usize = 11;
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let mut words = rest.split_ascii_whitespace().skip(UTIME);
    let times = words.by_ref().take(4).map_while(|word| word.parse::<u64>().ok());
    let ticks = times.fold(0, u64::saturating_add);
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    // Priority and niceness stand between.
    let threads = words.nth(2)?.parse().ok()?;
    Some((Duration::from_millis(ticks.saturating_mul(1000) / per_second), threads))
}

/// [`children`], by one file for a process of one thread, as most are.
fn children_of(pid: u32, threads: u32) -> Vec<u32> {
    if threads != 1 {
        return children(pid);
    }
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    list.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// How long a process itself has computed; `None` if it is gone.
pub fn process_cpu(pid: u32) -> Option<Duration> {
    computed(pid, 2)
}

/// The children of a process, theirs, and so on.
fn descendants(pid: u32) -> Vec<u32> {
    let mut known = children(pid);
    let mut at = 0;
    while let Some(child) = known.get(at).copied() {
        if known.len() < DESCENDANTS {
            known.extend(children(child));
        }
        at += 1;
    }
    known
}

/// User and system time of a process, and of the children it has waited for.
fn own_cpu(pid: u32) -> Option<Duration> {
    computed(pid, 4)
}

/// The first so many of: its own user and system time, and those of the children it has waited for.
fn computed(pid: u32, times: usize) -> Option<Duration> {
    const UTIME: usize = 11;
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may have brackets and spaces.
    let (_, rest) = text.rsplit_once(')')?;
    let times = rest.split_ascii_whitespace().skip(UTIME).take(times);
    let ticks = times.map_while(|word| word.parse::<u64>().ok()).fold(0, u64::saturating_add);
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Some(Duration::from_millis(ticks.saturating_mul(1000) / per_second))
}

/// What a process shares with no file and no shared memory.
fn own_bytes(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let mut pages =
        text.split_ascii_whitespace().skip(1).map_while(|word| word.parse::<u64>().ok());
    let (resident, shared) = (pages.next()?, pages.next()?);
    let page_size = u64::try_from(rustix::param::page_size()).ok()?;
    resident.saturating_sub(shared).checked_mul(page_size)
}

/// The children of a process, whichever of its threads started them.
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
    let lists = threads.into_iter().flatten().flatten();
    let lists = lists.filter_map(|it| std::fs::read_to_string(it.path().join("children")).ok());
    let of = |list: String| -> Vec<u32> {
        list.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    lists.flat_map(of).collect()
}

/// How many processors this process may use; at least 1.
pub fn cpus() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1))
}
