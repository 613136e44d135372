//! `script`, `args`, `interpreter` and `node_args` as `command`.

use std::rc::Rc;

use super::{app::Source, script::Kind};
use crate::config::{
    Span,
    written_tree::{Node, Problem, quoted},
};
use crate::import::tree::{literal, plain_words, shell, text};

/// A word with its place.
type Word = (String, Span);

/// The command, and where it comes from.
pub(super) fn of(source: &Source<'_>) -> (Rc<Node>, Span) {
    let at = source.script.at;
    let Some(words) = words(source) else {
        // Nobody else looks at it: what is wrong was said.
        return (Node::unfilled(at.value), at.key);
    };
    let command = match increment(source) {
        Some(variable) => incremented(&words, variable, at.value),
        None => list(&words, at.value),
    };
    (command, at.key)
}

fn list(words: &[Word], span: Span) -> Rc<Node> {
    Node::list(span, words.iter().map(|(word, span)| text(*span, word)).collect())
}

fn words(source: &Source<'_>) -> Option<Vec<Word>> {
    let script = &source.script;
    let mut out: Vec<Word> = Vec::new();
    out.extend(script.interpreter.iter().map(|word| (word.clone(), script.interpreter_at)));
    let options = split(source, "node_args")?;
    if script.interpreter.is_empty() && !options.is_empty() && script.kind != Kind::Line {
        let at = source.given.place("node_args");
        let message = format!(
            "no interpreter runs {}, so there is none to give options to",
            quoted(script.text())
        );
        let problem = Problem::new("value", message, at.key, "has no effect");
        source.reading.log.warn(problem.help("remove it, or put the options into `NODE_OPTIONS`"));
    } else if !script.interpreter.is_empty() {
        out.extend(options);
    }
    if source.script.is_js && source.given.flag("source_map_support", false) {
        out.push((
            "--enable-source-maps".to_owned(),
            source.given.place("source_map_support").value,
        ));
    }
    let at = script.at.value;
    match script.kind {
        Kind::Program => out.push((script.text().to_owned(), at)),
        Kind::File => out.push((script.path(out.is_empty()), at)),
        Kind::Line => return line(source, out),
    }
    out.extend(split(source, "args")?);
    Some(out)
}

/// A line is words if no shell is needed for it, else bash's.
fn line(source: &Source<'_>, mut out: Vec<Word>) -> Option<Vec<Word>> {
    let (line, at) = (source.script.text(), source.script.at.value);
    let args = split(source, "args")?;
    if let Some(words) = plain_words(line) {
        out.extend(words.into_iter().map(|word| (word, at)));
        out.extend(args);
        return Some(out);
    }
    if !out.is_empty() {
        let message = "a line for a shell has no interpreter";
        let problem = Problem::new("value", message, source.script.interpreter_at, "has no effect");
        source.reading.log.warn(problem);
    }
    let words: Vec<&str> = args.iter().map(|(word, _)| word.as_str()).collect();
    let rest = shlex::try_join(words).unwrap_or_default();
    let whole = format!("{line} {rest}");
    let bash = ["bash", "-c", whole.trim_end()];
    Some(bash.map(|word| (word.to_owned(), at)).to_vec())
}

/// A list, or a text to split.
fn split(source: &Source<'_>, key: &str) -> Option<Vec<Word>> {
    let Some((items, is_list, at)) = source.given.list(key) else {
        return source.given.entry(key).is_none().then(Vec::new);
    };
    if is_list {
        return Some(items.into_iter().map(|(word, span)| (word.to_owned(), span)).collect());
    }
    let line = items.first().map_or("", |(line, _)| *line);
    let Some(words) = shlex::split(line) else {
        let message = format!("`{key}` cannot be split into words");
        let problem = Problem::new("value", message, at.value, "a quote is never closed");
        source.reading.log.push(problem.help("close it, or write a list of words"));
        return None;
    };
    Some(words.into_iter().map(|word| (word, at.value)).collect())
}

/// The variable that grows from instance to instance.
fn increment<'a>(source: &'a Source<'_>) -> Option<&'a str> {
    let (name, at) = source.given.text("increment_var")?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let env = source.given.entry("env").map(|entry| &entry.value);
    let is_there = env.is_some_and(|env| env.entry(name).is_some())
        || (name == "PORT" && source.given.entry("port").is_some());
    if name.is_empty() || !name.chars().all(is_name) || !is_there {
        let message = format!("`increment_var` names {}, which is not in `env`", quoted(name));
        let problem = Problem::new("value", message, at.value, "which variable?");
        source
            .reading
            .log
            .push(problem.help("give it the value of the first instance under `env`"));
        return None;
    }
    Some(name)
}

/// A shell counts, and then becomes the program.
fn incremented(words: &[Word], variable: &str, span: Span) -> Rc<Node> {
    let words = words.iter().map(|(word, _)| word.as_str());
    let exec = shlex::try_join(words).unwrap_or_default();
    let line = format!("export {variable}=$(({variable} + ECO_INSTANCE)); exec {exec}");
    shell(span, span, &literal(&line))
}
