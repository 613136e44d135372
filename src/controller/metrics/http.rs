//! One request for metrics over HTTP. Whoever reaches the address may ask, so there is little to it:
//! one request a connection, a bound on how long it takes, and on how many there are at once.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
};

use crate::{
    api::{Exposition, MetricsReply, exposition},
    controller::calls::Internal,
};

/// So many callers at once; more are not answered.
const CALLERS: usize = 16;
/// A connection ends after so long, whatever its caller does.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where the metrics are.
const PATH: &str = "/metrics";

/// Answers callers, each aside from the loop.
#[derive(Debug)]
pub(in crate::controller) struct Scrapers {
    places: Arc<Semaphore>,
}

impl Default for Scrapers {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(CALLERS)) }
    }
}

impl Scrapers {
    /// Begins to answer a caller; the loop is asked for the numbers.
    pub(in crate::controller) fn answer(
        &self,
        (address, stream): (SocketAddr, TcpStream),
        internal: &mpsc::UnboundedSender<Internal>,
    ) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return };
        tokio::spawn(converse(stream, address, internal.clone(), place));
    }
}

async fn converse(
    stream: TcpStream,
    address: SocketAddr,
    internal: mpsc::UnboundedSender<Internal>,
    place: OwnedSemaphorePermit,
) {
    let service = service_fn(|request| respond(request, address, internal.clone()));
    let connection = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(PATIENCE, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a caller of {address} went away"),
        Err(_) => tracing::debug!("a caller of {address} took too long"),
    }
    drop(place);
}

async fn respond(
    request: Request<Incoming>,
    address: SocketAddr,
    internal: mpsc::UnboundedSender<Internal>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() != PATH {
        let text = format!("There is nothing here but {PATH}.\n");
        return Ok(plain(StatusCode::NOT_FOUND, text));
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET.\n".to_owned());
        refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(refusal);
    }
    let accepted = request.headers().get_all(ACCEPT).iter();
    let accepted: Vec<&str> = accepted.filter_map(|value| value.to_str().ok()).collect();
    let format = Exposition::accepted(&accepted.join(","));
    Ok(match ask(address, &internal).await {
        Some(reply) => {
            let body = Full::new(Bytes::from(exposition(&reply, format)));
            let mut response = Response::new(body);
            let kind = HeaderValue::from_static(format.content_type());
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
        None => plain(StatusCode::SERVICE_UNAVAILABLE, "eco is ending.\n".to_owned()),
    })
}

async fn ask(
    address: SocketAddr,
    internal: &mpsc::UnboundedSender<Internal>,
) -> Option<MetricsReply> {
    let (answer, reply) = oneshot::channel();
    internal.send(Internal::Scrape { address, answer }).ok()?;
    reply.await.ok()
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
