//! Asks what a run has printed. One thread reads the files of all such runs: it wakes ten times a
//! second while there are any, and not at all while there are none.

use std::{
    sync::{
        Arc, Weak,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use regex::bytes::Regex;

use super::{
    Output,
    report::Reporter,
    tail::{CHUNK, Tail, Turn},
};
use crate::{host::clock, model::Time};

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A line that is looked for in what a run prints.
#[derive(Debug)]
pub(super) struct Search {
    pattern: Regex,
    first: Time,
    tails: [Tail; 2],
    wanted: Weak<()>,
    reporter: Reporter,
}

/// The thread.
#[derive(Debug)]
pub(super) struct LogReader {
    searches: mpsc::Sender<Search>,
}

impl Search {
    /// Looks from `first` on, in all that was printed before it too, for as long as `wanted` is
    /// held.
    pub(super) fn new(
        pattern: Regex,
        first: Time,
        outputs: [Output; 2],
        wanted: &Arc<()>,
        reporter: Reporter,
    ) -> Self {
        let wanted = Arc::downgrade(wanted);
        Self { pattern, first, tails: outputs.map(Tail::new), wanted, reporter }
    }

    /// One turn.
    fn look(&mut self, buffer: &mut [u8]) -> Turn {
        let mut all = Turn::End;
        let mut why = None;
        for tail in &mut self.tails {
            match tail.read(buffer, |line| self.pattern.is_match(line)) {
                Ok(Turn::Found) => return Turn::Found,
                Ok(Turn::More) => all = Turn::More,
                Ok(Turn::End) => {}
                Err(error) => {
                    why = Some(format!("cannot read {}: {error}", tail.path().display()));
                }
            }
        }
        if all == Turn::End {
            let none = || format!("no line of its output matches `{}` yet", self.pattern);
            self.reporter.failing_blocking(why.unwrap_or_else(none));
        }
        all
    }

    /// One turn, if it is due; `None` when there is nothing more to look for.
    fn turn(&mut self, buffer: &mut [u8]) -> Option<Turn> {
        self.wanted.upgrade()?;
        let now = clock::now();
        if now < self.first {
            return Some(Turn::End);
        }
        let turn = self.look(buffer);
        if turn == Turn::Found {
            self.reporter.ready_blocking(clock::now());
            return None;
        }
        Some(turn)
    }
}

impl LogReader {
    /// No thread yet.
    pub(super) fn new() -> Self {
        Self { searches: mpsc::channel().0 }
    }

    /// Begins a search; if it cannot, says why, and gives back who reports that.
    pub(super) fn read(&mut self, search: Search) -> Result<(), (Reporter, String)> {
        let Err(mpsc::SendError(search)) = self.searches.send(search) else { return Ok(()) };
        let (searches, inbox) = mpsc::channel();
        let thread = thread::Builder::new().name("eco-ready-log".to_owned());
        if let Err(error) = thread.spawn(move || run(&inbox)) {
            return Err((search.reporter, format!("no thread to read its output: {error}")));
        }
        self.searches = searches;
        match self.searches.send(search) {
            Ok(()) => Ok(()),
            Err(mpsc::SendError(search)) => {
                Err((search.reporter, "the thread that reads its output has ended".to_owned()))
            }
        }
    }
}

/// Until nobody can ask for a search any more.
fn run(inbox: &mpsc::Receiver<Search>) {
    let mut buffer = vec![0; CHUNK];
    let mut searches: Vec<Search> = Vec::new();
    let mut next_look = clock::now();
    loop {
        let received = if searches.is_empty() {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            inbox.recv_timeout(next_look.since(clock::now()))
        };
        match received {
            // A new one has its first turn at once.
            Ok(mut search) => {
                if search.turn(&mut buffer).is_some() {
                    searches.push(search);
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                let mut wait = LOOK;
                searches.retain_mut(|search| match search.turn(&mut buffer) {
                    Some(Turn::More) => {
                        wait = Duration::ZERO;
                        true
                    }
                    Some(Turn::Found | Turn::End) => true,
                    None => false,
                });
                next_look = clock::now().after(wait);
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
