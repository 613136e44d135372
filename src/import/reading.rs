//! What every file of another program is read with, and what is said about it on the way.

use std::{cell::RefCell, path::Path};

use crate::config::{Span, written_tree::quoted};

/// Where paths of a file begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The file's directory, absolute.
    pub(super) dir: &'a Path,
    /// What `~` is.
    pub(super) home: &'a str,
}

/// Something to say about a place of the file that was read: a comment where it is written anew.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) at: Span,
    pub(super) text: String,
}

/// What is said on the way.
#[derive(Debug, Default)]
pub(super) struct Notes(RefCell<Vec<Note>>);

impl Notes {
    /// A sentence about the place `at`.
    pub(super) fn say(&self, at: Span, text: impl Into<String>) {
        self.0.borrow_mut().push(Note { at, text: text.into() });
    }

    /// That `what`, which stands at `at`, is not in the new file.
    pub(super) fn left_out(&self, at: Span, what: &str, why: &str) {
        self.say(at, format!("{} is left out: {why}", quoted(what)));
    }

    pub(super) fn into_inner(self) -> Vec<Note> {
        self.0.into_inner()
    }
}
