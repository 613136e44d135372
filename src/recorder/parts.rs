//! The parts of a log that were put aside: their names, in order, and which of them have to go.
//!
//! `web-0.out.log` is put aside as `web-0.out.7.log`, with `web-0.out.7.idx` and `web-0.out.7.runs`
//! beside it; a number is never given twice while a higher one is there, and no part is ever renamed.
//! Compressed, the part is `web-0.out.7.log.zst` or `.log.gz`.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

/// The endings of the files that are the part's bytes, in one form or another.
const BYTES: [&str; 3] = [".log", ".log.zst", ".log.gz"];
/// The endings of files beside them. What ends in `.new` was not finished.
const BESIDE: [&str; 4] = [".idx", ".runs", ".log.zst.new", ".log.gz.new"];

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    dir: PathBuf,
    /// The name of its log without `log`: `web-0.out.`
    prefix: OsString,
    /// Grows with each part of a log.
    pub(super) number: u64,
    /// Of all its files.
    pub(super) bytes: u64,
    /// When it was last written, in s and ns; the beginning of time if nothing of it is left but
    /// what is beside it.
    modified: (i64, i64),
    /// Whether it is there in its plain form.
    pub(super) is_plain: bool,
}

impl Part {
    /// The part of this number that the log at this path becomes.
    pub(super) fn of(log: &Path, number: u64) -> Option<Self> {
        let prefix = prefix_of(log)?;
        let dir = log.parent()?.to_owned();
        Some(Self { dir, prefix, number, bytes: 0, modified: (0, 0), is_plain: true })
    }

    /// The path of its file with this ending, such as `.idx`.
    pub(super) fn file(&self, ending: &str) -> PathBuf {
        let mut name = self.prefix.clone();
        name.push(format!("{}{ending}", self.number));
        self.dir.join(name)
    }

    /// Whether the log at this path was put aside as this part.
    pub(super) fn is_of(&self, log: &Path) -> bool {
        log.parent() == Some(&self.dir) && prefix_of(log).as_ref() == Some(&self.prefix)
    }

