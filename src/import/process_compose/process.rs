//! One process as an app: what runs, with which variables, and when it is started again.

use std::rc::Rc;

use super::{ENV_FILE, Process};
use crate::{
    config::written_tree::{Entry, Node, quoted},
    import::{
        tree::{self, Map, duration, plain, plain_words, put_restart, scalar, template, text},
        variables::variables,
        yaml::at,
    },
    model::Signal,
};

/// What bash understands and another shell may not.
const BASH: [&str; 12] = [
    "[[",
    "<(",
    ">(",
    "((",
    "<<<",
    "&>",
    "pipefail",
    "source ",
    "function ",
    "$'",
    "=~",
    "declare ",
];

impl Process<'_> {
    /// What the process says in our format.
    pub(super) fn app(&self) -> Rc<Node> {
        let mut app = Map::new(self.whole);
        if let Some(entry) = self.entry(&["description"]) {
            self.say(entry, scalar(&entry.value).unwrap_or_default());
        }
        if self.is_job {
            app.put("kind", self.whole, text(self.whole, "job"));
        }
        self.command(&mut app);
        if let Some(entry) = self.entry(&["working_dir"]) {
            app.put("cwd", entry.key_span, template(entry.value.span, self.filled(entry)));
        }
        self.instances(&mut app);
        self.schedule(&mut app);
        self.depends_on(&mut app);
        self.ready(&mut app);
        self.live(&mut app);
        self.env(&mut app);
        self.restart(&mut app);
        self.stop(&mut app);
        self.watch(&mut app);
        self.logs(&mut app);
        self.tags(&mut app);
        app.node()
    }

    fn command(&self, app: &mut Map) {
        let command = self.entry(&["command"]);
        let entrypoint = self.entry(&["entrypoint"]);
        if let Some(entry) = command {
            let node = match self.file.values.text(entry) {
                Some(_) => self.shell(entry, self.line(entry)),
                // What is wrong was said.
                None => Node::unfilled(entry.value.span),
            };
            app.put("command", entry.key_span, node);
            if let Some(other) = entrypoint {
                self.say(other, "`entrypoint` is left out: `command` goes before it");
            }
        } else if let Some(entry) = entrypoint {
            let words = self.file.values.texts(entry);
            let fill = |word: &str| self.file.ours(word, self.at(entry.key_span));
            let words = words.iter().map(|(word, span)| template(*span, fill(word)));
            app.put("command", entry.key_span, Node::list(entry.value.span, words.collect()));
        }
    }

    /// A line that process-compose gives to a shell: words if none is needed.
    pub(super) fn shell(&self, entry: &Entry, line: String) -> Rc<Node> {
        let span = entry.value.span;
        if let Some(words) = plain_words(&line.replace("${ECO_INSTANCE}", "\u{1}")) {
            let word = |word: &String| word.replace('\u{1}', "${ECO_INSTANCE}");
            let words = words.iter().map(|it| template(span, word(it)));
            return Node::list(span, words.collect());
        }
        let of = |key: &str| at(self.file.root, &["shell", key]).map(|it| self.file.template(it));
        let is_bash = BASH.iter().any(|sign| line.contains(sign));
        let shell = match of("shell_command") {
            Some(shell) if scalar(&shell) != Some("sh") => Some(shell),
            Some(_) => None,
            None => is_bash.then(|| text(span, "bash")),
        };
        if let Some(shell) = shell {
            let option = of("shell_argument").unwrap_or_else(|| text(span, "-c"));
            return Node::list(span, vec![shell, option, template(span, line)]);
        }
        tree::shell(entry.key_span, span, line.trim_end())
    }

    fn instances(&self, app: &mut Map) {
        let is_disabled = self.entry(&["is_disabled"]).is_some_and(|entry| {
            let text = self.rendered(entry);
            if !matches!(text.as_str(), "true" | "false" | "") {
                self.say(
                    entry,
                    format!("it is off while {} is true: see `instances`", quoted(&text)),
                );
            }
            text == "true"
        });
        let off = [
            (&["disabled"], self.flag(&["disabled"])),
            (&["is_foreground"], self.flag(&["is_foreground"])),
            (&["is_disabled"], is_disabled),
        ];
        let off = off.iter().find(|(_, is_off)| *is_off).and_then(|(path, _)| self.entry(*path));
        if let Some(entry) = off {
            app.put("instances", entry.key_span, plain(entry.value.span, &0));
            return;
        }
        let Some((count, entry)) = self.number(&["replicas"]) else { return };
        if self.is_job && 1 < count {
            self.say(entry, "`replicas` is left out: a job runs once");
        } else if count != 1 {
            app.put("instances", entry.key_span, plain(entry.value.span, &count));
        }
    }

    fn env(&self, app: &mut Map) {
        let is_off = self.flag(&["is_dotenv_disabled"]);
        let own = self.entry(&["env_file"]);
        let mut files = Vec::new();
        if self.file.has_dotenv && !is_off && own.is_some() {
            files.push(text(self.whole, ENV_FILE));
        }
        if let Some(entry) = own {
            files.push(template(entry.value.span, self.filled(entry)));
        }
        let hides = self.file.has_dotenv && is_off;
        if hides || !files.is_empty() {
            let at = own.map_or(self.whole, |entry| entry.key_span);
            app.put("env_file", at, Node::list(at, files));
        }
        let mut env = Map::new(self.whole);
        let written = self.entry(&["environment"]);
        for variable in written.map(|it| variables(self.file.values, it)).unwrap_or_default() {
            env.put(variable.name, variable.at, self.file.variable(&variable, self.whole));
        }
        let source = self.node.to_json().to_string().replace(".PC_REPLICA_NUM", "");
        let uses = |name: &str| source.contains(name);
        if uses("PC_REPLICA_NUM") {
            env.put("PC_REPLICA_NUM", self.whole, template(self.whole, "${ECO_INSTANCE}"));
        }
        if uses("PC_PROC_NAME") {
            env.put("PC_PROC_NAME", self.whole, text(self.whole, self.key));
        }
        app.put_map("env", self.whole, env);
    }

    fn restart(&self, app: &mut Map) {
        let written = self.entry(&["availability", "restart"]);
        let text_of = written.and_then(|entry| scalar(&entry.value));
        let mut restart = Map::new(self.whole);
        let place = written.map_or(self.whole, |entry| entry.key_span);
        let policy = match text_of {
            // `no` without quotes is `false` to some readers.
            None | Some("no" | "false") => Some("never"),
            Some("on_failure") => Some("on-failure"),
            Some("exit_on_failure") => {
                self.file.notes.say(
                    self.at(place),
                    "`exit_on_failure` is `never` here: the end of one app ends no others",
                );
                Some("never")
            }
            Some("always") if self.is_job => Some("never"),
            Some("always") => None,
            Some(other) if other.contains('$') => {
                let what = format!("`restart: {other}` is left out: write the policy itself");
                self.file.notes.say(self.at(place), what);
                Some("never")
            }
            Some(_) => {
                if let Some(entry) = written {
                    let wanted = "`always`, `on_failure`, `exit_on_failure` or `no`";
                    self.file.values.wrong(entry, wanted);
                }
                None
            }
        };
        let never = policy == Some("never");
        if let Some(policy) = policy.filter(|_| !(never && self.is_job)) {
            restart.put("policy", place, text(place, policy));
        }
        if !never {
            self.pace(&mut restart);
        }
        if let Some(entry) = self.entry(&["success_exit_codes"]).filter(|_| !never) {
            let codes = self.file.values.texts(entry);
            let codes = codes.iter().filter(|(code, _)| *code != "0");
            let codes: Vec<_> = codes.map(|(code, span)| plain(*span, code)).collect();
            restart.put("stop_exit_codes", entry.key_span, Node::list(entry.value.span, codes));
        }
        put_restart(app, place, restart);
    }

    /// How soon and how often it is started again.
    fn pace(&self, restart: &mut Map) {
        let backoff = self.number(&["availability", "backoff_seconds"]);
        if let Some((seconds, entry)) = backoff.filter(|(seconds, _)| 0 < *seconds) {
            let wait = || duration(entry.value.span, seconds.saturating_mul(1000));
            let mut map = Map::new(entry.value.span);
            map.put("initial", entry.key_span, wait());
            map.put("max", entry.key_span, wait());
            restart.put_map("backoff", entry.key_span, map);
        }
        let limit = self.number(&["availability", "max_restarts"]);
        if let Some((count, entry)) = limit.filter(|(count, _)| 0 < *count) {
            let mut map = Map::new(entry.value.span);
            let failures = count.saturating_add(1).min(100);
            map.put("failures", entry.key_span, plain(entry.value.span, &failures));
            map.put("within", entry.key_span, text(entry.value.span, "1d"));
            map.put("then", entry.key_span, text(entry.value.span, "stop"));
            restart.put_map("limit", entry.key_span, map);
        }
    }

    fn stop(&self, app: &mut Map) {
        let mut stop = Map::new(self.whole);
        if let Some(entry) = self.entry(&["shutdown", "command"]) {
            let line = self.line(entry);
            stop.put("command", entry.key_span, self.shell(entry, line));
        }
        let signal = self.number(&["shutdown", "signal"]);
        if let Some((number, entry)) = signal.filter(|(number, _)| !matches!(number, 0 | 15)) {
            match i32::try_from(number).ok().and_then(Signal::from_number) {
                Some(signal) => {
                    let name = text(entry.value.span, &signal.to_string());
                    stop.put("signal", entry.key_span, name);
                }
                None => self.file.values.wrong(entry, "the number of a signal"),
            }
        }
        let timeout = self.number(&["shutdown", "timeout_seconds"]);
        if let Some((seconds, entry)) = timeout.filter(|(seconds, _)| !matches!(seconds, 0 | 10)) {
            let value = duration(entry.value.span, seconds.saturating_mul(1000));
            stop.put("timeout", entry.key_span, value);
        }
        if self.flag(&["shutdown", "parent_only"]) {
            stop.put("kill", self.whole, text(self.whole, "main"));
        }
        app.put_map("stop", self.whole, stop);
    }
}
