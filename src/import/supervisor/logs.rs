//! Where a program's output goes.

use std::path::Path;

use super::program::Program;
use crate::{
    config::written_tree::{Problem, quoted},
    import::{
        ini::Item,
        tree::{Map, plain, size, template, text},
    },
};

const FILES: [&str; 2] = ["stdout_logfile", "stderr_logfile"];

/// What a log file is.
enum To {
    Nobody,
    Own,
    Syslog,
    Stdout,
    File,
}

fn to(value: &str) -> To {
    match value.to_lowercase().as_str() {
        "none" | "off" | "/dev/null" => To::Nobody,
        "auto" | "" => To::Own,
        "syslog" => To::Syslog,
        "/dev/stdout" | "/dev/stderr" | "/dev/fd/1" | "/dev/fd/2" | "/proc/self/fd/1"
        | "/proc/self/fd/2" => To::Stdout,
        _ => To::File,
    }
}

impl Program<'_> {
    pub(super) fn logs(&self, app: &mut Map) {
        let section = self.section;
        let mut logs = Map::new(section.at);
        let files: Vec<&Item> = FILES.iter().filter_map(|key| section.last(key)).collect();
        // With `redirect_stderr` there is no other stream.
        let merged = section.last("redirect_stderr").and_then(|item| self.flag(item)) == Some(true);
        let streams = if merged { 1 } else { 2 };
        let nowhere = files.iter().filter(|item| matches!(to(&item.value), To::Nobody)).count();
        let syslog = ["stdout_syslog", "stderr_syslog"]
            .iter()
            .find_map(|key| section.last(key).filter(|item| self.flag(item) == Some(true)));
        let word = files.iter().find_map(|item| match to(&item.value) {
            To::Syslog => Some((*item, "syslog")),
            To::Stdout => Some((*item, "stdout")),
            To::Nobody => (streams <= nowhere).then_some((*item, "none")),
            To::Own | To::File => None,
        });
        if let Some((item, word)) = word.or(syslog.map(|item| (item, "syslog"))) {
            logs.put("to", item.key_at, text(item.value_at, word));
        } else if let Some(item) = files.iter().find(|item| matches!(to(&item.value), To::File)) {
            self.dir(item, &mut logs);
        }
        self.rotation(&mut logs);
        app.put_map("logs", section.name_at, logs);
    }

    fn dir(&self, item: &Item, logs: &mut Map) {
        // The name of the file may have the number in it, its directory hardly.
        let (dir, _) = item.value.rsplit_once('/').unwrap_or((".", ""));
        let dir = Item { value: dir.to_owned(), ..item.clone() };
        if let Some(dir) = self.filled(&dir) {
            let dir = if dir.is_empty() { "/".to_owned() } else { dir };
            let dir = match self.reading.own_or_common(self.section, "directory") {
                Some(cwd) if !dir.starts_with(['/', '$', '~']) => {
                    let cwd = self.filled(cwd).unwrap_or_default();
                    Path::new(&cwd).join(&dir).to_string_lossy().into_owned()
                }
                Some(_) | None => dir,
            };
            logs.put("dir", item.key_at, template(item.value_at, dir));
        }
    }

    fn rotation(&self, logs: &mut Map) {
        let find = |what: &str| {
            let names = ["stdout", "stderr"].map(|stream| format!("{stream}_logfile_{what}"));
            names.iter().find_map(|name| self.section.last(name))
        };
        let mut rotate = Map::new(self.section.at);
        if let Some(item) = find("maxbytes") {
            match bytes(&item.value) {
                Some(0) => {
                    logs.put("rotate", item.key_at, text(item.value_at, "none"));
                    return;
                }
                Some(bytes) => rotate.put("size", item.key_at, text(item.value_at, &size(bytes))),
                None => {
                    let message = format!("{} is no size", quoted(&item.value));
                    let problem = Problem::new("value", message, item.value_at, "expected a size");
                    self.reading.log.push(problem.help("as in `50MB`"));
                }
            }
        }
        if let Some(item) = find("backups") {
            rotate.put("keep", item.key_at, plain(item.value_at, &item.value));
        }
        logs.put_map("rotate", self.section.name_at, rotate);
    }
}

/// `50MB` in bytes.
fn bytes(text: &str) -> Option<u64> {
    let lower = text.to_lowercase();
    let units = [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)];
    let unit = units.iter().find_map(|(unit, size)| Some((lower.strip_suffix(unit)?, *size)));
    let (digits, size) = unit.unwrap_or((&lower, 1));
    digits.trim().parse::<u64>().ok()?.checked_mul(size)
}
