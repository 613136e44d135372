//! What becomes of an app's output: `logs`.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

use super::policies::or_none;
use crate::config::{
    field::{Field, Written},
    scalar::{Complaint, DurationText, Flag, Kept, SizeText, Text},
    suggest::quoted,
};

/// What becomes of an app's output.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Logs {
    /// The directory of the log files, relative to this file's directory.
    pub(in crate::config) dir: Field<Text>,
    /// When a log file is put aside and another one begun; `none` never does.
    pub(in crate::config) rotate: Field<RotateForm>,
    /// How log files that were put aside are compressed.
    #[schemars(extend("default" = "none"))]
    pub(in crate::config) compress: Field<Compress>,
    /// All log files of the app, of every instance, together have at most so many bytes: those put
    /// aside longest ago go first.
    pub(in crate::config) max_total: Field<SizeText>,
    /// What takes the output.
    #[schemars(extend("default" = "file"))]
    pub(in crate::config) to: Field<To>,
    /// How `eco run` prints it.
    #[schemars(extend("default" = "text"))]
    pub(in crate::config) format: Field<Format>,
    /// Whether `eco run` prints the time of each line.
    #[schemars(extend("default" = false))]
    pub(in crate::config) timestamps: Field<Flag>,
}

/// What takes an app's output.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum To {
    /// Files, which `eco logs` reads.
    File,
    /// The journal of systemd.
    Journald,
    /// Syslog, as in RFC 5424.
    Syslog,
    /// The standard output of `eco daemon run`, for a container's log or a service manager's. An
    /// eco that is not in the foreground writes files instead, which `eco run` prints too.
    Stdout,
    /// Nobody: it is forgotten.
    None,
}

/// How output is printed.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum Format {
    /// Each line with the name of its instance before it.
    Text,
    /// The bytes as they are.
    Raw,
    /// Each line as a JSON object.
    Json,
}

/// When a log file is put aside and another one begun.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Rotate {
    /// From this size on.
    #[schemars(extend("default" = "20M"))]
    pub(in crate::config) size: Field<SizeText>,
    /// Once its first line is so old. Default: at any age.
    pub(in crate::config) age: Field<DurationText>,
    /// How many that were put aside are kept, for each stream of each instance.
    #[schemars(extend("default" = 5))]
    pub(in crate::config) keep: Field<Kept>,
}

/// How log files that were put aside are compressed.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum Compress {
    /// As by `zstd`.
    Zstd,
    /// As by `gzip`.
    Gzip,
    /// Not at all.
    None,
}

impl Written for Logs {
    const FILLABLE: bool = false;
}

impl Written for Compress {
    const FILLABLE: bool = true;
}

impl Written for To {
    const FILLABLE: bool = true;
}

impl Written for Format {
    const FILLABLE: bool = true;
}

or_none!(RotateForm, Rotate, "RotateOrNone", "a rotation");
