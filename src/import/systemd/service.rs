//! One service as an app.

use std::rc::Rc;

use super::{Reading, calendar, names, spans, specifier::Names, unit::Unit};
use crate::{
    config::{
        Span,
        written_tree::{Node, Problem, did_you_mean, quoted},
    },
    import::{
        ini::Item,
        tree::{Map, plain, template, text},
        words,
    },
};

/// What the parts of an app are made from.
pub(super) struct Service<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) unit: &'a Unit,
    timer: Option<&'a Unit>,
    pub(super) socket: Option<&'a Unit>,
    pub(super) names: Names<'a>,
    pub(super) kind: Type,
    /// Where the app stands.
    pub(super) head: Span,
}

/// When a service has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// At once.
    Simple,
    /// It says so.
    Notify,
    /// It says so, also when it has read its files again.
    NotifyReload,
    /// It leaves a process behind.
    Forking,
    /// It has ended.
    Oneshot,
    /// It has a name on the bus.
    Bus,
}

const TYPES: [(&str, Type); 8] = [
    ("simple", Type::Simple),
    ("exec", Type::Simple),
    ("idle", Type::Simple),
    ("notify", Type::Notify),
    ("notify-reload", Type::NotifyReload),
    ("forking", Type::Forking),
    ("oneshot", Type::Oneshot),
    ("dbus", Type::Bus),
];

impl<'a> Service<'a> {
    pub(super) fn new(
        reading: &'a Reading<'a>,
        unit: &'a Unit,
        timer: Option<&'a Unit>,
        socket: Option<&'a Unit>,
    ) -> Self {
        let head = unit.section("Service").map_or(unit.at, |section| section.name_at);
        let names = Names { log: reading.log, unit: &unit.name };
        let kind = kind(reading, unit);
        Self { reading, unit, timer, socket, names, kind, head }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Item> {
        self.unit.last("Service", key)
    }

    pub(super) fn all(&self, key: &str) -> Vec<&'a Item> {
        self.unit.all_of("Service", key)
    }

    pub(super) fn say(&self, at: Span, text: impl Into<String>) {
        self.reading.notes.say(at, text);
    }

    /// A value that cannot be.
    pub(super) fn wrong(&self, item: &Item, label: &str, help: &str) {
        let message = format!("{} is no value of `{}`", quoted(&item.value), item.key);
        let problem = Problem::new("value", message, item.value_at, label);
        self.reading.log.push(problem.help(help));
    }

    /// Whether it runs to its end.
    pub(super) fn is_job(&self) -> bool {
        self.kind == Type::Oneshot || self.timer.is_some()
    }

    /// The app; what is wrong with it is said.
    pub(super) fn app(&self) -> Rc<Node> {
        let mut app = Map::new(self.span());
        if let Some(item) = self.unit.last("Unit", "Description") {
            let mut description = String::new();
            for piece in self.names.expand(&item.value, item.value_at) {
                if let words::Piece::Text(text) = piece {
                    description.push_str(&text);
                }
            }
            // Before all else that is said of it.
            self.say(Span::new(app_start(self), app_start(self)), description);
        }
        if self.names.instance() == Some("") {
            let text = "it is a template: make an app of each instance, and put its name in the place of \
                        `${INSTANCE…}`";
            self.say(self.head, text);
        }
        match self.command() {
            Some((at, command)) => app.put("command", at, command),
            // What is wrong was said; the rest is looked at all the same.
            None => app.put("command", self.head, Node::unfilled(self.head)),
        }
        self.kind(&mut app);
        self.cwd(&mut app);
        self.listen(&mut app);
        self.environment(&mut app);
        self.restart(&mut app);
        self.stop(&mut app);
        self.reload(&mut app);
        self.readiness(&mut app);
        let before = self.reading.before(self.unit);
        if let Some((_, at)) = before.first() {
            app.put("depends_on", *at, names(*at, &before));
        }
        self.account(&mut app);
        self.limits(&mut app);
        self.logs(&mut app);
        app.node()
    }

