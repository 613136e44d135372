//! What PM2 runs now, as `pm2 jlist` and its `dump.pm2` have it, turned back into what its file would
//! say.

mod env;
mod keys;

use std::{collections::BTreeMap, path::Path, rc::Rc};

use self::keys::{SETTINGS, STATE};
use super::{
    pm2::Reading,
    reading::{Notes, Place},
    tree::{self, Map},
};
use crate::config::{
    Span,
    written_tree::{Entry, Kind, Log, Node, Problem},
};

/// What PM2 has where nothing is said.
const DEFAULTS: [(&str, &str); 5] = [
    ("autostart", "true"),
    ("autorestart", "true"),
    ("treekill", "true"),
    ("namespace", "default"),
    ("instance_var", "NODE_APP_INSTANCE"),
];

/// The tree of our format for a list of PM2's; `None` if there is none, which was said.
pub(super) fn document(
    log: &Log,
    root: &Node,
    place: Place<'_>,
    shell: &BTreeMap<String, String>,
    notes: &Notes,
) -> Option<Rc<Node>> {
    let Kind::List(items) = &root.kind else {
        let message = "this is no list of PM2's";
        let label = format!("this is {}", root.noun());
        let problem = Problem::new("foreign_file", message, root.span, label);
        log.push(problem.help("`pm2 jlist` prints one, and `~/.pm2/dump.pm2` has one"));
        return None;
    };
    let mut groups: Vec<(&str, Vec<&Rc<Node>>)> = Vec::new();
    for item in items {
        let app = item.entry("pm2_env").map_or(item, |entry| &entry.value);
        let Some(name) = scalar(app, "name").or_else(|| scalar(item, "name")) else {
            let problem = Problem::new("missing_key", "the app has no `name`", item.span, "");
            log.push(problem.help("a list of PM2's has the name of every app"));
            continue;
        };
        if scalar(app, "pmx_module") == Some("true") {
            notes.left_out(item.span, name, "it is a module of PM2's, and no app");
            continue;
        }
        match groups.iter_mut().find(|(other, _)| *other == name) {
            Some((_, apps)) => apps.push(app),
            None => groups.push((name, vec![app])),
        }
    }
    if groups.is_empty() {
        let problem = Problem::new("no_apps", "PM2 runs no apps", root.span, "nothing here");
        log.push(problem.help("`pm2 jlist` has only what runs, or was stopped and not deleted"));
        return None;
    }
    notes.say(
        Span::default(),
        "PM2 keeps the whole environment of the shell: what is the same in this one is inherited, what is \
         a session's or PM2's own is left out",
    );
    let apps = groups.iter().map(|(name, apps)| app((name, apps), shell, notes)).collect();
    let list = Node::list(root.span, apps);
    let reading = Reading::new(log, Some(place), true);
    let document = reading.document(&list);
    for note in reading.left.into_inner() {
        notes.say(note.at, note.text);
    }
    document
}

/// What to do once the new file is there: PM2's processes stay PM2's.
pub(super) fn change_over(document: &Node) -> String {
    let apps = document.entry("apps").and_then(|apps| apps.value.entries()).unwrap_or_default();
    let names: Vec<&str> = apps.iter().map(|app| &*app.key).collect();
    format!(
        "nothing was taken from PM2, whose processes cannot become eco's. App by app: `pm2 delete NAME`, then \
         `eco apply --only NAME` ({}); at last `pm2 save --force` and `pm2 unstartup`.\nWhile PM2 has a port \
         eco's app cannot have it too: between the two commands nobody answers there, unless a proxy leads \
         to another port meanwhile\n",
        names.join(", ")
    )
}

fn scalar<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    tree::scalar(&node.entry(key)?.value)
}

