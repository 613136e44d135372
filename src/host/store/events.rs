//! The events: what happened, in order, for people and programs that watch.

use std::{
    fs::{self, File},
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{append::AppendFile, backward};
use crate::{
    host::{clock, home::Home},
    model::Operator,
};

/// Over this size the file becomes the older one and a new one begins.
const ROTATE: u64 = 8 << 20;

/// One line of `eco events --json`. What is not meant is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventLine {
    /// Counts up for ever, also across restarts. Given by [`Events::append`].
    pub seq: u64,
    /// RFC 3339, UTC, milliseconds. Given by [`Events::append`].
    pub time: String,
    /// What kind of thing happened: a short word.
    #[serde(rename = "type")]
    pub kind: String,
    /// The project.
    pub project: Option<String>,
    /// The app.
    pub app: Option<String>,
    /// The index of the instance.
    pub instance: Option<u32>,
    /// Who or what caused it.
    pub by: Option<String>,
    /// Of an operator: which user, with which command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<Operator>,
    /// The revision it is about.
    pub revision: Option<String>,
    /// In words.
    pub message: String,
    /// Of a run that failed, the last lines it wrote to stderr.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stderr: Vec<String>,
}

/// Which events to read. The default is all that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Only events after this `seq`.
    pub after: Option<u64>,
    /// Only the last so many of those that fit.
    pub last: Option<usize>,
    /// Only of this project.
    pub project: Option<String>,
}

/// The append-only file `events.ndjson` and its predecessor.
#[derive(Debug)]
pub struct Events {
    file: AppendFile,
    older: PathBuf,
    seq: u64,
    fault: Option<io::Error>,
}

impl Events {
    /// Opens the events; the numbering goes on where it stopped. Never fails: while the file
    /// cannot be opened, lines wait in memory (see [`Events::fault`]).
    pub fn open(home: &Home) -> Self {
        let mut events = Self {
            file: AppendFile::new(home.state.join("events.ndjson")),
            older: home.state.join("events.1.ndjson"),
            seq: 0,
            fault: None,
        };
        match events.read(&EventQuery { last: Some(1), ..EventQuery::default() }) {
            Ok(found) => events.seq = found.last().map_or(0, |line| line.seq),
            Err(error) => events.fault = Some(error),
        }
        events
    }

    /// Appends `line` and gives it back with its `seq` and `time`. If it cannot be written, it
    /// waits in memory, is read from there, and is written by a later call.
    pub fn append(&mut self, mut line: EventLine) -> EventLine {
        self.seq = self.seq.saturating_add(1);
        line.seq = self.seq;
        line.time = jiff::Timestamp::try_from(clock::wall())
            .map_or_else(|_| String::new(), |now| format!("{now:.3}"));
        // Text only, so that writing it cannot fail.
        let bytes = serde_json::to_vec(&line).unwrap_or_default();
        self.fault = self.file.push(bytes).and_then(|()| self.rotate()).err();
        line
    }

    /// Why events cannot be written now, if so.
    pub fn fault(&self) -> Option<&io::Error> {
        self.fault.as_ref()
    }

    /// The `seq` of the latest event; 0 before the first.
    pub fn last_seq(&self) -> u64 {
        self.seq
    }

    /// The events that `query` asks for, oldest first. Lines that cannot be read are left out.
    pub fn read(&self, query: &EventQuery) -> io::Result<Vec<EventLine>> {
        let mut found = Found { query, lines: Vec::new() };
        let waiting: Vec<&[u8]> = self.file.waiting().collect();
        let mut flow = waiting.into_iter().rev().try_for_each(|line| found.take(line));
        for path in [self.file.path(), &self.older] {
            if flow.is_continue()
                && let Some(file) = open_if_there(path)?
            {
                flow = backward::lines(&file, |line| found.take(line))?;
            }
        }
        found.lines.reverse();
        Ok(found.lines)
    }

    fn rotate(&mut self) -> io::Result<()> {
        if ROTATE < self.file.len() {
            fs::rename(self.file.path(), &self.older)?;
            self.file.reopen();
        }
        Ok(())
    }
}

/// The events found so far, newest first.
struct Found<'a> {
    query: &'a EventQuery,
    lines: Vec<EventLine>,
}

impl Found<'_> {
    fn take(&mut self, line: &[u8]) -> ControlFlow<()> {
        if self.query.last.is_some_and(|last| last <= self.lines.len()) {
            return ControlFlow::Break(());
        }
        let Ok(line) = serde_json::from_slice::<EventLine>(line) else {
            return ControlFlow::Continue(());
        };
        if self.query.after.is_some_and(|after| line.seq <= after) {
            return ControlFlow::Break(());
        }
        if self.query.project.is_none() || self.query.project == line.project {
            self.lines.push(line);
        }
        ControlFlow::Continue(())
    }
}

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
