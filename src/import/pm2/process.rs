//! How an app is stopped, who it runs as, how it is selected, and where its output goes.

use std::path::Path;

use super::{app::Source, script::Kind};
use crate::config::written_tree::{Node, Problem, quoted};
use crate::import::tree::{Map, duration, plain, text};

/// SIGINT is what programs made for PM2 expect. Package managers leave their program behind then.
pub(super) fn stop(source: &Source<'_>, app: &mut Map) {
    let given = &source.given;
    let mut stop = Map::new(given.span);
    if !source.script.is_package_script() {
        stop.put("signal", source.script.at.key, text(source.script.at.value, "SIGINT"));
    }
    if let Some((millis, at)) = given.millis("kill_timeout", false) {
        stop.put("timeout", at.key, duration(at.value, millis));
    }
    let hears = given.flag("shutdown_with_message", false) && is_for_node(source, MESSAGE);
    if !given.flag("treekill", true) {
        let at = given.place("treekill");
        stop.put("kill", at.key, text(at.value, "main"));
    } else if hears && source.script.kind == Kind::File {
        // Only the program itself hears the message, and ends what it has started.
        let at = given.place(MESSAGE);
        stop.put("kill", at.key, text(at.value, "main"));
    }
    if hears {
        let at = given.place(MESSAGE);
        stop.put("message", at.key, text(at.value, "shutdown"));
    }
    if source.script.runs_node {
        stop.put("close", source.script.at.key, plain(source.script.at.value, &true));
    }
    app.put_map("stop", given.span, stop);
}

const MESSAGE: &str = "shutdown_with_message";

/// Whether a key can do what it is for, which is said otherwise.
fn is_for_node(source: &Source<'_>, key: &'static str) -> bool {
    let script = &source.script;
    if !script.runs_node {
        let message =
            format!("`{key}` is for Node programs, which {} is not", quoted(script.text()));
        let at = source.given.place(key).key;
        let problem = Problem::new("differs", message, at, "has no effect");
        source.reading.log.warn(problem.help("remove it"));
    }
    script.runs_node
}

/// Says whether it is ready once it says so itself.
pub(super) fn ready(source: &Source<'_>, app: &mut Map) -> bool {
    if !source.given.flag("wait_ready", false) || !is_for_node(source, "wait_ready") {
        return false;
    }
    let at = source.given.place("wait_ready");
    let mut ready = Map::new(at.value);
    ready.put("message", at.key, text(at.value, "ready"));
    app.put_map("ready", at.key, ready);
    true
}

pub(super) fn account(source: &Source<'_>, app: &mut Map) {
    for (key, ours) in [("uid", "user"), ("gid", "group")] {
        if let Some((name, at)) = source.given.text(key) {
            app.put(ours, at.key, text(at.value, name));
        }
    }
}

pub(super) fn tags(source: &Source<'_>, app: &mut Map) {
    let Some((namespace, at)) = source.given.text("namespace") else { return };
    if namespace != "default" && !namespace.is_empty() {
        app.put("tags", at.key, Node::list(at.value, vec![text(at.value, namespace)]));
    }
}

const FILES: [&str; 3] = ["out_file", "error_file", "log_file"];

/// Whether a log file is written nowhere.
pub(super) fn is_nowhere(source: &Source<'_>, key: &str) -> bool {
    matches!(
        source.given.text(key),
        Some(("/dev/null" | "NULL" | "null" | "false" | "true" | "", _))
    )
}

pub(super) fn logs(source: &Source<'_>, app: &mut Map) {
    let given = &source.given;
    let mut logs = Map::new(given.span);
    let nowhere = |key: &str| given.entry(key).is_some() && is_nowhere(source, key);
    let off = given.flag("disable_logs", false);
    if off || (nowhere("out_file") && nowhere("error_file")) {
        let at = given.place(if off { "disable_logs" } else { "out_file" });
        logs.put("to", at.key, text(at.value, "none"));
    } else {
        let named = FILES.iter().find(|key| given.entry(key).is_some() && !is_nowhere(source, key));
        if let Some((file, at)) = named.and_then(|key| given.text(key)) {
            let path = source.below_cwd(file);
            let dir = Path::new(&path).parent().unwrap_or(Path::new(""));
            let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
            logs.put("dir", at.key, text(at.value, &dir.to_string_lossy()));
        }
    }
    // Only `eco run` prints them.
    if given.text("log_type").is_some_and(|(kind, _)| kind == "json") {
        let at = given.place("log_type");
        logs.put("format", at.key, text(at.value, "json"));
    }
    let dated = given.text("log_date_format").is_some_and(|(it, _)| !matches!(it, "" | "false"));
    if dated || given.flag("time", false) {
        let at = given.place(if dated { "log_date_format" } else { "time" });
        logs.put("timestamps", at.key, plain(at.value, &true));
    }
    app.put_map("logs", given.span, logs);
}
