//! One program of supervisor as an app.

use std::rc::Rc;

use super::{Reading, environment, expand::Names};
use crate::{
    config::{
        Span,
        written_tree::{Node, Problem, did_you_mean, quoted},
    },
    import::{
        ini::{Item, Section},
        tree::{Map, app_name, duration, plain, template, text},
        words::{self, Word},
    },
};

/// How often supervisor tries a start again, and for how long, if nothing else is said.
const RETRIES: u64 = 3;
const START_SECONDS: u64 = 1;

/// What the parts of an app are made from.
pub(super) struct Program<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) section: &'a Section,
    names: Names<'a>,
}

/// `None` if there is nothing to run, which is said.
pub(super) fn app(
    reading: &Reading<'_>,
    section: &Section,
    kind: &str,
    name: &str,
) -> Option<Rc<Node>> {
    for item in &section.items {
        // A key of these alone, or one of all programs.
        let is_socket = kind == "fcgi-program" && item.key.starts_with("socket");
        reading.told.answer(if is_socket { kind } else { "program" }, item);
    }
    let Some(command) = section.last("command") else {
        let message = format!("{} has no `command`", quoted(&section.name));
        let problem = Problem::new("missing_key", message, section.name_at, "nothing to run");
        reading.log.push(problem.help("as in `command=node server.js`"));
        return None;
    };
    let groups = reading.groups(name);
    let here = reading.place.dir;
    let names = Names {
        log: reading.log,
        here,
        program: name,
        group: groups.first().copied().unwrap_or(name),
        numprocs: 1,
        first: 0,
    };
    let mut program = Program { reading, section, names };
    program.names.numprocs = program.number("numprocs").map_or(1, |(count, _)| clamped(count));
    program.names.first = program.number("numprocs_start").map_or(0, |it| it.0.cast_signed());
    let mut app = Map::new(section.at);
    app.put(
        "command",
        command.key_at,
        program.command(command).unwrap_or_else(|| Node::unfilled(command.value_at)),
    );
    program.place(&mut app);
    program.instances(&mut app);
    program.environment(&mut app);
    program.restart(&mut app);
    program.stop(&mut app);
    if let Some((seconds, item)) = program.number("startsecs").filter(|it| it.0 != START_SECONDS) {
        let mut rollout = Map::new(item.value_at);
        rollout.put(
            "min_ready",
            item.key_at,
            duration(item.value_at, seconds.saturating_mul(1000)),
        );
        app.put_map("rollout", item.key_at, rollout);
    }
    for key in ["user", "umask"] {
        let found =
            if key == "umask" { reading.own_or_common(section, key) } else { section.last(key) };
        if let Some(item) = found {
            app.put(key, item.key_at, text(item.value_at, &item.value));
        }
    }
    program.logs(&mut app);
    if !groups.is_empty() {
        let tags = groups.iter().map(|group| text(section.name_at, group)).collect();
        app.put("tags", section.name_at, Node::list(section.name_at, tags));
    }
    Some(app.node())
}

