//! `artifacts`: which files match, and the digest of each.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use globset::{GlobBuilder, GlobMatcher};
use ignore::{DirEntry, WalkBuilder};
use sha2::{Digest as _, Sha256};

use super::{Context, paths};
use crate::{
    config::{
        fault::{Problem, Span},
        field::Many,
        scalar::Text,
        suggest::quoted,
    },
    model::Artifacts,
};

/// Directories that are entered only if a pattern names them.
const PASSED_OVER: [&str; 2] = ["node_modules", ".git"];

/// The patterns with what is found under them.
pub(super) fn resolve(context: &Context<'_>, written: Option<&Many<Text>>) -> Artifacts {
    let mut found = Artifacts::default();
    for (pattern, at) in written.into_iter().flat_map(Many::items) {
        found.patterns.push(pattern.0.clone());
        let matcher = match GlobBuilder::new(&pattern.0).literal_separator(true).build() {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                let message = format!("{} is not a pattern", quoted(&pattern.0));
                let label = error.kind().to_string();
                context.push(Problem::new("pattern", message, at.value, label));
                continue;
            }
        };
        if context.has_files() {
            let search = Search { context, pattern: &pattern.0, matcher, span: at.value };
            let files = search.run();
            if files.is_empty() {
                search.warn_of_none();
            }
            found.files.extend(files);
        }
    }
    found
}

struct Search<'a> {
    context: &'a Context<'a>,
    pattern: &'a str,
    matcher: GlobMatcher,
    span: Span,
}

impl Search<'_> {
    /// The leading components of the pattern that are plain names: where to start.
    fn literal_start(&self) -> &str {
        let special = self.pattern.find(['*', '?', '[', '{', '\\']).unwrap_or(self.pattern.len());
        let plain = self.pattern.get(..special).unwrap_or_default();
        if special == self.pattern.len() {
            return plain;
        }
        plain.rfind('/').and_then(|slash| plain.get(..slash)).unwrap_or_default()
    }

    fn run(&self) -> BTreeMap<String, String> {
        let start = self.literal_start();
        let root = paths::join(self.context.dir, start);
        let named: Vec<&str> =
            PASSED_OVER.into_iter().filter(|name| self.pattern.contains(name)).collect();
        let enter = move |entry: &DirEntry| {
            let name = entry.file_name().to_str().unwrap_or_default();
            entry.depth() == 0 || !PASSED_OVER.contains(&name) || named.contains(&name)
        };
        let mut found = BTreeMap::new();
        let walk = WalkBuilder::new(&root).standard_filters(false).filter_entry(enter).build();
        for entry in walk.flatten() {
            let below = entry.path().strip_prefix(&root).unwrap_or_else(|_| Path::new(""));
            let relative = PathBuf::from(start).join(below);
            let is_match = self.matcher.is_match(&relative) || start == self.pattern;
            let relative = paths::join(Path::new(""), &relative.to_string_lossy());
            // A link counts as what it points to; links to directories are not followed.
            if is_match && entry.path().is_file() {
                self.add(&mut found, entry.path(), &relative);
            }
        }
        found
    }

    fn add(&self, found: &mut BTreeMap<String, String>, path: &Path, relative: &Path) {
        match digest(path) {
            Ok(digest) => {
                found.insert(relative.to_string_lossy().into_owned(), digest);
            }
            // It was there a moment ago: a build is under way.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let what = format!("the artifact {}", quoted(&relative.to_string_lossy()));
                self.context.push(paths::not_readable(
                    &self.context.looked(path),
                    self.span,
                    &what,
                    &error,
                ));
            }
        }
    }

    fn warn_of_none(&self) {
        let message = format!("nothing matches the artifact pattern {}", quoted(self.pattern));
        let problem = Problem::new("no_artifacts", message, self.span, "no such file");
        let help = "it is relative to the directory of this file; is the build done?";
        self.context.log.warn(problem.help(help));
    }
}

/// SHA-256 of a file's content, in hex.
fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}
