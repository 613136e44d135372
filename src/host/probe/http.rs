//! Asks by an HTTP request, one per connection.

use std::{pin::pin, time::Duration};

use http_body_util::{BodyExt as _, Empty};
use hyper::{
    Request, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{CONNECTION, HOST, HeaderName, HeaderValue, USER_AGENT},
    rt::{Read, Write},
};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::connect::{Connection, Network, Target};
use crate::model::{HttpProbe, InstanceVars};

/// The head of an answer may have so many bytes.
const HEAD: usize = 64 << 10;
/// So much of a body is read, for servers that complain when a client leaves early,
const BODY: usize = 64 << 10;
/// and for so long: the answer is known before it.
const BODY_TIME: Duration = Duration::from_millis(100);

/// A request, and which answers are good.
#[derive(Debug)]
pub(super) struct HttpCheck {
    target: Target,
    request: Request<Empty<Bytes>>,
    /// `GET http://127.0.0.1:3000/healthz`; without the query, which may hold secrets.
    shown: String,
    good: Vec<(u16, u16)>,
}

impl HttpCheck {
    /// The error says why there can be no such request.
    pub(super) fn new(
        probe: &HttpProbe,
        target: Target,
        vars: &InstanceVars<'_>,
    ) -> Result<Self, String> {
        let path = probe.path.fill(vars);
        let host = match &target {
            Target::Tcp { .. } => target.to_string(),
            Target::Unix(_) => "localhost".to_owned(),
        };
        let mut request = Request::get(path.as_str())
            .header(HOST, host)
            .header(USER_AGENT, "eco")
            .header(CONNECTION, "close")
            .body(Empty::new())
            .map_err(|fault| format!("a request for `{path}` cannot be made: {fault}"))?;
        for (name, value) in &probe.headers {
            let fault = || format!("the header `{name}` cannot be sent");
            let name = HeaderName::try_from(name).map_err(|_| fault())?;
            let mut value = HeaderValue::try_from(value.fill(vars)).map_err(|_| fault())?;
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
        let plain = path.split('?').next().unwrap_or_default();
        let shown = match &target {
            Target::Tcp { .. } => format!("GET http://{target}{plain}"),
            Target::Unix(_) => format!("GET {plain} at {target}"),
        };
        Ok(Self { target, request, shown, good: probe.status.clone() })
    }

    /// One request; the error says in a few words what was seen.
    pub(super) async fn make(&self, network: &Network) -> Result<(), String> {
        let answered = match self.target.connect(network).await? {
            Connection::Tcp(stream) => exchange(TokioIo::new(stream), self.request.clone()).await,
            Connection::Unix(stream) => exchange(TokioIo::new(stream), self.request.clone()).await,
        };
        let status = answered.map_err(|fault| format!("{}: {}", self.shown, words(&fault)))?;
        let code = status.as_u16();
        if self.good.iter().any(|&(first, last)| (first..=last).contains(&code)) {
            Ok(())
        } else {
            Err(format!("{}: {code}", self.shown))
        }
    }

    /// The request, for people.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }
}

/// Sends a request and reads the head of the answer. All of the connection lives in this future:
/// dropping it closes the socket.
async fn exchange(
    stream: impl Read + Write + Send + Unpin,
    request: Request<Empty<Bytes>>,
) -> hyper::Result<StatusCode> {
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD).handshake(stream).await?;
    let asking = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        // How the body ends is of no interest.
        timeout(BODY_TIME, drain(response.into_body())).await.unwrap_or_default();
        Ok(status)
    };
    let mut asking = pin!(asking);
    tokio::select! {
        biased;
        answer = &mut asking => answer,
        closed = connection => match asking.await {
            // What the connection saw says more than that it is closed.
            Err(fault) if fault.is_canceled() || fault.is_closed() => Err(closed.err().unwrap_or(fault)),
            answer => answer,
        },
    }
}

async fn drain(mut body: Incoming) {
    let mut left = BODY;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

fn words(fault: &hyper::Error) -> String {
    if fault.is_parse_too_large() {
        return "the head of the answer is too long".to_owned();
    }
    if fault.is_parse() {
        return "the answer is not HTTP".to_owned();
    }
    if fault.is_incomplete_message() || fault.is_canceled() || fault.is_closed() {
        return "the connection is closed without an answer".to_owned();
    }
    let source = std::error::Error::source(fault).and_then(|s| s.downcast_ref::<std::io::Error>());
    match source.map(std::io::Error::kind) {
        Some(std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe) => {
            "the connection is broken off".to_owned()
        }
        _ => fault.to_string(),
    }
}
