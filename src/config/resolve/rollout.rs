//! How an app is ended and how a change of it is brought in: `stop` and `rollout`.

use std::time::Duration;

use super::{
    Context,
    command::{self, Role},
    listen::Listening,
};
use crate::{
    config::{
        fault::Problem,
        field::Field,
        scalar::{DurationText, Instances, ShareText, SignalText},
        written::{self, App},
    },
    model::{KillScope, OnFailure, RolloutPolicy, Share, Signal, StopPolicy},
};

pub(super) fn duration(field: &Field<DurationText>, default: Duration) -> Duration {
    field.get().map_or(default, |read| read.0)
}

/// A duration that may not be zero.
pub(super) fn some_time(
    context: &Context<'_>,
    field: &Field<DurationText>,
    default: Duration,
    why: &str,
) -> Duration {
    if let Some((read, at)) = field.get_at()
        && read.0.is_zero()
    {
        context.push(Problem::new("value", why, at.value, "needs to be longer"));
    }
    duration(field, default)
}

/// The `stop` of an app. `port` is what `${PORT}` is in its command, escaped.
pub(super) fn stop(
    context: &Context<'_>,
    written: Option<&written::Stop>,
    port: Option<&str>,
) -> StopPolicy {
    let written = written.cloned().unwrap_or_default();
    let role = Role { key: "command", port };
    let command = written.command.get_at();
    StopPolicy {
        command: command.and_then(|(command, at)| command::resolve(context, command, at, role)),
        signal: written.signal.or(SignalText(Signal::TERM)).0,
        timeout: duration(&written.timeout, Duration::from_secs(10)),
        kill: match written.kill.get() {
            Some(written::KillScope::Group) | None => KillScope::Group,
            Some(written::KillScope::Main) => KillScope::Main,
        },
        drain: duration(&written.drain, StopPolicy::default_drain()),
        message: written.message.get().map(|text| text.0.clone()),
        close: written.close.get().is_some_and(|flag| flag.0),
    }
}

/// The `rollout` of an app.
pub(super) fn resolve(context: &Context<'_>, app: &App, listening: &Listening) -> RolloutPolicy {
    let written = app.rollout.get().cloned().unwrap_or_default();
    let (surge, unavailable) = if listening.policy.is_some() {
        (Share::Count(1), Share::Count(0))
    } else {
        (RolloutPolicy::no_surge(), RolloutPolicy::one_by_one())
    };
    let share = |field: &Field<ShareText>, default| field.get().map_or(default, |share| share.0);
    let max_surge = share(&written.max_surge, surge);
    let max_unavailable = share(&written.max_unavailable, unavailable);
    let is_known = listening.is_certain
        && !matches!(written.max_surge, Field::Bad(_))
        && !matches!(written.max_unavailable, Field::Bad(_));
    if is_known {
        check_progress(context, app, &written, (max_surge, max_unavailable));
    }
    let why = "a new instance that may take no time is never ready";
    RolloutPolicy {
        min_ready: duration(&written.min_ready, Duration::from_secs(1)),
        max_surge,
        max_unavailable,
        deadline: some_time(context, &written.deadline, RolloutPolicy::default_deadline(), why),
        on_failure: match written.on_failure.get() {
            Some(written::OnFailure::Rollback) | None => OnFailure::Rollback,
            Some(written::OnFailure::Pause) => OnFailure::Pause,
        },
        canary: written
            .canary
            .get()
            .map(|share| share.0)
            .filter(|share| !matches!(share, Share::Count(0) | Share::Percent(0))),
    }
}

/// How many instances there will be, as far as that is known; an app that is off counts as one.
fn instances(context: &Context<'_>, app: &App) -> Option<u32> {
    if matches!(app.instances, Field::Bad(_)) {
        return None;
    }
    let count = app.instances.or(Instances::Count(1));
    // The number of CPUs belongs to the machine, which the text alone does not know.
    let is_known = context.has_files() || matches!(count, Instances::Count(_));
    is_known.then(|| count.resolve(context.cpus).max(1))
}

/// Without one more and without one less, nothing can ever be replaced.
fn check_progress(
    context: &Context<'_>,
    app: &App,
    written: &written::Rollout,
    (surge, unavailable): (Share, Share),
) {
    let Some(all) = instances(context, app) else { return };
    if surge.rounded_up(all) != 0 || unavailable.rounded_down(all) != 0 {
        return;
    }
    let message = "with no instance more and none missing, nothing could ever be replaced";
    let about_missing = match unavailable {
        Share::Percent(share) if share != 0 => {
            format!("{share}% of {all} is less than one instance, rounded down to 0")
        }
        Share::Percent(_) | Share::Count(_) => "none may be missing".to_owned(),
    };
    let places = (written.max_unavailable.get_at(), written.max_surge.get_at());
    let problem = match places {
        (Some((_, missing)), Some((_, more))) => {
            Problem::new("value", message, missing.value, about_missing)
                .also(more.value, "none may be added")
        }
        (Some((_, missing)), None) => {
            let label = format!("{about_missing}; and without `listen`, `max_surge` is 0");
            Problem::new("value", message, missing.value, label)
        }
        (None, Some((_, more))) => {
            let label = "none may be added; and with `listen`, `max_unavailable` is 0";
            Problem::new("value", message, more.value, label)
        }
        (None, None) => return,
    };
    context.push(problem.help(
        "`max_surge: 1` starts a new instance beside the old ones; \
         `max_unavailable: 1` stops an old one first",
    ));
}
