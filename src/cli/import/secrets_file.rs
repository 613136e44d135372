//! The file that secrets are moved to: it may be there already, with others.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::super::error::CliError;
use crate::{
    config::{dotenv_line, dotenv_values},
    import::{SECRETS_FILE, Secret},
};

/// What is to be written.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    /// The variables that are not in it yet.
    names: Vec<String>,
    lines: String,
    /// Whether others than its owner can read what is there.
    is_open: bool,
}

impl Kept {
    /// Looks at the file in `dir`. One that has other values by these names is not touched.
    pub(super) fn of(dir: &Path, secrets: &[Secret]) -> Result<Self, CliError> {
        let path = dir.join(SECRETS_FILE);
        let there = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed("read", &path, error)),
        };
        let mode = fs::metadata(&path).map_or(0, |about| about.permissions().mode());
        let Some(values) = dotenv_values(&there) else {
            let text = format!("{} has lines that are not `KEY=value`", path.display());
            return Err(CliError::input(text, "mend it, or leave the secrets: `--keep-secrets`"));
        };
        let mut kept =
            Self { path, names: Vec::new(), lines: String::new(), is_open: mode & 0o077 != 0 };
        if !there.is_empty() && !there.ends_with('\n') {
            kept.lines.push('\n');
        }
        for Secret { name, value } in secrets {
            match values.get(name) {
                Some(other) if other == value => {}
                Some(_) => {
                    let text = format!("{} has another `{name}` already", kept.path.display());
                    let help = "rename one of them, or leave the secrets: `--keep-secrets`";
                    return Err(CliError::input(text, help));
                }
                None => {
                    kept.names.push(name.clone());
                    kept.lines.push_str(&dotenv_line(name, value));
                }
            }
        }
        Ok(kept)
    }

    /// Writes it, and says what was done.
    pub(super) fn write(self) -> Result<String, CliError> {
        if !self.names.is_empty() {
            let mut options = OpenOptions::new();
            options.append(true).create(true).mode(0o600);
            let written = options.open(&self.path);
            written
                .and_then(|mut file| file.write_all(self.lines.as_bytes()))
                .map_err(|error| failed("write", &self.path, error))?;
        }
        let names = self.names.join(", ");
        let mut said = if self.names.is_empty() {
            format!("its secrets are in {SECRETS_FILE} already\n")
        } else {
            format!(
                "warning: it held secrets in clear text, which are in {SECRETS_FILE} now: {names}; \
                 keep that file out of git\n"
            )
        };
        if self.is_open {
            let mode = format!("others can read {SECRETS_FILE}: `chmod 600 {SECRETS_FILE}`");
            said = format!("{said}warning: {mode}\n");
        }
        Ok(said)
    }
}

fn failed(what: &str, path: &Path, source: io::Error) -> CliError {
    CliError::Io { what: format!("{what} {}", path.display()), source }
}
