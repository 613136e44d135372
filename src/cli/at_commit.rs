//! Files as a commit has them, for `eco diff --git`. They are read as though they lay where the files of
//! today lie, so that paths mean the same.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use super::error::CliError;
use crate::{
    config::Files,
    controller::git::{self, GitError, Limits},
};

/// More symbolic links after one another than this go round in a circle.
const MOST_LINKS: usize = 16;
/// How long git may take, and how much it may answer.
const LIMITS: Limits = Limits { patience: Duration::from_secs(30), bytes: 256 << 20 };

/// What a commit has at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    File(String),
    Link(String),
    Submodule,
}

/// The files of a commit.
#[derive(Debug)]
pub(super) struct AtCommit {
    /// The directory of the ecosystem file, as typed.
    dir: PathBuf,
    /// The same below the top, with links resolved: one on the way may be newer than the commit.
    prefix: PathBuf,
    /// The top of the repository's files, as typed where that can be.
    top: PathBuf,
    entries: BTreeMap<PathBuf, Entry>,
    /// Files that git does not know, which were read as they are.
    unknown: RefCell<BTreeSet<PathBuf>>,
}

impl AtCommit {
    /// The files of the commit that is called `name`, in the repository around a directory.
    ///
    /// # Errors
    /// There is no git, no repository or no such commit.
    pub(super) fn open(dir: &Path, name: &str) -> Result<Self, CliError> {
        let top = ask(dir, &["rev-parse", "--show-toplevel"]).map_err(|error| match error {
            GitError::Refused(why) => CliError::input(
                format!("no repository of git can be read at {}: {why}", dir.display()),
                "`--git` compares with a commit of the repository around the file",
            ),
            error @ (GitError::Missing(_) | GitError::Endless) => unanswered(&error),
        })?;
        let prefix =
            ask(dir, &["rev-parse", "--show-prefix"]).map_err(|error| unanswered(&error))?;
        let (top, prefix) = (path_of(line(&top)), path_of(line(&prefix)));
        let commit = format!("{name}^{{commit}}");
        let words = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
        let commit = ask(dir, &words).map_err(|error| match error {
            GitError::Refused(_) => CliError::input(
                format!("git knows no commit `{name}` in {}", top.display()),
                "name one as git does: HEAD~1, a branch, a tag or a commit; in CI the history may \
                 have been fetched by a part only",
            ),
            error @ (GitError::Missing(_) | GitError::Endless) => unanswered(&error),
        })?;
        let commit = String::from_utf8_lossy(line(&commit)).into_owned();
        let listing = ask(dir, &["ls-tree", "-r", "-z", "--full-tree", &commit])
            .map_err(|error| unanswered(&error))?;
        // The directory may have been named by way of a link.
        let typed = dir.ancestors().nth(prefix.components().count());
        let same =
            typed.filter(|typed| fs::canonicalize(typed).ok() == fs::canonicalize(&top).ok());
        let top = same.map_or(top.clone(), Path::to_owned);
        let entries = listing.split(|byte| *byte == 0).filter_map(entry).collect();
        let dir = dir.to_owned();
        Ok(Self { dir, prefix, top, entries, unknown: RefCell::default() })
    }

    /// The text of a file; `None` if the commit has none there.
    ///
    /// # Errors
    /// Git knows of it, but it cannot be read.
    pub(super) fn text(&self, file: &Path) -> Result<Option<Vec<u8>>, CliError> {
        let Some(path) = self.inside(file) else { return Ok(None) };
        match self.content(&path, 0) {
            None => Ok(None),
            Some(Ok(bytes)) => Ok(Some(bytes)),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Some(Err(source)) => {
                Err(CliError::Io { what: format!("read {} as it was", file.display()), source })
            }
        }
    }

    /// What a person should know of how it was read.
    pub(super) fn notes(&self) -> Vec<String> {
        let unknown = self.unknown.borrow();
        let shown = unknown.iter().map(|path| path.strip_prefix(&self.dir).unwrap_or(path));
        let note = |path: &Path| format!("{} is not in git: read as it is now", path.display());
        shown.map(note).collect()
    }

