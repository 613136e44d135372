//! When an app runs beside others, and who watches it: `kind`, `depends_on`, `overlap`, `observe`.

use std::borrow::Cow;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use crate::config::{
    field::{Field, Many, Written},
    scalar::{Flag, Text},
};

/// Whether an app runs all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum Kind {
    /// It runs all the time.
    Service,
    /// It runs to its end: once for each revision, or by its `schedule`.
    Job,
}

/// What is done about a job that is due while its run before goes on.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum Overlap {
    /// It does not run this time.
    Skip,
    /// It runs after it; at most one run waits.
    Queue,
    /// The run before is stopped.
    Replace,
}

/// What is loaded into an app's processes to measure them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum Observe {
    /// Nothing.
    Off,
    /// The agent for Node.
    Node,
}

/// What another app has to have come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum Condition {
    /// Its program was executed.
    Started,
    /// Every instance is ready.
    Ready,
    /// A job: it ended well.
    Completed,
}

/// What another app has to have come to, and what follows from its restart.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Dependency {
    /// What it has to have come to. Default: `completed` for a job, else `ready`.
    pub(in crate::config) is: Field<Condition>,
    /// Whether a change or restart of it restarts this app too.
    #[schemars(extend("default" = false))]
    pub(in crate::config) restart_with: Field<Flag>,
}

/// `depends_on`, its short forms expanded: apps by name.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct DependsOn(pub(in crate::config) IndexMap<String, Field<Dependency>>);

impl<'de> Deserialize<'de> for DependsOn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IndexMap::deserialize(deserializer).map(Self)
    }
}

/// One entry in the schema: short forms are expanded before it is read.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "stands for both forms in the schema only")]
enum DependencyForm {
    Word(Condition),
    Full(Dependency),
}

impl JsonSchema for DependsOn {
    fn schema_name() -> Cow<'static, str> {
        "DependsOn".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                generator.subschema_for::<Many<Text>>(),
                {
                    "type": "object",
                    "additionalProperties": generator.subschema_for::<Field<DependencyForm>>(),
                },
            ]
        })
    }
}

impl Written for DependsOn {
    const FILLABLE: bool = false;
}

impl Written for Dependency {
    const FILLABLE: bool = false;
}

macro_rules! words {
    ($($type:ty),*) => { $(impl Written for $type { const FILLABLE: bool = true; })* };
}
words!(Kind, Observe, Overlap, Condition, DependencyForm);
