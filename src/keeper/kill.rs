//! Signalling a run: the whole of it, and nothing else.
//!
//! A process is signalled only through a pidfd, and only if it was proved to be the run's while the
//! pidfd held it fast, so that a number that was given out anew hits nobody. To be killed they are
//! stopped first, one after the other, until nobody is new: what is stopped starts no more.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io,
    os::fd::OwnedFd,
};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{
    answers::Item,
    event_loop::Keeper,
    gone::group_lives,
    members::{MARK, Mark},
    proc,
    run::Run,
    spawn::Refusal,
    sys,
};
use crate::protocol::{MAX_MEMBERS, Member, Step};

/// More rounds than this a run's processes are not looked for before they are killed; whoever was
/// missed is found when it is looked whether the run is gone.
const ROUNDS: usize = 64;

impl Keeper {
    /// Signals every process of a run that can be told to be one.
    pub(super) fn signal_all(&self, run: &Run, signal: i32) -> io::Result<()> {
        if signal == libc::SIGKILL {
            return self.kill_all(run);
        }
        let mut answer = signal_group(run, signal);
        let group = answer.is_ok().then_some(run.leader);
        for (pid, pidfd) in self.held_members(run) {
            // Who is in the group has the signal already.
            if group.is_none() || sys::group(pid) != group {
                let sent = sys::signal_pidfd(&pidfd, signal);
                answer = answer.or(sent);
            }
        }
        answer
    }

    /// Kills every process of a run.
    fn kill_all(&self, run: &Run) -> io::Result<()> {
        let no_such = || io::Error::from_raw_os_error(libc::ESRCH);
        let group = run.cgroup.as_ref().filter(|group| group.is_populated());
        let mut answer = group.map_or_else(|| Err(no_such()), super::cgroup::Cgroup::kill);
        let mut held: HashMap<Pid, (OwnedFd, bool)> = HashMap::new();
        for _ in 0..ROUNDS {
            let is_marked = |pid| self.mark.is_of(pid, run);
            if !stop_new(&mut held, &self.living_members(run), is_marked) {
                break;
            }
        }
        for (pidfd, _) in held.values().filter(|(_, proved)| *proved) {
            let sent = sys::signal_pidfd(pidfd, libc::SIGKILL);
            answer = answer.or(sent);
        }
        answer
    }

    /// The processes of a run, each held by a pidfd while it was found.
    fn held_members(&self, run: &Run) -> Vec<(Pid, OwnedFd)> {
        let first = self.living_members(run).into_iter();
        let opened =
            first.filter_map(|pid| Some((pid, pidfd_open(pid, PidfdFlags::empty()).ok()?)));
        let mut held: Vec<(Pid, OwnedFd)> = opened.collect();
        let again = self.living_members(run);
        held.retain(|(pid, pidfd)| again.contains(pid) && !sys::has_ended(pidfd));
        held
    }

    fn living_members(&self, run: &Run) -> HashSet<Pid> {
        let mut members = self.members(run);
        members.retain(|pid| proc::start_ticks(number(*pid)).is_some());
        members
    }

    /// Tells who is of a run, and who is of some run, nobody knows which.
    pub(super) fn tell_members(&mut self, seq: u64, id: u64) -> Result<(), Refusal> {
        let Some(run) = self.runs.get(&id) else { return Err((Step::Prepare, libc::ESRCH)) };
        let member = |proved| {
            move |pid: Pid| {
                let name = proc::name(number(pid));
                Member { pid: number(pid), proved, name }
            }
        };
        let mut proved: Vec<Pid> = self.living_members(run).into_iter().collect();
        proved.sort_unstable_by_key(|pid| pid.as_raw_nonzero());
        let found = proved.into_iter().map(member(true));
        let strays = self.unproved().into_iter().map(member(false));
        let members = found.chain(strays).take(MAX_MEMBERS).collect();
        self.members_found.insert(seq, (id, members));
        self.answers.push(Item::Members { seq });
        Ok(())
    }
}

/// Holds those who are new, and stops those who were held while they were found again: they are who
/// they seem. Who has the mark of the run is known at once: some do not live until the next look.
/// Whether there was any.
fn stop_new(
    held: &mut HashMap<Pid, (OwnedFd, bool)>,
    found: &HashSet<Pid>,
    is_marked: impl Fn(Pid) -> bool,
) -> bool {
    held.retain(|_, (pidfd, _)| !sys::has_ended(pidfd));
    let mut any = false;
    for pid in found {
        if let Some((pidfd, proved)) = held.get_mut(pid) {
            if !*proved {
                *proved = true;
                any |= sys::signal_pidfd(pidfd, libc::SIGSTOP).is_ok();
            }
        } else if let Ok(pidfd) = pidfd_open(*pid, PidfdFlags::empty()) {
            let proved = is_marked(*pid) && sys::signal_pidfd(&pidfd, libc::SIGSTOP).is_ok();
            held.insert(*pid, (pidfd, proved));
            any = true;
        }
    }
    any
}

fn number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// Signals the process group of a run's first process.
fn signal_group(run: &Run, signal: i32) -> io::Result<()> {
    let no_such = || Err(io::Error::from_raw_os_error(libc::ESRCH));
    match run.pidfd.as_ref().filter(|_| run.record.adopted) {
        // Somebody else may reap it at any time: its number is not to be trusted.
        Some(pidfd) => match sys::signal_group_of(pidfd, signal) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                sys::signal_group(run.leader, signal)
            }
            sent => sent,
        },
        None if run.has_leader() || (!run.record.adopted && group_lives(run)) => {
            sys::signal_group(run.leader, signal)
        }
        None => no_such(),
    }
}

/// Kills the processes of runs whose files tell nothing, because they were damaged: nobody could stop
/// them ever after, and a second copy would be started beside them. Those of an earlier boot have
/// none. The mark in their environment, which is of this boot and this keeper's directory, proves them.
pub(super) fn end_unknown(runs: &BTreeSet<u64>, mark: &Mark) {
    let marks: BTreeSet<Vec<u8>> = runs.iter().map(|run| mark.of(*run).into_bytes()).collect();
    let is_theirs = |pid: u32| proc::variable(pid, MARK).is_some_and(|it| marks.contains(&it));
    for _ in 0..ROUNDS {
        let all = if marks.is_empty() { Vec::new() } else { proc::all() };
        let found = all.into_iter().filter(|pid| is_theirs(*pid));
        let pids: Vec<Pid> = found.filter_map(sys::pid).collect();
        if pids.is_empty() {
            return;
        }
        for pid in pids {
            let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            // The number may be another process's by now.
            if is_theirs(pid.as_raw_nonzero().get().unsigned_abs()) {
                drop(sys::signal_pidfd(&pidfd, libc::SIGKILL));
                sys::await_end(&pidfd);
            }
        }
    }
}
