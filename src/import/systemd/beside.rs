//! The files that belong to units: their drop-ins, and the timer and socket of a service.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::config::{Faults, written_tree::Text};

/// More files than these are a mistake.
const MOST: usize = 1000;

/// What is read after `first`: the other units, and what belongs to each, in place.
pub(in crate::import) fn beside(first: &Text, more: &[PathBuf]) -> Result<Vec<Text>, Faults> {
    let mut seen = vec![first.absolute()];
    seen.extend(more.iter().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone())));
    let mut out = Vec::new();
    for (index, path) in seen.clone().iter().enumerate() {
        if index != 0 {
            out.push(Text::read(path)?);
        }
        for path in drop_ins(path) {
            out.push(Text::read(&path)?);
        }
        // Which run it, or which it runs.
        let others: &[&str] = match path.extension().and_then(|it| it.to_str()) {
            Some("service") => &["timer", "socket"],
            Some("timer" | "socket") => &["service"],
            Some(_) | None => &[],
        };
        for other in others.iter().map(|kind| path.with_extension(kind)) {
            if !other.is_file() || seen.contains(&other) {
                continue;
            }
            out.push(Text::read(&other)?);
            for path in drop_ins(&other) {
                out.push(Text::read(&path)?);
            }
            seen.push(other);
        }
    }
    Ok(out)
}

/// The drop-ins of a unit, those of its template too.
fn drop_ins(unit: &Path) -> Vec<PathBuf> {
    let Some(name) = unit.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let template = name.split_once('@').and_then(|(prefix, rest)| {
        let (instance, kind) = rest.rsplit_once('.')?;
        (!instance.is_empty()).then(|| format!("{prefix}@.{kind}"))
    });
    let mut out = Vec::new();
    for name in template.into_iter().chain([name.to_owned()]) {
        let Ok(entries) = fs::read_dir(unit.with_file_name(format!("{name}.d"))) else { continue };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut paths: Vec<PathBuf> = paths
            .filter(|path| path.extension().is_some_and(|it| it == "conf") && path.is_file())
            .take(MOST)
            .collect();
        paths.sort();
        out.extend(paths);
    }
    out
}