    /// Removes all its files; its bytes first, so that nobody finds them without their times.
    pub(super) fn remove(&self) -> io::Result<()> {
        for ending in BYTES.into_iter().chain(BESIDE) {
            match fs::remove_file(self.file(ending)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// The name of a log without its `log`.
fn prefix_of(log: &Path) -> Option<OsString> {
    let name = log.file_name()?.as_bytes().strip_suffix(b"log")?;
    name.ends_with(b".").then(|| OsStr::from_bytes(name).to_owned())
}

/// Prefix, number and ending of a part's file; `None` for other files.
fn parse(name: &[u8]) -> Option<(&OsStr, u64, &'static str)> {
    // No ending is the end of another one followed by a number.
    let ending = BYTES
        .into_iter()
        .chain(BESIDE)
        .find(|ending| name.strip_suffix(ending.as_bytes()).is_some_and(ends_in_number))?;
    let stem = name.strip_suffix(ending.as_bytes())?;
    let dot = stem.iter().rposition(|byte| *byte == b'.')?;
    let (prefix, digits) = stem.split_at_checked(dot.saturating_add(1))?;
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    // There is a next number after each.
    (number != u64::MAX).then(|| (OsStr::from_bytes(prefix), number, ending))
}

fn ends_in_number(stem: &[u8]) -> bool {
    let digits = stem.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let before = stem.len().checked_sub(digits.saturating_add(1)).and_then(|at| stem.get(at));
    digits != 0 && before == Some(&b'.')
}

/// The parts in a directory whose log's prefix is wanted, those written longest ago first.
fn in_dir(dir: &Path, is_wanted: impl Fn(&OsStr) -> bool) -> io::Result<Vec<Part>> {
    let mut found: BTreeMap<(OsString, u64), Part> = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some((prefix, number, ending)) = parse(name.as_bytes()) else { continue };
        if !is_wanted(prefix) {
            continue;
        }
        // It may have been removed meanwhile.
        let Ok(meta) = entry.metadata() else { continue };
        let part = match found.entry((prefix.to_owned(), number)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(Part {
                dir: dir.to_owned(),
                prefix: prefix.to_owned(),
                number,
                bytes: 0,
                modified: (0, 0),
                is_plain: false,
            }),
        };
        part.bytes = part.bytes.saturating_add(meta.len());
        if BYTES.contains(&ending) {
            part.modified = part.modified.max((meta.mtime(), meta.mtime_nsec()));
            part.is_plain |= ending == ".log";
        }
    }
    let mut parts: Vec<Part> = found.into_values().collect();
    parts.sort_by_key(|part| (part.modified, part.number));
    Ok(parts)
}

/// The parts of one log, in order.
pub(super) fn of_log(log: &Path) -> io::Result<Vec<Part>> {
    let (Some(dir), Some(wanted)) = (log.parent(), prefix_of(log)) else { return Ok(Vec::new()) };
    let mut parts = in_dir(dir, |prefix| prefix == wanted)?;
    parts.sort_by_key(|part| part.number);
    Ok(parts)
}

/// The parts of several logs, those written longest ago first.
pub(super) fn of_logs<'a>(logs: impl Iterator<Item = &'a Path>) -> Vec<Part> {
    let mut by_dir: BTreeMap<&Path, Vec<OsString>> = BTreeMap::new();
    for log in logs {
        if let (Some(dir), Some(prefix)) = (log.parent(), prefix_of(log)) {
            by_dir.entry(dir).or_default().push(prefix);
        }
    }
    // What cannot be listed cannot be removed either.
    let found = by_dir
        .iter()
        .flat_map(|(dir, logs)| in_dir(dir, |prefix| logs.iter().any(|log| log == prefix)));
    let mut parts: Vec<Part> = found.flatten().collect();
    parts.sort_by_key(|part| (part.modified, part.number));
    parts
}

/// Removes parts of an app, those written longest ago first, until all files of its logs together
/// have at most `most` bytes. The files being written always stay.
pub(super) fn shrink(dir: &Path, app: &OsStr, most: u64) -> io::Result<()> {
    let mut total = 0_u64;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if is_of_app(&entry.file_name(), app)
            && let Ok(meta) = entry.metadata()
        {
            total = total.saturating_add(meta.len());
        }
    }
    if total <= most {
        return Ok(());
    }
    for part in in_dir(dir, |prefix| is_of_app(prefix, app))? {
        if total <= most {
            break;
        }
        part.remove()?;
        total = total.saturating_sub(part.bytes);
    }
    Ok(())
}

/// Whether a file is of an instance of the app: its name is the app's, `-`, a number, a dot, and more.
fn is_of_app(name: &OsStr, app: &OsStr) -> bool {
    let rest = name.as_bytes().strip_prefix(app.as_bytes()).and_then(|it| it.strip_prefix(b"-"));
    rest.is_some_and(|rest| {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        digits != 0 && rest.get(digits) == Some(&b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn only_names_of_parts_are_parts() {
        let parsed = |name: &str| {
            parse(name.as_bytes()).map(|(prefix, number, ending)| {
                (prefix.to_str().unwrap().to_owned(), number, ending)
            })
        };
        assert_eq!(parsed("web-0.out.7.log"), Some(("web-0.out.".to_owned(), 7, ".log")));
        assert_eq!(parsed("web-0.out.12.log.zst"), Some(("web-0.out.".to_owned(), 12, ".log.zst")));
        assert_eq!(parsed("w.3.out.1.runs"), Some(("w.3.out.".to_owned(), 1, ".runs")));
        for other in
            ["web-0.out.log", "web-0.out.idx", "web-0.out.1-0.out.log", "7.log", "a.x7.log", ".log"]
        {
            assert_eq!(parsed(other), None, "{other}");
        }
        assert_eq!(prefix_of(Path::new("/x/7.log")).unwrap(), "7.");
    }

    #[test]
    fn the_oldest_go_first_and_no_file_of_another_app() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: usize, age: u64| {
            let path = dir.path().join(name);
            fs::write(&path, vec![b'x'; bytes]).unwrap();
            let when = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 - age);
            fs::File::options().write(true).open(&path).unwrap().set_modified(when).unwrap();
        };
        file("web-0.out.1.log", 100, 50);
        file("web-0.out.1.idx", 16, 50);
        file("web-1.err.4.log.zst", 100, 40);
        file("web-0.out.2.log", 100, 30);
        file("web-0.out.log", 100, 0);
        file("web-0-1.out.1.log", 1000, 90);
        file("webber-0.out.1.log", 1000, 90);
        shrink(dir.path(), OsStr::new("web"), 416).unwrap();
        assert_eq!(names(dir.path()).len(), 7);
        shrink(dir.path(), OsStr::new("web"), 250).unwrap();
        let left = ["web-0-1.out.1.log", "web-0.out.2.log", "web-0.out.log", "webber-0.out.1.log"];
        assert_eq!(names(dir.path()), left);
        shrink(dir.path(), OsStr::new("web"), 0).unwrap();
        assert!(names(dir.path()).contains(&"web-0.out.log".to_owned()));
        assert_eq!(names(dir.path()).len(), 3);
    }
}
