//! Where a project's page for browsers is offered.

use std::{net::SocketAddr, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `dashboard:`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DashboardPolicy {
    /// Browsers find it at this address over HTTP, or HTTPS with `tls`.
    pub listen: SocketAddr,
    /// Whether it only shows, and nobody can restart or stop anything by it.
    #[serde(default)]
    pub read_only: bool,
    /// Names of this machine, besides the address, by which browsers may call it.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// What it proves itself with; `None` is plain HTTP.
    #[serde(default)]
    pub tls: Option<TlsFiles>,
}

/// Files in PEM format, absolute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsFiles {
    /// The certificate, and those that vouch for it.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}
