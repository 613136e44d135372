//! Which format a file has, and the way from it to apps.

use std::{ffi::OsStr, path::Path, rc::Rc};

use super::{
    literal::{self, Stop},
    node,
    pm2::{self, Place, Reading},
    written::{self, Note},
};
use crate::config::{
    self, Faults, Loaded, Source, Span,
    written_tree::{Log, Node, Origin, Problem, Text, check_tree, load_tree, parse},
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
    match open(path, source, options)? {
        // Ours, or clearly something else; the faults are then said from the start.
        None => config::load(path, source),
        Some(found) => load_tree(found.text, found.document.as_ref(), found.origin, source),
    }
}

/// What another program's file says, as the text of an eco file; `None` if it is one already.
pub fn native(
    path: &Path,
    source: &Source<'_>,
    options: Options,
) -> Result<Option<Native>, Faults> {
    let Some(found) = open(path, source, options)? else {
        return config::load(path, source).map(|_| None);
    };
    let Foreign { text, document, origin, left } = found;
    let loaded = load_tree(text, document.as_ref(), origin, source)?;
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

/// A file of another program.
struct Foreign {
    text: Text,
    /// What it says in our format; without it `text` has its faults.
    document: Option<Rc<Node>>,
    origin: Origin,
    /// What was left out of it, and why.
    left: Vec<Note>,
}

/// `None` if the file is none of another program.
fn open(path: &Path, source: &Source<'_>, options: Options) -> Result<Option<Foreign>, Faults> {
    let mut text = Text::read(path)?;
    let mut origin = Origin { lenient: options.lenient, ..Origin::default() };
    let root = match form(path) {
        Form::Yaml => {
            let Some(root) = parse(&text.log).filter(|root| pm2::is_pm2(root)) else {
                return Ok(None);
            };
            Some(root)
        }
        Form::Json => json(&text.log),
        Form::JavaScript => {
            if let Ok(root) = literal::module(&text.log) {
                Some(root)
            } else {
                // Node judges what is no valid literal.
                let evaluated = node::evaluate(text, source.env, options.lenient);
                (text, origin) = (evaluated.text, evaluated.origin);
                evaluated.root
            }
        }
    };
    let file = text.absolute();
    let dir = file.parent().unwrap_or(Path::new("/"));
    let place = Place { dir, home: source.env.get("HOME").map_or("", String::as_str) };
    let reading = Reading::new(&text.log, Some(place), options.lenient);
    let document = root.and_then(|root| reading.document(&root));
    let left = reading.left.into_inner();
    Ok(Some(Foreign { text, document, origin, left }))
}

/// Checks what can be known from the text alone: no environment, no other files.
pub fn check_static(path: &Path, bytes: &[u8], options: Options) -> Result<(), Faults> {
    let text = Text::new(path, bytes)?;
    let root = match form(path) {
        Form::Yaml => {
            let Some(root) = parse(&text.log).filter(|root| pm2::is_pm2(root)) else {
                return config::check_static(path, bytes);
            };
            Some(root)
        }
        Form::Json => json(&text.log),
        Form::JavaScript => match literal::module(&text.log) {
            Ok(root) => Some(root),
            // Only node can tell.
            Err(_) => return Ok(()),
        },
    };
    let document =
        root.and_then(|root| Reading::new(&text.log, None, options.lenient).document(&root));
    check_tree(text, document.as_ref())
}

/// [`check_static`] of the file as it is now.
pub fn check_file_static(path: &Path, options: Options) -> Result<(), Faults> {
    let text = Text::read(path)?;
    check_static(path, text.log.source.text.as_bytes(), options)
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
