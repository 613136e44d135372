//! Talks to the controller: HTTP over its Unix socket.

use std::{marker::PhantomData, path::PathBuf, time::Duration};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    net::UnixStream,
    signal::unix::{SignalKind, signal},
};

use super::{error::CliError, typed};
use crate::{
    api::ApiError,
    controller::{self, Home, marker},
};

/// While the controller is being restarted its callers wait so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// So long a controller may be mute before it is looked whether its keeper is dead.
const MUTE: Duration = Duration::from_secs(1);

/// Talks to the controller of one home.
#[derive(Debug)]
pub(super) struct Client {
    home: Home,
    socket: PathBuf,
    starts: Starts,
    runtime: tokio::runtime::Runtime,
}

/// Whether a command starts eco when it does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Starts {
    /// Always: `apply`, `start`.
    Yes,
    /// If there is something that should run, and nobody ended eco: `restart`, `scale`, `status`.
    IfRecorded,
    /// On a fresh home too, but not after `eco daemon stop`.
    UnlessEnded,
    /// Never: `diff`, `daemon status`.
    No,
}

impl Client {
    /// A client of a running eco, which is started if the command is one that does that.
    pub(super) fn connect(home: &Home, starts: Starts) -> Result<Self, CliError> {
        let client = Self::new(home, starts)?;
        if !client.listens() {
            client.start()?;
        }
        Ok(client)
    }

    /// Starts eco, if the command is one that does that.
    fn start(&self) -> Result<(), CliError> {
        let home = &self.home;
        let ended = marker::read(home).is_some();
        let start = match self.starts {
            Starts::Yes => true,
            Starts::UnlessEnded => !ended,
            Starts::IfRecorded => !ended && !controller::recorded(home).is_empty(),
            Starts::No => false,
        };
        if !start {
            return Err(CliError::NotRunning);
        }
        home.create().map_err(CliError::Home)?;
        if ended {
            marker::clear(home)
                .map_err(|source| CliError::Io { what: "start eco again".to_owned(), source })?;
        }
        controller::start_keeper(home).map_err(CliError::CannotStart)
    }

