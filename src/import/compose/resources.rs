//! What a service may use.

use std::rc::Rc;

use super::App;
use crate::{
    config::written_tree::{Entry, Kind, Node},
    import::{
        tree::{Map, plain, scalar, text},
        yaml::at,
    },
};

/// The limits of each process, as docker and as we call them.
const ULIMITS: [(&str, &str); 5] = [
    ("nofile", "nofile"),
    ("core", "core"),
    ("fsize", "file_size"),
    ("stack", "stack"),
    ("memlock", "locked_memory"),
];

impl App<'_> {
    pub(super) fn limits(&self, app: &mut Map) {
        let mut limits = Map::new(self.service.whole);
        let limit = |key| self.entry(&["deploy", "resources", "limits", key]);
        if let Some(entry) = limit("memory").or_else(|| self.entry(&["mem_limit"])) {
            put(&mut limits, "memory", entry, self.size(entry));
        }
        if let Some(entry) = limit("cpus").or_else(|| self.entry(&["cpus"])) {
            put(&mut limits, "cpu", entry, self.cpus(entry));
        }
        if let Some(entry) = limit("pids").or_else(|| self.entry(&["pids_limit"])) {
            put(&mut limits, "processes", entry, self.count_of(entry));
        }
        for (key, ours) in ULIMITS {
            if let Some(entry) = self.entry(&["ulimits", key]) {
                put(&mut limits, ours, entry, self.ulimit(entry, ours));
            }
        }
        app.put_map("limits", self.service.whole, limits);
        if let Some(entry) = self.entry(&["oom_score_adj"]) {
            app.put("oom_score_adj", entry.key_span, self.template(entry));
        }
    }

    /// `512m` as `512M`. Nothing for 0, which is no limit.
    fn size(&self, entry: &Entry) -> Option<Rc<Node>> {
        let written = self.file.values.text(entry)?;
        if written.contains('$') {
            return Some(self.template(entry));
        }
        let lower = written.trim().to_ascii_lowercase();
        let digits = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
        let (number, unit) = lower.split_at(digits);
        let unit = match unit.trim() {
            "" | "b" => "",
            "k" | "kb" => "K",
            "m" | "mb" => "M",
            "g" | "gb" => "G",
            _ => {
                self.file.values.wrong(entry, "a size such as `512m`");
                return None;
            }
        };
        let value = match (number.parse::<f64>(), unit) {
            (Ok(0.0), _) => return None,
            (Ok(_), "") => sized(number.parse().ok()?),
            (Ok(_), unit) => format!("{number}{unit}"),
            (Err(_), _) => {
                self.file.values.wrong(entry, "a size such as `512m`");
                return None;
            }
        };
        Some(text(entry.value.span, &value))
    }

    fn cpus(&self, entry: &Entry) -> Option<Rc<Node>> {
        let written = self.file.values.text(entry)?;
        match written.parse::<f64>() {
            Ok(number) if number > 0.0 => Some(plain(entry.value.span, &number)),
            Ok(_) => None,
            Err(_) if written.contains('$') => Some(self.template(entry)),
            Err(_) => {
                self.file.values.wrong(entry, "a number such as `0.5`");
                None
            }
        }
    }

    /// A number of them; -1 and 0 are no limit.
    fn count_of(&self, entry: &Entry) -> Option<Rc<Node>> {
        match self.file.values.text(entry)? {
            "-1" | "0" => None,
            text if text.contains('$') => Some(self.template(entry)),
            _ => {
                let number = self.file.values.number(entry)?;
                Some(plain(entry.value.span, &number))
            }
        }
    }

    /// A number, or the softer one of two.
    fn ulimit(&self, entry: &Entry, ours: &str) -> Option<Rc<Node>> {
        let entry = match entry.value.kind {
            Kind::Map(_) => at(&entry.value, &["soft"])?,
            Kind::Scalar(_) | Kind::List(_) => entry,
        };
        let is_bytes = !matches!(ours, "nofile");
        match scalar(&entry.value)? {
            "-1" if is_bytes => Some(text(entry.value.span, "unlimited")),
            "0" if is_bytes => Some(plain(entry.value.span, &0)),
            _ if is_bytes => {
                let bytes = self.file.values.number(entry)?;
                Some(text(entry.value.span, &sized(bytes)))
            }
            _ => self.count_of(entry),
        }
    }
}

fn put(limits: &mut Map, key: &str, entry: &Entry, value: Option<Rc<Node>>) {
    if let Some(value) = value {
        limits.put(key, entry.key_span, value);
    }
}

/// Bytes in the largest unit that has no fraction; less than 1024 are rounded up.
fn sized(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] =
        [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)];
    let unit = UNITS.iter().find(|(_, size)| *size <= bytes && bytes.is_multiple_of(*size));
    match unit {
        Some((name, size)) => format!("{}{name}", bytes / size),
        None => format!("{}K", bytes.div_ceil(1024)),
    }
}
