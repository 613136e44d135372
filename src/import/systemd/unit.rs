//! A unit, put together from its file and its drop-ins.

use std::ffi::OsStr;

use crate::{
    config::{Span, written_tree::Log},
    import::ini::{self, Dialect, Item, Section},
};

/// A unit with the files that belong to it.
#[derive(Debug)]
pub(super) struct Unit {
    /// As in `web.service`.
    pub(super) name: String,
    /// All its files.
    pub(super) at: Span,
    /// Its sections, each once, in the order in which they are met.
    pub(super) sections: Vec<Section>,
}

impl Unit {
    /// The units that the text of the log has.
    pub(super) fn all(log: &Log) -> Vec<Self> {
        let mut out: Vec<Self> = Vec::new();
        for (from, source) in log.parts() {
            let at = Span::new(from, from + source.text.len());
            let name = |path: &std::path::Path| Some(path.file_name()?.to_str()?.to_owned());
            let parent = source.name.parent().and_then(name).unwrap_or_default();
            let own = name(&source.name).unwrap_or_default();
            let dropped = parent
                .strip_suffix(".d")
                .filter(|_| source.name.extension() == Some(OsStr::new("conf")));
            let unit = dropped.unwrap_or(&own);
            let sections = ini::sections(log, from, &source.text, Dialect::Systemd);
            let is_it = |it: &&mut Self| it.name == unit || (dropped.is_some() && it.is_of(unit));
            if let Some(found) = out.iter_mut().find(is_it) {
                found.add(at, sections);
            } else {
                let mut new = Self { name: unit.to_owned(), at, sections: Vec::new() };
                new.add(at, sections);
                out.push(new);
            }
        }
        out
    }

    /// Whether it is an instance of a template.
    fn is_of(&self, template: &str) -> bool {
        let (Some((prefix, rest)), Some((of, ""))) = (
            self.name.split_once('@'),
            template.split_once('@').map(|(of, rest)| (of, rest.split('.').next().unwrap_or(""))),
        ) else {
            return false;
        };
        !rest.is_empty() && prefix == of
    }

    fn add(&mut self, at: Span, sections: Vec<Section>) {
        self.at = Span::new(self.at.start.min(at.start), self.at.end.max(at.end));
        for section in sections {
            match self.sections.iter_mut().find(|other| other.name == section.name) {
                Some(first) => first.items.extend(section.items),
                None => self.sections.push(section),
            }
        }
    }

    /// What kind of unit it is.
    pub(super) fn kind(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(_, kind)| kind)
    }

    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The value that counts of a key that has one; nothing if it is empty.
    pub(super) fn last(&self, section: &str, key: &str) -> Option<&Item> {
        self.section(section)?.last(key).filter(|item| !item.value.is_empty())
    }

    /// All values of a key that may be there many times; an empty one takes those before it away.
    pub(super) fn all_of(&self, section: &str, key: &str) -> Vec<&Item> {
        let mut out = Vec::new();
        for item in self.section(section).into_iter().flat_map(|section| &section.items) {
            if item.key == key {
                if item.value.is_empty() {
                    out.clear();
                } else {
                    out.push(item);
                }
            }
        }
        out
    }
}
