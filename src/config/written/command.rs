//! `command` and the values of `env`: fields with several forms.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use crate::config::{
    field::{Field, Written},
    scalar::Text,
};

/// What to run.
#[derive(Clone, Debug)]
pub(in crate::config) enum Command {
    /// Text to split into words.
    Line(String),
    /// The words.
    Words(Vec<Field<Text>>),
    /// Text for a shell.
    Shell(Shell),
}

/// A text for `/bin/sh -c`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["shell"]))]
pub(in crate::config) struct Shell {
    /// The text for `/bin/sh -c`.
    #[schemars(example = &"./prepare && exec node server.js")]
    pub(in crate::config) shell: Field<Text>,
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;

        impl<'de> Visitor<'de> for Forms {
            type Value = Command;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command line, a list of words or `{ shell: … }`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Command, E> {
                Ok(Command::Line(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Command, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(Command::Words)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Command, D::Error> {
                Shell::deserialize(deserializer).map(Command::Shell)
            }
        }

        deserializer.deserialize_newtype_struct("Command", Forms)
    }
}

impl JsonSchema for Command {
    fn schema_name() -> Cow<'static, str> {
        "Command".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = generator.subschema_for::<Text>();
        let shell = generator.subschema_for::<Shell>();
        json_schema!({
            "anyOf": [
                text.clone(),
                { "type": "array", "items": text, "minItems": 1 },
                shell
            ],
            "examples": [
                "node server.js",
                ["node", "server.js", "--title", "my shop"],
                { "shell": "./prepare && exec node server.js" }
            ]
        })
    }
}

impl Written for Command {
    const FILLABLE: bool = false;
}

/// The value of one variable; `null` is kept apart by the field.
#[derive(Clone, Debug)]
pub(in crate::config) enum EnvValue {
    /// This text.
    Text(String),
    /// The content of a file.
    File(SecretFile),
}

/// A value kept in a file of its own.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["file"]))]
pub(in crate::config) struct SecretFile {
    /// The file with the value, relative to this file's directory. One final newline is cut off.
    #[schemars(example = &"/run/secrets/token")]
    pub(in crate::config) file: Field<Text>,
}

impl<'de> Deserialize<'de> for EnvValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;

        impl<'de> Visitor<'de> for Forms {
            type Value = EnvValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a number, a boolean or `{ file: … }`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<EnvValue, E> {
                Ok(EnvValue::Text(text.to_owned()))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<EnvValue, D::Error> {
                SecretFile::deserialize(deserializer).map(EnvValue::File)
            }
        }

        deserializer.deserialize_newtype_struct("EnvValue", Forms)
    }
}

impl JsonSchema for EnvValue {
    fn schema_name() -> Cow<'static, str> {
        "EnvValue".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Text, a number or a boolean (kept as written), or `{ file: PATH }`.",
            "anyOf": [
                { "type": ["string", "number", "boolean"] },
                generator.subschema_for::<SecretFile>()
            ]
        })
    }
}

impl Written for EnvValue {
    const FILLABLE: bool = false;
}
