//! Lines of logs over the API. Files are read on a thread for each caller, which stops while its
//! caller takes nothing and ends when that goes away: the loop and other callers wait for neither.

use std::{
    io::{self, Write},
    os::fd::AsFd as _,
};

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use regex::bytes::Regex;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, oneshot};

use super::{
    calls::Call,
    refusals::{Asked, bad_query, refuse, too_many},
    serve::{Calls, ask},
};
use crate::{
    api::{ApiError, LogFile, LogsQuery, LogsReply, Stream, Target},
    host::clock,
    logs::{self, Form, Hooks, Query},
};

/// So many callers at once.
const READERS: usize = 64;
static PLACES: Semaphore = Semaphore::const_new(READERS);
/// So many lines are sent where nothing else is said.
const DEFAULT_LAST: usize = 100;
/// Bytes that are handed over at a time,
const CHUNK: usize = 64 * 1024;
/// and how often before the caller has taken any.
const CHUNKS: usize = 2;

/// Lines as `eco logs --json` prints them.
pub(super) async fn lines(State(calls): State<Calls>, Asked(asked): Asked<LogsQuery>) -> Response {
    let (query, target) = match understood(&asked) {
        Ok(understood) => understood,
        Err(text) => return bad_query(text),
    };
    let reply = match ask(&calls, |answer| Call::Logs(target.clone(), answer)).await {
        Ok(reply) => reply,
        Err(error) => return refuse(&error),
    };
    if let Some(error) = is_elsewhere(&reply) {
        return refuse(&error);
    }
    let Ok(place) = PLACES.try_acquire() else {
        return refuse(&too_many(format!("{READERS} callers read logs already")));
    };
    let reading = Reading { calls, target, files: reply.files, query, stream: asked.stream, place };
    match reading.begin(asked.follow) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response(),
        Err(error) => {
            refuse(&ApiError::failed("logs", format!("cannot begin to read logs: {error}")))
        }
    }
}

fn understood(asked: &LogsQuery) -> Result<(Query, Target), String> {
    if asked.follow && asked.until.is_some() {
        return Err("what is followed has no end: leave out `until` or `follow`".to_owned());
    }
    let time = |text: &Option<String>| {
        let moment = text.as_deref().map(logs::moment).transpose()?;
        Ok::<_, String>(moment.and_then(|moment| moment.time(clock::wall())))
    };
    let pattern = asked.grep.as_deref().map(Regex::new).transpose();
    let matching = pattern.map_err(|error| format!("`grep` is no regular expression: {error}"))?;
    let is_chosen = asked.since.is_some() || asked.until.is_some() || matching.is_some();
    let query = Query {
        last: asked.last.or((!is_chosen).then_some(DEFAULT_LAST)),
        since: time(&asked.since)?,
        until: time(&asked.until)?,
        matching,
        form: Form::Json,
        color: false,
    };
    Ok((query, asked.target().map_err(|error| error.to_string())?))
}

/// Why there is nothing to read, if all that is meant goes elsewhere.
fn is_elsewhere(reply: &LogsReply) -> Option<ApiError> {
    let first = reply.elsewhere.first().filter(|_| reply.files.is_empty())?;
    let text = format!("what {} prints does not go to files", first.app);
    Some(ApiError::refused("logs_elsewhere", text).help("its `logs: { to: … }` says where it goes"))
}

/// What one caller is read.
struct Reading {
    calls: Calls,
    target: Target,
    files: Vec<LogFile>,
    query: Query,
    stream: Option<Stream>,
    /// Given back at the end.
    place: SemaphorePermit<'static>,
}

impl Reading {
    fn begin(mut self, follow: bool) -> io::Result<Body> {
        // Closed with the body, when the caller is gone: that wakes who waits for a file to change.
        let (caller, until_closed) = io::pipe()?;
        let (sender, receiver) = mpsc::channel(CHUNKS);
        self.files = wanted(self.files, self.stream);
        std::thread::Builder::new().name("logs".to_owned()).spawn(move || {
            let mut out = Chunks(sender);
            let done = if follow {
                self.follow(&mut out, &until_closed)
            } else {
                logs::print(&self.files, &self.query, &mut out)
            };
            if let Err(error) = done {
                tracing::warn!(%error, "logs could not be read for a caller");
                // The answer is broken off: its length was not said.
                out.0.blocking_send(Err(error)).ok();
            }
            drop(self.place);
        })?;
        let state = (receiver, caller);
        Ok(Body::from_stream(futures_util::stream::unfold(state, |mut state| async move {
            let chunk = state.0.recv().await?;
            Some((chunk, state))
        })))
    }

    fn follow(&self, out: &mut Chunks, until_closed: &io::PipeWriter) -> io::Result<()> {
        let mut refresh = || {
            let (answer, reply) = oneshot::channel();
            self.calls.blocking_send(Call::Logs(self.target.clone(), answer)).ok()?;
            let reply = reply.blocking_recv().ok()?.ok()?;
            Some(wanted(reply.files, self.stream))
        };
        let until_closed = Some(until_closed.as_fd());
        let hooks = Hooks { refresh: &mut refresh, until_closed, until: None };
        logs::follow(&self.files, &self.query, out, hooks)
    }
}

fn wanted(mut files: Vec<LogFile>, stream: Option<Stream>) -> Vec<LogFile> {
    files.retain(|file| stream.is_none_or(|stream| stream == file.stream));
    files
}

/// Hands over what is written; waits while the caller is behind.
struct Chunks(mpsc::Sender<io::Result<Vec<u8>>>);

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = bytes.get(..CHUNK).unwrap_or(bytes);
        match self.0.blocking_send(Ok(chunk.to_vec())) {
            Ok(()) => Ok(chunk.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
