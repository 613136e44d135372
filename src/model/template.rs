//! Text with places that are filled per instance.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::InstanceId;

/// The variables a template may name.
const NAMES: [&str; 4] = ["ECO_PROJECT", "ECO_APP", "ECO_INSTANCE", "PORT"];

/// Text in which `${ECO_PROJECT}`, `${ECO_APP}`, `${ECO_INSTANCE}` and `${PORT}` are filled when
/// an instance starts, and `$$` is one dollar sign.
///
/// Every other variable was filled when the file was read.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Template(String);

/// What the places of a template become.
#[derive(Clone, Debug)]
pub struct InstanceVars<'a> {
    /// The instance that starts.
    pub id: &'a InstanceId,
    /// Its port, when it has one.
    pub port: Option<&'a str>,
}

impl Template {
    /// A template that is just `text`: its dollar signs are kept.
    pub fn literal(text: &str) -> Self {
        Self(text.replace('$', "$$"))
    }

    /// Takes text that is already escaped: `$$` and the four variables only.
    pub fn from_escaped(text: String) -> Self {
        Self(text)
    }

    /// Whether `name` is filled per instance rather than when the file is read.
    pub fn is_instance_variable(name: &str) -> bool {
        NAMES.contains(&name)
    }

    /// The escaped text, for people and hashes.
    pub fn as_escaped(&self) -> &str {
        &self.0
    }

    /// The text for one instance.
    pub fn fill(&self, vars: &InstanceVars<'_>) -> String {
        let mut out = String::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            rest = after;
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some((name, after)) =
                rest.strip_prefix('{').and_then(|text| text.split_once('}'))
                && Self::is_instance_variable(name)
            {
                out.push_str(&vars.value(name));
                rest = after;
            } else {
                out.push('$');
            }
        }
        out.push_str(rest);
        out
    }

    /// The text with `$$` as one dollar sign, the variables left as they are: for people.
    pub fn display(&self) -> String {
        self.0.replace("$$", "$")
    }
}

impl InstanceVars<'_> {
    fn value(&self, name: &str) -> String {
        match name {
            "ECO_PROJECT" => self.id.key.project.to_string(),
            "ECO_APP" => self.id.key.app.to_string(),
            "ECO_INSTANCE" => self.id.index.to_string(),
            _ => self.port.unwrap_or_default().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AppKey;

    #[test]
    fn places_are_filled_and_dollars_kept() {
        let key = AppKey { project: "shop".parse().unwrap(), app: "web".parse().unwrap() };
        let id = key.instance(2);
        let vars = InstanceVars { id: &id, port: None };
        let fill = |text: &str| Template::from_escaped(text.to_owned()).fill(&vars);
        assert_eq!(fill("a ${ECO_INSTANCE} $$x ${ECO_PROJECT}-${ECO_APP}"), "a 2 $x shop-web");
        assert_eq!(Template::literal("cost $5 ${ECO_APP}").fill(&vars), "cost $5 ${ECO_APP}");
    }
}
