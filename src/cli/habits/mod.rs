//! What is typed by who comes from PM2, and is none here: what to type instead.

mod started;

use std::path::Path;

use super::error::CliError;

/// Words of PM2 and the way it is done with eco.
const INSTEAD: &[(&[&str], &str)] = &[
    (
        &["delete", "del"],
        "take the app out of the file and `eco apply`; `eco stop APP` only stops it, `eco down` takes \
         all of a project down",
    ),
    (
        &["monitor", "dash", "imonit"],
        "`eco top` shows all apps live, with their logs and what happens, `eco dashboard` prints the link \
         to a page with all of it; `eco status` says how things stand and why",
    ),
    (
        &["save", "dump", "cleardump"],
        "nothing to save: what was applied last comes back; `eco startup` starts eco with the machine",
    ),
    (
        &["resurrect"],
        "eco brings back what was applied last when it starts: `eco startup`, `eco apply`",
    ),
    (&["unstartup"], "`eco startup remove`"),
    (&["kill"], "`eco daemon stop` ends eco and its apps; with `--leave-apps` they go on"),
    (
        &["update", "updatePM2", "deepUpdate"],
        "`eco daemon upgrade` lets a new eco take over; no app is touched",
    ),
    (
        &["startOrRestart", "startOrReload", "startOrGracefulReload"],
        "`eco apply FILE` starts what is missing and replaces what changed",
    ),
    (&["gracefulReload"], "`eco reload APP`"),
    (&["env"], "`eco describe APP` says which variables an app has"),
    (&["jlist", "prettylist", "pid", "id"], "`eco status --json`"),
    (
        &["flush", "reloadLogs", "logrotate"],
        "eco rotates logs by itself, and bounds them: `logs: { rotate: …, max_total: … }` in the file",
    ),
    (&["serve", "expose"], "eco is no web server: run one as an app, such as `npx serve`"),
    (&["deploy"], "bring the files there (git pull, rsync), then `eco apply`"),
    (&["sendSignal"], "`eco signal SIGNAL APP`"),
    (&["send", "attach", "trigger", "inspect"], "apps have no input here: it is `/dev/null`"),
    (
        &["reset"],
        "nothing to reset: back-off and limits start anew once an app is well for long enough",
    ),
    (&["ping"], "`eco daemon status`"),
    (
        &["report", "slist", "sysinfos"],
        "`eco doctor` looks at the machine, `eco daemon status` at eco",
    ),
    (
        &["set", "get", "unset", "multiset", "conf", "config"],
        "eco has no settings beside the ecosystem file",
    ),
    (
        &["install", "uninstall", "module:update", "module:generate", "publish", "package"],
        "eco has no modules",
    ),
    (
        &["pull", "forward", "backward"],
        "use git, then `eco apply`; `eco rollback` goes back to the revision before",
    ),
    (
        &["link", "unlink", "plus", "login", "logout", "open", "unmonitor"],
        "eco has no service elsewhere that it reports to",
    ),
    (
        &["profile:mem", "profile:cpu", "install-otel", "uninstall-otel"],
        "eco puts nothing into a program: give the option to its own command, as `node --cpu-prof`",
    ),
    (&["completion"], "`eco completions bash`, `zsh` or `fish`"),
    (&["examples", "create", "autoinstall"], "`eco init` writes a first file"),
];

/// How that is done here which PM2 calls `word`; `None` if PM2 has no such command.
pub(super) fn instead(word: &str) -> Option<&'static str> {
    INSTEAD.iter().find(|(words, _)| words.contains(&word)).map(|(_, how)| *how)
}

/// Options of PM2's commands and the way it is done with eco.
const OPTIONS: &[(&[&str], &str)] = &[
    (
        &["--update-env", "-a"],
        "`eco apply` takes over what the file says now; `eco apply --refresh-env` also captures \
         anew what apps inherit",
    ),
    (&["--env"], "`eco apply --env NAME` merges a profile; it is remembered"),
    (&["--nostream"], "`eco logs` ends by itself; `-f` goes on with what is printed from now on"),
    (&["--raw"], "`eco logs --no-prefix` shows the stored bytes"),
    (&["--format"], "`eco logs --json` shows each line as an object"),
    (&["--timestamp"], "`eco logs --timestamps`"),
    (&["--highlight"], "`eco logs --grep PATTERN` shows the lines that match"),
    (&["--force", "-f"], "a rollout that is under way gives way to the next one"),
    (&["--parallel"], "`rollout: { max_surge: … }` in the file says how many are replaced at once"),
    (&["--silent", "-s", "--mini-list", "-m"], "`eco status --json` is for scripts"),
    (&["--attach"], "`eco logs -f APP`, or `eco run FILE`"),
    (&["--no-daemon"], "`eco run FILE` stays in the foreground"),
    (&["--watch"], "`watch: src` in the file; `eco apply --watch` follows the file itself"),
    (&["--log", "--lines"], "`eco logs -n 100`"),
];

/// What to say to who has typed an option of PM2's.
fn option(word: &str) -> Option<CliError> {
    let (_, how) = OPTIONS.iter().find(|(words, _)| words.contains(&word))?;
    Some(CliError::input(format!("`{word}` is an option of PM2"), *how))
}

/// Commands of PM2 that take a file or a script.
const STARTING: [&str; 4] = ["start", "restart", "reload", "stop"];

/// What to say about a command line that could not be carried out, if it is one of PM2's; `wrong`
/// is the word of it that nobody knows.
pub(super) fn answer(words: &[String], wrong: Option<&str>) -> Option<CliError> {
    let (command, rest) = words.split_first()?;
    if let Some(how) = instead(command) {
        return Some(CliError::input(format!("`{command}` is a command of PM2"), how));
    }
    if STARTING.contains(&command.as_str())
        && let Some(answer) = of_file(command, rest)
    {
        return Some(answer);
    }
    if command == "start"
        && let Some(file) = started::file_for(rest)
    {
        let line = rest.join(" ");
        let text = format!("eco starts what a file says: `{line}` is an app of an ecosystem.yaml");
        return Some(CliError::input(
            text,
            format!("write this file, then `eco apply`:\n\n{file}"),
        ));
    }
    option(wrong?)
}

/// A command on apps that was given a file of apps.
fn of_file(command: &str, rest: &[String]) -> Option<CliError> {
    let file = rest.iter().find(|word| !word.starts_with('-'))?;
    let is_list = |ending: &&str| file.ends_with(*ending);
    let endings = [".json", ".yaml", ".yml", ".config.js", ".config.cjs", ".config.mjs"];
    if !endings.iter().any(is_list) || !Path::new(file).is_file() {
        return None;
    }
    let how = match command {
        "stop" => "`eco stop all` stops its apps, `eco down` also forgets them".to_owned(),
        "start" => format!("`eco apply {file}` starts what it says, and replaces what changed"),
        _ => format!("`eco apply {file}` replaces what changed, `eco {command} all` all the same"),
    };
    Some(CliError::input(format!("`eco {command}` is for apps, and {file} is a file"), how))
}
