//! Paths that the file names: where they are, and what to say when they are not there.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use crate::config::{
    fault::{Problem, Span},
    suggest::nearest,
};

/// `base` and `written`, without `.` components. `..` stays: a symbolic link may stand before it.
pub(super) fn join(base: &Path, written: &str) -> PathBuf {
    let joined = base.join(written);
    joined.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

/// The content of a file that may be any size up to 64 MiB.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    const LARGEST: u64 = 64 << 20;
    let about = fs::metadata(path)?;
    if about.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // A pipe or a device would never end.
    if !about.is_file() || LARGEST < about.len() {
        return Err(io::Error::other("not a regular file of at most 64 MiB"));
    }
    fs::read(path)
}

/// What to say about a file that cannot be read. `what` is as in "the env file `x`".
pub(super) fn not_readable(
    path: &Looked<'_>,
    span: Span,
    what: &str,
    error: &io::Error,
) -> Problem {
    let kind = error.kind();
    if matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        return not_found(path, span, what, "no such file");
    }
    if kind == io::ErrorKind::IsADirectory {
        let message = format!("{what} is a directory");
        return Problem::new("not_a_file", message, span, "needs to be a file");
    }
    if kind == io::ErrorKind::PermissionDenied {
        let message = format!("{what} may not be read");
        return Problem::new("not_readable", message, span, "permission denied");
    }
    Problem::new("not_readable", format!("{what} cannot be read"), span, error.to_string())
}

/// What to say about a path where nothing is, with the nearest name that is there.
pub(super) fn not_found(path: &Looked<'_>, span: Span, what: &str, label: &str) -> Problem {
    let message = format!("{what} does not exist");
    Problem::new("not_found", message, span, label).help(whereabouts(path))
}

/// A path that was looked for.
pub(super) struct Looked<'a> {
    /// Absolute.
    pub(super) path: &'a Path,
    /// In the manner in which the file itself was named: to be shown.
    pub(super) shown: PathBuf,
}

fn whereabouts(looked: &Looked<'_>) -> String {
    let (path, shown) = (looked.path, looked.shown.display());
    let looked = format!("looked for {shown}");
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return looked };
    let Ok(listing) = fs::read_dir(parent) else { return looked };
    let names: Vec<String> = listing
        .flatten()
        .take(10_000)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    match nearest(&name.to_string_lossy(), names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`? ({looked})"),
        None => looked,
    }
}
