//! `listen`: ports that instances share.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

use crate::config::{
    field::{Field, Many, Written},
    scalar::{AddressText, DurationText, Flag, PortText, Scalar as _},
};

/// Ports that the instances of the app share. `queue`, `close_idle`, `pass` and `share` hold for
/// all ports of the app.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Listen {
    /// A port or several, or `auto` for whatever the app listens on.
    #[schemars(with = "Field<Many<PortText>>")]
    pub(in crate::config) port: Field<Many<ListenItem>>,
    /// Only on this address. Without it, on whatever address the app binds.
    pub(in crate::config) host: Field<AddressText>,
    /// How long new connections wait while no instance runs, before they are refused.
    #[schemars(extend("default" = "10s"))]
    pub(in crate::config) queue: Field<DurationText>,
    /// Whether idle keep-alive connections of an instance that is to stop are closed for it.
    #[schemars(extend("default" = true))]
    pub(in crate::config) close_idle: Field<Flag>,
    /// How the app gets the sockets.
    #[schemars(extend("default" = "inject"))]
    pub(in crate::config) pass: Field<Pass>,
    /// What the instances have in common at a port.
    #[schemars(extend("default" = "queue"))]
    pub(in crate::config) share: Field<ShareBy>,
}

impl Written for Listen {
    const FILLABLE: bool = false;
}

/// How an app gets the sockets it shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum Pass {
    /// The app binds its port itself, unmodified, and is given the shared socket.
    Inject,
    /// The sockets are open from the start, as `LISTEN_FDS` says (socket activation).
    Fds,
}

impl Written for Pass {
    const FILLABLE: bool = true;
}

/// What the instances of an app have in common at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum ShareBy {
    /// One queue of connections: whichever instance has time takes the next.
    Queue,
    /// The port alone: each instance has a queue of its own, and connections are spread at random.
    /// For servers that do not wait with `epoll` (PHP's own, `WEBrick`, Puma).
    Port,
}

impl Written for ShareBy {
    const FILLABLE: bool = true;
}

/// One item of the list: a port, or ports with keys of their own.
#[derive(Clone, Debug)]
pub(in crate::config) enum ListenItem {
    /// A port alone.
    Port(PortText),
    /// A mapping.
    Full(Box<Listen>),
}

impl<'de> Deserialize<'de> for ListenItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;

        impl<'de> Visitor<'de> for Forms {
            type Value = ListenItem;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(PortText::NOUN)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ListenItem, E> {
                PortText::read(text).map(ListenItem::Port).map_err(E::custom)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<ListenItem, D::Error> {
                Listen::deserialize(deserializer).map(|full| ListenItem::Full(Box::new(full)))
            }
        }

        deserializer.deserialize_newtype_struct("ListenItem", Forms)
    }
}

impl JsonSchema for ListenItem {
    fn schema_name() -> Cow<'static, str> {
        "ListenItem".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [generator.subschema_for::<PortText>(), generator.subschema_for::<Listen>()]
        })
    }
}

impl Written for ListenItem {
    const FILLABLE: bool = true;
}
