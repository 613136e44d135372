//! What the source watcher, its thread and the file system's events share.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use notify::{
    Event, EventKind,
    event::{CreateKind, ModifyKind, RemoveKind, RenameMode},
};
use tokio::sync::Notify;

use crate::{
    host::{clock, follow::WatchFault},
    model::{AppKey, Time, WatchPolicy},
};

/// How many events wait for the thread; with more, it looks at everything anew.
const MAX_EVENTS: usize = 8_192;
/// How many faults wait to be taken.
const MAX_FAULTS: usize = 64;
/// How many paths a report names.
pub(super) const MAX_PATHS: usize = 5;

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Command {
    /// Watch; files stamped at or after `since` count as changed.
    Watch { key: AppKey, policy: WatchPolicy, exclude: Vec<PathBuf>, since: (i64, i64) },
    /// Watch no longer.
    Unwatch(AppKey),
    /// End.
    Stop,
}

/// What happened to a directory entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    /// It was created: there was none of this name before.
    Created,
    /// It was moved here, perhaps over another.
    MovedHere,
    /// Its bytes were written.
    Written,
    /// It was removed or moved away; the flag says whether it was a directory, if that is known.
    Gone(Option<bool>),
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
    live: BTreeSet<AppKey>,
    events: Vec<(PathBuf, Happened)>,
    lost: bool,
    reports: BTreeMap<AppKey, Vec<PathBuf>>,
    faults: VecDeque<WatchFault>,
}

/// What the thread woke up for.
#[derive(Debug, Default)]
pub(super) struct Wake {
    /// What it was told.
    pub(super) commands: VecDeque<Command>,
    /// What happened, in order.
    pub(super) events: Vec<(PathBuf, Happened)>,
    /// Whether more happened than `events` tells.
    pub(super) lost: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is a single step, so that it is whole after a panic too.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the thread.
    pub(super) fn send(&self, command: Command) {
        let mut state = self.state();
        if let Command::Watch { key, .. } = &command {
            state.live.insert(key.clone());
        }
        state.commands.push_back(command);
        self.wake.notify_one();
    }

    /// Forgets an app at once, also what there is to report of it.
    pub(super) fn unwatch(&self, key: &AppKey) {
        let mut state = self.state();
        state.live.remove(key);
        state.reports.remove(key);
        state.commands.push_back(Command::Unwatch(key.clone()));
        self.wake.notify_one();
    }

    /// Reports changes of `key`, unless it is no longer watched.
    pub(super) fn report(&self, key: &AppKey, paths: Vec<PathBuf>) {
        let mut state = self.state();
        if !state.live.contains(key) {
            return;
        }
        let known = state.reports.entry(key.clone()).or_default();
        for path in paths {
            if known.len() < MAX_PATHS && !known.contains(&path) {
                known.push(path);
            }
        }
        self.reported.notify_one();
    }

    /// Reports why some edits will not be seen.
    pub(super) fn report_fault(&self, fault: WatchFault) {
        let mut state = self.state();
        if state.faults.len() < MAX_FAULTS && !state.faults.contains(&fault) {
            state.faults.push_back(fault);
            self.reported.notify_one();
        }
    }

    /// Takes one thing there is to report.
    pub(super) fn take_report(&self) -> Option<Result<(AppKey, Vec<PathBuf>), WatchFault>> {
        let mut state = self.state();
        let report = state.reports.pop_first();
        report.map(Ok).or_else(|| state.faults.pop_front().map(Err))
    }

    /// Takes an event of the file system; called on the thread of `notify`.
    pub(super) fn take(&self, event: notify::Result<Event>) {
        let (happened, paths) = match event {
            Ok(event) if !event.need_rescan() => match classify(event.kind) {
                Some(happened) => (Some(happened), event.paths),
                None => return,
            },
            Ok(_) | Err(_) => (None, Vec::new()),
        };
        let mut state = self.state();
        let was_empty = state.events.is_empty() && !state.lost;
        match happened {
            Some(happened) if state.events.len() < MAX_EVENTS => {
                let new = paths.into_iter().map(|path| (path, happened));
                state.events.extend(new);
                state.events.dedup();
            }
            Some(_) | None => state.lost = true,
        }
        if was_empty {
            self.wake.notify_one();
        }
    }

    /// Sleeps until there is a command, or something happened (but not before `gather`, so that
    /// many events wake it once), or it is `due`.
    pub(super) fn wait(&self, gather: Time, due: Option<Time>) -> Wake {
        let mut state = self.state();
        loop {
            let now = clock::now();
            let events = !state.events.is_empty() || state.lost;
            let wake_at =
                if events { Some(due.map_or(gather, |due| due.min(gather))) } else { due };
            if !state.commands.is_empty() || wake_at.is_some_and(|at| at <= now) {
                return Wake {
                    commands: std::mem::take(&mut state.commands),
                    events: std::mem::take(&mut state.events),
                    lost: std::mem::take(&mut state.lost),
                };
            }
            state = match wake_at {
                Some(at) => {
                    let woken = self.wake.wait_timeout(state, at.since(now));
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// What an event says about content; `None` if nothing.
fn classify(kind: EventKind) -> Option<Happened> {
    match kind {
        // The two halves of a rename are events of their own.
        EventKind::Access(_)
        | EventKind::Modify(ModifyKind::Metadata(_) | ModifyKind::Name(RenameMode::Both)) => None,
        EventKind::Create(
            CreateKind::Any | CreateKind::File | CreateKind::Folder | CreateKind::Other,
        ) => Some(Happened::Created),
        EventKind::Modify(ModifyKind::Name(
            RenameMode::To | RenameMode::Any | RenameMode::Other,
        )) => Some(Happened::MovedHere),
        EventKind::Remove(RemoveKind::Folder) => Some(Happened::Gone(Some(true))),
        EventKind::Remove(RemoveKind::File) => Some(Happened::Gone(Some(false))),
        EventKind::Modify(ModifyKind::Name(RenameMode::From))
        | EventKind::Remove(RemoveKind::Any | RemoveKind::Other) => Some(Happened::Gone(None)),
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any | ModifyKind::Other)
        | EventKind::Any
        | EventKind::Other => Some(Happened::Written),
    }
}