/// An app as PM2's file would have it; all its instances are alike but for their numbers.
fn app(
    (name, instances): (&str, &[&Rc<Node>]),
    shell: &BTreeMap<String, String>,
    notes: &Notes,
) -> Rc<Node> {
    let Some(first) = instances.first() else { return Node::map(Span::default(), Vec::new()) };
    let mut app = Map::new(first.span);
    let env = first.entry("env").and_then(|env| env.value.entries()).unwrap_or_default();
    for entry in first.entries().unwrap_or_default() {
        let Some((_, key)) = SETTINGS.iter().find(|(ours, _)| *ours == &*entry.key) else {
            let is_known = STATE.contains(&&*entry.key) || &*entry.key == name;
            // PM2 has every variable there once more.
            if !is_known && !env.iter().any(|variable| variable.key == entry.key) && !env.is_empty()
            {
                notes.left_out(entry.key_span, &entry.key, "it is nothing that PM2's file may say");
            }
            continue;
        };
        if let Some(value) = setting(first, key, entry) {
            app.put(key, entry.key_span, value);
        }
    }
    let at = first.entry("name").map_or(first.span, |entry| entry.key_span);
    if 1 < instances.len() {
        app.put("instances", at, plain(at, &instances.len().to_string()));
    }
    let stopped = ["stopped", "errored", "stopping"];
    let is_off = |app: &&Rc<Node>| scalar(app, "status").is_some_and(|it| stopped.contains(&it));
    if instances.iter().all(is_off) {
        app.put("autostart", at, plain(at, "false"));
        notes.say(at, format!("it does not run now: `eco scale {name} 1` starts it"));
    }
    let found = env::of_app(name, env, shell);
    if !found.left.is_empty() {
        notes.say(at, format!("left out of its environment: {}", found.left.join(", ")));
    }
    if let Some(entry) = first.entry("env").filter(|_| !found.kept.is_empty()) {
        let kept = found.kept.into_iter().cloned().collect();
        app.put("env", entry.key_span, Node::map(entry.value.span, kept));
    }
    app.node()
}

fn plain(at: Span, text: &str) -> Rc<Node> {
    Node::scalar(at, text.to_owned(), true)
}

/// The value as PM2's file would have it; `None` if it says nothing.
fn setting(app: &Node, key: &str, entry: &Entry) -> Option<Rc<Node>> {
    let text = match &entry.value.kind {
        Kind::Scalar(scalar) => Some(scalar.text.as_str()),
        Kind::List(items) if items.is_empty() => return None,
        Kind::Map(entries) if entries.is_empty() => return None,
        Kind::List(_) | Kind::Map(_) => None,
    };
    if DEFAULTS.iter().any(|(name, value)| *name == key && text == Some(value)) {
        return None;
    }
    match key {
        // How many there are tells the list; the rest is told apart above.
        "instances" | "env" | "autostart" => None,
        "watch" | "disable_logs" | "time" | "wait_ready" | "source_map_support"
            if text == Some("false") =>
        {
            None
        }
        "script" => {
            let path = text?;
            let cwd = scalar(app, "pm_cwd").unwrap_or_default();
            let below = Path::new(path).strip_prefix(cwd).ok().and_then(Path::to_str);
            let script = match below {
                // A bare word would be looked up in `PATH`.
                Some(below) if below.contains(['/', '.']) => below.to_owned(),
                Some(below) => format!("./{below}"),
                None => path.to_owned(),
            };
            Some(Node::scalar(entry.value.span, script, false))
        }
        "out_file" | "error_file" | "log_file" => {
            let path = Path::new(text?);
            let dir = path.parent()?;
            let is_default = dir.ends_with("logs")
                && dir.parent().and_then(Path::file_name).is_some_and(|it| it == ".pm2")
                || variable(app, "PM2_HOME")
                    .is_some_and(|home| dir == Path::new(home).join("logs"));
            (!is_default).then(|| Rc::clone(&entry.value))
        }
        _ => Some(Rc::clone(&entry.value)),
    }
}

fn variable<'a>(app: &'a Node, name: &str) -> Option<&'a str> {
    let env = app.entry("env").map(|entry| &entry.value)?;
    scalar(env, name)
}
