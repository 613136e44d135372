//! `[include]`: the files that are read with a supervisord.conf.

use std::{
    fs,
    path::{Path, PathBuf},
};

use globset::GlobBuilder;

use crate::{
    config::{
        Faults,
        written_tree::{Problem, Text, quoted},
    },
    import::ini::{self, Dialect},
};

/// More files than these are a mistake.
const MOST: usize = 1000;

/// The files that a text includes, in their order.
pub(in crate::import) fn included(text: &Text) -> Result<Vec<Text>, Faults> {
    // What is wrong with the text is said when it is read in full.
    let log = text.log.again();
    let sections = ini::sections(&log, 0, &text.log.source.text, Dialect::Supervisor);
    let file = text.absolute();
    let dir = file.parent().unwrap_or(Path::new("/"));
    let mut out = Vec::new();
    for section in sections.iter().filter(|section| section.name == "include") {
        let Some(files) = section.last("files") else { continue };
        for pattern in files.value.split_whitespace() {
            let pattern = pattern.replace("%(here)s", &dir.to_string_lossy());
            let found = matching(dir, &pattern);
            if found.is_empty() {
                let message = format!("no file is there for {}", quoted(&pattern));
                let problem = Problem::new("not_found", message, files.value_at, "in here");
                text.log.warn(problem.help(format!("looked in {}", dir.display())));
            }
            for path in found.into_iter().filter(|path| *path != file).take(MOST) {
                out.push(Text::read(&path)?);
            }
        }
    }
    Ok(out)
}

/// The files below `dir` whose path is as `pattern` has it, in their order.
fn matching(dir: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found =
        vec![if pattern.starts_with('/') { PathBuf::from("/") } else { dir.to_owned() }];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|dir| children(dir, part)).take(MOST).collect();
    }
    found.retain(|path| path.is_file());
    found
}

fn children(dir: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[']) {
        let path = dir.join(part);
        return if path.exists() { vec![path] } else { Vec::new() };
    }
    let glob = GlobBuilder::new(part).literal_separator(true).build();
    let (Ok(glob), Ok(entries)) = (glob, fs::read_dir(dir)) else { return Vec::new() };
    let matcher = glob.compile_matcher();
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    let fits = |name: &std::ffi::OsString| {
        matcher.is_match(name)
            && (part.starts_with('.') || !name.to_string_lossy().starts_with('.'))
    };
    let mut paths: Vec<PathBuf> = names.filter(fits).map(|name| dir.join(name)).collect();
    paths.sort();
    paths
}
