//! One app of a PM2 file as one of ours.

use std::{
    path::{Component, Path, PathBuf},
    rc::Rc,
};

use super::{App, Reading, command, env, given::Given, process, restart, script::Script, watch};
use crate::import::tree::{Map, app_name, duration, literal, plain, scalar, template, text};
use crate::{
    config::written_tree::{Node, Problem, quoted},
    model::AppName,
};

/// What the parts of one app are made from.
pub(super) struct Source<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) given: Given<'a>,
    /// The working directory as the file names it; empty if it names none.
    pub(super) cwd: String,
    pub(super) script: Script,
}

impl Source<'_> {
    /// A path that PM2 takes from the working directory, as ours is written: from the file's.
    pub(super) fn below_cwd(&self, path: &str) -> String {
        let joined = Path::new(&self.cwd).join(path);
        let mut out = PathBuf::new();
        // As PM2 does: `..` takes the name before it away, whatever that leads to.
        for part in joined.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir
                    if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
                {
                    out.pop();
                }
                Component::ParentDir
                | Component::Prefix(_)
                | Component::RootDir
                | Component::Normal(_) => out.push(part),
            }
        }
        let out = out.to_string_lossy().into_owned();
        if out.is_empty() { ".".to_owned() } else { out }
    }

    /// Whether the instances share ports.
    fn is_cluster(&self) -> bool {
        if self.given.flag("execute_command", false) {
            return false;
        }
        match self.given.text("exec_mode") {
            Some(("cluster" | "cluster_mode", _)) => true,
            Some(("fork" | "fork_mode", _)) => false,
            Some((other, at)) => {
                let message = format!("{} is no `exec_mode`", quoted(other));
                let problem =
                    Problem::new("value", message, at.value, "expected `cluster` or `fork`");
                self.reading.log.push(problem);
                false
            }
            // As PM2 has it: by itself only what node or bun run.
            None => self.script.is_js && self.has_several(),
        }
    }

    /// Whether more than one instance is asked for.
    pub(super) fn has_several(&self) -> bool {
        self.given.text("instances").is_some_and(|(count, _)| count != "1")
    }
}

impl Reading<'_> {
    /// `None` if it cannot be one of ours, which was said.
    pub(super) fn app(&self, node: &Rc<Node>) -> Option<App> {
        let given = Given::new(self, node)?;
        let cwd = given.text("cwd").map(|(cwd, _)| home(cwd)).unwrap_or_default();
        let dir = self.place.map(|place| place.dir.join(cwd.replace("${HOME}", place.home)));
        let script = Script::of(self, &given, dir.as_deref())?;
        let source = Source { reading: self, given, cwd, script };
        let (name, name_span) = self.name(&source)?;
        let body = body(&source);
        for (field, entry) in source.given.entries() {
            if is_used(&source, field.name) {
                self.answer(field, entry);
            }
        }
        let profiles = env::profiles(&source);
        Some(App { name, name_span, body, profiles })
    }

    /// The name of the app, made one of ours.
    fn name(&self, source: &Source<'_>) -> Option<(String, crate::config::Span)> {
        let given = &source.given;
        let written = given.text("name").filter(|(name, _)| !name.trim().is_empty());
        let (written, at) = match written {
            Some((name, at)) => (name.to_owned(), at.value),
            None => (source.script.base_name(), given.place("script").value),
        };
        let prefix = given.text("name_prefix").map(|(prefix, _)| format!("{prefix}-"));
        let whole = prefix.unwrap_or_default() + &written;
        let name = app_name(&whole);
        if let Err(error) = name.parse::<AppName>() {
            let message = format!("{} cannot be the name of an app", quoted(&whole));
            self.log.push(Problem::new("name", message, at, error.to_string()));
            return None;
        }
        if name != whole {
            let message = format!("the app {} is called `{name}` here", quoted(&whole));
            let label = "names are letters, digits, `.`, `_` and `-`";
            self.log.warn(Problem::new("name", message, at, label));
        }
        Some((name, at))
    }
}

/// What the app says in our format.
fn body(source: &Source<'_>) -> Rc<Node> {
    let given = &source.given;
    let mut app = Map::new(given.span);
    let (command, at) = command::of(source);
    app.put("command", at, command);
    if let Some((_, at)) = given.text("cwd").filter(|(cwd, _)| !cwd.is_empty()) {
        app.put("cwd", at.key, template(at.value, escaped_but_home(&source.cwd)));
    }
    instances(source, &mut app);
    let cluster = source.is_cluster();
    if cluster {
        let at = given
            .entry("exec_mode")
            .map_or_else(|| given.place("instances"), |_| given.place("exec_mode"));
        app.put("listen", at.key, text(at.value, "auto"));
    }
    env::inherited(source, &mut app);
    env::of(source, &mut app);
    restart::of(source, &mut app);
    process::stop(source, &mut app);
    let says_ready = process::ready(source, &mut app);
    let deadline = given.millis("listen_timeout", false).filter(|_| cluster || says_ready);
    if let Some((millis, at)) = deadline {
        let mut rollout = Map::new(at.value);
        rollout.put("deadline", at.key, duration(at.value, millis));
        app.put_map("rollout", at.key, rollout);
    }
    watch::of(source, &mut app);
    process::account(source, &mut app);
    process::tags(source, &mut app);
    process::logs(source, &mut app);
    app.node()
}

/// Whether what the table says of a key has to do with how it is used.
fn is_used(source: &Source<'_>, name: &str) -> bool {
    let given = &source.given;
    let word = |word: &str| given.entry(name).and_then(|entry| scalar(&entry.value)) == Some(word);
    match name {
        // Each name that changes is told by itself, and PM2 is called where the file is.
        "name" | "cwd" => false,
        "exec_mode" => word("cluster") || word("cluster_mode"),
        "namespace" => !word("default"),
        "autostart" => word("false"),
        "watch"
        | "filter_env"
        | "shutdown_with_message"
        | "append_env_to_name"
        | "source_map_support" => !word("false"),
        "ignore_watch" => given.entry("watch").is_some(),
        "out_file" | "error_file" | "log_file" => !process::is_nowhere(source, name),
        "wait_ready" => !word("false") && source.script.runs_node,
        "listen_timeout" => {
            source.is_cluster() || (given.flag("wait_ready", false) && source.script.runs_node)
        }
        _ => true,
    }
}

fn instances(source: &Source<'_>, app: &mut Map) {
    let given = &source.given;
    let autostart = given.flag("autostart", true);
    if !autostart {
        let at = given.place("autostart");
        app.put("instances", at.key, plain(at.value, &0));
        return;
    }
    let Some((written, at)) = given.text("instances") else { return };
    let count = written.parse::<i64>().ok();
    let value = match count {
        None if written == "max" => "max".to_owned(),
        Some(0) => "max".to_owned(),
        Some(count) if count < 0 => format!("max{count}"),
        Some(count) => count.to_string(),
        None => {
            if let Some(entry) = given.entry("instances") {
                let help = "write a number, `max`, or `-1` for one less than the CPUs";
                given.wrong(entry, "a number of instances", help);
            }
            return;
        }
    };
    app.put("instances", at.key, plain(at.value, &value));
}

/// `~/x` as our format has it.
fn home(path: &str) -> String {
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("${{HOME}}{rest}"),
        Some(_) | None => path.to_owned(),
    }
}

fn escaped_but_home(path: &str) -> String {
    match path.strip_prefix("${HOME}") {
        Some(rest) => format!("${{HOME}}{}", literal(rest)),
        None => literal(path),
    }
}