    /// A path below the top of the repository; `None` of what lies elsewhere.
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        let path = clean(path);
        match path.strip_prefix(&self.dir) {
            Ok(below) => Some(self.prefix.join(below)),
            Err(_) => path.strip_prefix(&self.top).ok().map(Path::to_owned),
        }
    }

    /// What the commit has at a path below the top; `None` if git does not know of it now either.
    fn content(&self, path: &Path, links: usize) -> Option<io::Result<Vec<u8>>> {
        if MOST_LINKS < links {
            return Some(Err(io::Error::other("too many symbolic links after one another")));
        }
        for (place, rest) in ways(path) {
            match self.entries.get(place) {
                None => {}
                Some(Entry::File(id)) if rest.as_os_str().is_empty() => return Some(self.blob(id)),
                Some(Entry::File(_)) => return Some(Err(io::ErrorKind::NotADirectory.into())),
                Some(Entry::Submodule) => {
                    let text = format!(
                        "it lies in the submodule {}, whose files are of another repository",
                        place.display()
                    );
                    return Some(Err(io::Error::other(text)));
                }
                Some(Entry::Link(id)) => return self.linked(id, (place, rest), links),
            }
        }
        (self.has_below(path) || self.is_known_now(path))
            .then(|| Err(io::ErrorKind::NotFound.into()))
    }

    fn linked(
        &self,
        id: &str,
        (place, rest): (&Path, &Path),
        links: usize,
    ) -> Option<io::Result<Vec<u8>>> {
        let target = match self.blob(id) {
            Ok(target) => path_of(&target),
            Err(error) => return Some(Err(error)),
        };
        let around = self.top.join(place.parent().unwrap_or(Path::new("")));
        let path = clean(&around.join(target).join(rest));
        match path.strip_prefix(&self.top) {
            Ok(inside) => self.content(inside, links + 1),
            Err(_) => Some(fs::read(path)),
        }
    }

    fn blob(&self, id: &str) -> io::Result<Vec<u8>> {
        let answer = ask(&self.dir, &["cat-file", "blob", id]);
        answer.map_err(|error| io::Error::other(in_words(&error)))
    }

    fn has_below(&self, path: &Path) -> bool {
        let next = self.entries.range(path.to_owned()..).find(|(found, _)| *found != path);
        path.as_os_str().is_empty() || next.is_some_and(|(found, _)| found.starts_with(path))
    }

    fn is_known_now(&self, path: &Path) -> bool {
        let words = ["ls-files", "--error-unmatch", "--"].map(OsStr::new);
        let words: Vec<&OsStr> = words.into_iter().chain([path.as_os_str()]).collect();
        git::ask(&self.top, &words, LIMITS).is_ok()
    }
}

impl Files for AtCommit {
    fn read(&self, path: &Path) -> Option<io::Result<Vec<u8>>> {
        let inside = self.inside(path)?;
        let content = self.content(&inside, 0);
        if content.is_none() {
            self.unknown.borrow_mut().insert(path.to_owned());
        }
        content
    }

    fn has(&self, path: &Path) -> bool {
        self.inside(path).is_some_and(|it| self.entries.contains_key(&it) || self.has_below(&it))
    }

    fn has_directory(&self, path: &Path) -> bool {
        !path.exists() && self.inside(path).is_some_and(|inside| self.has_below(&inside))
    }
}

/// A line of `git ls-tree`: mode, kind, name of the object; path.
fn entry(line: &[u8]) -> Option<(PathBuf, Entry)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let (about, path) = (line.get(..tab)?, line.get(tab + 1..)?);
    let about = std::str::from_utf8(about).ok()?;
    let mut words = about.split(' ');
    let (mode, _, id) = (words.next()?, words.next()?, words.next()?.to_owned());
    let entry = match mode {
        "120000" => Entry::Link(id),
        "160000" => Entry::Submodule,
        _ => Entry::File(id),
    };
    Some((path_of(path), entry))
}

/// A path and what leads to it, the shortest first, each with what follows.
fn ways(path: &Path) -> impl Iterator<Item = (&Path, &Path)> {
    let places: Vec<&Path> = path.ancestors().filter(|it| !it.as_os_str().is_empty()).collect();
    places.into_iter().rev().filter_map(|place| Some((place, path.strip_prefix(place).ok()?)))
}

/// The path without `.` and `..`, by its text alone.
fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = out.pop(),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(part),
        }
    }
    out
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

fn line(answer: &[u8]) -> &[u8] {
    answer.strip_suffix(b"\n").unwrap_or(answer)
}

fn ask(dir: &Path, words: &[&str]) -> Result<Vec<u8>, GitError> {
    let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    git::ask(dir, &words, LIMITS)
}

fn unanswered(error: &GitError) -> CliError {
    let help = "`--git` asks the program `git`, which has to be on the PATH";
    CliError::input(in_words(error), help)
}

fn in_words(error: &GitError) -> String {
    match error {
        GitError::Missing(error) => format!("git cannot be executed: {error}"),
        GitError::Refused(why) => format!("git says: {why}"),
        GitError::Endless => "git gives no answer of bearable length".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_a_tree_is_a_file_a_link_or_a_submodule() {
        let found = entry(b"100644 blob abc\tweb/a b.yaml").unwrap();
        assert_eq!(found, (PathBuf::from("web/a b.yaml"), Entry::File("abc".into())));
        assert_eq!(entry(b"120000 blob abc\tx").unwrap().1, Entry::Link("abc".into()));
        assert_eq!(entry(b"160000 commit abc\tx").unwrap().1, Entry::Submodule);
        assert_eq!(entry(b""), None);
    }

    #[test]
    fn ways_lead_from_the_top_down() {
        let found: Vec<_> = ways(Path::new("a/b/c")).collect();
        let pair = |a, b| (Path::new(a), Path::new(b));
        assert_eq!(found, [pair("a", "b/c"), pair("a/b", "c"), pair("a/b/c", "")]);
    }
}
