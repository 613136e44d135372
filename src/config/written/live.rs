//! `live`: what tells that an instance that is ready still lives.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Command,
    ready::{Http, HttpForm, Ready},
};
use crate::config::{
    field::{Field, Written},
    scalar::{DurationText, Failures, TargetText, Yes},
};

/// Whether an instance that is ready still does its work: one of `http`, `tcp`, `exec` and `notify`,
/// asked again and again, or `accept`, which asks nobody, or both. One that fails is replaced: where a port is shared a new one
/// becomes ready first. That counts as a failure for `restart.limit`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Live {
    /// A request that has to be answered well: a path, a URL, or a mapping.
    #[schemars(with = "Field<HttpForm>")]
    pub(in crate::config) http: Field<Http>,
    /// Something that has to accept a connection: a port, `host:port`, the path of a Unix socket,
    /// or `true` for the port of `listen`.
    pub(in crate::config) tcp: Field<TargetText>,
    /// A command that has to succeed. It is written as `command` is.
    pub(in crate::config) exec: Field<Command>,
    /// `true`: the app itself says so, with `WATCHDOG=1` at `NOTIFY_SOCKET` (`sd_notify`), at least
    /// once in each `interval`, which it finds in `WATCHDOG_USEC`.
    pub(in crate::config) notify: Field<Yes>,
    /// Within which time an instance takes a connection that waits at a port of `listen`. If none is
    /// taken for so long and the instances do not compute either, they hang, all that share the port.
    /// It may stand alone or beside a probe.
    pub(in crate::config) accept: Field<DurationText>,
    /// The time between two tries.
    #[schemars(extend("default" = "10s"))]
    pub(in crate::config) interval: Field<DurationText>,
    /// How long one try may take. `notify` has none.
    #[schemars(extend("default" = "2s"))]
    pub(in crate::config) timeout: Field<DurationText>,
    /// So many tries have to fail in a row.
    #[schemars(extend("default" = 3))]
    pub(in crate::config) failures: Field<Failures>,
    /// The time after it has become ready before the first try.
    #[schemars(extend("default" = "0s"))]
    pub(in crate::config) start_period: Field<DurationText>,
}

impl Live {
    /// What it asks, as something else that asks.
    pub(in crate::config) fn as_ready(&self) -> Ready {
        Ready {
            http: self.http.clone(),
            tcp: self.tcp.clone(),
            exec: self.exec.clone(),
            notify: self.notify.clone(),
            ..Ready::default()
        }
    }

    /// Whether it asks anything.
    pub(in crate::config) fn has_probe(&self) -> bool {
        let Self { http, tcp, exec, notify, .. } = self;
        !(http.is_unset() && tcp.is_unset() && exec.is_unset() && notify.is_unset())
    }
}

impl Written for Live {
    const FILLABLE: bool = false;
}
