//! `live`: which probe, how often, and when it has failed; and `reload`.

use std::time::Duration;

use super::{
    Context,
    ready::{Own, Probes},
    rollout::{duration, some_time},
};
use crate::{
    config::{fault::Problem, written::App},
    model::{LivePolicy, LiveProbe, ReadyProbe, Signal},
};

const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(2);
const FAILURES: u32 = 3;

/// The signal of the `reload` of an app.
pub(super) fn reload(context: &Context<'_>, app: &App) -> Option<Signal> {
    let (written, at) = app.reload.get_at()?;
    if written.signal.is_unset() && !context.is_misspelled(at.key, "signal") {
        let problem =
            Problem::new("missing_key", "`reload` has no `signal`", at.value, "which one?");
        context.push(problem.help("as in `reload: { signal: SIGHUP }`"));
    }
    written.signal.get().map(|signal| signal.0)
}

/// The `live` of an app.
pub(super) fn resolve(context: &Context<'_>, app: &App, own: &Own<'_>) -> Option<LivePolicy> {
    let (written, at) = app.live.get_at()?;
    let probes = Probes { context, own, key: "live" };
    let probe = match probes.only(&written.as_ready(), at)? {
        ReadyProbe::Http(http) => LiveProbe::Http(http),
        ReadyProbe::Tcp(address) => LiveProbe::Tcp(address),
        ReadyProbe::Exec(command) => LiveProbe::Exec(command),
        ReadyProbe::Notify => LiveProbe::Notify,
        // Not among the keys of `live`.
        ReadyProbe::Started | ReadyProbe::Listen | ReadyProbe::Log(_) | ReadyProbe::Delay(_) => {
            return None;
        }
    };
    if let (LiveProbe::Notify, Some((_, at))) = (&probe, written.timeout.get_at()) {
        let message = "an app that says by itself that it lives is not asked";
        let problem = Problem::new("value", message, at.key, "has no effect");
        context.push(problem.help("`interval` is the time within which it has to say so"));
    }
    let never = "without a pause, tries would never end";
    let nothing = "no try can succeed in no time";
    Some(LivePolicy {
        probe,
        interval: some_time(context, &written.interval, INTERVAL, never),
        timeout: some_time(context, &written.timeout, TIMEOUT, nothing),
        failures: written.failures.get().map_or(FAILURES, |failures| failures.0),
        start_period: duration(&written.start_period, Duration::ZERO),
    })
}
