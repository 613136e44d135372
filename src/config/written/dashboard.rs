//! `dashboard`: where a page for browsers is offered.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{
    field::{Field, Many, Written},
    scalar::{Flag, SocketText, Text},
};

/// A page for browsers that shows the project's apps, and by which they can be restarted, stopped
/// and scaled. `eco dashboard` prints the link to log in by.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Dashboard {
    /// The address and port to listen at, as in `127.0.0.1:9616`. One that other machines reach
    /// needs `tls`.
    pub(in crate::config) listen: Field<SocketText>,
    /// Whether the page only shows: nothing can be restarted or stopped by it.
    #[schemars(extend("default" = false))]
    pub(in crate::config) read_only: Field<Flag>,
    /// Names by which browsers may call the page, besides the address itself and `localhost`.
    #[schemars(example = &"eco.example.org")]
    pub(in crate::config) hosts: Field<Many<Text>>,
    /// With it the page is served over HTTPS.
    pub(in crate::config) tls: Field<Tls>,
}

/// Files in PEM format.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Tls {
    /// The certificate, followed by those that vouch for it.
    pub(in crate::config) cert: Field<Text>,
    /// Its private key.
    pub(in crate::config) key: Field<Text>,
}

impl Written for Dashboard {
    const FILLABLE: bool = false;
}

impl Written for Tls {
    const FILLABLE: bool = false;
}
