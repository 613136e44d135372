//! The API over HTTP: turns requests into calls of the loop, and answers into JSON.

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, State},
    http::header,
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get, post},
    serve::Listener,
};
use futures_util::{Stream, StreamExt as _, stream::poll_fn};
use serde::Serialize;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
};

use super::{
    caller::{Peer, Who},
    calls::{Answer, Call, Lines},
    event_stream, log_stream,
    refusals::{self, Asked, Sent, refuse},
};
use crate::{
    api::{ApiError, Endpoint, EventsRequest, PruneRequest, TargetQuery},
    model::Operator,
};

/// A request may be so large: 5,000 apps are about 5 MB.
const MAX_BODY: usize = 256 * 1024 * 1024;

pub(super) type Calls = mpsc::Sender<Call>;

/// Callers of this user, and root. The socket's directory is closed to others; this holds even where
/// somebody has opened it.
pub(super) struct Own(UnixListener);

impl Listener for Own {
    type Io = UnixStream;
    type Addr = Peer;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, _) = Listener::accept(&mut self.0).await;
            let own = rustix::process::geteuid().as_raw();
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == own || peer.uid() == 0 => {
                    return (stream, Peer { uid: peer.uid() });
                }
                Ok(peer) => tracing::warn!(uid = peer.uid(), "another user's call was refused"),
                Err(error) => tracing::warn!(%error, "a caller is not known"),
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(Peer { uid: rustix::process::geteuid().as_raw() })
    }
}

/// Answers callers until the process ends.
pub(super) async fn serve(listener: UnixListener, calls: Calls) {
    let router = router(calls).into_make_service_with_connect_info::<Peer>();
    if let Err(error) = axum::serve(Own(listener), router).await {
        tracing::error!(%error, "the API stopped");
    }
}

/// Answers whoever a listener lets in, of whom nothing is known.
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
    Endpoint::ALL
        .iter()
        .fold(Router::new(), |router, endpoint| {
            router.route(endpoint.route().path, handler(*endpoint))
        })
        .fallback(refusals::no_such_path)
        .method_not_allowed_fallback(refusals::other_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(calls)
}

fn handler(endpoint: Endpoint) -> MethodRouter<Calls> {
    match endpoint {
        Endpoint::Status => get(|state, Asked(query): Asked<TargetQuery>| {
            one(state, Sent(query.target_or_every()), Call::Status)
        }),
        Endpoint::Describe => get(|state, Asked(query): Asked<TargetQuery>| {
            one(state, Sent(query.target()), Call::Describe)
        }),
        Endpoint::History => get(|state, Asked(query): Asked<TargetQuery>| {
            one(state, Sent(query.target()), Call::History)
        }),
        Endpoint::EventStream => get(event_stream::events),
        Endpoint::LogStream => get(log_stream::lines),
        Endpoint::Daemon => get(daemon),
        Endpoint::OpenApi => get(async || Json(crate::api::document())),
        Endpoint::Lookup => post(|state, body| one(state, body, Call::Lookup)),
        Endpoint::AskStatus => post(|state, body| one(state, body, Call::Status)),
        Endpoint::AskDescribe => post(|state, body| one(state, body, Call::Describe)),
        Endpoint::Logs => post(|state, body| one(state, body, Call::Logs)),
        Endpoint::AskHistory => post(|state, body| one(state, body, Call::History)),
        Endpoint::Prune => post(prune),
        Endpoint::RollbackDiff => post(|state, body| one(state, body, Call::RollbackDiff)),
        Endpoint::Diff => post(|state, body| one(state, body, Call::Diff)),
        Endpoint::Apply => post(|state, who, body| many(state, who, body, Call::Apply)),
        Endpoint::Operate => post(|state, who, body| many(state, who, body, Call::Operate)),
        Endpoint::Events => post(events),
        Endpoint::Notify => post(|state, who, body| many(state, who, body, Call::Notify)),
        Endpoint::Dashboard => post(|state, body| one(state, body, Call::Dashboard)),
        Endpoint::DaemonStop => post(|state, who, body| many(state, who, body, Call::DaemonStop)),
        Endpoint::DaemonUpgrade => {
            post(|state, who, body| many(state, who, body, Call::DaemonUpgrade))
        }
    }
}

async fn daemon(State(calls): State<Calls>) -> Response {
    reply(ask(&calls, Call::Daemon).await)
}

async fn prune(
    State(calls): State<Calls>,
    Who(who): Who,
    Sent(request): Sent<PruneRequest>,
) -> Response {
    reply(ask(&calls, |answer| by(who, Call::Prune(request, answer))).await)
}

/// The call, with who makes it.
fn by(who: Option<Operator>, call: Call) -> Call {
    match who {
        Some(who) => Call::By(who, Box::new(call)),
        None => call,
    }
}

async fn one<Q, A>(
    State(calls): State<Calls>,
    Sent(request): Sent<Q>,
    call: fn(Q, Answer<A>) -> Call,
) -> Response
where
    A: Serialize,
{
    reply(ask(&calls, |answer| call(request, answer)).await)
}

async fn many<Q, L>(
    State(calls): State<Calls>,
    Who(who): Who,
    Sent(request): Sent<Q>,
    call: fn(Q, Answer<Lines<L>>) -> Call,
) -> Response
where
    L: Serialize + Send + 'static,
{
    match ask(&calls, |answer| by(who, call(request, answer))).await {
        Ok(mut lines) => stream(poll_fn(move |context| lines.poll_recv(context))),
        Err(error) => refuse(&error),
    }
}

async fn events(State(calls): State<Calls>, Sent(request): Sent<EventsRequest>) -> Response {
    match ask(&calls, |answer| Call::Events(request, answer)).await {
        Ok(mut lines) => stream(poll_fn(move |context| lines.poll_recv(context))),
        Err(error) => refuse(&error),
    }
}

/// Puts a call to the loop and waits for its answer.
pub(super) async fn ask<A>(
    calls: &Calls,
    call: impl FnOnce(Answer<A>) -> Call,
) -> Result<A, ApiError> {
    let gone = || ApiError::failed("controller_ending", "eco is ending");
    let (sender, receiver) = oneshot::channel();
    calls.send(call(sender)).await.map_err(|_| gone())?;
    receiver.await.map_err(|_| gone())?
}

pub(super) fn reply<A: Serialize>(answer: Result<A, ApiError>) -> Response {
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => refuse(&error),
    }
}

/// One JSON object a line, as they come.
pub(super) fn stream<L: Serialize>(lines: impl Stream<Item = L> + Send + 'static) -> Response {
    let chunks = lines.map(|line| {
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.push(b'\n');
        Ok::<_, std::io::Error>(bytes)
    });
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (headers, Body::from_stream(chunks)).into_response()
}
