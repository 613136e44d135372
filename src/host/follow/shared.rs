//! What the follower, its thread and the file system's events share.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::{Content, WatchFault};
use crate::{
    host::clock,
    model::{ProjectName, Time},
};

/// How long nothing may happen before the files are looked at,
const QUIET: Duration = Duration::from_millis(60);
/// and for how long that is waited for.
const MAX_WAIT: Duration = Duration::from_millis(500);
/// How often the files are looked at without any event: for network file systems, used-up
/// watches and what else events do not tell.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Command {
    /// Follow these files; `None` keeps what is known of one that was followed before.
    Follow { key: ProjectName, files: Vec<(PathBuf, Option<Content>)> },
    /// Follow this project's files no longer.
    Unfollow(ProjectName),
    /// End.
    Stop,
}

/// Both ends of the thread.
#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// Rung when there is something to report.
    pub(super) reported: Notify,
}

#[derive(Debug, Default)]
struct State {
    commands: VecDeque<Command>,
    /// The files of each followed project, as last asked for.
    live: BTreeMap<ProjectName, BTreeSet<PathBuf>>,
    /// When the first and the last event since the thread last looked happened.
    touched: Option<(Time, Time)>,
    /// Whether a watched directory itself went away.
    stale: bool,
    reports: BTreeSet<ProjectName>,
    fault: Option<WatchFault>,
}

/// What the thread woke up for.
#[derive(Debug, Default)]
pub(super) struct Wake {
    /// What it was told.
    pub(super) commands: VecDeque<Command>,
    /// Whether a watched directory itself went away.
    pub(super) stale: bool,
    /// Whether things are quiet, so that files can be read whole.
    pub(super) quiet: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is a single step, so that it is whole after a panic too.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the thread.
    pub(super) fn send(&self, command: Command) {
        let mut state = self.state();
        if let Command::Follow { key, files } = &command {
            let files = files.iter().map(|(file, _)| file.clone()).collect();
            state.live.insert(key.clone(), files);
        }
        state.commands.push_back(command);
        self.wake.notify_one();
    }

    /// Forgets a project at once, also what there is to report of it.
    pub(super) fn unfollow(&self, key: &ProjectName) {
        let mut state = self.state();
        state.live.remove(key);
        state.reports.remove(key);
        state.commands.push_back(Command::Unfollow(key.clone()));
        self.wake.notify_one();
    }

    /// The files that were last asked for.
    pub(super) fn files(&self, key: &ProjectName) -> BTreeSet<PathBuf> {
        self.state().live.get(key).cloned().unwrap_or_default()
    }

    /// An event happened; `dir_gone` if a watched directory went away.
    pub(super) fn touch(&self, dir_gone: bool) {
        let now = clock::now();
        let mut state = self.state();
        state.stale |= dir_gone;
        // Further events do not wake the thread: it sleeps until there may be quiet.
        match &mut state.touched {
            Some((_, last)) => *last = now,
            touched @ None => {
                *touched = Some((now, now));
                self.wake.notify_one();
            }
        }
    }

    /// Reports a change of `key`, unless it is no longer followed.
    pub(super) fn report(&self, key: &ProjectName) {
        let mut state = self.state();
        if state.live.contains_key(key) {
            state.reports.insert(key.clone());
            self.reported.notify_one();
        }
    }

    /// Reports why changes may be seen late.
    pub(super) fn report_fault(&self, fault: WatchFault) {
        self.state().fault = Some(fault);
        self.reported.notify_one();
    }

    /// Takes one thing there is to report.
    pub(super) fn take_report(&self) -> Option<Result<ProjectName, WatchFault>> {
        let mut state = self.state();
        let key = state.reports.pop_first();
        key.map(Ok).or_else(|| state.fault.take().map(Err))
    }

    /// Sleeps until there is a command, or things are quiet after an event, or, if `looking`,
    /// it is time for another look.
    pub(super) fn wait(&self, looking: bool) -> Wake {
        let look_at = clock::now().after(LOOK_EVERY);
        let mut state = self.state();
        loop {
            let now = clock::now();
            let due = match state.touched {
                Some((first, last)) => Some(last.after(QUIET).min(first.after(MAX_WAIT))),
                None => looking.then_some(look_at),
            };
            let quiet = due.is_some_and(|due| due <= now);
            if quiet || !state.commands.is_empty() {
                let commands = std::mem::take(&mut state.commands);
                // Files that are new to it may just be being written: they are read once that
                // had time to end.
                state.touched = if commands.is_empty() { None } else { Some((now, now)) };
                return Wake { commands, stale: std::mem::take(&mut state.stale), quiet };
            }
            state = match due {
                Some(due) => {
                    let timeout = due.since(now);
                    let woken = self.wake.wait_timeout(state, timeout);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
