//! How a person names apps: `web`, `web/0`, `shop:web`, `tag:edge`, `all`.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::model::{AppName, NameError, ProjectName};

/// Names one or more apps or instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Every app.
    All,
    /// Every app with this tag.
    Tag(String),
    /// One app, or one of its instances.
    App {
        /// The project, if named.
        project: Option<ProjectName>,
        /// The app.
        app: AppName,
        /// The instance, if named.
        index: Option<u32>,
    },
}

impl Selector {
    /// Whether it names the instance `web/0`. Tags are not known here: they fit nothing.
    pub fn fits(&self, id: &str) -> bool {
        let (name, place) = id.split_once('/').unwrap_or((id, ""));
        match self {
            Self::All => true,
            Self::Tag(_) => false,
            Self::App { app, index, .. } => {
                app.as_str() == name && index.is_none_or(|index| index.to_string() == place)
            }
        }
    }
}

/// Why a text names nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// A part is not a name.
    #[error("`{0}` names no app: {1}")]
    Name(String, NameError),
    /// What follows the slash is not a number.
    #[error("`{0}` names no instance: after `/` comes its index, such as `web/0`")]
    Index(String),
}

impl FromStr for Selector {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(tag) = text.strip_prefix("tag:") {
            return Ok(Self::Tag(tag.to_owned()));
        }
        let bad_name = |fault| SelectError::Name(text.to_owned(), fault);
        let (project, rest) = match text.split_once(':') {
            Some((project, rest)) => (Some(project.parse().map_err(bad_name)?), rest),
            None => (None, text),
        };
        let (app, index) = match rest.split_once('/') {
            Some((app, index)) => {
                let index = index.parse().map_err(|_| SelectError::Index(text.to_owned()))?;
                (app, Some(index))
            }
            None => (rest, None),
        };
        Ok(Self::App { project, app: app.parse().map_err(bad_name)?, index })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Tag(tag) => write!(f, "tag:{tag}"),
            Self::App { project, app, index } => {
                if let Some(project) = project {
                    write!(f, "{project}:")?;
                }
                write!(f, "{app}")?;
                index.map_or(Ok(()), |index| write!(f, "/{index}"))
            }
        }
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Selector {
    fn schema_name() -> Cow<'static, str> {
        "Selector".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Names apps as on the command line: `web`, `web/0`, `shop:web`, \
                `tag:edge`, `all`.",
            "pattern": "^(tag:.*|(([A-Za-z0-9_][A-Za-z0-9._-]{0,62}):)?\
                (?![0-9]+(/|$))[A-Za-z0-9_][A-Za-z0-9._-]{0,62}(/[0-9]{1,9})?)$",
            "examples": ["web", "web/0", "tag:edge"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["all", "tag:edge", "web", "web/0", "shop:web", "shop:web/12"] {
            assert_eq!(text.parse::<Selector>().unwrap().to_string(), text);
        }
        for text in ["", "12", "web/x", "a b", ":web", "web/"] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
    }
}
