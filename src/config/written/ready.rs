//! `ready`: what tells that an instance can do its work.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Command;
use crate::config::{
    field::{Field, Many, Written},
    scalar::{DurationText, Pattern, ProbePort, StatusText, Successes, TargetText, Text, Yes},
};

/// When an instance counts as ready: exactly one of `http`, `tcp`, `exec`, `log`, `notify`,
/// `message` and `delay`. Without `ready`, an app with `listen` is ready once it listens, and any other one once
/// its program runs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Ready {
    /// A request that has to be answered well: a path, a URL, or a mapping.
    #[schemars(with = "Field<HttpForm>")]
    pub(in crate::config) http: Field<Http>,
    /// Something that has to accept a connection: a port, `host:port`, the path of a Unix socket,
    /// or `true` for the port of `listen`.
    pub(in crate::config) tcp: Field<TargetText>,
    /// A command that has to succeed. It is written as `command` is.
    pub(in crate::config) exec: Field<Command>,
    /// A regular expression that has to match a line of the app's output.
    pub(in crate::config) log: Field<Pattern>,
    /// `true`: the app itself says so, with `READY=1` at `NOTIFY_SOCKET` (`sd_notify`).
    pub(in crate::config) notify: Field<Yes>,
    /// For a Node program, also below npm and its like: it sends this by `process.send`, as in
    /// `process.send('ready')`.
    #[schemars(example = &"ready")]
    pub(in crate::config) message: Field<Text>,
    /// So long after its start.
    pub(in crate::config) delay: Field<DurationText>,
    /// The time between two tries.
    #[schemars(extend("default" = "250ms"))]
    pub(in crate::config) interval: Field<DurationText>,
    /// How long one try may take.
    #[schemars(extend("default" = "2s"))]
    pub(in crate::config) timeout: Field<DurationText>,
    /// So many tries in a row have to succeed.
    #[schemars(extend("default" = 1))]
    pub(in crate::config) successes: Field<Successes>,
    /// The time after the start before the first try.
    #[schemars(extend("default" = "0s"))]
    pub(in crate::config) start_period: Field<DurationText>,
}

/// A request of HTTP/1.1, and what answer is good.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Http {
    /// Path and query.
    #[schemars(extend("default" = "/"), example = &"/healthz")]
    pub(in crate::config) path: Field<Text>,
    /// The port. Without it, the one of `listen`, else `env.PORT`.
    pub(in crate::config) port: Field<ProbePort>,
    /// A name or an address.
    #[schemars(extend("default" = "127.0.0.1"))]
    pub(in crate::config) host: Field<Text>,
    /// A Unix socket instead of host and port, relative to this file's directory.
    pub(in crate::config) socket: Field<Text>,
    /// The statuses that are good.
    #[schemars(extend("default" = "200-399"))]
    pub(in crate::config) status: Field<Many<StatusText>>,
    /// Headers to send. `Host` may be among them.
    pub(in crate::config) headers: Field<Headers>,
}

/// The headers of a request, in the order of the file.
pub(in crate::config) type Headers = IndexMap<String, Field<Text>>;

/// `http:` in the schema: short forms are expanded before it is read.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "stands for both forms in the schema only")]
pub(in crate::config) enum HttpForm {
    Short(HttpText),
    Full(Box<Http>),
}

/// A path or a URL in the schema.
#[derive(JsonSchema)]
#[schemars(extend(
    "pattern" = "^(/|http://|.*\\$\\{)",
    "examples" = ["/healthz", "http://127.0.0.1:3000/healthz"]
))]
#[expect(dead_code, reason = "stands for the short form in the schema only")]
pub(in crate::config) struct HttpText(String);

macro_rules! mappings {
    ($($type:ty),*) => { $(impl Written for $type { const FILLABLE: bool = false; })* };
}
mappings!(Ready, Http, HttpForm, Headers);
