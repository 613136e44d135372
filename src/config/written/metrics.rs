//! `metrics`: where measured values of the project are offered.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{
    field::{Field, Written},
    scalar::{Flag, SocketText},
};

/// Numbers about apps and instances for Prometheus and others, over HTTP: `GET /metrics`.
/// They are read when somebody asks. Projects may name the same address.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Metrics {
    /// The address and port to listen at. It is one of this machine alone, unless `expose` is set:
    /// nobody has to say who he is to read the names and states of all apps there.
    pub(in crate::config) listen: Field<SocketText>,
    /// Whether other machines may ask too.
    #[schemars(extend("default" = false))]
    pub(in crate::config) expose: Field<Flag>,
}

impl Written for Metrics {
    const FILLABLE: bool = false;
}
