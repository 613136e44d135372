//! The API over HTTP: turns requests into calls of the loop, and answers into JSON.

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
    serve::Listener,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    net::{UnixListener, UnixStream, unix::SocketAddr},
    sync::{mpsc, oneshot},
};

use super::calls::{Answer, Call, Lines};
use crate::api::{ApiError, path};

/// A request may be so large: 5,000 apps are about 5 MB.
const MAX_BODY: usize = 256 * 1024 * 1024;

pub(super) type Calls = mpsc::Sender<Call>;

/// Callers of this user, and root. The socket's directory is closed to others; this holds even where
/// somebody has opened it.
struct Own(UnixListener);

impl Listener for Own {
    type Io = UnixStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.0).await;
            let own = rustix::process::geteuid().as_raw();
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == own || peer.uid() == 0 => return (stream, address),
                Ok(peer) => tracing::warn!(uid = peer.uid(), "another user's call was refused"),
                Err(error) => tracing::warn!(%error, "a caller is not known"),
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// Answers callers until the process ends.
pub(super) async fn serve(listener: UnixListener, calls: Calls) {
    answer_all(Own(listener), calls).await;
}

/// Answers whoever a listener lets in.
pub(super) async fn answer_all<L>(listener: L, calls: Calls)
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    if let Err(error) = axum::serve(listener, router(calls)).await {
        tracing::error!(%error, "the API stopped");
    }
}

fn router(calls: Calls) -> Router {
    Router::new()
        .route(path::LOOKUP, post(|state, body| one(state, body, Call::Lookup)))
        .route(path::STATUS, post(|state, body| one(state, body, Call::Status)))
        .route(path::DESCRIBE, post(|state, body| one(state, body, Call::Describe)))
        .route(path::LOGS, post(|state, body| one(state, body, Call::Logs)))
        .route(path::HISTORY, post(|state, body| one(state, body, Call::History)))
        .route(path::DIFF, post(|state, body| one(state, body, Call::Diff)))
        .route(path::APPLY, post(|state, body| many(state, body, Call::Apply)))
        .route(path::OPERATE, post(|state, body| many(state, body, Call::Operate)))
        .route(path::EVENTS, post(|state, body| many(state, body, Call::Events)))
        .route(path::DAEMON, get(daemon))
        .route(path::DAEMON_STOP, post(|state, body| many(state, body, Call::DaemonStop)))
        .route(path::DAEMON_UPGRADE, post(|state, body| many(state, body, Call::DaemonUpgrade)))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(calls)
}

async fn daemon(State(calls): State<Calls>) -> Response {
    reply(ask(&calls, Call::Daemon).await)
}

async fn one<Q, A>(
    State(calls): State<Calls>,
    body: Json<Q>,
    call: fn(Q, Answer<A>) -> Call,
) -> Response
where
    Q: DeserializeOwned,
    A: Serialize,
{
    let Json(request) = body;
    reply(ask(&calls, |answer| call(request, answer)).await)
}

async fn many<Q, L>(
    State(calls): State<Calls>,
    body: Json<Q>,
    call: fn(Q, Answer<Lines<L>>) -> Call,
) -> Response
where
    Q: DeserializeOwned,
    L: Serialize + Send + 'static,
{
    let Json(request) = body;
    match ask(&calls, |answer| call(request, answer)).await {
        Ok(lines) => stream(lines),
        Err(error) => refuse(&error),
    }
}

/// Puts a call to the loop and waits for its answer.
async fn ask<A>(calls: &Calls, call: impl FnOnce(Answer<A>) -> Call) -> Result<A, ApiError> {
    let gone = || ApiError::failed("controller_ending", "eco is ending");
    let (sender, receiver) = oneshot::channel();
    calls.send(call(sender)).await.map_err(|_| gone())?;
    receiver.await.map_err(|_| gone())?
}

fn reply<A: Serialize>(answer: Result<A, ApiError>) -> Response {
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &ApiError) -> Response {
    let status = match error.error.exit {
        2 => StatusCode::BAD_REQUEST,
        1 => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Json(error)).into_response()
}

/// One JSON object a line, as they come.
fn stream<L: Serialize + Send + 'static>(lines: Lines<L>) -> Response {
    let chunks = futures_util::stream::unfold(lines, |mut lines| async move {
        let line = lines.recv().await?;
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.push(b'\n');
        Some((Ok::<_, std::io::Error>(bytes), lines))
    });
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (headers, Body::from_stream(chunks)).into_response()
}
