//! Commands of PM2 that are none here: what to type instead.

/// Words of PM2 and the way it is done with eco.
const INSTEAD: &[(&[&str], &str)] = &[
    (
        &["delete", "del"],
        "take the app out of the file and `eco apply`; `eco stop APP` only stops it, `eco down` takes \
         all of a project down",
    ),
    (
        &["monit", "monitor", "dashboard", "dash", "imonit"],
        "`eco status` says how things stand and why, `eco logs -f` follows the output, `eco events -f` \
         what happens",
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
