//! The codes of faults of other programs' files.

use super::{
    Entry,
    entries::{import, import_around},
};

const CONFIG: &str = "ecosystem.config.js";

/// By code.
pub(super) const IMPORTS: &[Entry] = &[
    import(
        "differs",
        "A warning: a key of PM2 has a counterpart here that is not quite the same.",
        (CONFIG, "module.exports = { apps: [{ script: 'true', out_file: 'out.log' }] }\n"),
        "Read what differs. `eco import --fields` lists it for every key.",
    ),
    import_around(
        "evaluation",
        "node could not say what a PM2 file in JavaScript exports: it threw, printed nothing, or took \
         longer than 10 s.",
        "an `ecosystem.config.js` with `require('./missing')`",
        "Run `node FILE` yourself; a file of data only is read without node.",
    ),
    import(
        "extends",
        "A service or process extends one that is not there, or itself.",
        (
            "compose.yaml",
            "services:\n  db: { build: ., command: ./db }\n  web: { extends: base, command: ./web }\n",
        ),
        "Mend the name.",
    ),
    import_around(
        "no_node",
        "A PM2 file is a program, and there is no `node` in PATH to run it.",
        "an `ecosystem.config.js` with `process.env.PORT` where Node.js is not installed",
        "Install Node.js, or write the file as data only.",
    ),
    import(
        "no_script",
        "A warning: the `script` of a PM2 app does not exist.",
        (CONFIG, "module.exports = { apps: [{ script: './no-such-file.js' }] }\n"),
        "Mend the path; it is relative to `cwd`.",
    ),
    import_around(
        "not_data",
        "A PM2 file exports something that is no data: a function, for example.",
        "`module.exports = { apps: [{ script: () => 'server.js' }] }`",
        "Write text, a number, a list or a mapping instead.",
    ),
    import(
        "refused",
        "A key or a script of a PM2 file cannot be taken over, and leaving it out would change what \
         runs.",
        (CONFIG, "module.exports = { apps: [{ script: 'true', append_env_to_name: true }] }\n"),
        "Do as the message says; `eco import --fields` lists every key.",
    ),
    import(
        "same_key",
        "A PM2 app has a key under two of its names.",
        (
            CONFIG,
            "module.exports = { apps: [{ script: 'true', cron_restart: '@daily', cron: '@hourly' }] }\n",
        ),
        "Remove one.",
    ),
    import_around(
        "several_files",
        "Several files were named, and only systemd units can be read together.",
        "`eco import Procfile compose.yaml`",
        "Import them one by one.",
    ),
];