    fn new(home: &Home, starts: Starts) -> Result<Self, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| CliError::Io { what: "start a runtime".to_owned(), source })?;
        Ok(Self { home: home.clone(), socket: home.api_socket(), starts, runtime })
    }

    /// Whether somebody holds the socket. A keeper does, even while its controller is dead.
    fn listens(&self) -> bool {
        std::os::unix::net::UnixStream::connect(&self.socket).is_ok()
    }

    /// Lets some time pass.
    pub(super) fn pause(&self, time: Duration) {
        // The timer is made within the runtime.
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    /// Starts eco again where it is gone and should run.
    pub(super) fn revive(&self) -> Result<(), CliError> {
        if self.listens() { Ok(()) } else { self.start() }
    }

    /// Drives work that asks several things side by side.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Asks something that is answered in lines, within such work.
    pub(super) async fn lines<L: DeserializeOwned>(
        &self,
        path: &str,
        request: &impl Serialize,
    ) -> Result<Lines<L>, CliError> {
        let response = self.send("POST", path, encode(request)?).await?;
        Ok(Lines { body: response.into_body(), pending: Vec::new(), of: PhantomData })
    }

    /// Asks for one answer.
    pub(super) fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, CliError> {
        self.runtime.block_on(async {
            let response = self.send("GET", path, Bytes::new()).await?;
            whole(response).await
        })
    }

    /// Asks something for one answer.
    pub(super) fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        request: &impl Serialize,
    ) -> Result<A, CliError> {
        self.block_on(self.ask(path, request))
    }

    /// The same, within [`Self::block_on`].
    pub(super) async fn ask<A: DeserializeOwned>(
        &self,
        path: &str,
        request: &impl Serialize,
    ) -> Result<A, CliError> {
        let response = self.send("POST", path, encode(request)?).await?;
        whole(response).await
    }

    /// Asks something, and hands over each line of the answer as it comes. Ends early, with
    /// [`End::Interrupted`], at Ctrl-C or SIGTERM.
    pub(super) fn stream<L: DeserializeOwned>(
        &self,
        path: &str,
        request: &impl Serialize,
        on_line: impl FnMut(L) -> Result<(), CliError>,
    ) -> Result<End, CliError> {
        self.stream_beside(path, request, on_line, std::future::pending())
    }

    /// The same, while something else goes on that does not end.
    pub(super) fn stream_beside<L: DeserializeOwned>(
        &self,
        path: &str,
        request: &impl Serialize,
        mut on_line: impl FnMut(L) -> Result<(), CliError>,
        beside: impl Future<Output = std::convert::Infallible>,
    ) -> Result<End, CliError> {
        let body = encode(request)?;
        self.runtime.block_on(async {
            let lines = async {
                let response = self.send("POST", path, body).await?;
                read_lines(response, &mut on_line).await
            };
            tokio::select! {
                end = lines => end,
                ended = asked_to_end() => ended.map(|()| End::Interrupted),
                never = beside => match never {},
            }
        })
    }

    /// Sends a request. A controller that is just being restarted is waited for. One that says nothing
    /// and whose keeper is dead is stopped or hangs, and would have to start the next keeper: that is
    /// done here, and the request goes to the controller of that one.
    async fn send(
        &self,
        method: &str,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, CliError> {
        let attempts = async {
            loop {
                let sent = self.try_send(method, path, body.clone());
                let Ok(sent) = self.unless_keeper_dies(sent).await else {
                    self.start()?;
                    continue;
                };
                match sent {
                    Ok(response) => return Ok(response),
                    // The keeper is gone: nobody will answer.
                    Err(Failure::NotListening) => return Err(CliError::NotRunning),
                    // The controller died before it answered; the next one will.
                    Err(Failure::Broken) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let response =
            tokio::time::timeout(PATIENCE, attempts).await.map_err(|_| CliError::NoAnswer)??;
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }

    /// Waits for an answer; an error if none comes and there is no keeper any more.
    async fn unless_keeper_dies<T>(&self, answer: impl Future<Output = T>) -> Result<T, Gone> {
        let gone = async {
            loop {
                tokio::time::sleep(MUTE).await;
                if self.home.keeper_is_gone() {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            () = gone => Err(Gone),
        }
    }

    async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, Failure> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|_| Failure::NotListening)?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_| Failure::Broken)?;
        // It ends with the response; an error shows there too.
        drop(tokio::spawn(connection));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "eco")
            .header("content-type", "application/json");
        for (name, value) in typed::headers() {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|_| Failure::Broken)?;
        sender.send_request(request).await.map_err(|_| Failure::Broken)
    }
}

/// Waits for SIGINT or SIGTERM.
pub(super) async fn asked_to_end() -> Result<(), CliError> {
    let failed = |source| CliError::Io { what: "wait for a signal".to_owned(), source };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// How a stream of lines ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The controller said all it had to say, or died.
    Closed,
    /// The person pressed Ctrl-C.
    Interrupted,
}

/// The keeper is dead, and its controller mute.
struct Gone;

enum Failure {
    NotListening,
    Broken,
}

fn encode(request: &impl Serialize) -> Result<Bytes, CliError> {
    serde_json::to_vec(request)
        .map(Bytes::from)
        .map_err(|error| CliError::Io { what: "write a request".to_owned(), source: error.into() })
}

async fn whole<A: DeserializeOwned>(response: Response<Incoming>) -> Result<A, CliError> {
    let body = response.into_body().collect().await.map_err(|_| CliError::NoAnswer)?.to_bytes();
    serde_json::from_slice(&body).map_err(|error| misunderstood(&error))
}

async fn refusal(response: Response<Incoming>) -> CliError {
    let Ok(body) = response.into_body().collect().await else { return CliError::NoAnswer };
    match serde_json::from_slice::<ApiError>(&body.to_bytes()) {
        Ok(error) => CliError::Api(error),
        Err(error) => misunderstood(&error),
    }
}

fn misunderstood(error: &serde_json::Error) -> CliError {
    let text = format!("eco's controller answered what this version does not understand: {error}");
    CliError::Api(ApiError::failed("versions", text).help("do both come from the same version?"))
}

async fn read_lines<L: DeserializeOwned>(
    response: Response<Incoming>,
    on_line: &mut impl FnMut(L) -> Result<(), CliError>,
) -> Result<End, CliError> {
    let mut lines = Lines { body: response.into_body(), pending: Vec::new(), of: PhantomData };
    while let Some(line) = lines.next().await? {
        on_line(line)?;
    }
    Ok(End::Closed)
}

/// The lines of an answer, as they come.
pub(super) struct Lines<L> {
    body: Incoming,
    pending: Vec<u8>,
    of: PhantomData<L>,
}

impl<L: DeserializeOwned> Lines<L> {
    /// The next one; `None` once the controller has said all it had to say, or died.
    pub(super) async fn next(&mut self) -> Result<Option<L>, CliError> {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                let line = serde_json::from_slice(&line).map_err(|error| misunderstood(&error))?;
                return Ok(Some(line));
            }
            let Some(Ok(frame)) = self.body.frame().await else { return Ok(None) };
            if let Ok(data) = frame.into_data() {
                self.pending.extend_from_slice(&data);
            }
        }
    }
}
