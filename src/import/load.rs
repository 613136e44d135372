//! Which format a file has, and the way from it to apps.

use std::{ffi::OsStr, path::Path, rc::Rc};

use super::{
    format::Format,
    literal::{self, Stop},
    moved, node,
    pm2::{self, Reading},
    procfile,
    reading::{Note, Notes, Place},
    secrets::{self, Secret},
    written,
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

/// The file beside the new one that has its secrets.
pub const SECRETS_FILE: &str = ".env";

/// A file in our format.
#[derive(Clone, Debug)]
pub struct Native {
    /// The text of an eco file.
    pub text: String,
    /// The same without the secrets in it, and these; nothing if there are none.
    pub without_secrets: Option<(String, Vec<Secret>)>,
    /// How many apps it has.
    pub apps: usize,
    /// How many things are said about it in comments.
    pub notes: usize,
    /// What it is on this machine, which need not be the one it is for; or what hinders it here.
    pub here: Result<Loaded, Faults>,
}

/// Reads an ecosystem file in any format with everything it names: all its apps, or all its faults.
pub fn load(path: &Path, source: &Source<'_>, options: Options) -> Result<Loaded, Faults> {
    let Opened { text, document, origin, .. } = open(Text::read(path)?, source, options)?;
    load_tree(text, document.as_ref(), origin, source)
}

/// What `eco import` is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The file to read.
    pub path: &'a Path,
    /// What it has, if it is not to be read.
    pub bytes: Option<&'a [u8]>,
    /// What it is, if nobody is to guess.
    pub format: Option<Format>,
    /// The absolute directory of the new file, if that is known.
    pub into: Option<&'a Path>,
    /// How strict to be.
    pub options: Options,
}

impl<'a> Asked<'a> {
    /// A file, and nothing special.
    pub fn file(path: &'a Path) -> Self {
        Self { path, bytes: None, format: None, into: None, options: Options::default() }
    }
}

/// What another program's file says, as the text of an eco file; `None` if it is one already.
pub fn native(asked: Asked<'_>, source: &Source<'_>) -> Result<Option<Native>, Faults> {
    let Asked { path, bytes, format, into, options } = asked;
    let text = match bytes {
        Some(bytes) => Text::new(path, bytes)?,
        None => Text::read(path)?,
    };
    let format = format.or_else(|| Format::of(path));
    let opened = match format {
        Some(format) => foreign(text, format, source),
        None => open(text, source, options)?,
    };
    as_native(opened, (format, into), source)
}

/// [`native`] of a file with this text; `None` also if it is a program, which is not run.
pub(super) fn native_of_data(
    text: Text,
    source: &Source<'_>,
    options: Options,
) -> Result<Option<Native>, Faults> {
    match root(&text) {
        Root::Own(_) | Root::Program => Ok(None),
        Root::Foreign(root) => as_native(of_pm2(text, root, source, options), (None, None), source),
    }
}

fn as_native(
    opened: Opened,
    (format, into): (Option<Format>, Option<&Path>),
    source: &Source<'_>,
) -> Result<Option<Native>, Faults> {
    let Opened { text, document, origin, left } = opened;
    let from = text.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = text.absolute();
    let Some(left) = left else {
        return load_tree(text, document.as_ref(), origin, source).map(|_| None);
    };
    // Another machine's file need not work here; what it says is to be right all the same.
    let here = match format {
        Some(_) => {
            let again = Text::new(&text.path, text.log.source.text.as_bytes())?;
            check_tree(text, document.as_ref())?;
            load_tree(again, document.as_ref(), origin, source)
        }
        None => Ok(load_tree(text, document.as_ref(), origin, source)?),
    };
    // What is missing now may be there later.
    let warnings = here.iter().flat_map(|loaded| &loaded.warnings);
    let lasting = warnings.filter(|warning| warning.code != "no_script");
    let told = lasting.map(|warning| {
        let at = warning.labels.first().map_or_else(Span::default, |(span, _)| *span);
        let help = warning.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        Note { at, text: format!("{}{help}", warning.message) }
    });
    let mut notes: Vec<Note> = told.chain(left).collect();
    notes.sort_by_key(|note| note.at);
    let document = document.unwrap_or_else(|| Node::map(Span::default(), Vec::new()));
    let dir = file.parent().filter(|dir| into.is_some_and(|into| into != *dir));
    let document = dir.map_or(Rc::clone(&document), |dir| moved::from(&document, dir));
    let (without, secrets) = secrets::taken_out(&document, SECRETS_FILE);
    let apps = document.entry("apps").and_then(|apps| apps.value.entries());
    Ok(Some(Native {
        text: written::text(&document, &from, &notes),
        without_secrets: (!secrets.is_empty())
            .then(|| (written::text(&without, &from, &notes), secrets)),
        apps: apps.map_or(0, <[_]>::len),
        notes: notes.len(),
        here,
    }))
}

/// Reads a file of another program than PM2.
fn foreign(text: Text, format: Format, source: &Source<'_>) -> Opened {
    let file = text.absolute();
    let notes = Notes::default();
    let place = place(&file, source);
    let document = match format {
        Format::Procfile => procfile::document(&text.log, place, &notes),
    };
    let left = Some(notes.into_inner());
    Opened { text, document, origin: Origin::default(), left }
}

/// Where the paths of a file begin.
fn place<'a>(file: &'a Path, source: &Source<'a>) -> Place<'a> {
    let dir = file.parent().unwrap_or(Path::new("/"));
    Place { dir, home: source.env.get("HOME").map_or("", String::as_str) }
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

fn open(text: Text, source: &Source<'_>, options: Options) -> Result<Opened, Faults> {
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
fn of_pm2(text: Text, root: Option<Rc<Node>>, source: &Source<'_>, options: Options) -> Opened {
    let file = text.absolute();
    let reading = Reading::new(&text.log, Some(place(&file, source)), options.lenient);
    let document = root.and_then(|root| reading.document(&root));
    let left = Some(reading.left.into_inner());
    let origin = Origin { lenient: options.lenient, ..Origin::default() };
    Opened { text, document, origin, left }
}

/// Only `eco import` reads the files of other programs than PM2.
fn refuse_foreign(text: &Text) -> Result<(), Faults> {
    let Some(format) = Format::of(&text.path) else { return Ok(()) };
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
