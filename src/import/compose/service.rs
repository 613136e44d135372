//! One service as an app.

use std::rc::Rc;

use super::{App, File, Service, paths::Paths};
use crate::{
    config::written_tree::{Entry, Kind, Node, quoted},
    import::{
        interpolation::Unset,
        tree::{Map, plain, scalar, template, text},
        variables::{text_of, variables},
        yaml::{at, go_duration},
    },
};

impl<'a> App<'a> {
    pub(super) fn new(file: &'a File<'a>, service: &'a Service) -> Self {
        Self { file, service, paths: Paths::of(file, service) }
    }

    /// What the service says in our format.
    pub(super) fn body(&self) -> Rc<Node> {
        let whole = self.service.whole;
        let mut app = Map::new(whole);
        if self.service.name != *self.service.key {
            let text = format!("docker compose calls it {}", quoted(&self.service.key));
            self.file.notes.say(whole, text);
        }
        if self.service.is_job {
            app.put("kind", whole, text(whole, "job"));
        }
        self.command(&mut app);
        self.cwd(&mut app);
        self.instances(&mut app);
        self.listen(&mut app);
        self.depends_on(&mut app);
        self.ready(&mut app);
        self.env(&mut app);
        self.restart(&mut app);
        self.stop(&mut app);
        self.limits(&mut app);
        self.user(&mut app);
        app.node()
    }

    fn env(&self, app: &mut Map) {
        self.env_file(app);
        let Some(entry) = self.entry(&["environment"]) else { return };
        let found = variables(self.file.values, entry);
        let mut env = Map::new(entry.value.span);
        let mut handed_on = Vec::new();
        for variable in &found {
            let (node, read) = variable.ours(Unset::Fault);
            self.file.noted(&read, self.at(variable.at));
            if variable.value.is_none() {
                handed_on.push(format!("`{}`", variable.name));
            }
            env.put(variable.name, variable.at, node);
        }
        if !handed_on.is_empty() {
            let names = handed_on.join(", ");
            self.say(
                entry,
                format!("{names}: empty if the caller has none, where docker unsets it"),
            );
        }
        app.put_map("env", entry.key_span, env);
        let texts = || found.iter().filter_map(|variable| Some((variable.name, variable.value?)));
        self.say_container_paths(entry, texts());
        self.say_hosts(entry, texts());
    }

    /// Files that need not be there are left out if they are not.
    fn env_file(&self, app: &mut Map) {
        let Some(entry) = self.entry(&["env_file"]) else { return };
        let items = match &entry.value.kind {
            Kind::List(items) => items.clone(),
            Kind::Scalar(_) | Kind::Map(_) => vec![Rc::clone(&entry.value)],
        };
        let mut files = Vec::new();
        for item in &items {
            let path = scalar(item).or_else(|| text_of(item.entry("path")));
            let Some(path) = path else {
                self.file.values.wrong(entry, "a path or a list of paths");
                continue;
            };
            let required = item.entry("required").and_then(|it| self.file.values.flag(it));
            if required == Some(false) && !self.file.place.dir.join(path).is_file() {
                let text = format!("{} need not be there, and is not: left out", quoted(path));
                self.say(entry, text);
                continue;
            }
            let path = path.strip_prefix("./").unwrap_or(path);
            files.push(template(item.span, self.filled(path, entry.key_span)));
        }
        if !files.is_empty() {
            app.put("env_file", entry.key_span, Node::list(entry.value.span, files));
        }
    }

    fn stop(&self, app: &mut Map) {
        let mut stop = Map::new(self.service.whole);
        if let Some(entry) = self.entry(&["stop_signal"]) {
            let signal = scalar(&entry.value).unwrap_or_default();
            if !matches!(signal, "SIGTERM" | "TERM" | "15") {
                stop.put("signal", entry.key_span, self.template(entry));
            }
        }
        if let Some((entry, millis)) = self.duration(&["stop_grace_period"]) {
            const DEFAULT: u64 = 10_000;
            if millis != Some(DEFAULT) {
                stop.put("timeout", entry.key_span, self.time(entry, millis));
            }
        }
        app.put_map("stop", self.service.whole, stop);
    }

    /// A duration with its milliseconds, which are not known of one that is filled.
    pub(super) fn duration(&self, path: &[&str]) -> Option<(&Entry, Option<u64>)> {
        let entry = self.entry(path)?;
        let text = self.file.values.text(entry)?;
        let millis = go_duration(text);
        if millis.is_none() && !text.contains('$') {
            self.file.values.wrong(entry, "a duration such as `1m30s`");
            return None;
        }
        Some((entry, millis))
    }

    pub(super) fn time(&self, entry: &Entry, millis: Option<u64>) -> Rc<Node> {
        match millis {
            Some(millis) => crate::import::tree::duration(entry.value.span, millis),
            None => self.template(entry),
        }
    }

    /// `user`, and `group` behind a colon.
    fn user(&self, app: &mut Map) {
        let Some(entry) = self.entry(&["user"]) else { return };
        let Some(written) = self.file.values.text(entry) else { return };
        let (user, group) = parted(written);
        if matches!(user, "root" | "0") {
            self.say(
                entry,
                format!("`user: {written}` is left out: root of a container is not the root here"),
            );
            return;
        }
        let value = |name: &str| match name.parse::<u32>() {
            Ok(number) => plain(entry.value.span, &number),
            Err(_) => template(entry.value.span, self.filled(name, entry.key_span)),
        };
        app.put("user", entry.key_span, value(user));
        if let Some(group) = group.filter(|group| !group.is_empty()) {
            app.put("group", entry.key_span, value(group));
        }
        self.say(entry, "the user has to exist on this machine; only root may choose one");
    }

    /// How many instances, if that is said.
    pub(super) fn count(&self) -> Option<Rc<Node>> {
        let entry = self.entry(&["scale"]).or_else(|| self.entry(&["deploy", "replicas"]))?;
        Some(self.template(entry))
    }

    fn instances(&self, app: &mut Map) {
        let profiles = self.entry(&["profiles"]);
        let profiles = profiles.filter(|entry| !self.file.values.texts(entry).is_empty());
        if let Some(entry) = profiles {
            app.put("instances", entry.key_span, plain(entry.value.span, &0));
            return;
        }
        if let Some(entry) = self.entry(&["deploy", "mode"])
            && scalar(&entry.value).is_some_and(|mode| mode.starts_with("global"))
        {
            self.say(entry, "`mode: global` is one instance here: there is one machine");
        }
        let entry = self.entry(&["scale"]).or_else(|| self.entry(&["deploy", "replicas"]));
        let (Some(entry), Some(count)) = (entry, self.count()) else { return };
        match scalar(&count) {
            Some("1") => {}
            Some("0") => app.put("instances", entry.key_span, count),
            _ if self.service.is_job => self.say(entry, "a job runs once: its number is left out"),
            _ => app.put("instances", entry.key_span, count),
        }
    }

    /// Whether something is written at a path of the service.
    pub(super) fn has(&self, path: &[&str]) -> bool {
        at(&self.service.node, path).is_some()
    }
}

/// What stands before the first colon that is in no `${…}`, and after it.
fn parted(text: &str) -> (&str, Option<&str>) {
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open = open.saturating_sub(1),
            ':' if open == 0 => return (text.get(..at).unwrap_or(text), text.get(at + 1..)),
            _ => {}
        }
    }
    (text, None)
}
