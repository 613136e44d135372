//! What `eco import` does: a file of another program, or several, as the text of one of ours.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

use super::{
    Options, compose,
    format::Format,
    load::{self, Opened, Root},
    moved, process_compose, procfile,
    reading::{Note, Notes},
    running,
    secrets::{self, Secret},
    supervisor, systemd, written,
};
use crate::config::{
    Fault, Faults, Loaded, Source, Span,
    written_tree::{Node, Origin, SourceText, Text, check_tree, load_tree, parse},
};

/// The file beside the new one that has its secrets.
pub const SECRETS_FILE: &str = ".env";

/// What `eco import` is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The file to read.
    pub path: &'a Path,
    /// What it has, if it is not to be read.
    pub bytes: Option<&'a [u8]>,
    /// Others that are read with it.
    pub more: &'a [PathBuf],
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
        Self { path, bytes: None, more: &[], format: None, into: None, options: Options::default() }
    }
}

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
    /// What is odd about it.
    pub warnings: Faults,
    /// What to do next, if that is special.
    pub next: Option<String>,
    /// What it is on this machine, which need not be the one it is for; or what hinders it here.
    pub here: Result<Loaded, Faults>,
}

/// What another program's file says, as the text of an eco file; `None` if it is one already.
pub fn native(asked: Asked<'_>, source: &Source<'_>) -> Result<Option<Native>, Faults> {
    let Asked { path, bytes, more, format, into, options } = asked;
    let text = match bytes {
        Some(bytes) => Text::new(path, bytes)?,
        None => Text::read(path)?,
    };
    let format = format.or_else(|| Format::of(path, &text.log.source.text));
    let opened = if let Some(format) = format {
        foreign(together(text, more, format)?, format, source)
    } else {
        only_one(more)?;
        load::open(text, source, options)?
    };
    as_native(opened, Manner { format, into, is_stdin: bytes.is_some() }, source)
}

/// How a file was asked for.
#[derive(Clone, Copy, Debug, Default)]
struct Manner<'a> {
    /// Of another program than PM2.
    format: Option<Format>,
    into: Option<&'a Path>,
    is_stdin: bool,
}

/// [`native`] of a file with this text; `None` also if it is a program, which is not run.
pub(super) fn native_of_data(
    text: Text,
    source: &Source<'_>,
    options: Options,
) -> Result<Option<Native>, Faults> {
    match load::root(&text) {
        Root::Own(_) | Root::Program => Ok(None),
        Root::Foreign(root) => {
            as_native(load::of_pm2(text, root, source, options), Manner::default(), source)
        }
    }
}

/// A text with those that are read with it, asked for or named by it.
fn together(text: Text, more: &[PathBuf], format: Format) -> Result<Text, Faults> {
    let read = || more.iter().map(|path| Text::read(path)).collect::<Result<Vec<_>, _>>();
    let others = match format {
        Format::Procfile | Format::Compose | Format::ProcessCompose | Format::Pm2List => {
            only_one(more)?;
            Vec::new()
        }
        Format::Supervisor => {
            let mut others = supervisor::included(&text)?;
            others.extend(read()?);
            others
        }
        Format::Systemd => systemd::beside(&text, more)?,
    };
    Ok(Text::joined(text, others))
}

/// Most files are whole.
fn only_one(more: &[PathBuf]) -> Result<(), Faults> {
    let Some(path) = more.first() else { return Ok(()) };
    let message = "only files of supervisor and systemd are read several at once".to_owned();
    Err(Faults::one(Fault::of_file(path, "several_files", message)))
}

/// Reads a file of another program than PM2.
fn foreign(text: Text, format: Format, source: &Source<'_>) -> Opened {
    let file = text.absolute();
    let notes = Notes::default();
    let place = load::place(&file, source);
    let log = &text.log;
    let document = match format {
        Format::Procfile => procfile::document(log, place, &notes),
        Format::Compose => parse(log).and_then(|root| compose::document(&root, log, place, &notes)),
        Format::ProcessCompose => {
            parse(log).and_then(|root| process_compose::document(&root, log, place, &notes))
        }
        Format::Supervisor => supervisor::document(log, place, &notes),
        Format::Systemd => systemd::document(log, place, &notes),
        Format::Pm2List => load::json(log)
            .and_then(|root| running::document(log, &root, place, source.env, &notes)),
    };
    let left = Some(notes.into_inner());
    Opened { text, document, origin: Origin::default(), left }
}

fn as_native(
    opened: Opened,
    Manner { format, into, is_stdin }: Manner<'_>,
    source: &Source<'_>,
) -> Result<Option<Native>, Faults> {
    let Opened { text, document, origin, left } = opened;
    let Some(left) = left else {
        return load_tree(text, document.as_ref(), origin, source).map(|_| None);
    };
    let (path, file) = (text.path.clone(), text.absolute());
    let from = if is_stdin {
        "standard input".into()
    } else {
        path.file_name().unwrap_or_default().to_string_lossy()
    };
    let parts = text.log.parts();
    let (warnings, here) = if format.is_some() {
        // Another machine's file need not work here; what it says is to be right all the same.
        let (again, said) = (text.again(), text.log.take_warnings());
        let of_text = check_tree(text, document.as_ref())?;
        let here = load_tree(again, document.as_ref(), origin, source);
        let warnings = here.as_ref().map_or(of_text, |loaded| loaded.warnings.clone());
        (warnings.and(said, &path), here)
    } else {
        let loaded = load_tree(text, document.as_ref(), origin, source)?;
        (loaded.warnings.clone(), Ok(loaded))
    };
    let mut notes: Vec<Note> = told(&warnings, &parts).into_iter().chain(left).collect();
    notes.sort_by_key(|note| note.at);
    let document = document.unwrap_or_else(|| Node::map(Span::default(), Vec::new()));
    let next = (format == Some(Format::Pm2List)).then(|| running::change_over(&document));
    let dir = file.parent().filter(|dir| into.is_some_and(|into| into != *dir));
    let document = dir.map_or(Rc::clone(&document), |dir| moved::from(&document, dir));
    if secrets::stay(&document, SECRETS_FILE) {
        notes.insert(0, Note { at: Span::default(), text: secrets::STAYING.to_owned() });
    }
    let (without, secrets) = secrets::taken_out(&document, SECRETS_FILE);
    let apps = document.entry("apps").and_then(|apps| apps.value.entries());
    Ok(Some(Native {
        text: written::text(&document, &from, &notes),
        without_secrets: (!secrets.is_empty())
            .then(|| (written::text(&without, &from, &notes), secrets)),
        apps: apps.map_or(0, <[_]>::len),
        notes: notes.len(),
        warnings,
        next,
        here,
    }))
}

/// Warnings as something to say at their places in the whole text.
fn told(warnings: &Faults, parts: &[(usize, Arc<SourceText>)]) -> Vec<Note> {
    // What is missing now may be there later.
    let lasting = warnings.iter().filter(|warning| warning.code != "no_script");
    let told = lasting.map(|warning| {
        let at = warning.labels.first().map_or_else(Span::default, |(span, _)| *span);
        let is_of = |part: &Arc<_>| warning.source.as_ref().is_some_and(|it| Arc::ptr_eq(it, part));
        let from = parts.iter().find(|(_, part)| is_of(part)).map_or(0, |(from, _)| *from);
        let at = Span::new(from + at.start, from + at.end);
        let help = warning.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        Note { at, text: format!("{}{help}", warning.message) }
    });
    told.collect()
}
