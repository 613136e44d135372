//! Names of projects and tags.

use super::{Complaint, Scalar, scalar};
use crate::{config::suggest::quoted, model::ProjectName};

/// What a name looks like, for the schema.
pub(in crate::config) const NAME_PATTERN: &str = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$";

/// The name of a project.
#[derive(Clone, Debug)]
pub(in crate::config) struct ProjectText(pub(in crate::config) ProjectName);

impl Scalar for ProjectText {
    const NOUN: &'static str = "a name";

    fn read(text: &str) -> Result<Self, Complaint> {
        text.parse().map(Self).map_err(|error| {
            Complaint::new(format!("{} is not a name", quoted(text)), format!("{error}"))
        })
    }
}

scalar!(ProjectText, "ProjectName", {
    "description": "Letters, digits, `_`, `.` and `-`; at most 63 characters.",
    "type": ["string", "number", "boolean"],
    "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$"
});

/// A word to select apps by.
#[derive(Clone, Debug)]
pub(in crate::config) struct Tag(pub(in crate::config) String);

impl Scalar for Tag {
    const NOUN: &'static str = "a tag";

    fn read(text: &str) -> Result<Self, Complaint> {
        match text.parse::<ProjectName>() {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(Complaint::new(
                format!("{} is not a tag", quoted(text)),
                format!("{error}").replacen("a name", "a tag", 1),
            )),
        }
    }
}

scalar!(Tag, "Tag", {
    "description": "A word to select apps by: `eco restart tag:edge`.",
    "type": ["string", "number", "boolean"],
    "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$",
    "examples": ["edge"]
});
