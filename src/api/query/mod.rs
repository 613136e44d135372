//! The queries of the `GET` paths: what stands after the `?`, for browsers and curl.
//!
//! They are typed by people, so that a key that nobody knows is refused here.

mod decode;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

pub use decode::{QueryError, decode};

use super::{EventsRequest, Selector, Stream, Target};
use crate::model::ProjectName;

/// Which project and apps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TargetQuery {
    /// The project.
    pub project: Option<ProjectName>,
    /// A directory: the project whose file lies there.
    pub dir: Option<PathBuf>,
    /// An app, as on the command line: `web`, `web/0`, `tag:edge`. May be given more than once;
    /// without it every app is meant.
    pub app: Vec<Selector>,
    /// Whether `memory` is read.
    pub memory: bool,
}

impl TargetQuery {
    /// The same as the body of a `POST`. Where no project is named, the only one is meant.
    pub fn target(self) -> Target {
        Target {
            project: self.project,
            dir: self.dir.unwrap_or_default(),
            every_project: false,
            apps: self.app,
            memory: self.memory,
        }
    }

    /// The same, but where no project is named every project is meant.
    pub fn target_or_every(self) -> Target {
        let every_project = self.project.is_none() && self.dir.is_none();
        Target { every_project, ..self.target() }
    }
}

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EventsQuery {
    /// Only of this project; otherwise of every project.
    pub project: Option<ProjectName>,
    /// Only of this app. May be given more than once.
    pub app: Vec<Selector>,
    /// So many of the latest before those that are still to come; 0 if nothing is said.
    pub last: Option<usize>,
    /// All those after the one of this `seq`. The header `Last-Event-ID`, which a browser sends when
    /// it connects again, has precedence.
    pub after: Option<u64>,
}

impl EventsQuery {
    /// The same as the body of a `POST`.
    pub fn request(self) -> EventsRequest {
        let target = TargetQuery { project: self.project, app: self.app, ..TargetQuery::default() };
        let otherwise = if self.after.is_some() { usize::MAX } else { 0 };
        EventsRequest {
            target: target.target_or_every(),
            last: self.last.unwrap_or(otherwise),
            follow: true,
            after: self.after,
            ..EventsRequest::default()
        }
    }
}

/// Which lines of logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogsQuery {
    /// The project; may be left out where there is only one.
    pub project: Option<ProjectName>,
    /// Only of this app. May be given more than once.
    pub app: Vec<Selector>,
    /// Only of this instance of each app that is named.
    pub instance: Option<u32>,
    /// Only so many of the last lines: 100 if nothing is said, or all with `since`, `until` or `grep`.
    pub last: Option<usize>,
    /// Go on with what is printed from now on.
    pub follow: bool,
    /// Only what was printed since then: `5m` (ago) or `2026-03-04T05:06:07Z`.
    pub since: Option<String>,
    /// Only what was printed until then. Not with `follow`.
    pub until: Option<String>,
    /// Only lines that match this regular expression.
    pub grep: Option<String>,
    /// Only one of the two outputs.
    pub stream: Option<Stream>,
}

impl LogsQuery {
    /// Which apps that is; an error in words if `instance` says nothing.
    pub fn target(&self) -> Result<Target, QueryError> {
        let mut apps = self.app.clone();
        if let Some(wanted) = self.instance {
            if apps.is_empty() {
                return Err(QueryError::new("`instance` needs an `app`"));
            }
            for selector in &mut apps {
                match selector {
                    Selector::App { index, .. } if index.is_none_or(|index| index == wanted) => {
                        *index = Some(wanted);
                    }
                    Selector::App { .. } | Selector::All | Selector::Tag(_) => {
                        let text = format!("`instance` says nothing of `{selector}`: name an app");
                        return Err(QueryError::new(text));
                    }
                }
            }
        }
        Ok(Target { project: self.project.clone(), apps, ..Target::default() })
    }
}

#[cfg(test)]
mod tests;
