//! The parts of an app that have keys of their own: restart, stop, rollout, watch.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

use super::Command;
use crate::config::{
    field::{Field, Many, Written},
    scalar::{
        Complaint, CronText, DurationText, ExitCode, Factor, Failures, Flag, Jitter, ShareText,
        SignalText, SizeText, Text,
    },
    suggest::quoted,
};

/// When and how to start again.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Restart {
    /// After which exits to start again.
    #[schemars(extend("default" = "always"))]
    pub(in crate::config) policy: Field<RestartWhen>,
    /// How long to wait before that; `none` starts again at once.
    pub(in crate::config) backoff: Field<BackoffForm>,
    /// When to call it a crash loop; `none` never does.
    pub(in crate::config) limit: Field<LimitForm>,
    /// Exit codes after which the instance is left alone.
    pub(in crate::config) stop_exit_codes: Field<Many<ExitCode>>,
    /// When all instances are replaced, as by `eco restart`, in the app's `timezone`.
    pub(in crate::config) cron: Field<CronText>,
    /// An instance whose processes use more memory than this, looked at every second, is replaced: where
    /// a port is shared another one serves first. That is no failure, and happens at most once in each
    /// `backoff.max`.
    #[schemars(extend("examples" = ["300M"]))]
    pub(in crate::config) max_memory: Field<SizeText>,
}

/// After which exits an instance is started again.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "RestartPolicy")]
pub(in crate::config) enum RestartWhen {
    /// After every exit, also with code 0.
    Always,
    /// After an exit code other than 0, or a signal.
    OnFailure,
    /// After none.
    Never,
}

/// Growing waits between restarts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Backoff {
    /// The first wait.
    #[schemars(extend("default" = "100ms"))]
    pub(in crate::config) initial: Field<DurationText>,
    /// By how much each further wait is longer.
    #[schemars(extend("default" = 2))]
    pub(in crate::config) factor: Field<Factor>,
    /// No wait is longer than this.
    #[schemars(extend("default" = "30s"))]
    pub(in crate::config) max: Field<DurationText>,
    /// The share by which a wait is varied, from 0 to 1.
    #[schemars(extend("default" = 0.1))]
    pub(in crate::config) jitter: Field<Jitter>,
    /// A run of at least this long starts the series anew.
    #[schemars(extend("default" = "10s"))]
    pub(in crate::config) reset_after: Field<DurationText>,
}

/// So many failures within a time are a crash loop.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Limit {
    /// So many failures, from 1 to 100,
    #[schemars(extend("default" = 10))]
    pub(in crate::config) failures: Field<Failures>,
    /// within this time are a crash loop.
    #[schemars(extend("default" = "1m"))]
    pub(in crate::config) within: Field<DurationText>,
    /// What is done then.
    #[schemars(extend("default" = "slow"))]
    pub(in crate::config) then: Field<LimitThen>,
}

/// What is done about a crash loop.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum LimitThen {
    /// Try on, each time after the longest wait.
    Slow,
    /// Give up until someone starts or changes it.
    Stop,
}

/// How to end a run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Stop {
    /// For an app with `listen`: how long open requests may take to end once it gets no new ones,
    /// before the first signal. `0s` does not wait.
    #[schemars(extend("default" = "15s"))]
    pub(in crate::config) drain: Field<DurationText>,
    /// A command that is run instead of the first signal, with the environment of the instance and
    /// its process id in `ECO_PID`. If it fails, the signal follows at once. It is written as the
    /// app's `command` is.
    pub(in crate::config) command: Field<Command>,
    /// The first signal.
    #[schemars(extend("default" = "SIGTERM"))]
    pub(in crate::config) signal: Field<SignalText>,
    /// How long after the signal, or the start of the command, SIGKILL follows.
    #[schemars(extend("default" = "10s"))]
    pub(in crate::config) timeout: Field<DurationText>,
    /// Whom the first signal goes to. SIGKILL always goes to all.
    #[schemars(extend("default" = "group"))]
    pub(in crate::config) kill: Field<KillScope>,
    /// For a Node program: if it handles messages (`process.on('message', …)`), those handlers are
    /// called with this at the signal, and none of the signal's own.
    #[schemars(example = &"shutdown")]
    pub(in crate::config) message: Field<Text>,
    /// For a Node program that handles neither the signal nor the message: its servers accept nothing
    /// more, and it exits with code 0 once the requests under way have been answered. Connections that
    /// are none of HTTP have half a second more.
    #[schemars(extend("default" = false))]
    pub(in crate::config) close: Field<Flag>,
}

