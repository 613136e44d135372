//! One app.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Alert, Command, DependsOn, EnvValue, Kind, Limits, Listen, Live, Logs, Observe, Overlap, Ready,
    Reload, Restart, Rollout, Stop, Watch,
};
use crate::config::{
    field::{Field, Many, Written},
    scalar::{
        AccountText, CronText, Flag, Instances, NiceText, OomScoreText, Tag, Text, UmaskText,
        ZoneText,
    },
};

/// One app: a program and how to keep it running.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct App {
    /// What to run. Text is split into words as a shell would, but no shell is run; a list is the
    /// program and its arguments; `{ shell: "a | b" }` runs `/bin/sh -c`.
    pub(in crate::config) command: Field<Command>,
    /// The working directory, relative to this file's directory.
    #[schemars(extend("default" = "."))]
    pub(in crate::config) cwd: Field<Text>,
    /// How many instances run; 0 is off.
    #[schemars(extend("default" = 1))]
    pub(in crate::config) instances: Field<Instances>,
    /// The TCP ports that all instances share, with no change to the program: a port,
    /// `address:port`, a list, `auto` for whatever the app listens on, or a mapping. With exactly
    /// one port, the app gets it as `PORT`.
    #[schemars(
        with = "Field<Many<super::ListenItem>>",
        extend("examples" = [3000, "127.0.0.1:3000", [3000, 3001], { "port": 3000, "queue": "10s" }])
    )]
    pub(in crate::config) listen: Field<Listen>,
    /// What tells that an instance is ready. A replacement gets no connection before, and the old
    /// instance stays until then.
    #[schemars(extend("examples" = [{ "http": "/healthz" }, { "log": "listening on" }]))]
    pub(in crate::config) ready: Field<Ready>,
    /// What tells that an instance that is ready still does its work. One that fails is replaced.
    #[schemars(extend("examples" = [{ "http": "/healthz" }, { "notify": true, "interval": "30s" }]))]
    pub(in crate::config) live: Field<Live>,
    /// Environment variables. Numbers and booleans keep their text, `null` takes a variable away,
    /// `{ file: PATH }` reads the value from a file at each start.
    pub(in crate::config) env: Field<Env>,
    /// Files of `KEY=value` lines, below `env`. Their values are taken as they are: a `$` is a `$`.
    pub(in crate::config) env_file: Field<Many<Text>>,
    /// Which variables of the caller's environment the app gets; a final `*` stands for any rest.
    #[schemars(extend("default" = crate::config::resolve::INHERITED))]
    pub(in crate::config) inherit_env: Field<Many<Text>>,
    /// When and how to start again after an exit nobody asked for: a policy, or a mapping.
    #[schemars(with = "Field<super::policies::RestartForm>")]
    pub(in crate::config) restart: Field<Restart>,
    /// How to end a run.
    pub(in crate::config) stop: Field<Stop>,
    /// How to bring in a change.
    pub(in crate::config) rollout: Field<Rollout>,
    /// How instances read their own files again. With it, `eco reload` sends a signal; without, it
    /// replaces them.
    #[schemars(extend("examples" = [{ "signal": "SIGHUP" }]))]
    pub(in crate::config) reload: Field<Reload>,
    /// Source files and directories whose edits replace the instances.
    #[schemars(with = "Field<super::policies::WatchForm>")]
    pub(in crate::config) watch: Field<Watch>,
    /// Patterns of build results. Their content is part of the app: a new build is a change.
    #[schemars(extend("examples" = [["dist/**", "package-lock.json"]]))]
    pub(in crate::config) artifacts: Field<Many<Text>>,
    /// What is loaded into its processes to measure them: `node` is an agent for Node 18 or newer, which
    /// tells how long requests take, how many fail, and how event loop and heap do.
    #[schemars(extend("default" = "off"))]
    pub(in crate::config) observe: Field<Observe>,
    /// Words to select apps by: `eco restart tag:edge`.
    pub(in crate::config) tags: Field<Many<Tag>>,
    /// Where the app's output goes.
    pub(in crate::config) logs: Field<Logs>,
    /// The apps it waits for before it starts: a name, a list of names, or a mapping with what
    /// each has to have come to. They stop after it.
    #[schemars(extend("examples" = ["db", { "migrate": "completed", "cache": "ready" }]))]
    pub(in crate::config) depends_on: Field<DependsOn>,
    /// Whether it runs all the time, or to its end.
    #[schemars(extend("default" = "service"))]
    pub(in crate::config) kind: Field<Kind>,
    /// When a job runs. Without it, once for each revision.
    pub(in crate::config) schedule: Field<CronText>,
    /// The time zone of `schedule` and `restart.cron`. Default: the machine's.
    pub(in crate::config) timezone: Field<ZoneText>,
    /// What is done about a job that is due while its run before goes on.
    #[schemars(extend("default" = "skip"))]
    pub(in crate::config) overlap: Field<Overlap>,
    /// Whether a job runs once, late, if eco was down when it was due.
    #[schemars(extend("default" = false))]
    pub(in crate::config) catch_up: Field<Flag>,
    /// The user its processes run as, by name or number; only root may choose. Its supplementary
    /// groups, `HOME`, `USER`, `LOGNAME` and `SHELL` follow it.
    pub(in crate::config) user: Field<AccountText>,
    /// The group its processes run as, by name or number. Default: the user's.
    pub(in crate::config) group: Field<AccountText>,
    /// What is taken from the mode of new files, in octal.
    #[schemars(extend("default" = "022"))]
    pub(in crate::config) umask: Field<UmaskText>,
    /// The nice value of its processes; only root may lower it.
    pub(in crate::config) nice: Field<NiceText>,
    /// What the kernel adds when it chooses whom to kill for want of memory; only root may lower it.
    pub(in crate::config) oom_score_adj: Field<OomScoreText>,
    /// What its processes may use.
    #[schemars(extend("examples" = [{ "memory": "512M", "cpu": 1.5, "nofile": 65536 }]))]
    pub(in crate::config) limits: Field<Limits>,
    /// When the receivers under `notify` are told of this app, and told again that it is over.
    #[schemars(
        with = "Field<Many<super::alert::AlertForm>>",
        extend("examples" = ["down", ["p99 > 500ms for 2m", "restarts > 3 in 5m"], [{ "when": "errors > 5% for 1m", "to": "ops" }]])
    )]
    pub(in crate::config) alerts: Field<Many<Alert>>,
}

impl Written for App {
    const FILLABLE: bool = false;
}

/// The variables of `env`, in the order of the file.
pub(in crate::config) type Env = IndexMap<String, Field<EnvValue>>;

impl Written for Env {
    const FILLABLE: bool = false;
}
