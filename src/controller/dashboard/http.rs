//! Connections of browsers: over TLS where that is asked for, with bounds on their number and on how
//! long a caller may take to say what he wants.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{
    doors::{Doors, Visit},
    routes::{Desk, respond},
    tls,
};
use crate::controller::serve::Calls;

/// So many connections at once; a browser opens six at most. More are not answered.
const CALLERS: usize = 96;
/// So long a caller may take for a handshake, and for the head of a request. A connection on which
/// nothing is asked ends after that.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers callers, each aside from the loop.
#[derive(Debug)]
pub(super) struct Visitors {
    places: Arc<Semaphore>,
    calls: Option<Calls>,
}

impl Default for Visitors {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(CALLERS)), calls: None }
    }
}

impl Visitors {
    /// From now on callers are answered.
    pub(super) fn open(&mut self, calls: Calls) {
        self.calls = Some(calls);
    }

    /// Begins to answer a caller; the loop is asked for what he wants to know.
    pub(super) fn answer(&self, (address, stream): (SocketAddr, TcpStream), doors: &Arc<Doors>) {
        let Some(calls) = self.calls.clone() else { return };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return };
        let files = doors.lock().doors.get(&address).and_then(|door| door.tls.clone());
        let visit = Visit { address, is_tls: files.is_some() };
        let desk = Desk { calls, doors: Arc::clone(doors), visit };
        // What is written is wanted at once.
        drop(stream.set_nodelay(true));
        tokio::spawn(async move {
            let Some(files) = files else { return converse(stream, desk, place).await };
            let acceptor = tokio::task::spawn_blocking(move || tls::acceptor(&files)).await;
            let acceptor = match acceptor {
                Ok(Ok(acceptor)) => acceptor,
                Ok(Err(why)) => return tracing::warn!("the dashboard cannot answer: {why}"),
                Err(error) => return tracing::warn!(%error, "the dashboard cannot answer"),
            };
            match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => converse(stream, desk, place).await,
                Ok(Err(error)) => tracing::debug!(%error, "no TLS with a caller of {address}"),
                Err(_) => tracing::debug!("a caller of {address} took too long"),
            }
        });
    }
}

async fn converse<S>(stream: S, desk: Desk, place: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let address = desk.visit.address;
    let service = service_fn(|request| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(respond(request, &desk).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(32 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a caller of {address} went away");
    }
    drop(place);
}
