//! Which format a file has, and the way from it to apps.

use std::{ffi::OsStr, path::Path, rc::Rc};

use super::{
    literal::{self, Stop},
    node,
    pm2::{self, Place, Reading},
    written::{self, Note},
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

/// A file in our format.
#[derive(Clone, Debug)]
pub struct Native {
    /// The text of an eco file.
    pub text: String,
    /// What it was made from, read.
    pub loaded: Loaded,
}

/// Reads an ecosystem file in any format with everything it names: all its apps, or all its faults.
pub fn load(path: &Path, source: &Source<'_>, options: Options) -> Result<Loaded, Faults> {
    let Opened { text, document, origin, .. } = open(path, source, options)?;
    load_tree(text, document.as_ref(), origin, source)
}

/// What another program's file says, as the text of an eco file; `None` if it is one already.
pub fn native(
    path: &Path,
    source: &Source<'_>,
    options: Options,
) -> Result<Option<Native>, Faults> {
    let Opened { text, document, origin, left } = open(path, source, options)?;
    let loaded = load_tree(text, document.as_ref(), origin, source)?;
    let Some(left) = left else { return Ok(None) };
    // What is missing now may be there later.
    let lasting = loaded.warnings.iter().filter(|warning| warning.code != "no_script");
    let told = lasting.map(|warning| {
        let at = warning.labels.first().map_or_else(Span::default, |(span, _)| *span);
        let help = warning.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        Note { at, text: format!("{}{help}", warning.message) }
    });
    let mut notes: Vec<Note> = told.chain(left).collect();
    notes.sort_by_key(|note| note.at);
    let from = path.file_name().unwrap_or_default().to_string_lossy();
    let document = document.unwrap_or_else(|| Node::map(Span::default(), Vec::new()));
    Ok(Some(Native { text: written::text(&document, &from, &notes), loaded }))
}

/// A file that was read, in our format.
struct Opened {
    text: Text,
    /// What it says; without it `text` has its faults.
    document: Option<Rc<Node>>,
    origin: Origin,
    /// What was left out of another program's file, and why.
    left: Option<Vec<Note>>,
}

/// What a text is.
enum Root {
    /// Our format; nothing if that has faults.
    Own(Option<Rc<Node>>),
    /// Another program's data; nothing if that has faults.
    Foreign(Option<Rc<Node>>),
    /// To be run. What is no valid literal is judged by node.
    Program,
}

fn root(text: &Text) -> Root {
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

fn open(path: &Path, source: &Source<'_>, options: Options) -> Result<Opened, Faults> {
    let mut text = Text::read(path)?;
    let mut origin = Origin { lenient: options.lenient, ..Origin::default() };
    let root = match root(&text) {
        Root::Own(document) => {
            return Ok(Opened { text, document, origin: Origin::default(), left: None });
        }
        Root::Foreign(root) => root,
        Root::Program => {
            let evaluated = node::evaluate(text, source.env, options.lenient);
            (text, origin) = (evaluated.text, evaluated.origin);
            evaluated.root
        }
    };
    let file = text.absolute();
    let dir = file.parent().unwrap_or(Path::new("/"));
    let place = Place { dir, home: source.env.get("HOME").map_or("", String::as_str) };
    let reading = Reading::new(&text.log, Some(place), options.lenient);
    let document = root.and_then(|root| reading.document(&root));
    let left = Some(reading.left.into_inner());
    Ok(Opened { text, document, origin, left })
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
    let document = match root(&text) {
        Root::Own(document) => document,
        Root::Foreign(root) => {
            root.and_then(|root| Reading::new(&text.log, None, options.lenient).document(&root))
        }
        // Only node can tell.
        Root::Program => return Ok(()),
    };
    check_tree(text, document.as_ref())
}

fn json(log: &Log) -> Option<Rc<Node>> {
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