fn clamped(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Program<'_> {
    fn command(&self, item: &Item) -> Option<Rc<Node>> {
        let Some(words) = shlex::split(&item.value).filter(|words| !words.is_empty()) else {
            let label = if item.value.is_empty() { "what to run?" } else { "is a quote closed?" };
            let message = "`command` cannot be split into words";
            self.reading.log.push(Problem::new("value", message, item.value_at, label));
            return None;
        };
        let expand = |word: &String| self.names.expand(word, item.value_at);
        let words: Vec<Word> = words.iter().map(expand).collect();
        Some(words::command(item.value_at, &words))
    }

    /// `directory`
    fn place(&self, app: &mut Map) {
        let Some(item) = self.reading.own_or_common(self.section, "directory") else {
            return;
        };
        match self.filled(item) {
            Some(path) => app.put("cwd", item.key_at, template(item.value_at, home(&path))),
            None => self.by_number(item),
        }
    }

    /// A value with what eco fills in; `None` if it depends on the number of the process.
    pub(super) fn filled(&self, item: &Item) -> Option<String> {
        let filled = words::filled(&self.names.expand(&item.value, item.value_at))?;
        (!filled.contains("${ECO_INSTANCE}")).then_some(filled)
    }

    fn by_number(&self, item: &Item) {
        let why = "only `command` and `env` may depend on the number of an instance; let the program \
                   look at `ECO_INSTANCE`";
        self.reading.notes.left_out(item.key_at, &item.key, why);
    }

    fn instances(&self, app: &mut Map) {
        let numprocs = self.number("numprocs").filter(|(count, _)| *count != 1);
        if let Some(item) = self.section.last("autostart")
            && self.flag(item) == Some(false)
        {
            app.put("instances", item.key_at, plain(item.value_at, &0));
            let count = numprocs.map_or(1, |(count, _)| count);
            let name = app_name(self.names.program);
            let text = format!("it is not started by itself: `eco scale {name} {count}` starts it");
            self.reading.notes.say(item.key_at, text);
        } else if let Some((count, item)) = numprocs {
            app.put("instances", item.key_at, plain(item.value_at, &count));
        }
    }

    fn environment(&self, app: &mut Map) {
        // As from supervisord itself, which takes all of its own.
        app.put("inherit_env", self.section.name_at, text(self.section.name_at, "*"));
        let own = self.section.last("environment");
        let common = self.reading.common.and_then(|common| common.last("environment"));
        let at = own.or(common).map_or(self.section.at, |item| item.value_at);
        let mut all: Vec<(String, Span, Rc<Node>)> = Vec::new();
        for item in common.into_iter().chain(own) {
            let variables = environment::variables(self.reading.log, &item.value, item.value_at);
            for (name, value) in variables.into_iter().flatten() {
                let value = words::filled(&self.names.expand(value, item.value_at));
                let Some(value) = value else {
                    self.by_number(item);
                    continue;
                };
                all.retain(|(other, ..)| other != name);
                all.push((name.to_owned(), item.key_at, template(item.value_at, value)));
            }
        }
        let mut env = Map::new(at);
        for (name, at, value) in all {
            env.put(&name, at, value);
        }
        app.put_map("env", at, env);
    }

    fn restart(&self, app: &mut Map) {
        let head = self.section.name_at;
        let when = self.section.last("autorestart");
        let (policy, at) = match when {
            None => ("on-failure", (head, head)),
            Some(item) if item.value.eq_ignore_ascii_case("unexpected") => {
                ("on-failure", (item.key_at, item.value_at))
            }
            Some(item) => match self.flag(item) {
                Some(true) => ("always", (item.key_at, item.value_at)),
                Some(false) | None => ("never", (item.key_at, item.value_at)),
            },
        };
        let mut restart = Map::new(at.1);
        restart.put("policy", at.0, text(at.1, policy));
        if policy == "on-failure" {
            self.exit_codes(&mut restart);
        }
        if let Some((retries, item)) = self.number("startretries").filter(|_| policy != "never") {
            let most = retries.saturating_add(1).clamp(1, 100);
            let seconds = self.number("startsecs").map_or(START_SECONDS, |it| it.0.max(1));
            // supervisor waits a second longer before each try.
            let waits = most.saturating_mul(most) / 2;
            let within = most.saturating_mul(seconds).saturating_add(waits);
            let mut limit = Map::new(item.value_at);
            limit.put("failures", item.key_at, plain(item.value_at, &most));
            limit.put("within", item.key_at, duration(item.value_at, within.saturating_mul(1000)));
            limit.put("then", item.key_at, text(item.value_at, "stop"));
            restart.put_map("limit", item.key_at, limit);
        } else if policy != "never" {
            self.reading.told.once(
                head,
                format!(
                    "supervisor gives up after {RETRIES} more starts that fail; eco tries on at longer \
                     and longer intervals, unless `restart: {{ limit: … }}` says otherwise"
                ),
            );
        }
        app.put_map("restart", at.0, restart);
    }

    /// Those that are no failure: 0 never is.
    fn exit_codes(&self, restart: &mut Map) {
        let Some(item) = self.section.last("exitcodes") else { return };
        let codes: Vec<&str> = item.value.split(',').map(str::trim).collect();
        let (at, key_at) = (item.value_at, item.key_at);
        if codes.iter().any(|code| code.parse::<u8>().is_err()) {
            let message = "`exitcodes` is a list of exit codes";
            let problem = Problem::new("value", message, at, "expected numbers from 0 to 255");
            self.reading.log.push(problem.help("as in `exitcodes=0,2`"));
            return;
        }
        if !codes.contains(&"0") {
            let text = "an exit with code 0 is no failure here: write `restart: { policy: always }` if it \
                        is to start again then";
            self.reading.notes.say(key_at, text);
        }
        let others = codes.iter().filter(|code| **code != "0").map(|code| plain(at, *code));
        let others: Vec<_> = others.collect();
        if !others.is_empty() {
            restart.put("stop_exit_codes", key_at, Node::list(at, others));
        }
    }

    fn stop(&self, app: &mut Map) {
        let mut stop = Map::new(self.section.at);
        if let Some(item) = self.section.last("stopsignal") {
            let name = item.value.to_uppercase();
            let is_number = name.parse::<u8>().is_ok();
            let bare = name.starts_with("SIG") || is_number;
            let name = if bare { name } else { format!("SIG{name}") };
            stop.put("signal", item.key_at, text(item.value_at, &name));
        }
        if let Some((seconds, item)) = self.number("stopwaitsecs") {
            let millis = seconds.saturating_mul(1000);
            stop.put("timeout", item.key_at, duration(item.value_at, millis));
        }
        let all = self.section.last("stopasgroup");
        if all.and_then(|item| self.flag(item)) != Some(true) {
            let at = all.map_or(self.section.name_at, |item| item.key_at);
            stop.put("kill", at, text(at, "main"));
        }
        app.put_map("stop", self.section.name_at, stop);
    }

    /// A boolean.
    pub(super) fn flag(&self, item: &Item) -> Option<bool> {
        match item.value.to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" | "t" | "y" => Some(true),
            "false" | "no" | "off" | "0" | "f" | "n" => Some(false),
            other => {
                let message = format!("{} is neither `true` nor `false`", quoted(&item.value));
                let near = did_you_mean(other, ["true", "false", "unexpected"]);
                let problem = Problem::new("value", message, item.value_at, "not known");
                self.reading.log.push(problem.maybe_help(near));
                None
            }
        }
    }

    /// A whole number.
    pub(super) fn number(&self, key: &str) -> Option<(u64, &Item)> {
        let item = self.section.last(key)?;
        if let Ok(number) = item.value.parse() {
            return Some((number, item));
        }
        let message = format!("`{key}` has to be a whole number, not {}", quoted(&item.value));
        let label = "expected a whole number";
        self.reading.log.push(Problem::new("type", message, item.value_at, label));
        None
    }
}

/// `~/x` as our format has it.
fn home(path: &str) -> String {
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("${{HOME}}{rest}"),
        Some(_) | None => path.to_owned(),
    }
}
