//! Where the values of an app come from, for `eco describe`: of each field it shows the line that says
//! so, an override, or that nobody says anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::state::State;
use crate::{
    host::store::StoredProject,
    model::{App, AppKey, EnvValue},
};

/// By dotted field, in words.
type Fields = BTreeMap<String, String>;

/// So many places of one field are named.
const PLACES: usize = 3;

impl State {
    /// The origin of each of these fields; empty if the file was read by a program that told none.
    pub(super) fn origins(&self, key: &AppKey, app: &App, fields: &[(String, String)]) -> Fields {
        let Some((written, remark)) = self.written(key, app) else { return Fields::new() };
        // What has spaces is no key of the file.
        let named = fields.iter().map(|(name, _)| name).filter(|name| !name.contains(' '));
        let origin = |name: &String| {
            if name == "instances" && app.scale.is_some() {
                return "override: `eco scale`".to_owned();
            }
            place(&written, name).map_or_else(|| "default".to_owned(), |it| it + &remark)
        };
        named.map(|name| (name.clone(), origin(name))).collect()
    }

    /// What was told when the spec of an app was read, and what to say with it. One that was rolled
    /// back is from an earlier reading of the file.
    fn written(&self, key: &AppKey, app: &App) -> Option<(Fields, String)> {
        if app.rolled_back.is_none() {
            let meta = self.metas.get(&key.project)?;
            return Some((meta.origins.get(&key.app)?.clone(), String::new()));
        }
        let is_it = |stored: &StoredProject| {
            let then = stored.project.apps.get(&key.app);
            then.is_some_and(|then| then.revision == app.revision && then.rolled_back.is_none())
        };
        let generations = self.store.history(&key.project).into_iter().rev();
        let mut stored =
            generations.filter_map(|it| self.store.revision(&key.project, it.generation).ok());
        let found = stored.find(is_it)?;
        let remark = format!(", in generation {}", found.project.generation.0);
        Some((found.origins.get(&key.app)?.clone(), remark))
    }

    /// The files an app's values were read from: the project's own, and those that this one names.
    pub(super) fn files_read(&self, key: &AppKey, app: &App) -> Vec<PathBuf> {
        let Some(meta) = self.metas.get(&key.project) else { return Vec::new() };
        let origins = meta.origins.get(&key.app);
        let secrets: BTreeSet<&PathBuf> = app
            .spec
            .env
            .values()
            .filter_map(|value| match value {
                EnvValue::File { path, .. } => Some(path),
                EnvValue::Set(_) | EnvValue::Unset => None,
            })
            .collect();
        let is_meant = |path: &PathBuf| {
            let shown = path.strip_prefix(&meta.dir).unwrap_or(path).display().to_string() + ":";
            let names = origins.is_none_or(|it| it.values().any(|origin| origin.contains(&shown)));
            names || *path == meta.file || secrets.contains(path)
        };
        meta.inputs.iter().filter(|path| is_meant(path)).cloned().collect()
    }
}

/// Where a field is written: itself, what is below it, or what it is a part of.
fn place(written: &Fields, name: &str) -> Option<String> {
    if let Some(exact) = written.get(name) {
        return Some(exact.clone());
    }
    let start = format!("{name}.");
    let below: BTreeSet<&String> = written
        .range(start.clone()..)
        .take_while(|(path, _)| path.starts_with(&start))
        .map(|(_, origin)| origin)
        .collect();
    if !below.is_empty() {
        let places: Vec<&str> = below.iter().take(PLACES).map(|it| it.as_str()).collect();
        return Some(places.join("; "));
    }
    let (above, _) = name.rsplit_once('.')?;
    let mut above = Some(above);
    while let Some(path) = above {
        if let Some(origin) = written.get(path) {
            return Some(origin.clone());
        }
        above = path.rsplit_once('.').map(|(path, _)| path);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_itself_by_its_parts_and_by_the_whole() {
        let written = [
            ("ready.http.path", "f:3"),
            ("ready.timeout", "f:3"),
            ("restart.backoff.initial", "f:5"),
            ("restart.backoff.max", "f:6"),
            ("logs.rotate", "f:8"),
        ];
        let written = written
            .map(|(name, origin)| (name.to_owned(), origin.to_owned()))
            .into_iter()
            .collect();
        let of = |name| place(&written, name);
        assert_eq!(of("ready").as_deref(), Some("f:3"));
        assert_eq!(of("restart.backoff").as_deref(), Some("f:5; f:6"));
        assert_eq!(of("logs.rotate.size").as_deref(), Some("f:8"));
        assert_eq!(of("restart.policy"), None);
        assert_eq!(of("read"), None);
    }
}
