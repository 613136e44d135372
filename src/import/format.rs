//! Which program a file is of.

use std::{ffi::OsStr, fmt, path::Path};

/// Formats that `eco import` reads, beside PM2's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line for each process, as foreman and Heroku have it.
    Procfile,
}

impl Format {
    /// All of them, by the name `eco import --from` has for it.
    pub const ALL: [(&'static str, Self); 1] = [("procfile", Self::Procfile)];

    /// What the file at `path` is; `None` for our own files and PM2's.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let is_procfile = name == "Procfile"
            || name.starts_with("Procfile.")
            || path.extension() == Some(OsStr::new("procfile"));
        is_procfile.then_some(Self::Procfile)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Procfile => "a Procfile",
        })
    }
}
