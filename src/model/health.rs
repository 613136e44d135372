//! Whether an instance that has become ready is still fit to serve: how that is found out, and what
//! was found.

use std::{fmt, net::SocketAddr, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    serving::{HttpProbe, ProbeAddress, ReadyProbe},
    spec::Command,
    time::{Time, human_duration},
};

/// `live:`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LivePolicy {
    /// What tells.
    pub probe: LiveProbe,
    /// Time between two tries; for `notify` the time within which it has to say that it lives.
    pub interval: Duration,
    /// How long one try may take. Of no use for `notify`.
    pub timeout: Duration,
    /// So many tries have to fail in a row, at least 1.
    pub failures: u32,
    /// Time after it has become ready before the first try.
    pub start_period: Duration,
}

impl LivePolicy {
    /// For how long a run that says by itself that it lives may be silent.
    pub fn silence(&self) -> Duration {
        self.interval.saturating_mul(self.failures.max(1))
    }
}

/// What tells that an instance lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LiveProbe {
    /// A request is answered as expected.
    Http(HttpProbe),
    /// A connection is accepted.
    Tcp(ProbeAddress),
    /// A command succeeds.
    Exec(Command),
    /// It says so at `NOTIFY_SOCKET`, again and again (`WATCHDOG=1`).
    Notify,
}

impl LiveProbe {
    /// The same asked once, to find out whether it is ready.
    pub fn as_ready(&self) -> ReadyProbe {
        match self {
            Self::Http(http) => ReadyProbe::Http(http.clone()),
            Self::Tcp(address) => ReadyProbe::Tcp(address.clone()),
            Self::Exec(command) => ReadyProbe::Exec(command.clone()),
            Self::Notify => ReadyProbe::Notify,
        }
    }
}

/// That a run is not fit to go on and is to be replaced. It stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfit {
    /// What is wrong.
    pub why: UnfitReason,
    /// When that was found.
    pub at: Time,
    /// When it was last seen to be well; `None` if it never was.
    #[serde(default)]
    pub well: Option<Time>,
}

/// That connections wait for instances that have taken none for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Where they wait.
    pub address: SocketAddr,
    /// How many.
    pub waiting: u32,
    /// Since when none was taken.
    pub since: Time,
}

impl Stuck {
    /// In words, as it is at `now`.
    pub fn words(&self, now: Time) -> String {
        let who = match self.waiting {
            1 => "1 connection waits".to_owned(),
            more => format!("{more} connections wait"),
        };
        let time = human_duration(now.since(self.since));
        format!("{who} at {} and no instance has taken one for {time}", self.address)
    }
}

/// What is wrong with a run that is not fit to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnfitReason {
    /// Its live probe failed too often in a row.
    NotLive,
    /// It uses more memory than `restart.max_memory`.
    OverMemory,
}

impl UnfitReason {
    /// Whether that is a failure, as an end nobody asked for is.
    pub fn is_failure(self) -> bool {
        match self {
            Self::NotLive => true,
            Self::OverMemory => false,
        }
    }
}

impl fmt::Display for UnfitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotLive => "its live probe failed",
            Self::OverMemory => "it used more memory than `restart.max_memory`",
        })
    }
}
