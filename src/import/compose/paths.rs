//! Paths inside a container, and what they are on this machine.

use super::{App, File, Service, is_empty};
use crate::{
    config::written_tree::{Entry, Kind, Node, quoted},
    import::{
        tree::{Map, scalar, template},
        variables::text_of,
        yaml::at,
    },
};

/// What of the container is known here.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Directories of this machine by where the container has them.
    binds: Vec<(String, String)>,
    /// The directory it is built from.
    context: Option<String>,
    /// Where the container starts.
    workdir: Option<String>,
}

impl Paths {
    pub(super) fn of(file: &File<'_>, service: &Service) -> Self {
        let node = &service.node;
        let volumes = at(node, &["volumes"]);
        let items = match volumes.map(|entry| &entry.value.kind) {
            Some(Kind::List(items)) => items.as_slice(),
            Some(Kind::Scalar(_) | Kind::Map(_)) | None => {
                if let Some(entry) = volumes.filter(|entry| !is_empty(&entry.value)) {
                    file.values.wrong(entry, "a list");
                }
                &[]
            }
        };
        let build = at(node, &["build"]);
        let context = build.and_then(|entry| {
            scalar(&entry.value).or_else(|| text_of(entry.value.entry("context")))
        });
        let context = context.or(build.map(|_| "."));
        let workdir = service.recipe.as_ref().and_then(|recipe| recipe.workdir.clone());
        let is_local = |context: &&str| !context.contains("://") && !context.starts_with("git@");
        Self {
            binds: items.iter().filter_map(|item| bind(item)).chain(secrets(file, node)).collect(),
            context: context.filter(is_local).map(clean),
            workdir: text_of(at(node, &["working_dir"])).map(str::to_owned).or(workdir),
        }
    }

    /// What a path of the container is here.
    fn host(&self, path: &str) -> Option<String> {
        let below = |(target, source): &(String, String)| {
            let rest = path.strip_prefix(target.as_str())?;
            let is_inside = rest.is_empty() || rest.starts_with('/') || target == "/";
            let rest = rest.trim_matches('/');
            is_inside.then(|| match (source.as_str(), rest) {
                (source, "") => (target.len(), source.to_owned()),
                (".", rest) => (target.len(), rest.to_owned()),
                (source, rest) => (target.len(), format!("{source}/{rest}")),
            })
        };
        let found = self.binds.iter().filter_map(below).max_by_key(|(length, _)| *length);
        found.map(|(_, path)| path)
    }

    /// The directories of the container that are known by name.
    fn inner(&self) -> impl Iterator<Item = &str> {
        let binds = self.binds.iter().map(|(target, _)| target.as_str());
        let all = binds.chain(self.workdir.as_deref()).chain(["/run/secrets"]);
        all.filter(|path| path.len() > 1 && path.starts_with('/'))
    }
}

/// A volume that is a directory of this machine: where the container has it, and where it is.
fn bind(item: &Node) -> Option<(String, String)> {
    if let Some(text) = scalar(item) {
        let (source, rest) = text.split_once(':')?;
        let target = rest.split(':').next().unwrap_or(rest);
        let is_path = source.starts_with(['.', '/', '~', '$']);
        return is_path.then(|| (trimmed(target), clean(source)));
    }
    let source = text_of(item.entry("source"))?;
    let target = text_of(item.entry("target"))?;
    let is_bind = text_of(item.entry("type")) == Some("bind");
    is_bind.then(|| (trimmed(target), clean(source)))
}

/// The files of secrets, where the container has them.
fn secrets(file: &File<'_>, node: &Node) -> Vec<(String, String)> {
    let Some(Kind::List(items)) = at(node, &["secrets"]).map(|entry| &entry.value.kind) else {
        return Vec::new();
    };
    let found = items.iter().filter_map(|item| {
        let name = scalar(item).or_else(|| text_of(item.entry("source")))?;
        let target = text_of(item.entry("target")).unwrap_or(name);
        let source = text_of(at(file.root, &["secrets", name, "file"]))?;
        Some((format!("/run/secrets/{target}"), clean(source)))
    });
    found.collect()
}

fn trimmed(path: &str) -> String {
    let path = path.trim_end_matches('/');
    if path.is_empty() { "/".to_owned() } else { path.to_owned() }
}

/// A path from the file's directory on, as short as it can be.
fn clean(path: &str) -> String {
    if let Some(rest) = path.strip_prefix('~').filter(|it| it.is_empty() || it.starts_with('/')) {
        return format!("${{HOME}}{}", rest.trim_end_matches('/'));
    }
    let path = path.strip_prefix("./").unwrap_or(path);
    match path.trim_end_matches('/') {
        "" if path.starts_with('/') => "/".to_owned(),
        "" | "." => ".".to_owned(),
        path => path.to_owned(),
    }
}

impl App<'_> {
    /// Where it runs: where the container would, if that is a directory of this machine.
    pub(super) fn cwd(&self, app: &mut Map) {
        let entry = self.entry(&["working_dir"]);
        let dir = match entry {
            Some(entry) => self.working_dir(entry),
            None => self.workdir().or_else(|| self.paths.context.clone()),
        };
        let Some(dir) = dir.filter(|dir| dir != ".") else { return };
        let build = self.entry(&["build"]);
        let whole = self.service.whole;
        let key = entry.or(build).map_or(whole, |entry| entry.key_span);
        let span = entry.or(build).map_or(whole, |entry| entry.value.span);
        app.put("cwd", key, template(span, self.filled(&dir, key)));
    }

    /// Where the image begins, if that is a directory of this machine.
    fn workdir(&self) -> Option<String> {
        self.paths.host(&trimmed(self.paths.workdir.as_deref()?))
    }

    fn working_dir(&self, entry: &Entry) -> Option<String> {
        let path = trimmed(scalar(&entry.value)?);
        if let Some(host) = self.paths.host(&path) {
            return Some(host);
        }
        let inside = format!("`working_dir: {path}` is inside the image");
        if let Some(context) = &self.paths.context {
            let text = format!("{inside}; here it is the directory that is built, `{context}`");
            self.say(entry, text);
            Some(context.clone())
        } else {
            self.say(entry, format!("{inside}, and left out: add the `cwd` of the program"));
            None
        }
    }

    /// Paths of the container in what the program is given.
    pub(super) fn say_container_paths<'t>(
        &self,
        entry: &Entry,
        texts: impl Iterator<Item = (&'t str, &'t str)>,
    ) {
        let mut told: Vec<&str> = Vec::new();
        for (what, text) in texts {
            let found = self.paths.inner().filter(|path| names(text, path));
            let Some(path) = found.max_by_key(|path| path.len()) else { continue };
            if told.contains(&path) {
                continue;
            }
            told.push(path);
            let here = match self.paths.host(path) {
                Some(host) => format!("is `{host}` here"),
                None => "is inside the container".to_owned(),
            };
            let what = format!("{} in {} {here}", quoted(path), quoted(what));
            self.say(entry, format!("{what}: write the path of this machine"));
        }
    }
}

/// Whether a text has this path in it.
fn names(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + path.len()..).and_then(|after| after.chars().next());
        let is_word = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        let ends = after.is_none_or(|c| c == '/' || !is_word(c));
        before.is_none_or(|c| !is_word(c)) && ends
    })
}
