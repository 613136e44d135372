//! One request to a webhook, over TLS or not. Redirects are not followed and proxies not used. What
//! goes wrong is told by host and port: the rest of a webhook's URL is as good as a password.

use std::{collections::BTreeMap, io, pin::pin, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1,
    header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT},
    rt::{Read, Write},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::spawn_blocking, time::timeout};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, CertificateError, ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName,
    },
};

use crate::model::{Secret, WebhookTarget, webhook_target};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A secret has at most so many bytes.
const LONGEST: u64 = 64 << 10;

/// Posts a message.
///
/// # Errors
/// Why it did not arrive, in words.
pub(super) async fn post(
    url: Secret,
    headers: BTreeMap<String, Secret>,
    json: String,
) -> Result<(), String> {
    let sending = Box::pin(async move {
        let read = spawn_blocking(move || {
            let url = reveal(&url)?;
            let headers = headers.into_iter().map(|(name, value)| Ok((name, reveal(&value)?)));
            Ok::<_, String>((url, headers.collect::<Result<Vec<_>, String>>()?))
        });
        let (url, headers) = read.await.map_err(|error| error.to_string())??;
        let target = webhook_target(&url).map_err(|why| format!("its URL: {why}"))?;
        let request = request(&target, headers, json)?;
        send(&target, request).await.map_err(|why| format!("{target:?}: {why}"))
    });
    let late = || Err(format!("no answer within {} s", PATIENCE.as_secs()));
    timeout(PATIENCE, sending).await.unwrap_or_else(|_| late())
}

/// The text of a secret.
fn reveal(secret: &Secret) -> Result<String, String> {
    match secret {
        Secret::Text(text) => Ok(text.clone()),
        Secret::File(path) => {
            let read = || {
                let mut text = String::new();
                let file = std::fs::File::open(path)?;
                io::Read::read_to_string(&mut io::Read::take(file, LONGEST), &mut text)?;
                Ok::<_, io::Error>(text)
            };
            let text = read().map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(text.strip_suffix('\n').map_or_else(|| text.clone(), str::to_owned))
        }
    }
}

fn request(
    target: &WebhookTarget,
    headers: Vec<(String, String)>,
    json: String,
) -> Result<Request<Full<Bytes>>, String> {
    let mut request = Request::post(target.path.as_str())
        .header(HOST, target.authority())
        .header(USER_AGENT, "eco")
        .header(CONNECTION, "close")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::from(json))
        .map_err(|_| "its URL cannot be asked for".to_owned())?;
    for (name, value) in headers {
        let fault = || format!("the header `{name}` cannot be sent");
        let header = HeaderName::try_from(&name).map_err(|_| fault())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| fault())?;
        value.set_sensitive(true);
        request.headers_mut().insert(header, value);
    }
    Ok(request)
}

async fn send(target: &WebhookTarget, request: Request<Full<Bytes>>) -> Result<(), String> {
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await;
    let stream = stream.map_err(|error| format!("cannot connect: {}", system_words(&error)))?;
    if !target.tls {
        return exchange(TokioIo::new(stream), request).await;
    }
    let config = spawn_blocking(tls_config).await.map_err(|error| error.to_string())??;
    let name = ServerName::try_from(target.host.clone());
    let name = name.map_err(|_| "its host is no name a certificate can have".to_owned())?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let stream = stream.map_err(|error| tls_words(&error))?;
    exchange(TokioIo::new(stream), request).await
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(), String>
where
    S: Read + Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(stream).await.map_err(|it| unanswered(&it))?;
    let mut answering = pin!(sender.send_request(request));
    // The connection has to be driven while the answer is waited for, and only so long.
    let answer = tokio::select! {
        biased;
        answer = &mut answering => answer,
        // An answer may have come before it ended.
        _ended = connection => answering.await,
    };
    let answer = answer.map_err(|error| unanswered(&error))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status if status.is_redirection() => {
            Err(format!("it answers {}: redirects are not followed", status.as_u16()))
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            Err(format!("it answers {}: there is no such webhook", answer.status().as_u16()))
        }
        status => Err(format!("it answers {}", status.as_u16())),
    }
}

fn unanswered(error: &hyper::Error) -> String {
    if error.is_canceled() || error.is_incomplete_message() {
        return "the connection was closed without an answer".to_owned();
    }
    format!("no answer that is HTTP: {error}")
}

/// Trusts the authorities that this machine trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
fn tls_config() -> Result<ClientConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(format!(
            "this machine has no certificates of authorities{why}; install `ca-certificates`, or \
             name a file by SSL_CERT_FILE where eco is started"
        ));
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// What is wrong with TLS, in words.
fn tls_words(error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    #[expect(clippy::wildcard_enum_match_arm, reason = "the list is long, and open by design")]
    match tls {
        Some(rustls::Error::InvalidCertificate(fault)) => match fault {
            CertificateError::UnknownIssuer => {
                "its certificate is of an authority that this machine does not trust; add it, or \
                 name it by SSL_CERT_FILE where eco is started"
                    .to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet: is the clock right?".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name".to_owned()
            }
            other => format!("its certificate is not accepted: {other}"),
        },
        Some(rustls::Error::InvalidMessage(_)) => {
            "what answers there does not speak TLS".to_owned()
        }
        Some(other) => format!("TLS: {other}"),
        None => format!("TLS: {}", system_words(error)),
    }
}

fn system_words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
