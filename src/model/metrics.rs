//! Where a project's measured values are offered.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `metrics:`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MetricsPolicy {
    /// Who asks at this address over HTTP gets them.
    pub listen: SocketAddr,
    /// Whether others than this machine may ask.
    pub expose: bool,
}
