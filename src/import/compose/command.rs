//! `entrypoint` and `command`: the words of what runs.

use std::rc::Rc;

use super::{
    App,
    dockerfile::{Run, path_of},
};
use crate::{
    config::{
        Span,
        written_tree::{Entry, Kind, Node, Problem},
    },
    import::{
        interpolation::{Unset, words},
        tree::{Map, literal, shell, template, text},
    },
};

/// A word with its place.
type Word = (String, Span);

impl App<'_> {
    pub(super) fn command(&self, app: &mut Map) {
        let entrypoint = self.entry(&["entrypoint"]);
        let command = self.entry(&["command"]);
        let Some(first) = entrypoint.or(command) else { return self.of_dockerfile(app) };
        let mut all = Vec::new();
        for entry in [entrypoint, command].into_iter().flatten() {
            let Some(words) = self.words(entry) else {
                // What is wrong was said.
                return app.put("command", first.key_span, Node::unfilled(first.value.span));
            };
            all.extend(words);
        }
        app.put("command", first.key_span, run(&all, first));
        if entrypoint.is_none() {
            self.say_entrypoint(first);
        }
        let texts = || all.iter().map(|(word, _)| (&*first.key, word.as_str()));
        self.say_container_paths(first, texts());
        self.say_hosts(first, texts());
    }

    /// What is run before the words of a `command`.
    fn say_entrypoint(&self, command: &Entry) {
        const KEY: &str = "ENTRYPOINT";
        let Some(build) = self.entry(&["build"]) else { return };
        let file = path_of(&build.value);
        let text = match &self.service.recipe {
            Some(recipe) => match &recipe.entrypoint {
                Some(Run::Words(words)) => {
                    format!("{file} has an ENTRYPOINT that is run before it: {}", words.join(" "))
                }
                Some(Run::Line(line)) => {
                    format!("{file} has an ENTRYPOINT that is run in its place: {line}")
                }
                None => return,
            },
            None if self.file.keys.said.borrow_mut().insert(KEY) => {
                format!("if {file} has an ENTRYPOINT, that is run before these words")
            }
            None => return,
        };
        self.say(command, text);
    }

    /// What the Dockerfile ends with, if the service says nothing.
    fn of_dockerfile(&self, app: &mut Map) {
        let build = self.entry(&["build"]);
        let (Some(build), Some(recipe)) = (build, &self.service.recipe) else { return };
        let span = build.value.span;
        let shell = |line: &str| shell(build.key_span, span, &literal(line));
        let list =
            |words: &[String]| Node::list(span, words.iter().map(|it| text(span, it)).collect());
        let mut said: Vec<String> = Vec::new();
        let node = match (&recipe.entrypoint, &recipe.command) {
            (Some(Run::Line(line)), _) | (None, Some(Run::Line(line))) => {
                said.push(line.clone());
                shell(line)
            }
            (Some(Run::Words(first)), Some(Run::Words(rest))) => {
                said.extend(first.iter().chain(rest).cloned());
                list(&said)
            }
            (Some(Run::Words(first)), Some(Run::Line(line))) => {
                said.extend(first.iter().cloned());
                said.extend(["/bin/sh", "-c"].map(str::to_owned));
                said.push(line.clone());
                list(&said)
            }
            (Some(Run::Words(words)), None) | (None, Some(Run::Words(words))) => {
                said.extend(words.iter().cloned());
                list(words)
            }
            (None, None) => return,
        };
        app.put("command", build.key_span, node);
        self.say(build, format!("the `command` is what {} says", path_of(&build.value)));
        self.say_container_paths(build, said.iter().map(|word| ("command", word.as_str())));
    }

    /// The words of a list, or of a text as a shell would split it.
    pub(super) fn words(&self, entry: &Entry) -> Option<Vec<Word>> {
        let span = entry.value.span;
        match &entry.value.kind {
            Kind::Scalar(_) if entry.value.is_null() => Some(Vec::new()),
            Kind::Scalar(scalar) => {
                let Some((found, read)) = words(&scalar.text, Unset::Fault) else {
                    let message = format!("a quote in `{}` is never closed", entry.key);
                    let label = "cannot be split into words";
                    self.file.values.log.push(Problem::new("command_syntax", message, span, label));
                    return None;
                };
                self.file.noted(&read, self.at(entry.key_span));
                Some(found.into_iter().map(|word| (word, span)).collect())
            }
            Kind::List(_) => {
                let texts = self.file.values.texts(entry);
                let fill = |(text, span)| (self.filled(text, entry.key_span), span);
                Some(texts.into_iter().map(fill).collect())
            }
            Kind::Map(_) => {
                self.file.values.wrong(entry, "a text or a list of texts");
                None
            }
        }
    }
}

/// What runs these words: a line for a shell if they ask for one.
pub(super) fn run(words: &[Word], entry: &Entry) -> Rc<Node> {
    let texts: Vec<&str> = words.iter().map(|(word, _)| word.as_str()).collect();
    if let ["sh" | "/bin/sh", "-c", line] = texts.as_slice() {
        return shell(entry.key_span, entry.value.span, line);
    }
    let words = words.iter().map(|(word, span)| template(*span, word.as_str()));
    Node::list(entry.value.span, words.collect())
}
