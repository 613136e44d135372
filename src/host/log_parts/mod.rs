//! Which parts of a log were put aside: `web-0.out.7.log` beside `web-0.out.log`, perhaps compressed.

mod packed;

pub use packed::Packed;

use std::{
    collections::{BTreeMap, HashMap},
    ffi::{OsStr, OsString},
    fs::{self, File},
    os::unix::{ffi::OsStrExt as _, fs::FileExt as _},
    path::{Path, PathBuf},
};

/// The form in which a part is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it was written.
    Plain,
    /// Compressed, and readable by `zstd -d`.
    Zstd,
    /// Compressed, and readable by `gzip -d`.
    Gzip,
}

impl Form {
    const ALL: [Self; 3] = [Self::Plain, Self::Zstd, Self::Gzip];

    fn ending(self) -> &'static str {
        match self {
            Self::Plain => ".log",
            Self::Zstd => ".log.zst",
            Self::Gzip => ".log.gz",
        }
    }
}

/// The name of a log without its `log`, and its directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stem {
    dir: PathBuf,
    prefix: OsString,
}

impl Stem {
    /// Of a log; `None` if its name does not end in `.log`.
    pub fn of(log: &Path) -> Option<Self> {
        let name = log.file_name()?.as_bytes().strip_suffix(b"log")?;
        let dir = log.parent()?.to_owned();
        name.ends_with(b".").then(|| Self { dir, prefix: OsStr::from_bytes(name).to_owned() })
    }

    /// The bytes of a part.
    pub fn log(&self, number: u64, form: Form) -> PathBuf {
        self.file(number, form.ending())
    }

    /// The times of a part.
    pub fn index(&self, number: u64) -> PathBuf {
        self.file(number, ".idx")
    }

    /// Whose bytes a part has.
    pub fn runs(&self, number: u64) -> PathBuf {
        self.file(number, ".runs")
    }

    /// Whether there is a part of this number now.
    pub fn exists(&self, number: u64) -> bool {
        Form::ALL.into_iter().any(|form| self.log(number, form).exists())
    }

    fn file(&self, number: u64, ending: &str) -> PathBuf {
        let mut name = self.prefix.clone();
        name.push(format!("{number}{ending}"));
        self.dir.join(name)
    }
}

/// The parts of one log by number. One that is there in two forms is being compressed, or was when
/// the recorder died: the plain one is whole in any case.
pub type Parts = BTreeMap<u64, Form>;

/// The parts in directories, each of which is listed once for all its logs.
#[derive(Debug, Default)]
pub struct Listing {
    dirs: HashMap<PathBuf, HashMap<OsString, Parts>>,
}

impl Listing {
    /// The parts of a log as they were when its directory was listed.
    pub fn parts(&mut self, stem: &Stem) -> &Parts {
        static NONE: Parts = Parts::new();
        let logs = self.dirs.entry(stem.dir.clone()).or_insert_with(|| list(&stem.dir));
        logs.get(&stem.prefix).unwrap_or(&NONE)
    }

    /// The directory of this log has changed: it is listed again.
    pub fn forget(&mut self, stem: &Stem) {
        self.dirs.remove(&stem.dir);
    }
}

fn list(dir: &Path) -> HashMap<OsString, Parts> {
    let mut logs: HashMap<OsString, Parts> = HashMap::new();
    // A directory that cannot be listed shows no parts.
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some((prefix, number, form)) = parse(name.as_bytes()) else { continue };
        let parts = logs.entry(OsStr::from_bytes(prefix).to_owned()).or_default();
        let known = parts.entry(number).or_insert(form);
        *known = form.min(*known);
    }
    logs
}

/// Prefix, number and form of a part.
fn parse(name: &[u8]) -> Option<(&[u8], u64, Form)> {
    let (stem, form) = Form::ALL
        .into_iter()
        .find_map(|form| Some((name.strip_suffix(form.ending().as_bytes())?, form)))?;
    let dot = stem.iter().rposition(|byte| *byte == b'.')?;
    let (prefix, digits) = stem.split_at_checked(dot + 1)?;
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()?;
    // There is a next number after each.
    (number != u64::MAX).then_some((prefix, number, form))
}

/// Reads until `buffer` is full or the file ends; an error counts as its end.
pub fn read_fully(file: &File, buffer: &mut [u8], offset: u64) -> usize {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_from_other_files() {
        let parsed = |name: &'static str| parse(name.as_bytes());
        assert_eq!(parsed("w-0.out.7.log"), Some((b"w-0.out.".as_slice(), 7, Form::Plain)));
        assert_eq!(parsed("w-0.out.12.log.zst"), Some((b"w-0.out.".as_slice(), 12, Form::Zstd)));
        assert_eq!(parsed("w-0.out.1.log.gz"), Some((b"w-0.out.".as_slice(), 1, Form::Gzip)));
        for other in [
            "w-0.out.log",
            "w-0.out.1.idx",
            "w-0.out.1-0.out.log",
            "w.+1.log",
            "w-0.out.1.log.gz.new",
        ] {
            assert_eq!(parsed(other), None, "{other}");
        }
    }
}
