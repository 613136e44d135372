//! What a journal says once it is read: the exits and pending stops of this boot.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StoreFault;
use crate::model::{AppKey, Asked, Cron, Exit, History, InstanceId, RunId, Stopping, Time, Unfit};

/// How many unreadable lines are reported one by one.
const REPORTED: u64 = 5;

/// What the journal holds of this boot.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Exits in the order they were written, at most `History::KEPT` for each instance.
    pub exits: Vec<(InstanceId, Exit)>,
    /// For each instance, how many exits nobody asked for are older than those in `exits`.
    pub earlier: BTreeMap<InstanceId, u64>,
    /// Stops that were asked for, with SIGKILL where it was sent. Runs that are gone meanwhile
    /// may be among them.
    pub stops: BTreeMap<RunId, Stopping>,
    /// Runs that were found ready, and when. Some of them may be gone meanwhile.
    pub ready: BTreeMap<RunId, Time>,
    /// Jobs that were asked to run. They may have done so meanwhile.
    pub asked: BTreeMap<AppKey, Asked>,
    /// Up to when schedules were looked at, also in earlier boots.
    pub looked: BTreeMap<AppKey, Looked>,
    /// Runs that were found not fit to go on, likewise.
    pub unfit: BTreeMap<RunId, Unfit>,
    /// What could not be read.
    pub faults: Vec<StoreFault>,
}

/// Up to when a schedule was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The schedule.
    pub cron: Cron,
    /// Up to then.
    pub to: Timestamp,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// What follows was written in the boot of this id.
    Boot(String),
    /// A run ended.
    Exit { id: InstanceId, exit: Exit },
    /// A run was asked to stop.
    Stop { run: RunId, stopping: Stopping },
    /// A run is ready.
    Ready { run: RunId, at: Time },
    /// A run is not fit to go on.
    Unfit { run: RunId, unfit: Unfit },
    /// A stopping run was sent SIGKILL.
    Kill { run: RunId, at: Time },
    /// A job was asked to run.
    Asked { app: AppKey, asked: Asked },
    /// A schedule was looked at, and the job asked to run for it.
    Looked { app: AppKey, looked: Looked, asked: Option<Asked> },
    /// An app is gone for good.
    Forget(AppKey),
    /// So many exits nobody asked for were left out when the journal was rewritten.
    Earlier { id: InstanceId, count: u64 },
}

