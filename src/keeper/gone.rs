//! Reaping, and telling when nothing of a run is left.
//!
//! A run is gone when its first process is reaped, its process group and its control group are empty,
//! and none of the keeper's children (orphans come to it) is proved to be its. This is looked at
//! whenever children were reaped; since a member of the group may have another parent who reaps it,
//! also every half second while some run has exited and is not gone.

use std::collections::BTreeSet;

use rustix::process::{test_kill_process, test_kill_process_group};

use super::{
    cgroup::Cgroup,
    event_loop::Keeper,
    members::others_of,
    run::Run,
    sys::{self, Reaped},
};
use crate::protocol::{Of, State};

const LOOK_AGAIN: u64 = 500_000_000;

impl Keeper {
    /// Reaps every child that ended.
    pub(super) fn reap(&mut self) {
        let mut any = false;
        while let Some(reaped) = sys::reap() {
            any = true;
            if self.role_ended(reaped.pid) || self.check_ended(reaped.pid, reaped.status) {
                continue;
            }
            self.settle_launch(reaped.pid);
            if let Some(id) = self.leaders.remove(&reaped.pid) {
                self.leader_ended(id, &reaped);
            }
        }
        if any {
            self.look_for_gone();
        }
    }

    /// The first process of a run ended.
    pub(super) fn leader_ended(&mut self, id: u64, reaped: &Reaped) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.leader_ended(reaped, sys::now());
        self.exited.insert(id);
        self.keep(Of::Run, id);
        self.changed(id);
    }

    /// Finds the exited runs of which nothing is left.
    pub(super) fn look_for_gone(&mut self) {
        let waiting: Vec<u64> = self.exited.iter().copied().collect();
        let mut strays = None;
        for id in waiting {
            let Some(run) = self.runs.get(&id) else {
                self.exited.remove(&id);
                continue;
            };
            let in_group = run.cgroup.as_ref().is_some_and(Cgroup::is_populated);
            let lives = in_group
                || if run.record.adopted {
                    !others_of(run, &self.mark).is_empty()
                } else {
                    let strays = strays.get_or_insert_with(|| self.strays());
                    group_lives(run) || strays.iter().any(|stray| stray.is_of(run, &self.mark))
                };
            if lives {
                // Who was missed, or has come since.
                if run.killed {
                    drop(self.signal_all(run, libc::SIGKILL));
                }
                continue;
            }
            let Some(run) = self.runs.get_mut(&id) else { continue };
            run.all_gone(sys::now());
            self.end_notices(id);
            self.exited.remove(&id);
            self.changed(id);
            self.drop_if_forgotten(id);
        }
        let again = sys::now().saturating_add(LOOK_AGAIN);
        self.look_again_at = (!self.exited.is_empty()).then_some(again);
        self.remove_parked();
        if self.share.has_strangers() {
            self.strangers_may_have_left();
        }
    }

    /// Puts down what became of runs that go on, before the controller is told.
    pub(super) fn write_changes(&mut self) {
        let goes_on = |id: &u64| self.runs.get(id).is_some_and(Run::has_leader);
        let (now, later) = std::mem::take(&mut self.unwritten).into_iter().partition(goes_on);
        self.write_files(&now);
        self.unwritten = later;
    }

    /// Puts down how runs ended, once for each and after the controller was told: it can start the
    /// next run meanwhile. Only a keeper that dies in between leaves an exit unknown, and only where
    /// the system does not keep it.
    pub(super) fn write_ends(&mut self) {
        let ended = std::mem::take(&mut self.unwritten);
        self.write_files(&ended);
    }

    fn write_files(&self, ids: &BTreeSet<u64>) {
        for id in ids {
            if let Some(run) = self.runs.get(id).filter(|run| !run.forgotten) {
                drop(self.files.write_over(*id, run));
            }
        }
    }
}

/// Whether a process group without its leader has members. A number that is a process's again has
/// been given out anew, which the system does only once nobody's group or session has it.
pub(super) fn group_lives(run: &Run) -> bool {
    if run.record.state == State::Gone || run.has_leader() {
        return run.has_leader();
    }
    test_kill_process(run.leader) == Err(rustix::io::Errno::SRCH)
        && test_kill_process_group(run.leader) != Err(rustix::io::Errno::SRCH)
}
