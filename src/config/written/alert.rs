//! `alerts` and `notify`: when somebody is told, and who.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::{Command, EnvValue};
use crate::config::{
    field::{Field, Many, Written},
    scalar::Text,
};

/// When somebody is told of the app. `restarts`, `down`, `not_ready`, `degraded`, `crash_looping`,
/// `job_failed` and `rolled_back` follow from what eco does anyway; what is measured (`p50`, `p90`,
/// `p99`, `max`, `rate`, `errors`, `probe_p99`, `lag_p99`, `memory`, `cpu`, `queue`) is looked at
/// every five seconds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["when"]))]
pub(in crate::config) struct Alert {
    /// The condition: a state, as in `down for 30s`, or a value and a bound, as in
    /// `p99 > 500ms for 2m`. `for` says how long it has to hold; `in` over which time is counted.
    pub(in crate::config) when: Field<Text>,
    /// The names of the receivers under `notify`. Default: all of them.
    pub(in crate::config) to: Field<Many<Text>>,
}

impl Written for Alert {
    const FILLABLE: bool = false;
}

/// An alert: its condition alone, or a mapping with its receivers.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "stands for both forms in the schema only")]
pub(in crate::config) enum AlertForm {
    Words(Text),
    Full(Alert),
}

impl Written for AlertForm {
    const FILLABLE: bool = false;
}

/// Who is told of alerts: a webhook or a command. In the file a URL alone is a webhook.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Receiver {
    /// A URL to which each alert is posted as JSON, or `{ file: PATH }` with one in it. It is shown
    /// nowhere.
    #[schemars(extend("examples" = ["${SLACK_URL:?}", { "file": "/run/secrets/slack" }]))]
    pub(in crate::config) webhook: Field<EnvValue>,
    /// What is sent in the head of the request too. The values are shown nowhere.
    pub(in crate::config) headers: Field<SecretHeaders>,
    /// A command that is run for each alert, in this file's directory. It finds what happened in
    /// `ECO_ALERT_STATE` (`firing`, `resolved`), `ECO_ALERT`, `ECO_APP`, `ECO_ALERT_MESSAGE` and, as
    /// JSON, `ECO_ALERT_JSON`.
    pub(in crate::config) command: Field<Command>,
}

impl Written for Receiver {
    const FILLABLE: bool = false;
}

/// Headers by name.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct SecretHeaders(pub(in crate::config) IndexMap<String, Field<EnvValue>>);

impl<'de> Deserialize<'de> for SecretHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IndexMap::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for SecretHeaders {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SecretHeaders".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": generator.subschema_for::<Field<EnvValue>>(),
        })
    }
}

impl Written for SecretHeaders {
    const FILLABLE: bool = false;
}

/// Receivers by name.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Notify(pub(in crate::config) IndexMap<String, Field<Receiver>>);

impl<'de> Deserialize<'de> for Notify {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IndexMap::deserialize(deserializer).map(Self)
    }
}

/// A receiver of alerts; a URL alone is a webhook.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "stands for both forms in the schema only")]
enum ReceiverForm {
    Url(Text),
    Full(Box<Receiver>),
}

impl Written for ReceiverForm {
    const FILLABLE: bool = false;
}

impl JsonSchema for Notify {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Notify".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": generator.subschema_for::<Field<ReceiverForm>>(),
            "examples": [{ "ops": "${SLACK_URL:?}", "pager": { "command": "./page.sh" } }],
        })
    }
}

impl Written for Notify {
    const FILLABLE: bool = false;
}
