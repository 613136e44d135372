//! The core's sentences with the names of files that people look for. The core knows an app's
//! revision, but not what it runs.

use std::fmt::Display;

use crate::model::{AppSpec, Command, Template};

/// The sentence, with the program and the directory in the place of "its command" and "its cwd".
pub(super) fn named(sentence: &impl Display, spec: &AppSpec) -> String {
    let program = match &spec.command {
        Command::Argv(words) => words.first().map_or_else(String::new, Template::display),
        Command::Shell(_) => "/bin/sh".to_owned(),
    };
    sentence
        .to_string()
        .replace("execute its command", &format!("execute `{program}`"))
        .replace("enter its cwd", &format!("enter its cwd {}", spec.cwd.display()))
}
