//! The text of a file, before anything is made of it: read by whom it may be, and ready to be
//! pointed into.

use std::{
    fs::File,
    io::{self, ErrorKind, Read as _},
    path::{Path, PathBuf},
    string::FromUtf8Error,
};

use sha2::{Digest as _, Sha256};

use super::{
    fault::{Fault, Faults, Problem, SourceText, Span},
    log::Log,
    trust,
};

/// The text of a file.
#[derive(Debug)]
pub(crate) struct Text {
    /// The file, as it was named.
    pub(crate) path: PathBuf,
    /// Takes what is found to be wrong with it.
    pub(crate) log: Log,
    /// SHA-256 of its bytes, in hex.
    pub(crate) digest: String,
}

impl Text {
    /// Reads the file at `path`, if it may say what this user is to run.
    pub(crate) fn read(path: &Path) -> Result<Self, Faults> {
        Self::new(path, &read(path)?)
    }

    /// The bytes of the file at `path`.
    pub(crate) fn new(path: &Path, bytes: &[u8]) -> Result<Self, Faults> {
        let digest = text_digest(bytes);
        match String::from_utf8(bytes.to_vec()) {
            Ok(text) => {
                let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
                let log = Log::new(SourceText::new(path.to_owned(), text));
                Ok(Self { path: path.to_owned(), log, digest })
            }
            Err(error) => {
                let (source, problem) = not_utf8(path, &error);
                Err(Faults::one(problem.in_source(&source.into())))
            }
        }
    }

    /// Several files that are read as one, which is called by the name of the first.
    pub(crate) fn joined(first: Self, others: Vec<Self>) -> Self {
        if others.is_empty() {
            return first;
        }
        let Self { path, log, digest } = first;
        let logs = std::iter::once(log).chain(others.into_iter().map(|text| text.log));
        Self { path, log: Log::joined(logs.collect()), digest }
    }

    /// The same text with nothing said about it.
    pub(crate) fn again(&self) -> Self {
        Self { path: self.path.clone(), log: self.log.again(), digest: self.digest.clone() }
    }

    /// The file, absolute, symbolic links kept.
    pub(crate) fn absolute(&self) -> PathBuf {
        std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Faults> {
    let failed = |error: io::Error| {
        let text = if error.kind() == ErrorKind::NotFound {
            "the file does not exist".to_owned()
        } else if error.kind() == ErrorKind::IsADirectory {
            "this is a directory, not a file".to_owned()
        } else {
            format!("the file cannot be read: {error}")
        };
        Faults::one(Fault::of_file(path, "not_readable", text))
    };
    let mut file = File::open(path).map_err(failed)?;
    if let Some(why) = trust::distrust(path, &file).map_err(failed)? {
        return Err(Faults::one(Fault::of_file(path, "not_trusted", why)));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// What `Loaded::text_digest` is of a file with these bytes.
pub fn text_digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// What to say about a text that is not UTF-8.
pub(super) fn not_utf8(path: &Path, error: &FromUtf8Error) -> (SourceText, Problem) {
    let place = error.utf8_error().valid_up_to();
    let message = format!("the file is not UTF-8 text: byte {place} is not");
    let lossy = String::from_utf8_lossy(error.as_bytes());
    let text = lossy.strip_prefix('\u{feff}').unwrap_or(&lossy).to_owned();
    let at = place - (lossy.len() - text.len());
    let span = Span::new(at, at + char::REPLACEMENT_CHARACTER.len_utf8());
    let problem = Problem::new("not_utf8", message, span, "from here on");
    (SourceText::new(path.to_owned(), text), problem.help("save the file as UTF-8"))
}
