//! The index of every code: what `eco explain CODE` says, and the same as a page.
//!
//! A code is the stable word of a fault, an error or a hold. `tests/it/render/codes.rs` holds this
//! index and the sources together: no code without an entry, no entry without a code.

mod commands;
mod document;
mod entries;
mod files;
mod holds;
mod imports;
mod text;

use serde::Serialize;

pub use document::errors_page;
pub use text::{codes, explained, more};

/// What a code is said of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// An `ecosystem.yaml`, or what it names.
    File,
    /// A file of another program.
    Import,
    /// A command, or the controller's answer to it.
    Command,
    /// An instance or an app that is not as desired: `hold_code`.
    Hold,
}

impl Subject {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::File, Self::Import, Self::Command, Self::Hold];

    /// The heading above the codes of this subject.
    pub fn heading(self) -> &'static str {
        match self {
            Self::File => "Faults of a file",
            Self::Import => "Faults of another program's file",
            Self::Command => "Errors of commands",
            Self::Hold => "Why something is not as desired",
        }
    }
}

/// What brings a code about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Example {
    /// The text of a file of this name. A test reads each, and gets this code and no other.
    File {
        /// The name the file has.
        name: &'static str,
        /// What is in it.
        text: &'static str,
    },
    /// Something that is done or that happens, in words or as a command line.
    Case {
        /// What.
        text: &'static str,
    },
}

/// What there is to say about one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The code.
    pub code: &'static str,
    /// What it is said of.
    pub subject: Subject,
    /// What it means.
    pub means: &'static str,
    /// What brings it about.
    pub example: Example,
    /// What to do.
    pub cure: &'static str,
}

/// Every entry, by subject and then by code.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    [files::FILES, imports::IMPORTS, commands::COMMANDS, holds::HOLDS].into_iter().flatten()
}

/// The entry of a code.
pub fn entry(code: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.code == code)
}
