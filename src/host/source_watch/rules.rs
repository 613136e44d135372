//! Which files of a watched directory do not count.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};

use crate::model::WatchPolicy;

/// What never is source: version control, installed packages, what interpreters and editors
/// leave behind when a program starts or a file is merely opened. `ignore` can bring it back
/// with `!`.
const DEFAULTS: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    "node_modules/",
    "__pycache__/",
    "*.pyc",
    ".DS_Store",
    "*~",
    ".*.sw?",
    ".sw?",
    ".#*",
    "\\#*#",
    "4913",
];

/// The rules of one app. The later ones in this list win: the defaults, `.gitignore` files from
/// the repository's directory down, the app's own `ignore`.
#[derive(Debug)]
pub(super) struct Rules {
    defaults: Gitignore,
    gitignores: BTreeMap<PathBuf, Gitignore>,
    own: Gitignore,
    /// Nothing below these ever counts.
    exclude: Vec<PathBuf>,
}

impl Rules {
    /// The rules of `policy`, whose base directory is `base` once links are resolved.
    pub(super) fn new(policy: &WatchPolicy, base: &Path, exclude: Vec<PathBuf>) -> Self {
        let own = policy.ignore.iter().map(String::as_str);
        Self {
            defaults: build(Path::new("/"), DEFAULTS.iter().copied()),
            gitignores: BTreeMap::new(),
            own: build(base, own),
            exclude,
        }
    }

    /// Reads the `.gitignore` of `dir`, if there is one.
    pub(super) fn enter(&mut self, dir: &Path) {
        let file = dir.join(".gitignore");
        if file.is_file() {
            // A pattern in it that is none is left out, as git does.
            let (found, _) = Gitignore::new(file);
            self.gitignores.insert(dir.to_owned(), found);
        }
    }

    /// Reads the `.gitignore` files above `root` in its repository and gives their directories.
    /// Outside of one there is nothing above that concerns it.
    pub(super) fn enter_above(&mut self, root: &Path) -> Vec<PathBuf> {
        let Some(top) = root.ancestors().find(|dir| dir.join(".git").exists()) else {
            return Vec::new();
        };
        let above: Vec<PathBuf> = root
            .ancestors()
            .skip(1)
            .take_while(|dir| dir.starts_with(top))
            .map(Path::to_owned)
            .collect();
        for dir in &above {
            self.enter(dir);
        }
        above
    }

    /// Whether nothing at `path` can count.
    pub(super) fn excludes(&self, path: &Path) -> bool {
        self.exclude.iter().any(|excluded| path.starts_with(excluded))
    }

    /// Whether `path`, somewhere below `root`, does not count: itself, or a directory it is in.
    pub(super) fn ignores(&self, root: &Path, path: &Path, is_dir: bool) -> bool {
        self.excludes(path)
            || path
                .ancestors()
                .take_while(|part| part.starts_with(root) && *part != root)
                .any(|part| self.matches(part, is_dir || part != path))
    }

    fn matches(&self, path: &Path, is_dir: bool) -> bool {
        let of_dirs = path.ancestors().skip(1).filter_map(|dir| self.gitignores.get(dir));
        for rules in std::iter::once(&self.own).chain(of_dirs).chain([&self.defaults]) {
            match rules.matched(path, is_dir) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }
}

fn build<'a>(root: &Path, patterns: impl Iterator<Item = &'a str>) -> Gitignore {
    let mut builder = GitignoreBuilder::new(root);
    for pattern in patterns {
        // The file's reader refuses bad patterns; one that gets here is no pattern.
        drop(builder.add_line(None, pattern));
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
