//! How an app serves: the ports its instances share, and what tells that one is ready.

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{spec::Command, template::Template};

/// `listen:`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListenPolicy {
    /// The ports; none is `auto`: whatever the app listens on.
    pub ports: Vec<ListenPort>,
    /// How long connections wait while nothing runs, before they are refused.
    pub queue: Duration,
    /// Whether idle keep-alive connections of an instance that is to stop are closed for it.
    pub close_idle: bool,
    /// How the app gets the sockets.
    pub pass: Pass,
    /// What its instances share.
    #[serde(default)]
    pub share: ShareBy,
}

/// A port that instances share.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct ListenPort {
    /// Only this address; `None` is whatever address the app binds.
    pub host: Option<IpAddr>,
    /// The port, not 0.
    pub port: u16,
}

impl fmt::Display for ListenPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            None => write!(f, "{}", self.port),
            Some(host) => write!(f, "{}", SocketAddr::new(host, self.port)),
        }
    }
}

/// How an app gets the sockets it shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pass {
    /// Its own `bind` and `listen` are answered with them.
    #[default]
    Inject,
    /// They are open from the start, as `LISTEN_FDS` says.
    Fds,
}

/// What the instances of an app have in common at a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShareBy {
    /// One queue of connections: whoever has time takes the next.
    #[default]
    Queue,
    /// The port alone: each has a queue of its own, and connections are spread at random.
    Port,
}

/// `ready:`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadyPolicy {
    /// What tells.
    pub probe: ReadyProbe,
    /// Time between two tries.
    pub interval: Duration,
    /// How long one try may take.
    pub timeout: Duration,
    /// So many tries in a row have to succeed.
    pub successes: u32,
    /// Time after the start before the first try.
    pub start_period: Duration,
}

impl Default for ReadyPolicy {
    fn default() -> Self {
        Self {
            probe: ReadyProbe::Started,
            interval: Duration::from_millis(250),
            timeout: Duration::from_secs(2),
            successes: 1,
            start_period: Duration::ZERO,
        }
    }
}

/// What tells that an instance is ready.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadyProbe {
    /// Its program was executed.
    #[default]
    Started,
    /// It listens on every port of `listen`.
    Listen,
    /// A request is answered as expected.
    Http(HttpProbe),
    /// A connection is accepted.
    Tcp(ProbeAddress),
    /// A command succeeds.
    Exec(Command),
    /// A line of its output matches this regular expression.
    Log(String),
    /// It says so at `NOTIFY_SOCKET`.
    Notify,
    /// A Node program says so: it sends this text by `process.send`.
    Message(String),
    /// So long after its start.
    Delay(Duration),
}

impl ReadyProbe {
    /// What a Node program has to send, if that is what it is waited for.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Message(text) => Some(text),
            Self::Started
            | Self::Listen
            | Self::Http(_)
            | Self::Tcp(_)
            | Self::Exec(_)
            | Self::Log(_)
            | Self::Notify
            | Self::Delay(_) => None,
        }
    }
}

/// Where a probe connects to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProbeAddress {
    /// Host (default 127.0.0.1) and port; the port may be `${PORT}` or name `${ECO_INSTANCE}`.
    Tcp {
        /// A name or an address.
        host: String,
        /// A number, once filled.
        port: Template,
    },
    /// A Unix socket, absolute once filled.
    Unix(Template),
}

/// An HTTP request and what is expected of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HttpProbe {
    /// Where.
    pub address: ProbeAddress,
    /// Path and query.
    pub path: Template,
    /// The statuses that are good, as inclusive ranges.
    pub status: Vec<(u16, u16)>,
    /// Headers to send, `Host` among them if it is to be another one.
    pub headers: BTreeMap<String, Template>,
}
