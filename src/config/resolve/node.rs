//! What only a Node program can be asked: `ready.message`, `stop.message`, `stop.close` and
//! `observe: node`.

use super::Context;
use crate::{
    config::{
        fault::Problem,
        field::{At, Field},
        scalar::{SignalText, Text},
        suggest::quoted,
        written::{self, App, Stop},
    },
    model::{Command, Observe},
};

/// Programs that run JavaScript, and load nothing that `NODE_OPTIONS` names.
const OTHERS: [&str; 3] = ["bun", "bunx", "deno"];

/// Looks at what contradicts itself, or cannot be.
pub(super) fn check(context: &Context<'_>, app: &App, command: Option<&Command>) {
    let ready = app.ready.get().and_then(|ready| message(context, "ready", &ready.message));
    let stop = app.stop.get().map(|stop| check_stop(context, stop)).unwrap_or_default();
    let observe = app.observe.get_at().filter(|(it, _)| **it == written::Observe::Node);
    let observe = observe.map(|(_, at)| ("observe", at));
    let first = ready.map(|at| ("ready.message", at)).or(stop).or(observe);
    let Some((key, at)) = first else { return };
    if let Some(name) = command.and_then(program).filter(|name| OTHERS.contains(&name.as_str())) {
        let message = format!("`{key}` is for Node programs, and `{name}` is another");
        let problem = Problem::new("value", message, at.key, "has no effect there");
        context.push(problem.help("remove it, or run the program by `node`"));
    }
}

/// What is loaded into its processes to measure them.
pub(super) fn observe(app: &App) -> Observe {
    match app.observe.get() {
        Some(written::Observe::Off) | None => Observe::Off,
        Some(written::Observe::Node) => Observe::Node,
    }
}

/// The first of its keys that are for Node only.
fn check_stop(context: &Context<'_>, stop: &Stop) -> Option<(&'static str, At)> {
    let message = message(context, "stop", &stop.message);
    let close = stop.close.get_at().filter(|(flag, _)| flag.0).map(|(_, at)| at);
    let first = message.map(|at| ("stop.message", at)).or(close.map(|at| ("stop.close", at)));
    let (key, at) = first?;
    if let Some((SignalText(signal), signal_at)) = stop.signal.get_at()
        && !["SIGTERM", "SIGINT"].contains(&signal.to_string().as_str())
    {
        let message = format!("`{key}` takes the place of SIGTERM and SIGINT only");
        let problem = Problem::new("value", message, signal_at.value, "another signal");
        let problem = problem.also(at.key, "this is what it is to do");
        context.push(problem.help("remove one of them"));
    }
    if let (Some(at), Some((_, other))) = (message, stop.command.get_at()) {
        let message = "`stop` has both `message` and `command`";
        let problem =
            Problem::new("value", message, at.key, "no signal comes that it could replace");
        let problem = problem.also(other.key, "this is run in place of the signal");
        context.push(problem.help("remove one of them"));
    }
    Some((key, at))
}

fn message(context: &Context<'_>, of: &str, field: &Field<Text>) -> Option<At> {
    let (Text(text), at) = field.get_at()?;
    if text.is_empty() {
        let message = format!("{} is no message", quoted(text));
        let example = if of == "ready" { "ready" } else { "shutdown" };
        let problem = Problem::new("value", message, at.value, "needs some text");
        context.push(problem.help(format!("as in `{of}: {{ message: {example} }}`")));
    }
    Some(at)
}

/// The name of what a command runs.
fn program(command: &Command) -> Option<String> {
    match command {
        Command::Argv(words) => {
            let path = words.first()?.display();
            Some(path.rsplit('/').next().unwrap_or(&path).to_owned())
        }
        Command::Shell(_) => None,
    }
}
