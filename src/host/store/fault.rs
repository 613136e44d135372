//! What can be wrong with stored files, in words.

use std::{io, path::PathBuf};

use crate::model::{Generation, ProjectName};

/// Something about the stored files that a person should know. Nothing is stopped because of it.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// One revision file cannot be used; an older one is, if there is any.
    #[error("the state file {path} of project {project} cannot be used: {why}")]
    Revision {
        /// The project.
        project: ProjectName,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A project is loaded from an older revision than the current one.
    #[error("project {project} is taken from its older state {}, the newest that is readable", used.0)]
    Older {
        /// The project.
        project: ProjectName,
        /// The generation that is used.
        used: Generation,
    },
    /// No revision of a project is readable: it is not loaded and its apps are left alone.
    #[error(
        "no stored state of project {project} is readable; its apps are left as they are until \
         the next `eco apply`"
    )]
    Unreadable {
        /// The project.
        project: ProjectName,
        /// The highest generation that files are there for: new ones must be above it.
        newest: Generation,
    },
    /// Something in the projects' directory is no project.
    #[error("{path} is no project's directory; it is left alone")]
    Foreign {
        /// What was found.
        path: PathBuf,
    },
    /// A line of an append-only file cannot be read; it is left out.
    #[error("line {line} of {path} cannot be read and is left out: {why}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Many lines cannot be read; the first few were reported one by one.
    #[error("{count} more lines of {path} cannot be read and are left out")]
    Lines {
        /// The file.
        path: PathBuf,
        /// How many.
        count: u64,
    },
    /// The system refuses.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried: `read`, `write`, `create`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}
