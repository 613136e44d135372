//! Asks by a connection: whether it is accepted, or what comes over it.

use std::{fmt, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    net::{TcpStream, UnixStream},
    time::timeout,
};

use super::{
    http::HttpCheck,
    lanes::{Lane, Lanes},
    names::Names,
    report::Reporter,
    tries::Asked,
};
use crate::model::human_duration;

/// What all connections share.
#[derive(Debug, Default)]
pub(super) struct Network {
    lanes: Lanes,
    names: Names,
}

/// Where to connect to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// A name or an address, without brackets, and a port.
    Tcp { host: String, port: u16 },
    /// A socket in the file system.
    Unix(PathBuf),
}

/// What is asked over a connection.
#[derive(Debug)]
pub(super) enum Check {
    /// Nothing: that it is accepted is enough.
    Open(Target),
    /// A request.
    Http(Box<HttpCheck>),
}

/// A connection.
#[derive(Debug)]
pub(super) enum Connection {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A check that is made again and again.
#[derive(Debug)]
pub(super) struct Connecting {
    check: Check,
    timeout: Duration,
    network: Arc<Network>,
    lane: Lane,
}

impl Target {
    pub(super) fn tcp(host: &str, port: u16) -> Self {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        Self::Tcp { host: bare.unwrap_or(host).to_owned(), port }
    }

    /// Connects; the error says in a few words why not.
    pub(super) async fn connect(&self, network: &Network) -> Result<Connection, String> {
        match self {
            Self::Unix(path) => match UnixStream::connect(path).await {
                Ok(stream) => Ok(Connection::Unix(stream)),
                Err(error) => Err(format!("{self} {}", words(&error))),
            },
            Self::Tcp { host, port } => {
                let addresses = network
                    .names
                    .addresses(host, *port)
                    .await
                    .map_err(|error| format!("the address of {host} is not known: {error}"))?;
                let mut why = format!("{host} has no address");
                for address in addresses {
                    match connect_tcp(address).await {
                        Ok(stream) => return Ok(Connection::Tcp(stream)),
                        Err(error) => why = format!("{self} {}", words(&error)),
                    }
                }
                Err(why)
            }
        }
    }
}

/// Connects, and not to itself: while nobody listens at a port that the system also gives out, a
/// connection to it may by chance come from that very port, and meet itself.
async fn connect_tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    if stream.local_addr()? == stream.peer_addr()? {
        // Without this the port would stay taken for a minute, and the app could not bind it.
        stream.set_zero_linger()?;
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

/// What errors of connecting mean, as the end of a sentence about the other side.
const WORDS: [(io::ErrorKind, &str); 4] = [
    (io::ErrorKind::ConnectionRefused, "refuses connections"),
    (io::ErrorKind::NotFound, "does not exist"),
    (io::ErrorKind::WouldBlock, "takes no connections: too many wait"),
    (io::ErrorKind::PermissionDenied, "may not be connected to"),
];

fn words(error: &io::Error) -> String {
    if let Some((_, words)) = WORDS.iter().find(|(kind, _)| *kind == error.kind()) {
        return (*words).to_owned();
    }
    let text = error.to_string();
    format!("cannot be connected to: {}", text.split(" (os error").next().unwrap_or(&text))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Check {
    async fn make(&self, network: &Network, limit: Duration) -> Result<(), String> {
        let made = match self {
            Self::Open(target) => {
                timeout(limit, target.connect(network)).await.map(|made| made.map(drop))
            }
            Self::Http(check) => timeout(limit, check.make(network)).await,
        };
        made.unwrap_or_else(|_| Err(format!("{self}: no answer within {}", human_duration(limit))))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(target) => target.fmt(f),
            Self::Http(check) => f.write_str(check.shown()),
        }
    }
}

impl Connecting {
    pub(super) fn new(check: Check, timeout: Duration, network: Arc<Network>) -> Self {
        Self { check, timeout, network, lane: Lane::default() }
    }
}

impl Asked for Connecting {
    async fn ask(&mut self, _: &Reporter) -> Result<(), String> {
        let Self { check, timeout, network, lane } = self;
        network.lanes.pass(lane, || check.make(network, *timeout)).await
    }
}
