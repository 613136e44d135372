//! Which program a file is of.

use std::{ffi::OsStr, fmt, path::Path};

use super::{pm2::fields::Answer, sections::SectionKey, supervisor, systemd};

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
    /// Programs of supervisor.
    Supervisor,
    /// Services of systemd.
    Systemd,
    /// What PM2 runs now: what `pm2 jlist` prints and `pm2 save` keeps.
    Pm2List,
}

impl Format {
    /// All of them, by the name `eco import --from` has for it.
    pub const ALL: [(&'static str, Self); 4] = [
        ("procfile", Self::Procfile),
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
        let has_head = |heads: &[&str]| {
            text.lines().any(|line| heads.iter().any(|head| line.starts_with(head)))
        };
        let is_unit = matches!(
            path.extension().and_then(OsStr::to_str),
            Some("service" | "timer" | "socket" | "target" | "path")
        );
        if has_head(SUPERVISOR) {
            return Some(Self::Supervisor);
        }
        (is_unit || has_head(SYSTEMD)).then_some(Self::Systemd)
    }

    /// Its keys and what becomes of each; none for one that has no keys, or PM2's.
    pub fn keys(self) -> Vec<(String, Answer)> {
        let of_sections = |keys: &[SectionKey]| {
            keys.iter().map(|key| (format!("[{}] {}", key.section, key.name), key.answer)).collect()
        };
        match self {
            Self::Procfile | Self::Pm2List => Vec::new(),
            Self::Supervisor => of_sections(supervisor::keys::KEYS),
            Self::Systemd => of_sections(systemd::keys::KEYS),
        }
    }
}

/// A list of PM2's has keys that no file has.
fn is_list_of_pm2(text: &str) -> bool {
    ["\"pm2_env\"", "\"pm_exec_path\""].iter().any(|key| text.contains(key))
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Procfile => "a Procfile",
            Self::Supervisor => "a supervisord.conf",
            Self::Systemd => "a unit of systemd",
            Self::Pm2List => "a list of what PM2 runs",
        })
    }
}
