//! Which format a file has, and the way from it to apps.

use std::{ffi::OsStr, path::Path, rc::Rc};

use super::{
    format::Format,
    literal::{self, Stop},
    node,
    pm2::{self, Reading},
    reading::{Note, Place},
};
use crate::config::{
    Faults, Loaded, Source, Span,
    written_tree::{Log, Node, Origin, Problem, Text, check_tree, load_tree, own, parse},
};

/// How strict to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Keys that PM2 does not know are told, and are no faults.
    pub lenient: bool,
}

/// What the name of a file says about its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Ours, or PM2's in YAML.
    Yaml,
    Json,
    JavaScript,
}

fn form(path: &Path) -> Form {
    match path.extension().and_then(OsStr::to_str) {
        Some("json" | "json5") => Form::Json,
        Some("js" | "cjs" | "mjs") => Form::JavaScript,
        Some(_) | None => Form::Yaml,
    }
}

/// Reads an ecosystem file in any format with everything it names: all its apps, or all its faults.
pub fn load(path: &Path, source: &Source<'_>, options: Options) -> Result<Loaded, Faults> {
    let Opened { text, document, origin, .. } = open(Text::read(path)?, source, options)?;
    load_tree(text, document.as_ref(), origin, source)
}

/// The same of a text that is read as if it were the content of the file at `path`.
///
/// # Errors
/// Its faults; that it is a program, which only a file can be run as.
pub fn load_text(
    path: &Path,
    bytes: &[u8],
    source: &Source<'_>,
    options: Options,
) -> Result<Loaded, Faults> {
    let text = Text::new(path, bytes)?;
    refuse_foreign(&text)?;
    if matches!(root(&text.again()), Root::Program) {
        let message = "this is a program, which can be run only as it is now";
        let problem = Problem::new("program", message, Span::default(), "");
        let help = "`eco import` makes a file of it that can be compared";
        return Err(Faults::one(problem.help(help).in_source(&text.log.source)));
    }
    let Opened { text, document, origin, .. } = open(text, source, options)?;
    load_tree(text, document.as_ref(), origin, source)
}

/// Where the paths of a file begin.
pub(super) fn place<'a>(file: &'a Path, source: &Source<'a>) -> Place<'a> {
    let dir = file.parent().unwrap_or(Path::new("/"));
    Place { dir, home: source.env.get("HOME").map_or("", String::as_str) }
}

/// A file that was read, in our format.
pub(super) struct Opened {
    pub(super) text: Text,
    /// What it says; without it `text` has its faults.
    pub(super) document: Option<Rc<Node>>,
    pub(super) origin: Origin,
    /// What was left out of another program's file, and why.
    pub(super) left: Option<Vec<Note>>,
}

/// What a text is.
pub(super) enum Root {
    /// Our format; nothing if that has faults.
    Own(Option<Rc<Node>>),
    /// Another program's data; nothing if that has faults.
    Foreign(Option<Rc<Node>>),
    /// To be run. What is no valid literal is judged by node.
    Program,
}

pub(super) fn root(text: &Text) -> Root {
    match form(&text.path) {
        Form::Yaml => match parse(&text.log) {
            Some(root) if pm2::is_pm2(&root) => Root::Foreign(Some(root)),
            root => Root::Own(own(&text.log, root)),
        },
        Form::Json => Root::Foreign(json(&text.log)),
        Form::JavaScript => {
            literal::module(&text.log).map_or(Root::Program, |root| Root::Foreign(Some(root)))
        }
    }
}

pub(super) fn open(text: Text, source: &Source<'_>, options: Options) -> Result<Opened, Faults> {
    refuse_foreign(&text)?;
    match root(&text) {
        Root::Own(document) => Ok(Opened { text, document, origin: Origin::default(), left: None }),
        Root::Foreign(root) => Ok(of_pm2(text, root, source, options)),
        Root::Program => {
            let evaluated = node::evaluate(text, source.env, options.lenient);
            let opened = of_pm2(evaluated.text, evaluated.root, source, options);
            Ok(Opened { origin: evaluated.origin, ..opened })
        }
    }
}

/// What PM2's data say in our format.
pub(super) fn of_pm2(
    text: Text,
    root: Option<Rc<Node>>,
    source: &Source<'_>,
    options: Options,
) -> Opened {
    let file = text.absolute();
    let reading = Reading::new(&text.log, Some(place(&file, source)), options.lenient);
    let document = root.and_then(|root| reading.document(&root));
    let left = Some(reading.left.into_inner());
    let origin = Origin { lenient: options.lenient, ..Origin::default() };
    Opened { text, document, origin, left }
}

/// Only `eco import` reads the files of other programs than PM2.
fn refuse_foreign(text: &Text) -> Result<(), Faults> {
    let Some(format) = Format::of(&text.path, &text.log.source.text) else { return Ok(()) };
    let message = format!("this is {format}, not an eco file");
    let problem = Problem::new("foreign_file", message, Span::default(), "");
    let shown = text.path.file_name().unwrap_or_default().to_string_lossy();
    let help = format!("`eco import {shown} -o ecosystem.yaml` makes an eco file of it");
    Err(Faults::one(problem.help(help).in_source(&text.log.source)))
}

/// Checks what can be known from the text alone: no environment, no other files.
pub fn check_static(path: &Path, bytes: &[u8], options: Options) -> Result<(), Faults> {
    check(Text::new(path, bytes)?, options)
}

/// [`check_static`] of the file as it is now.
pub fn check_file_static(path: &Path, options: Options) -> Result<(), Faults> {
    check(Text::read(path)?, options)
}

fn check(text: Text, options: Options) -> Result<(), Faults> {
    refuse_foreign(&text)?;
    let document = match root(&text) {
        Root::Own(document) => document,
        Root::Foreign(root) => {
            root.and_then(|root| Reading::new(&text.log, None, options.lenient).document(&root))
        }
        // Only node can tell.
        Root::Program => return Ok(()),
    };
    check_tree(text, document.as_ref()).map(drop)
}

pub(super) fn json(log: &Log) -> Option<Rc<Node>> {
    match literal::value(log) {
        Ok(root) => Some(root),
        Err(Stop::Wrong(problem)) => {
            log.push(*problem);
            None
        }
        Err(Stop::NotLiteral(span)) => {
            let message = "this is no JSON";
            let problem =
                Problem::new("syntax", message, span, "neither a value nor where one ends");
            log.push(
                problem.help(
                    "is a `,` missing before it? Expressions are evaluated in `.js` files only",
                ),
            );
            None
        }
    }
}
