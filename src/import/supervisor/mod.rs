//! supervisord.conf: programs of supervisor, also from the files it includes.

mod environment;
mod expand;
mod include;
pub(super) mod keys;
mod logs;
mod program;

use std::rc::Rc;

pub(super) use include::included;

use self::keys::{KEYS, PROGRAMS, SECTIONS};
use super::{
    ini::{self, Dialect, Item, Section},
    reading::{Called, Notes, Place},
    sections::Told,
    tree::{Map, app_name},
};
use crate::config::{
    Span,
    written_tree::{Log, Node, Problem, did_you_mean, quoted},
};

/// What one file is read with.
struct Reading<'a> {
    log: &'a Log,
    place: Place<'a>,
    notes: &'a Notes,
    told: Told<'a>,
    /// What `[supervisord]` says for all programs.
    common: Option<&'a Section>,
    groups: Vec<Group<'a>>,
}

/// `[group:x]`
struct Group<'a> {
    name: &'a str,
    programs: Vec<&'a str>,
}

/// The tree of our format for a supervisord.conf's; `None` if there is none, which was said.
pub(super) fn document(log: &Log, place: Place<'_>, notes: &Notes) -> Option<Rc<Node>> {
    let sections = sections(log);
    let groups = sections.iter().filter_map(|section| {
        let name = section.name.strip_prefix("group:")?;
        let programs = section.last("programs")?.value.split([',', '\n', ' ']);
        Some(Group { name, programs: programs.filter(|name| !name.is_empty()).collect() })
    });
    let reading = Reading {
        log,
        place,
        notes,
        told: Told::new(log, notes, KEYS, "supervisor"),
        common: sections.iter().find(|section| section.name == "supervisord"),
        groups: groups.collect(),
    };
    let whole = Span::new(0, log.source.text.len());
    let mut apps = Map::new(whole);
    let mut called = Called::default();
    let mut count = 0;
    for section in &sections {
        let Some((kind, name)) = reading.program(section) else { continue };
        let ours = app_name(name);
        if let Some(problem) = called.take("programs", &ours, section.name_at) {
            log.push(problem);
            continue;
        }
        if ours != name {
            let text = format!("{} is called `{ours}` here: no other characters", quoted(name));
            notes.say(section.name_at, text);
        }
        let app = program::app(&reading, section, kind, name);
        reading.told.flush();
        if let Some(app) = app {
            apps.put(&ours, section.name_at, app);
            count += 1;
        }
    }
    if called.count() == 0 {
        let problem = Problem::new("no_apps", "the file has no programs", whole, "nothing here");
        log.push(problem.help("as in `[program:web]` and `command=node server.js`"));
        return None;
    }
    if count == 0 {
        return None;
    }
    let mut document = Map::new(whole);
    document.put("apps", whole, apps.node());
    Some(document.node())
}

/// The sections of all files; what one has twice counts as one.
fn sections(log: &Log) -> Vec<Section> {
    let mut out: Vec<Section> = Vec::new();
    for (from, source) in log.parts() {
        for section in ini::sections(log, from, &source.text, Dialect::Supervisor) {
            match out.iter_mut().find(|other| other.name == section.name) {
                Some(first) => first.items.extend(section.items),
                None => out.push(section),
            }
        }
    }
    out
}

impl Reading<'_> {
    /// What kind of program a section is, and its name; any other section is told of.
    fn program<'s>(&self, section: &'s Section) -> Option<(&'s str, &'s str)> {
        let (kind, name) = section.name.split_once(':').unwrap_or((&section.name, ""));
        let (kind, name) = (kind.trim(), name.trim());
        if PROGRAMS.contains(&kind) {
            return Some((kind, name));
        }
        let written = format!("[{}]", section.name);
        if let Some((_, why)) = SECTIONS.iter().find(|(other, _)| *other == kind) {
            self.notes.left_out(section.name_at, &written, why);
        } else if kind == "eventlistener" {
            let why = "there are no event listeners: `eco events --json` prints what happens";
            self.notes.left_out(section.name_at, &written, why);
        } else if matches!(kind, "supervisord" | "group" | "include") {
            for item in &section.items {
                self.told.answer(kind, item);
            }
            self.told.flush();
        } else {
            let message = format!("supervisor has no section {}", quoted(&written));
            let known = PROGRAMS.into_iter().chain(SECTIONS.into_iter().map(|(name, _)| name));
            let help = did_you_mean(kind, known.chain(["supervisord", "group", "include"]));
            let problem = Problem::new("unknown_key", message, section.name_at, "unknown section");
            self.log.warn(problem.help(help.unwrap_or_else(|| "it is left out".to_owned())));
        }
        None
    }

    /// The groups a program is in.
    fn groups(&self, program: &str) -> Vec<&str> {
        let of = self.groups.iter().filter(|group| group.programs.contains(&program));
        of.map(|group| group.name).collect()
    }

    /// What a program has, or else all of them.
    fn own_or_common<'s>(&'s self, section: &'s Section, key: &str) -> Option<&'s Item> {
        section.last(key).or_else(|| self.common?.last(key))
    }
}
