//! Follows the log files of what is selected, on a thread of its own.

use std::{
    io::{self, Write},
    os::fd::{AsFd as _, OwnedFd},
    thread,
};

use rustix::pipe::{PipeFlags, pipe_with};
use serde::Deserialize;
use tokio::sync::mpsc::Sender;

use super::{
    super::client::{Client, Starts},
    session::Incoming,
};
use crate::{
    api::{LogFile, LogsReply, Selector, Stream, Target, path},
    controller::Home,
    logs::{Form, Hooks, Query, follow},
    render::top::{LogLine, LogTarget, TopEvent},
};

/// So many past lines are shown.
const PAST: usize = 500;

/// A log that is followed until this goes out of scope.
pub(super) struct LogFeed {
    /// Closed, it tells the thread to end.
    _until: OwnedFd,
}

impl LogFeed {
    /// Follows a log; `number` is put beside its lines.
    pub(super) fn start(
        home: &Home,
        (number, wanted): (u64, LogTarget),
        out: Sender<Incoming>,
    ) -> io::Result<Self> {
        let (until, closer) = pipe_with(PipeFlags::CLOEXEC)?;
        let home = home.clone();
        let work = move || {
            let Ok(client) = Client::connect(&home, Starts::No) else { return };
            let Some(target) = target(&wanted) else { return };
            let mut refresh = || ask(&client, &target);
            let files = refresh().unwrap_or_default();
            let mut sink = Sink { number, out, begun: Vec::new() };
            let query = Query {
                last: Some(PAST),
                since: None,
                until: None,
                matching: None,
                form: Form::Json,
                color: false,
            };
            let hooks =
                Hooks { refresh: &mut refresh, until_closed: None, until: Some(until.as_fd()) };
            if let Err(error) = follow(&files, &query, &mut sink, hooks) {
                sink.say(&format!("this log cannot be read: {error}"));
            }
        };
        thread::Builder::new().name("log".to_owned()).spawn(work)?;
        Ok(Self { _until: closer })
    }
}

fn target(wanted: &LogTarget) -> Option<Target> {
    let app = wanted.app.parse().ok()?;
    Some(Target {
        project: Some(wanted.project.parse().ok()?),
        apps: vec![Selector::App { project: None, app, index: wanted.instance }],
        ..Target::default()
    })
}

fn ask(client: &Client, target: &Target) -> Option<Vec<LogFile>> {
    client.post::<LogsReply>(path::LOGS, target).ok().map(|reply| reply.files)
}

/// A line as `eco logs --json` writes it.
#[derive(Deserialize)]
struct Written {
    time: String,
    id: String,
    stream: Stream,
    line: String,
}

/// Turns what is written into lines of the screen.
struct Sink {
    number: u64,
    out: Sender<Incoming>,
    begun: Vec<u8>,
}

impl Sink {
    fn send(&self, lines: Vec<LogLine>) -> io::Result<()> {
        let event = Incoming::Event(Box::new(TopEvent::Lines(self.number, lines)));
        self.out.blocking_send(event).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn say(&self, text: &str) {
        let line =
            LogLine { id: "eco".to_owned(), time: String::new(), err: true, text: text.to_owned() };
        // Nobody is left to be told if this fails.
        drop(self.send(vec![line]));
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        let Some(end) = self.begun.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(bytes.len());
        };
        let rest = self.begun.split_off(end + 1);
        let whole = std::mem::replace(&mut self.begun, rest);
        let lines = whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines = lines.filter_map(|line| serde_json::from_slice::<Written>(line).ok());
        let line = |it: Written| LogLine {
            id: it.id,
            time: it.time,
            err: it.stream == Stream::Err,
            text: it.line,
        };
        self.send(lines.map(line).collect())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
