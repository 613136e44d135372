//! The core's sentences with the names of files that people look for. The core knows an app's
//! revision, but not what it runs.

use std::fmt::Display;

use super::seen::AllSeen;
use crate::{
    model::{AppKey, AppSpec, Command, Hold, ReadyProbe, StopReason, Template},
    reconcile::{AppStatus, InstanceStatus},
};

/// The sentence, with the program and the directory in the place of "its command" and "its cwd".
pub(super) fn named(sentence: &impl Display, spec: &AppSpec) -> String {
    let program = program(&spec.command);
    sentence
        .to_string()
        .replace("execute its command", &format!("execute `{program}`"))
        .replace("enter its cwd", &format!("enter its cwd {}", spec.cwd.display()))
}

/// The program that a command executes.
pub(super) fn program(command: &Command) -> String {
    match command {
        Command::Argv(words) => words.first().map_or_else(String::new, Template::display),
        Command::Shell(_) => "/bin/sh".to_owned(),
    }
}

/// Why an instance is not as desired, with what was seen of it. `of` is the instance the hold is
/// about, if it is about one.
pub(super) fn explained(
    hold: &Hold,
    (spec, key): (&AppSpec, &AppKey),
    of: Option<&InstanceStatus>,
    seen: &AllSeen,
) -> String {
    let sentence = named(hold, spec);
    let found = of.and_then(|of| seen.get(&of.id).map(|seen| (of, seen)));
    let now = found.filter(|(of, seen)| of.run == Some(seen.run)).map(|(_, seen)| &seen.words);
    let last = found.filter(|(of, seen)| of.exit.is_some_and(|it| it.run == seen.run));
    let last = last.map(|(_, seen)| &seen.words);
    let after_first = |words: &str| sentence.replacen("; ", &format!("; {words}; "), 1);
    match hold {
        Hold::NotReady { .. } => now
            .cloned()
            .or_else(|| unsaid(spec))
            .map(|words| sentence.replacen("not ready yet", &format!("not ready yet; {words}"), 1)),
        Hold::Backoff { .. }
        | Hold::CrashLooping { .. }
        | Hold::GaveUp { .. }
        | Hold::NotRestarted { .. } => last.map(|words| after_first(words)),
        // Being tried again is no reason to forget why.
        Hold::Starting => last.map(|words| format!("{sentence}; before that: {words}")),
        Hold::Unfit { .. } => now.map(|words| after_first(words)),
        Hold::Stopping { reason: StopReason::NotReady | StopReason::NotLive, .. } => {
            now.map(|words| format!("{sentence}; {words}"))
        }
        Hold::Paused(_) => {
            seen_when_paused(hold, key, seen).map(|words| format!("{sentence}; {words}"))
        }
        Hold::Stopping { .. }
        | Hold::Replacing
        | Hold::Settling { .. }
        | Hold::Draining { .. }
        | Hold::Outdated
        | Hold::Unanswered
        | Hold::Awaits(_)
        | Hold::StopsAfter(_)
        | Hold::JobRuns
        | Hold::Stuck { .. }
        | Hold::Reloading
        | Hold::RolledBack { .. } => None,
    }
    .unwrap_or(sentence)
}

/// Why an app is not as desired, likewise.
pub(super) fn app_hold(
    status: &AppStatus,
    about: (&AppSpec, &AppKey),
    seen: &AllSeen,
) -> Option<String> {
    let hold = status.hold.as_ref()?;
    let holding = status.instances.iter().find(|it| it.hold.as_ref() == Some(hold));
    Some(explained(hold, about, holding, seen))
}

/// What was seen of the instance for which a change is paused. A change that was undone has that in
/// its reason already.
pub(super) fn seen_when_paused<'a>(
    hold: &Hold,
    key: &AppKey,
    seen: &'a AllSeen,
) -> Option<&'a str> {
    let Hold::Paused(failure) = hold else { return None };
    seen.get(&key.instance(failure.index)).map(|seen| seen.words.as_str())
}

/// What a program has not said yet that has to say when it is ready.
pub(super) fn unsaid(spec: &AppSpec) -> Option<String> {
    match &spec.ready.probe {
        ReadyProbe::Message(text) => Some(format!("it has not called process.send('{text}')")),
        ReadyProbe::Notify => Some("it has not said READY=1 at NOTIFY_SOCKET".to_owned()),
        ReadyProbe::Started
        | ReadyProbe::Listen
        | ReadyProbe::Http(_)
        | ReadyProbe::Tcp(_)
        | ReadyProbe::Exec(_)
        | ReadyProbe::Log(_)
        | ReadyProbe::Delay(_) => None,
    }
}
