//! Units of systemd: services, with their drop-ins and timers.

mod beside;
mod calendar;
mod command;
mod env;
mod exec;
pub(super) mod keys;
mod limits;
mod restart;
mod service;
mod socket;
mod spans;
mod specifier;
mod unit;

use std::rc::Rc;

pub(super) use beside::beside;

use self::{
    keys::{KEYS, SECTIONS},
    service::Service,
    unit::Unit,
};
use super::{
    reading::{Called, Notes, Place},
    sections::Told,
    tree::{Map, app_name, text},
};
use crate::config::{
    Span,
    written_tree::{Log, Node, Problem, did_you_mean, quoted},
};

/// What the units are read with.
struct Reading<'a> {
    log: &'a Log,
    place: Place<'a>,
    notes: &'a Notes,
    told: Told<'a>,
    units: Vec<Unit>,
}

/// The tree of our format for units; `None` if there is none, which was said.
pub(super) fn document(log: &Log, place: Place<'_>, notes: &Notes) -> Option<Rc<Node>> {
    let told = Told::new(log, notes, KEYS, "systemd");
    let reading = Reading { log, place, notes, told, units: Unit::all(log) };
    let whole = Span::new(0, log.source.text.len());
    let mut apps = Map::new(whole);
    let mut called = Called::default();
    for unit in &reading.units {
        reading.tell(unit);
        reading.tell_order(unit);
        if !reading.is_service(unit) {
            continue;
        }
        let name = reading.app_name(unit);
        let at = unit.section("Service").map_or(unit.at, |section| section.name_at);
        if let Some(problem) = called.take("units", &name, at) {
            log.push(problem);
            continue;
        }
        let timer = reading.timer(unit);
        apps.put(
            &name,
            at,
            Service::new(&reading, unit, timer, socket::of(&reading.units, unit)).app(),
        );
    }
    if called.count() == 0 {
        let problem = Problem::new("no_apps", "there is no service in it", whole, "nothing here");
        log.push(problem.help("as in `[Service]` and `ExecStart=/usr/bin/node server.js`"));
        return None;
    }
    let mut document = Map::new(whole);
    document.put("apps", whole, apps.node());
    Some(document.node())
}

/// Keys that name other units.
const ORDER: [(&str, &str); 6] = [
    ("After", NOT_HERE),
    ("Before", NOT_HERE),
    ("Requires", NOT_HERE),
    ("Requisite", NOT_HERE),
    ("Wants", NOT_HERE),
    ("Upholds", NOT_HERE),
];
const NOT_HERE: &str = "it is not imported with it; `eco startup` starts eco itself after the network and \
                        the like";

impl Reading<'_> {
    fn is_service(&self, unit: &Unit) -> bool {
        match unit.kind() {
            "service" => true,
            "timer" => false,
            "socket" if self.units.iter().any(|it| socket::is_of(unit, it)) => false,
            "socket" | "target" | "path" | "mount" | "automount" | "swap" | "slice" | "scope"
            | "device" => {
                let at = Span::new(unit.at.start, unit.at.start);
                self.notes.left_out(
                    at,
                    &unit.name,
                    "only services, their timers and sockets are read",
                );
                false
            }
            // Standard input has no name.
            _ => unit.section("Service").is_some(),
        }
    }

    /// Units that are named and not imported too.
    fn tell_order(&self, unit: &Unit) {
        for (key, why) in ORDER {
            for item in unit.all_of("Unit", key) {
                let others: Vec<&str> = item
                    .value
                    .split_whitespace()
                    .filter(|name| !self.units.iter().any(|other| other.name == *name))
                    .collect();
                if !others.is_empty() {
                    let what = format!("{key}={}", others.join(" "));
                    self.notes.left_out(item.key_at, &what, why);
                }
            }
        }
    }

    /// What becomes of each key.
    fn tell(&self, unit: &Unit) {
        for section in &unit.sections {
            if section.name.starts_with("X-") {
                continue;
            }
            if section.name == "Socket" && unit.kind() == "service" {
                self.notes.left_out(
                    section.name_at,
                    "[Socket]",
                    "it belongs into a unit of its own",
                );
                continue;
            }
            if section.name == "Timer" && unit.kind() == "service" {
                let text = "`[Timer]` is read as if it stood in a timer of that name";
                self.notes.say(section.name_at, text);
            }
            if !SECTIONS.contains(&section.name.as_str()) {
                if !matches!(unit.kind(), "service" | "timer" | "socket") {
                    continue;
                }
                let message = format!("a service has no section {}", quoted(&section.name));
                let help = did_you_mean(&section.name, SECTIONS);
                let problem = Problem::new("unknown_key", message, section.name_at, "left out");
                self.log.warn(problem.maybe_help(help));
                continue;
            }
            for item in &section.items {
                self.told.answer(&section.name, item);
            }
        }
        self.told.flush();
    }

    /// What a service is called here.
    fn app_name(&self, unit: &Unit) -> String {
        let name = name_of(unit);
        if unit.name.strip_suffix(".service").is_some_and(|stem| stem != name) {
            self.notes.say(
                unit.section("Service").map_or(unit.at, |section| section.name_at),
                format!("{} is called `{name}` here", quoted(&unit.name)),
            );
        }
        name
    }

    /// The timer that starts a service.
    fn timer<'u>(&'u self, unit: &'u Unit) -> Option<&'u Unit> {
        if unit.section("Timer").is_some() {
            return Some(unit);
        }
        self.units.iter().find(|timer| {
            let named = timer.last("Timer", "Unit").map(|item| item.value.as_str());
            let stem_of = timer.name.strip_suffix(".timer");
            match (named, stem_of) {
                (Some(named), Some(_)) => named == unit.name,
                (None, Some(timer)) => unit.name.strip_suffix(".service") == Some(timer),
                (_, None) => false,
            }
        })
    }

    /// The services that come before one, by the names they have here.
    fn before(&self, unit: &Unit) -> Vec<(String, Span)> {
        let mut out: Vec<(String, Span)> = Vec::new();
        let mut push = |name: String, at: Span| {
            if !out.iter().any(|(other, _)| *other == name) {
                out.push((name, at));
            }
        };
        let others = || self.units.iter().filter(|other| other.name != unit.name);
        for item in unit.all_of("Unit", "After") {
            for name in item.value.split_whitespace().filter(|name| name.ends_with(".service")) {
                if let Some(other) = others().find(|other| other.name == name) {
                    push(name_of(other), item.value_at);
                }
            }
        }
        for other in others() {
            let before = other.all_of("Unit", "Before");
            if before.iter().any(|item| item.value.split_whitespace().any(|it| it == unit.name)) {
                push(name_of(other), unit.at);
            }
        }
        out
    }
}

/// What a service is called here: as its unit, else as its program.
fn name_of(unit: &Unit) -> String {
    let program = || {
        let line = unit.last("Service", "ExecStart").map_or("", |item| item.value.as_str());
        let word = line.split_whitespace().next().unwrap_or_default();
        word.rsplit('/').next().unwrap_or_default().to_owned()
    };
    let stem = unit.name.strip_suffix(".service");
    let name = app_name(stem.unwrap_or(&program())).trim_end_matches('-').to_owned();
    if name.is_empty() { "app".to_owned() } else { name }
}

/// A list of names; one alone is enough.
fn names(at: Span, names: &[(String, Span)]) -> Rc<Node> {
    Node::list(at, names.iter().map(|(name, at)| text(*at, name)).collect())
}
