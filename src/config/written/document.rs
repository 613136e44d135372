//! The top of the file.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::{App, Dashboard, Metrics, Notify};
use crate::config::{
    field::{Field, Written},
    scalar::{NAME_PATTERN, ProjectText, Text, Version},
};

/// An ecosystem: what should run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "Ecosystem", deny_unknown_fields)]
pub(in crate::config) struct Document {
    /// The version of the format.
    #[schemars(extend("default" = 1))]
    pub(in crate::config) version: Field<Version>,
    /// The name of the project. Without it, the name of the file's directory.
    #[schemars(example = &"shop")]
    pub(in crate::config) name: Field<ProjectText>,
    /// A file of `KEY=value` lines with values for `${KEY}` in this file. Apps do not get them by
    /// themselves.
    #[schemars(example = &".env")]
    pub(in crate::config) vars_file: Field<Text>,
    /// Where numbers about the apps are offered to Prometheus and others. Without it nowhere.
    pub(in crate::config) metrics: Field<Metrics>,
    /// Who is told of alerts, by name: a webhook or a command. An app says under `alerts` when.
    pub(in crate::config) notify: Field<Notify>,
    /// Where a page for browsers is offered. Without it only while `eco dashboard` has asked for one.
    pub(in crate::config) dashboard: Field<Dashboard>,
    /// Keys for every app that does not have them itself.
    pub(in crate::config) defaults: Field<App>,
    /// The apps by name.
    pub(in crate::config) apps: Field<Apps>,
    /// Variants of this file by name: `eco apply --profile NAME` merges one over it.
    pub(in crate::config) profiles: Field<Profiles>,
}

/// What one profile changes. Mappings are merged, other values replaced, and `null` removes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Profile {
    /// Another name for the project.
    pub(in crate::config) name: Field<ProjectText>,
    /// Another file with values for `${KEY}`.
    pub(in crate::config) vars_file: Field<Text>,
    /// Numbers about the apps at another place, or with `null` nowhere.
    pub(in crate::config) metrics: Field<Metrics>,
    /// Other receivers of alerts, further ones, and with `null` less.
    pub(in crate::config) notify: Field<Notify>,
    /// The page for browsers at another place, or with `null` nowhere.
    pub(in crate::config) dashboard: Field<Dashboard>,
    /// Keys for every app.
    pub(in crate::config) defaults: Field<App>,
    /// Changes of apps, further apps, and with `null` apps less.
    pub(in crate::config) apps: Field<Apps>,
}

/// A mapping with names as keys.
macro_rules! by_name {
    ($name:ident, $item:ty) => {
        #[derive(Clone, Debug, Default)]
        pub(in crate::config) struct $name(pub(in crate::config) IndexMap<String, Field<$item>>);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                IndexMap::deserialize(deserializer).map(Self)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "object",
                    "propertyNames": { "pattern": format!("{NAME_PATTERN}|^<<$") },
                    "additionalProperties": generator.subschema_for::<Field<$item>>(),
                })
            }
        }

        impl Written for $name {
            const FILLABLE: bool = false;
        }
    };
}

by_name!(Apps, App);
by_name!(Profiles, Profile);

impl Written for Profile {
    const FILLABLE: bool = false;
}