/// Whom a signal goes to.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum KillScope {
    /// Every process of the run's group.
    Group,
    /// The first process only; the rest once it is gone.
    Main,
}

/// How to bring in a change.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(in crate::config) struct Rollout {
    /// How long an instance has to stay ready to count as good.
    #[schemars(extend("default" = "1s"))]
    pub(in crate::config) min_ready: Field<DurationText>,
    /// So many instances more than wanted may run during a change: a number, or a percentage of
    /// the instances (rounded up). Default: 1 with `listen`, else 0.
    pub(in crate::config) max_surge: Field<ShareText>,
    /// So many instances may be missing during a change: a number, or a percentage of the
    /// instances (rounded down). Default: 0 with `listen`, else 1.
    pub(in crate::config) max_unavailable: Field<ShareText>,
    /// How long a new instance may take from its start until it is ready.
    #[schemars(extend("default" = "60s"))]
    pub(in crate::config) deadline: Field<DurationText>,
    /// What is done when a new instance fails before it is good.
    #[schemars(extend("default" = "rollback"))]
    pub(in crate::config) on_failure: Field<OnFailure>,
    /// So many new instances come first: a number, or a percentage of the instances (rounded up).
    /// As soon as they are ready they get their share of new connections (of a shared port; a
    /// percentage to the letter), and until they have stayed ready for `min_ready` no other instance
    /// is replaced. 0 is none, and the default.
    pub(in crate::config) canary: Field<ShareText>,
}

/// What is done when a new instance fails before it is good.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum OnFailure {
    /// The last good revision comes back.
    Rollback,
    /// Nothing more is replaced until the file changes.
    Pause,
}

/// How an instance reads its own files again.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["signal"]))]
pub(in crate::config) struct Reload {
    /// The signal it does so by. It goes to the first process of the instance.
    pub(in crate::config) signal: Field<SignalText>,
}

/// Source files and directories whose edits replace the instances.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, extend("required" = ["paths"]))]
pub(in crate::config) struct Watch {
    /// Files and directories, relative to this file's directory.
    pub(in crate::config) paths: Field<Many<Text>>,
    /// Patterns as in `.gitignore`, relative to this file's directory.
    pub(in crate::config) ignore: Field<Many<Text>>,
}

macro_rules! mappings {
    ($($type:ty),*) => { $(impl Written for $type { const FILLABLE: bool = false; })* };
}
mappings!(Restart, Backoff, Limit, Stop, Rollout, Reload, Watch, WatchForm);

macro_rules! words {
    ($($type:ty),*) => { $(impl Written for $type { const FILLABLE: bool = true; })* };
}
words!(RestartWhen, LimitThen, KillScope, OnFailure, RestartForm);

/// `restart:` in the schema: short forms are expanded before it is read.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "stands for both forms in the schema only")]
pub(in crate::config) enum RestartForm {
    Word(RestartWhen),
    Full(Box<Restart>),
}

/// `watch:` in the schema: short forms are expanded before it is read.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "stands for both forms in the schema only")]
pub(in crate::config) enum WatchForm {
    Paths(Many<Text>),
    Full(Watch),
}

/// A mapping, or the word `none`.
macro_rules! or_none {
    ($name:ident, $inner:ident, $type_name:literal, $noun:literal) => {
        #[doc = concat!("`none` or a mapping: ", $noun, ".")]
        #[derive(Clone, Debug)]
        pub(in crate::config) enum $name {
            /// Switched off.
            None,
            /// With these values.
            Full(Box<$inner>),
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Forms;

                impl<'de> Visitor<'de> for Forms {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("`none` or a mapping")
                    }

                    fn visit_str<E: Error>(self, text: &str) -> Result<$name, E> {
                        if text == "none" {
                            return Ok($name::None);
                        }
                        let message = format!("{} is not {}", quoted(text), $noun);
                        Err(E::custom(Complaint::new(message, "expected `none` or a mapping")))
                    }

                    fn visit_newtype_struct<D: Deserializer<'de>>(
                        self,
                        deserializer: D,
                    ) -> Result<$name, D::Error> {
                        $inner::deserialize(deserializer).map(|full| $name::Full(Box::new(full)))
                    }
                }

                deserializer.deserialize_newtype_struct($type_name, Forms)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                $type_name.into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "anyOf": [{ "const": "none" }, generator.subschema_for::<$inner>()]
                })
            }
        }

        impl Written for $name {
            const FILLABLE: bool = true;
        }
    };
}

pub(super) use or_none;

or_none!(BackoffForm, Backoff, "BackoffOrNone", "a back-off");
or_none!(LimitForm, Limit, "LimitOrNone", "a limit of failures");
