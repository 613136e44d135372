//! A link to the page for browsers.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Target;

/// Asks for a link that logs in once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DashboardRequest {
    /// Whose directory the caller is in, and which project is to be seen alone.
    pub target: Target,
    /// Where to offer the page, if not where the file says.
    pub listen: Option<SocketAddr>,
    /// Whether the session may only look.
    pub read_only: bool,
}

/// A link that logs in once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DashboardReply {
    /// The version of the shape.
    pub schema: u32,
    /// Where the page is.
    pub url: String,
    /// The same with what logs in once.
    pub link: String,
    /// For so many seconds the link is good.
    pub expires: u64,
    /// Whether the session may only look.
    pub read_only: bool,
    /// The projects that are seen there.
    pub projects: Vec<String>,
}
