//! The core's sentences with the names of files that people look for. The core knows an app's
//! revision, but not what it runs.

use std::fmt::Display;

use super::readiness::AllAsked;
use crate::{
    host::port_owner::port_owner,
    model::{AppSpec, Command, Hold, RunId, Template},
};

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

/// Why an instance is not as desired, with what asking it showed and who is in its way.
pub(super) fn explained(
    hold: &Hold,
    spec: &AppSpec,
    (run, asked): (Option<RunId>, &AllAsked),
) -> String {
    let sentence = named(hold, spec);
    let Hold::NotReady { sockets, .. } = hold else { return sentence };
    let shown = run.and_then(|run| asked.get(&run)?.failing.as_ref());
    let in_use = sockets.refused.filter(|(_, errno)| *errno == libc::EADDRINUSE);
    let holder = in_use.and_then(|(port, _)| port_owner(port));
    let detail = match (shown, holder) {
        (Some(shown), _) => format!("not ready yet; {shown}"),
        (None, Some(owner)) => format!("not ready yet; {owner} holds the port"),
        (None, None) => return sentence,
    };
    sentence.replacen("not ready yet", &detail, 1)
}
