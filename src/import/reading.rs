//! What every file of another program is read with, and what is said about it on the way.

use std::{cell::RefCell, ffi::OsStr, path::Path};

use crate::config::{
    Span,
    written_tree::{Log, Problem, quoted},
};

/// Where paths of a file begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The file's directory, absolute.
    pub(super) dir: &'a Path,
    /// What `~` is.
    pub(super) home: &'a str,
}

impl Place<'_> {
    /// Files beside the one of `log` that its program reads with it by itself.
    pub(super) fn say_overrides(self, log: &Log, names: &[&str], notes: &Notes) {
        let own = log.source.name.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let is_override = |name: &String| name == own;
        let files: Vec<String> = names
            .iter()
            .flat_map(|name| ["yaml", "yml"].map(|ending| format!("{name}.{ending}")))
            .collect();
        if files.iter().any(is_override) {
            return;
        }
        for file in files.iter().filter(|file| self.dir.join(file).is_file()) {
            let text = format!("{} is not read, which its program merges over this", quoted(file));
            notes.say(Span::default(), text);
        }
    }
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

/// The names that apps of a file have already, each with its place.
#[derive(Debug, Default)]
pub(super) struct Called(Vec<(String, Span)>);

impl Called {
    /// Takes a name; says what is wrong if another one of `what` has it.
    pub(super) fn take(&mut self, what: &str, name: &str, at: Span) -> Option<Problem> {
        if let Some((_, first)) = self.0.iter().find(|(other, _)| other == name) {
            let message = format!("two {what} are called {}", quoted(name));
            let problem = Problem::new("duplicate_key", message, at, "again here");
            return Some(problem.also(*first, "first here"));
        }
        self.0.push((name.to_owned(), at));
        None
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}
