//! Procfiles: a line for each process, as foreman, honcho, overmind and Heroku read them.

use std::rc::Rc;

use super::{
    keys::{Key, key},
    pm2::fields::Answer::Mapped,
    reading::{Called, Notes, Place},
    tree::{Map, command, literal, plain, plain_words, template, text},
};
use crate::config::{
    Span,
    written_tree::{Log, Node, Problem},
};

/// What becomes of a line.
pub(super) const KEYS: &[Key] = &[key("*", Mapped("apps.NAME.command"))];

/// The process that Heroku runs before a release, and not as one that stays.
const RELEASE: &str = "release";

/// The process that Heroku sends requests to.
const WEB: &str = "web";

/// What foreman gives to the first process, and the distance to that of the next.
const FIRST_PORT: usize = 5000;
const PORTS_BETWEEN: usize = 100;

/// What foreman reads variables from.
const ENV_FILE: &str = ".env";

/// The tree of our format for a Procfile's; `None` if there is none, which was said.
pub(super) fn document(log: &Log, place: Place<'_>, notes: &Notes) -> Option<Rc<Node>> {
    let whole = Span::new(0, log.source.text.len());
    let mut apps = Map::new(whole);
    let mut called = Called::default();
    for (at, line) in lines(&log.source.text) {
        let Some((name, name_at, line, line_at)) = process(log, at, line) else { continue };
        if let Some(problem) = called.take("processes", name, name_at) {
            log.push(problem);
            continue;
        }
        let whole = Span::new(name_at.start, line_at.end);
        apps.put(
            name,
            name_at,
            app(place, notes, whole, (name, line, line_at), called.count() - 1),
        );
    }
    if called.count() == 0 {
        let problem = Problem::new("no_apps", "the file has no processes", whole, "nothing here");
        log.push(problem.help("as in `web: bundle exec puma`"));
        return None;
    }
    let mut document = Map::new(whole);
    document.put("apps", whole, apps.node());
    Some(document.node())
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split('\n').map(move |line| {
        let start = at;
        at += line.len() + 1;
        (start, line.trim_end())
    })
}

/// The name and the command of a line, each with its place.
fn process<'a>(log: &Log, at: usize, line: &'a str) -> Option<(&'a str, Span, &'a str, Span)> {
    if line.trim().is_empty() || line.trim_start().starts_with('#') {
        return None;
    }
    let Some((name, rest)) = line.split_once(':').filter(|(_, rest)| !rest.trim().is_empty())
    else {
        let span = Span::new(at, at + line.len());
        let message = "this line is not of the form `name: command`";
        log.push(Problem::new("syntax", message, span, "which process, and what to run?"));
        return None;
    };
    let rest_at = at + line.len() - rest.trim_start().len();
    let (name, rest) = (name.trim(), rest.trim());
    Some((name, Span::new(at, at + name.len()), rest, Span::new(rest_at, rest_at + rest.len())))
}

fn app(
    place: Place<'_>,
    notes: &Notes,
    whole: Span,
    (name, line, at): (&str, &str, Span),
    index: usize,
) -> Rc<Node> {
    let mut app = Map::new(whole);
    app.put("command", at, command_with_port(at, line));
    if name == RELEASE {
        app.put("kind", whole, text(whole, "job"));
        notes.say(
            whole,
            "Heroku runs this before a release: let others wait for it by `depends_on`",
        );
    }
    if name == WEB || asks_for_port(line) {
        let port = FIRST_PORT + PORTS_BETWEEN * index;
        app.put("listen", at, plain(at, &port));
        notes.say(whole, "the port is the one that foreman would give it");
    }
    if place.dir.join(ENV_FILE).is_file() {
        app.put("env_file", whole, text(whole, ENV_FILE));
    }
    app.node()
}

fn asks_for_port(line: &str) -> bool {
    line.contains("$PORT") || line.contains("${PORT}")
}

/// The command; our own `${PORT}` needs no shell.
fn command_with_port(at: Span, line: &str) -> Rc<Node> {
    const MARK: &str = "\u{1}";
    let marked = line.replace("${PORT}", MARK).replace("$PORT", MARK);
    let Some(words) = plain_words(&marked).filter(|_| asks_for_port(line) && !line.contains(MARK))
    else {
        return command(at, line);
    };
    let words = words.iter().map(|word| template(at, literal(word).replace(MARK, "${PORT}")));
    Node::list(at, words.collect())
}
