//! `start SCRIPT` as PM2 has it: the file that says the same.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::{cli::file, import};

/// How the value of an option is written in a file of PM2's.
#[derive(Clone, Copy, Debug)]
enum As {
    Text,
    Number,
    /// An option without a value.
    Is(bool),
    /// A path, or none: then it is switched on.
    Paths,
}

/// Options of `pm2 start` and the key of the file that says the same.
const OPTIONS: &[(&[&str], &str, As)] = &[
    (&["-i", "--instances"], "instances", As::Text),
    (&["-n", "--name"], "name", As::Text),
    (&["--namespace"], "namespace", As::Text),
    (&["--cwd"], "cwd", As::Text),
    (&["--interpreter"], "interpreter", As::Text),
    (&["--node-args", "--interpreter-args"], "node_args", As::Text),
    (&["-w", "--watch"], "watch", As::Paths),
    (&["--ignore-watch"], "ignore_watch", As::Text),
    (&["--watch-delay"], "watch_delay", As::Number),
    (&["--max-memory-restart"], "max_memory_restart", As::Text),
    (&["--restart-delay"], "restart_delay", As::Number),
    (&["--exp-backoff-restart-delay"], "exp_backoff_restart_delay", As::Number),
    (&["--max-restarts"], "max_restarts", As::Number),
    (&["--stop-exit-codes"], "stop_exit_codes", As::Number),
    (&["--no-autorestart"], "autorestart", As::Is(false)),
    (&["--no-autostart"], "autostart", As::Is(false)),
    (&["-c", "--cron", "--cron-restart"], "cron_restart", As::Text),
    (&["-k", "--kill-timeout"], "kill_timeout", As::Number),
    (&["--listen-timeout"], "listen_timeout", As::Number),
    (&["--wait-ready"], "wait_ready", As::Is(true)),
    (&["--shutdown-with-message"], "shutdown_with_message", As::Is(true)),
    (&["--no-treekill"], "treekill", As::Is(false)),
    (&["-o", "--output"], "out_file", As::Text),
    (&["-e", "--error"], "error_file", As::Text),
    (&["-l", "--log"], "log_file", As::Text),
    (&["--log-type"], "log_type", As::Text),
    (&["--log-date-format"], "log_date_format", As::Text),
    (&["--merge-logs"], "merge_logs", As::Is(true)),
    (&["--disable-logs"], "disable_logs", As::Is(true)),
    (&["--time"], "time", As::Is(true)),
    (&["-u", "--user", "--uid"], "uid", As::Text),
    (&["--gid"], "gid", As::Text),
    (&["-x", "--execute-command"], "exec_mode", As::Is(true)),
];

/// The text of an eco file that starts what `pm2 start WORDS` would; `None` where there is none.
pub(super) fn file_for(words: &[String]) -> Option<String> {
    let app = app(words)?;
    let bytes = json!({ "apps": [app] }).to_string();
    let path = file::current_dir().ok()?.join("command-line.json");
    let asked = import::Asked { bytes: Some(bytes.as_bytes()), ..import::Asked::file(&path) };
    let native = file::native(asked).ok()??;
    // It is made from no file.
    let lines: Vec<_> = native.text.lines().skip_while(|line| *line != "apps:").collect();
    Some(lines.join("\n"))
}

/// The words as an app of a PM2 file.
fn app(words: &[String]) -> Option<Value> {
    let mut app = Map::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            let args: Vec<&String> = rest.by_ref().collect();
            app.insert("args".to_owned(), json!(args));
            continue;
        }
        if !word.starts_with('-') {
            if app.contains_key("script") {
                // Several scripts at once are several apps.
                return None;
            }
            app.insert("script".to_owned(), json!(word));
            continue;
        }
        let (name, given) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        // What else there is has to do with the command, and not with the app.
        let Some((_, key, kind)) = OPTIONS.iter().find(|(names, ..)| names.contains(&name)) else {
            continue;
        };
        let mut value = || given.clone().or_else(|| rest.next().cloned());
        let value = match kind {
            As::Text => json!(value()?),
            As::Number => json!(value()?.parse::<u64>().ok()?),
            As::Is(true) if *key == "exec_mode" => json!("fork"),
            As::Is(is) => json!(is),
            As::Paths => given.map_or(json!(true), |path| json!([path])),
        };
        app.insert((*key).to_owned(), value);
    }
    // A word alone is an app, or a program in PATH that nobody keeps running.
    let script = app.get("script")?.as_str()?;
    let is_script = script.contains(['/', '.', ' ']) || Path::new(script).is_file();
    (is_script || 1 < app.len()).then_some(Value::Object(app))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_command_line_is_an_app() {
        let app = app(&words("app.js -i max --name=web --watch -k 3000 --time -- --port 80"));
        assert_eq!(
            app.unwrap(),
            json!({
                "script": "app.js", "instances": "max", "name": "web", "watch": true,
                "kill_timeout": 3000, "time": true, "args": ["--port", "80"],
            })
        );
    }

    #[test]
    fn names_of_apps_are_no_scripts() {
        for line in ["web", "all", "a.js b.js", "--all", "a.js -k soon"] {
            assert!(app(&words(line)).is_none(), "{line}");
        }
    }
}
