//! From an app as written to the app as it should be: defaults, limits between fields, files.

mod alert;
mod app;
mod artifacts;
mod command;
mod dashboard;
mod env;
mod job;
mod listen;
mod live;
mod logs;
mod metrics;
mod node;
mod order;
mod paths;
mod process;
mod ready;
mod rollout;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    io,
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{
    accounts::Accounts,
    fault::{Problem, SourceText, Span},
    files::Files,
    log::Log,
    secret_key::SecretKey,
    vars::{Unfilled, Vars},
};

pub(super) use alert::receivers;
pub(super) use app::resolve_app;
pub(super) use dashboard::resolve as resolve_dashboard;
pub(super) use job::NOT_FOR_JOBS;
pub(super) use listen::Claim;
pub(super) use metrics::resolve as resolve_metrics;
pub(super) use order::resolve as resolve_order;

/// The variables an app gets of the caller's environment unless the file says otherwise.
pub(crate) const INHERITED: [&str; 9] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", "TMPDIR"];

/// The variables of a file of `KEY=value` lines.
type EnvFile = Rc<BTreeMap<String, String>>;

/// What all apps of a file share.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) log: &'a Log,
    pub(super) vars: &'a Vars<'a>,
    /// The file's directory, absolute.
    pub(super) dir: &'a Path,
    /// The same as it was named, for messages.
    pub(super) shown_dir: &'a Path,
    /// Number of CPUs.
    pub(super) cpus: u32,
    /// The caller's environment; `None` if only the text is checked: no file is touched then.
    pub(super) env: Option<&'a BTreeMap<String, String>>,
    /// The machine's users; `None` if only the text is checked.
    pub(super) accounts: Option<&'a dyn Accounts>,
    /// The key of the digests of secret files; `None` if only the text is checked.
    pub(super) secret_key: Option<SecretKey>,
    /// Files that are not read from the disk.
    pub(super) files: Option<&'a dyn Files>,
    /// Mappings in which a required key was misspelled.
    pub(super) misspelled: &'a RefCell<HashSet<(Span, &'static str)>>,
    /// Every file that was read.
    pub(super) inputs: RefCell<Vec<PathBuf>>,
    /// Digests of those whose text says what apps are.
    pub(super) digests: RefCell<BTreeMap<PathBuf, String>>,
    pub(super) env_files: RefCell<BTreeMap<PathBuf, EnvFile>>,
    /// The lines in which their variables stand.
    pub(super) env_lines: RefCell<BTreeMap<PathBuf, BTreeMap<String, u32>>>,
    /// Working directories with their links resolved: most apps share one.
    pub(super) directories: RefCell<BTreeMap<PathBuf, PathBuf>>,
    /// The ports that apps listen on.
    pub(super) claims: RefCell<Vec<Claim>>,
}

impl Context<'_> {
    /// Whether files and directories are looked at.
    pub(super) fn has_files(&self) -> bool {
        self.env.is_some()
    }

    /// Whether a required key of the mapping under `key` is there, but misspelled.
    pub(super) fn is_misspelled(&self, key: Span, required: &'static str) -> bool {
        self.misspelled.borrow().contains(&(key, required))
    }

    pub(super) fn push(&self, problem: Problem) {
        self.log.push(problem);
    }

    /// The content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.and_then(|files| files.read(path)).unwrap_or_else(|| paths::read(path))
    }

    /// The absolute path of what the file names.
    pub(super) fn path(&self, written: &str) -> PathBuf {
        paths::join(self.dir, written)
    }

    /// The path with how to show it.
    fn looked<'a>(&self, path: &'a Path) -> paths::Looked<'a> {
        let below = path.strip_prefix(self.dir);
        let shown = below.map_or_else(|_| path.to_owned(), |below| self.shown_dir.join(below));
        paths::Looked { path, shown }
    }

    fn unfilled(&self, unfilled: Unfilled, span: Span, text: &str) {
        let source = &self.log.source.text;
        self.push(unfilled.problem(|range| super::fill::locate(source, span, text, range)));
    }

    /// The variables of a file, read once; `None` if it cannot be, which is said at each place
    /// that names it.
    pub(super) fn env_file(&self, written: &str, span: Span, what: &str) -> Option<EnvFile> {
        let path = self.path(written);
        if let Some(known) = self.env_files.borrow().get(&path) {
            return Some(Rc::clone(known));
        }
        let read = self.read_env_file(&path, written, span, what)?;
        self.env_files.borrow_mut().insert(path, Rc::clone(&read));
        Some(read)
    }

    fn read_env_file(&self, path: &Path, written: &str, span: Span, what: &str) -> Option<EnvFile> {
        self.note_input(path);
        let bytes = match self.read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let what = format!("the {what} {}", super::suggest::quoted(written));
                self.push(paths::not_readable(&self.looked(path), span, &what, &error));
                return None;
            }
        };
        self.digests.borrow_mut().insert(path.to_owned(), super::text::text_digest(&bytes));
        let name = paths::join(self.shown_dir, written);
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let (source, problem) = super::text::not_utf8(&name, &error);
                self.log.push_in(&source.into(), problem);
                return None;
            }
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        match super::dotenv::parse_with_lines(&text) {
            Ok((values, lines)) => {
                self.env_lines.borrow_mut().insert(path.to_owned(), lines);
                Some(Rc::new(values))
            }
            Err(problems) => {
                let source = SourceText::new(name, text).into();
                for problem in problems {
                    self.log.push_in(&source, problem);
                }
                None
            }
        }
    }

    pub(super) fn note_input(&self, path: &Path) {
        let mut inputs = self.inputs.borrow_mut();
        if !inputs.iter().any(|known| known == path) {
            inputs.push(path.to_owned());
        }
    }
}