    /// All files of it, those of its timer and socket too if they stand beside.
    fn span(&self) -> Span {
        let own = self.unit.at;
        let others = [self.timer, self.socket].into_iter().flatten().map(|unit| unit.at);
        let all: Vec<Span> = std::iter::once(own).chain(others).collect();
        let start = all.iter().map(|at| at.start).min().unwrap_or(own.start);
        let end = all.iter().map(|at| at.end).max().unwrap_or(own.end);
        let is_within = |unit: &&Unit| start <= unit.at.start && unit.at.end <= end;
        let is_own = |unit: &&Unit| all.contains(&unit.at);
        let is_strange = |unit: &&Unit| is_within(unit) && !is_own(unit);
        let is_apart = self.reading.units.iter().any(|unit| is_strange(&unit));
        if is_apart { own } else { Span::new(start, end) }
    }

    fn kind(&self, app: &mut Map) {
        if self.kind == Type::Forking {
            let at = self.get("Type").map_or(self.head, |item| item.key_at);
            self.say(
                at,
                "the program puts itself into the background; eco keeps what stays in the foreground: find \
                 its option for that, as `nginx -g 'daemon off;'`",
            );
        }
        if !self.is_job() {
            return;
        }
        let at = self.get("Type").map_or(self.head, |item| item.key_at);
        app.put("kind", at, text(at, "job"));
        let Some(timer) = self.timer else { return };
        let calendar = timer.all_of("Timer", "OnCalendar");
        let mut schedules = calendar.iter().map(|item| (*item, calendar::schedule(&item.value)));
        if let Some((item, schedule)) = schedules.next() {
            match schedule {
                Some(schedule) => {
                    app.put("schedule", item.key_at, text(item.value_at, &schedule.cron));
                    if let Some(zone) = schedule.zone {
                        app.put("timezone", item.key_at, text(item.value_at, zone));
                    }
                }
                None => self.no_cron(item),
            }
        }
        for (item, _) in schedules {
            let why = "a job has one `schedule`; make another job for it";
            self.reading.notes.left_out(item.key_at, &format!("OnCalendar={}", item.value), why);
        }
        if let Some(item) = timer.last("Timer", "Persistent")
            && spans::flag(&item.value) == Some(true)
        {
            app.put("catch_up", item.key_at, plain(item.value_at, &true));
        }
    }

    fn no_cron(&self, item: &Item) {
        let why =
            "no line of cron says it: write a `schedule` that comes near, as in `\"0 3 * * *\"`";
        self.reading.notes.left_out(item.key_at, &format!("OnCalendar={}", item.value), why);
    }

    fn cwd(&self, app: &mut Map) {
        let Some(item) = self.get("WorkingDirectory") else {
            app.put("cwd", self.head, text(self.head, "/"));
            return;
        };
        let written = item.value.strip_prefix('-').unwrap_or(&item.value);
        if written.len() < item.value.len() {
            self.say(
                item.key_at,
                "the working directory has to be there, also with a `-` before it",
            );
        }
        if written == "~" {
            app.put("cwd", item.key_at, template(item.value_at, "${HOME}"));
            if self.get("User").is_some() {
                self.say(
                    item.key_at,
                    "`~` is the home of whoever calls eco: write that of the user",
                );
            }
        } else {
            self.put_filled(app, "cwd", item, written);
        }
    }

    /// A value under a key of ours; one that only a shell could fill is left out.
    pub(super) fn put_filled(&self, map: &mut Map, key: &str, item: &Item, value: &str) {
        if let Some(value) = words::filled(&self.names.expand(value, item.value_at)) {
            map.put(key, item.key_at, template(item.value_at, value));
        } else {
            let why = "write what the `%` in it stands for";
            self.reading.notes.left_out(item.key_at, &item.key, why);
        }
    }
}

/// Before the first of its notes.
fn app_start(service: &Service<'_>) -> usize {
    service.span().start
}

fn kind(reading: &Reading<'_>, unit: &Unit) -> Type {
    let Some(item) = unit.last("Service", "Type") else {
        let only_bus = unit.last("Service", "BusName").is_some();
        return if only_bus { Type::Bus } else { Type::Simple };
    };
    if let Some((_, kind)) = TYPES.iter().find(|(name, _)| *name == item.value) {
        return *kind;
    }
    let message = format!("{} is no `Type` of a service", quoted(&item.value));
    let near = did_you_mean(&item.value, TYPES.map(|(name, _)| name));
    let problem = Problem::new("value", message, item.value_at, "not known");
    reading.log.push(problem.maybe_help(near));
    Type::Simple
}
