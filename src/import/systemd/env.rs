//! The environment of a service.

use std::{path::Path, rc::Rc};

use super::{exec::words_of, service::Service};
use crate::{
    config::{
        Span,
        written_tree::{INHERITED, Node, Problem, quoted},
    },
    import::{
        tree::{Map, plain, template, text},
        words,
    },
};

impl Service<'_> {
    pub(super) fn environment(&self, app: &mut Map) {
        let passed: Vec<_> = self.all("PassEnvironment");
        if let Some(first) = passed.first() {
            let names = passed.iter().flat_map(|item| item.value.split_whitespace());
            let all = INHERITED.into_iter().chain(names);
            let all = all.map(|name| text(first.value_at, name)).collect();
            app.put("inherit_env", first.key_at, Node::list(first.value_at, all));
        }
        self.files(app);
        let mut all: Vec<(String, Span, Rc<Node>)> = Vec::new();
        let items = self.all("Environment");
        for item in &items {
            let Some(pairs) = words_of(&item.value) else {
                let message = "`Environment` cannot be split into words";
                let label = "a quote is never closed";
                self.reading.log.push(Problem::new("value", message, item.value_at, label));
                continue;
            };
            for pair in pairs {
                let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty())
                else {
                    let message = format!("{} is not of the form `NAME=value`", quoted(&pair));
                    let problem = Problem::new("value", message, item.value_at, "in here");
                    self.reading.log.push(problem.help("with blanks: `\"NAME=a value\"`"));
                    continue;
                };
                let Some(value) = words::filled(&self.names.expand(value, item.value_at)) else {
                    let why = "write what the `%` in it stands for";
                    self.reading.notes.left_out(item.key_at, name, why);
                    continue;
                };
                all.retain(|(other, ..)| other != name);
                all.push((name.to_owned(), item.key_at, template(item.value_at, value)));
            }
        }
        for item in self.all("UnsetEnvironment") {
            for word in item.value.split_whitespace() {
                let name = word.split('=').next().unwrap_or(word);
                all.retain(|(other, ..)| other != name);
                all.push((name.to_owned(), item.key_at, plain(item.value_at, "null")));
            }
        }
        let at = items.first().map_or(self.head, |item| item.value_at);
        let mut env = Map::new(at);
        for (name, at, value) in all {
            env.put(&name, at, value);
        }
        app.put_map("env", at, env);
    }

    fn files(&self, app: &mut Map) {
        let mut files = Vec::new();
        let items = self.all("EnvironmentFile");
        for item in &items {
            let optional = item.value.strip_prefix('-');
            let written = optional.unwrap_or(&item.value);
            let Some(file) = words::filled(&self.names.expand(written, item.value_at)) else {
                let why = "write what the `%` in it stands for";
                self.reading.notes.left_out(item.key_at, &item.key, why);
                continue;
            };
            if optional.is_some() && !self.reading.place.dir.join(Path::new(&file)).is_file() {
                let why = "it may be missing, and is missing here; a file under `env_file` has to be there";
                self.reading.notes.left_out(item.key_at, &format!("{}={written}", item.key), why);
                continue;
            }
            files.push(template(item.value_at, file));
        }
        if let Some(first) = items.first().filter(|_| !files.is_empty()) {
            app.put("env_file", first.key_at, Node::list(first.value_at, files));
        }
    }
}
