//! Which program a file is of.

use std::{ffi::OsStr, fmt, path::Path};

use super::{
    compose, keys::Key, pm2::fields::Answer, process_compose, procfile, sections::SectionKey,
    supervisor, systemd,
};
use crate::config::written_tree::{Kind, Log, Node, SourceText, parse};

/// How sections of supervisor begin.
const SUPERVISOR: &[&str] =
    &["[program:", "[supervisord]", "[fcgi-program:", "[eventlistener:", "[group:"];

/// How sections of units begin.
const SYSTEMD: &[&str] = &["[Service]", "[Unit]"];

/// Formats that `eco import` reads, beside PM2's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line for each process, as foreman and Heroku have it.
    Procfile,
    /// Docker's `compose.yaml`.
    Compose,
    /// The `process-compose.yaml` of the program of that name.
    ProcessCompose,
    /// Programs of supervisor.
    Supervisor,
    /// Services of systemd.
    Systemd,
    /// What PM2 runs now: what `pm2 jlist` prints and `pm2 save` keeps.
    Pm2List,
}

impl Format {
    /// All of them, by the name `eco import --from` has for it.
    pub const ALL: [(&'static str, Self); 6] = [
        ("procfile", Self::Procfile),
        ("docker-compose", Self::Compose),
        ("process-compose", Self::ProcessCompose),
        ("supervisor", Self::Supervisor),
        ("systemd", Self::Systemd),
        ("pm2-list", Self::Pm2List),
    ];

    /// What the file at `path` with this text is; `None` for our own files and PM2's.
    pub(super) fn of(path: &Path, text: &str) -> Option<Self> {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let is_procfile = name == "Procfile"
            || name.starts_with("Procfile.")
            || path.extension() == Some(OsStr::new("procfile"));
        if is_procfile {
            return Some(Self::Procfile);
        }
        if name == "dump.pm2" || (text.trim_start().starts_with('[') && is_list_of_pm2(text)) {
            return Some(Self::Pm2List);
        }
        let extension = path.extension().and_then(OsStr::to_str);
        // What is called JSON or JavaScript is that, whatever a line of it looks like.
        let is_data = matches!(extension, Some("json" | "json5" | "js" | "cjs" | "mjs"));
        let has_head = |heads: &[&str]| {
            !is_data && text.lines().any(|line| heads.iter().any(|head| line.starts_with(head)))
        };
        let is_unit = matches!(extension, Some("service" | "timer" | "socket" | "target" | "path"));
        if has_head(SUPERVISOR) {
            return Some(Self::Supervisor);
        }
        if is_unit || has_head(SYSTEMD) {
            return Some(Self::Systemd);
        }
        match extension {
            Some("yaml" | "yml") | None => by_content(text).or_else(|| by_name(name)),
            Some(_) => None,
        }
    }

    /// Its keys and what becomes of each; none for one that has PM2's.
    pub fn keys(self) -> Vec<(String, Answer)> {
        let of_sections = |keys: &[SectionKey]| {
            keys.iter().map(|key| (format!("[{}] {}", key.section, key.name), key.answer)).collect()
        };
        let of_paths =
            |keys: &[Key]| keys.iter().map(|key| (key.path.to_owned(), key.answer)).collect();
        match self {
            Self::Pm2List => Vec::new(),
            Self::Procfile => of_paths(procfile::KEYS),
            Self::Compose => of_paths(compose::KEYS),
            Self::ProcessCompose => of_paths(process_compose::KEYS),
            Self::Supervisor => of_sections(supervisor::keys::KEYS),
            Self::Systemd => of_sections(systemd::keys::KEYS),
        }
    }
}

/// A list of PM2's has keys that no file has.
fn is_list_of_pm2(text: &str) -> bool {
    ["\"pm2_env\"", "\"pm_exec_path\""].iter().any(|key| text.contains(key))
}

/// A file whose text cannot be read yet is still what it is called.
fn by_name(name: &str) -> Option<Format> {
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))?;
    let begins = |word: &str| {
        stem.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    };
    if begins("process-compose") {
        Some(Format::ProcessCompose)
    } else if begins("docker-compose") || begins("compose") {
        Some(Format::Compose)
    } else {
        None
    }
}

/// The key that only one format has at its top.
fn by_content(text: &str) -> Option<Format> {
    const TELLING: [(&str, Format); 2] =
        [("processes", Format::ProcessCompose), ("services", Format::Compose)];
    if !TELLING.iter().any(|(key, _)| text.contains(key)) {
        return None;
    }
    let root = parse(&Log::new(SourceText::new("".into(), text.to_owned())))?;
    let is_map = |node: &Node| matches!(node.kind, Kind::Map(_)) || node.is_null();
    let has = |key: &str| root.entry(key).is_some_and(|entry| is_map(&entry.value));
    if root.entry("apps").is_some() {
        return None;
    }
    TELLING.iter().find(|(key, _)| has(key)).map(|(_, format)| *format)
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Procfile => "a Procfile",
            Self::Compose => "a Docker Compose file",
            Self::ProcessCompose => "a process-compose file",
            Self::Supervisor => "a supervisord.conf",
            Self::Systemd => "a unit of systemd",
            Self::Pm2List => "a list of what PM2 runs",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_what_they_say_then_by_name() {
        for (name, text, wanted) in [
            ("Procfile", "", Some(Format::Procfile)),
            ("compose.yaml", "", Some(Format::Compose)),
            ("docker-compose.override.yml", "", Some(Format::Compose)),
            ("process-compose.yaml", "", Some(Format::ProcessCompose)),
            ("compose.yaml", "processes: { a: { command: b } }", Some(Format::ProcessCompose)),
            ("any.yml", "services:\n  a: { image: b }\n", Some(Format::Compose)),
            ("composer.yaml", "", None),
            ("ecosystem.yaml", "apps: { services: { command: x } }", None),
            ("ecosystem.yaml", "services: [a]", None),
            ("compose.json", "{}", None),
            ("ecosystem.json", "// a\n[program:x]", None),
            ("any.conf", "; a\n[program:x]", Some(Format::Supervisor)),
            ("any", "[Unit]\n", Some(Format::Systemd)),
        ] {
            assert_eq!(Format::of(Path::new(name), text), wanted, "{name}");
        }
    }
}