impl Entry {
    /// The line, without its newline.
    pub(super) fn line(&self) -> Vec<u8> {
        // It has string keys only, so that writing it cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The journal `bytes` as it would be rewritten, for the fuzz targets and the tests of their inputs.
pub fn rewritten(bytes: &[u8], boot: &str) -> Vec<u8> {
    Replay::of(Path::new("journal.ndjson"), bytes, boot).lines()
}

/// Folds lines into what is kept.
#[derive(Debug, Default)]
pub(super) struct Replay {
    boot: String,
    /// Whether the lines being read are of this boot.
    here: bool,
    order: u64,
    exits: BTreeMap<InstanceId, VecDeque<(u64, Exit)>>,
    earlier: BTreeMap<InstanceId, u64>,
    stops: BTreeMap<RunId, Stopping>,
    ready: BTreeMap<RunId, Time>,
    asked: BTreeMap<AppKey, Asked>,
    looked: BTreeMap<AppKey, Looked>,
    unfit: BTreeMap<RunId, Unfit>,
    bad: u64,
    faults: Vec<StoreFault>,
}

impl Replay {
    /// Reads `bytes`, the journal at `path`, keeping what belongs to `boot`.
    pub(super) fn of(path: &Path, bytes: &[u8], boot: &str) -> Self {
        let mut replay = Self { boot: boot.to_owned(), ..Self::default() };
        let mut number = 0;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            number += 1;
            let whole = line.ends_with(b"\n");
            match serde_json::from_slice(line) {
                Ok(entry) => replay.fold(entry),
                // A last line without its end is what a crash leaves. An empty one is harmless.
                Err(_) if !whole || line == b"\n" => {}
                Err(error) => replay.fault(path, number, &error),
            }
        }
        if let Some(count) = replay.bad.checked_sub(REPORTED).filter(|&count| count != 0) {
            replay.faults.push(StoreFault::Lines { path: path.to_owned(), count });
        }
        replay
    }

    fn fault(&mut self, path: &Path, line: u64, error: &serde_json::Error) {
        self.bad += 1;
        if self.bad <= REPORTED {
            let (path, why) = (path.to_owned(), error.to_string());
            self.faults.push(StoreFault::Line { path, line, why });
        }
    }

    fn fold(&mut self, entry: Entry) {
        if let Entry::Boot(boot) = entry {
            self.here = boot == self.boot;
            return;
        }
        // The time of day goes on over boots.
        if let Entry::Looked { app, looked, .. } = &entry {
            self.looked.insert(app.clone(), looked.clone());
        }
        if let Entry::Forget(app) = &entry {
            self.looked.remove(app);
        }
        if !self.here {
            return;
        }
        match entry {
            Entry::Boot(_) | Entry::Looked { asked: None, .. } => {}
            Entry::Exit { id, exit } => self.exit(id, exit),
            Entry::Stop { run, stopping } => {
                self.stops.insert(run, stopping);
            }
            Entry::Ready { run, at } => {
                // Readiness is latched: the first word counts.
                self.ready.entry(run).or_insert(at);
            }
            Entry::Unfit { run, unfit } => {
                self.unfit.entry(run).or_insert(unfit);
            }
            Entry::Kill { run, at } => {
                if let Some(stopping) = self.stops.get_mut(&run) {
                    stopping.killed = Some(at);
                }
            }
            Entry::Asked { app, asked } | Entry::Looked { app, asked: Some(asked), .. } => {
                self.asked.insert(app, asked);
            }
            Entry::Forget(app) => {
                self.asked.remove(&app);
                self.exits.retain(|id, _| id.key != app);
                self.earlier.retain(|id, _| id.key != app);
            }
            Entry::Earlier { id, count } => self.more_earlier(id, count),
        }
    }

    fn exit(&mut self, id: InstanceId, exit: Exit) {
        self.order += 1;
        self.ready.remove(&exit.run);
        self.unfit.remove(&exit.run);
        let exits = self.exits.entry(id.clone()).or_default();
        // A controller that died between noting an exit and telling the keeper notes it again.
        if let Some((_, known)) = exits.iter_mut().rev().find(|(_, known)| known.run == exit.run) {
            *known = exit;
            return;
        }
        exits.push_back((self.order, exit));
        if History::KEPT < exits.len()
            && let Some((_, dropped)) = exits.pop_front()
        {
            self.stops.remove(&dropped.run);
            if !dropped.requested {
                self.more_earlier(id, 1);
            }
        }
    }

    fn more_earlier(&mut self, id: InstanceId, count: u64) {
        let earlier = self.earlier.entry(id).or_default();
        // A damaged line may say any number.
        *earlier = earlier.saturating_add(count);
    }

    /// The lines that say the same as all that were read.
    pub(super) fn lines(&self) -> Vec<u8> {
        let boot = Entry::Boot(self.boot.clone());
        let earlier =
            self.earlier.iter().map(|(id, &count)| Entry::Earlier { id: id.clone(), count });
        let exits = self.in_order().into_iter().map(|(id, exit)| Entry::Exit { id, exit });
        let stops = self.stops.iter().map(|(&run, &stopping)| Entry::Stop { run, stopping });
        let ready = self.ready.iter().map(|(&run, &at)| Entry::Ready { run, at });
        let asked = self.asked.iter().map(|(app, &asked)| Entry::Asked { app: app.clone(), asked });
        let looked = self.looked.iter().map(|(app, looked)| Entry::Looked {
            app: app.clone(),
            looked: looked.clone(),
            asked: None,
        });
        let unfit = self.unfit.iter().map(|(&run, &unfit)| Entry::Unfit { run, unfit });
        std::iter::once(boot)
            .chain(earlier)
            .chain(exits)
            .chain(stops)
            .chain(ready)
            .chain(asked)
            .chain(looked)
            .chain(unfit)
            .flat_map(|entry| [entry.line(), b"\n".to_vec()].concat())
            .collect()
    }

    /// What was read, for the controller.
    pub(super) fn recovered(self) -> Recovered {
        Recovered {
            exits: self.in_order(),
            earlier: self.earlier,
            stops: self.stops,
            ready: self.ready,
            asked: self.asked,
            looked: self.looked,
            unfit: self.unfit,
            faults: self.faults,
        }
    }

    fn in_order(&self) -> Vec<(InstanceId, Exit)> {
        let mut all: Vec<_> = self
            .exits
            .iter()
            .flat_map(|(id, exits)| exits.iter().map(move |&(order, exit)| (order, id, exit)))
            .collect();
        all.sort_by_key(|&(order, ..)| order);
        all.into_iter().map(|(_, id, exit)| (id.clone(), exit)).collect()
    }
}
