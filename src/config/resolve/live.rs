//! `live`: which probe, how often, and when it has failed; and `reload`.

use std::time::Duration;

use super::{
    Context,
    ready::{Own, Probes},
    rollout::{duration, some_time},
};
use crate::{
    config::{
        fault::Problem,
        written::{App, Live},
    },
    model::{LivePolicy, LiveProbe, ReadyProbe, Signal},
};

const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(2);
const FAILURES: u32 = 3;
/// As often queues are looked at.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

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

/// How long a connection may wait: `live.accept` of an app.
pub(super) fn accept(context: &Context<'_>, app: &App) -> Option<Duration> {
    let (written, at) = app.live.get()?.accept.get_at()?;
    if written.0 < SHORTEST_WAIT {
        let message = "queues of connections are looked at once in a second";
        let problem = Problem::new("value", message, at.value, "needs to be longer");
        context.push(problem.help("`1s` or more; more than the longest pause of a good server"));
    }
    if app.listen.is_unset() {
        let message = "connections are seen waiting only at ports of `listen`";
        let problem = Problem::new("value", message, at.key, "this app has no `listen`");
        context.push(problem.help("name the port, as in `listen: 3000`, or use a probe"));
    }
    Some(written.0)
}

/// Without a probe there is nothing to be asked in time.
fn check_pace(context: &Context<'_>, written: &Live) {
    let Live { interval, timeout, start_period, failures, .. } = written;
    let times = [interval, timeout, start_period].into_iter().filter_map(|it| it.get_at());
    let keys = times.map(|(_, at)| at.key).chain(failures.get_at().map(|(_, at)| at.key));
    for key in keys {
        let message = "`accept` asks nothing, so there are no tries";
        let problem = Problem::new("value", message, key, "has no effect");
        context.push(problem.help("add a probe, as in `http: /healthz`, or leave this out"));
    }
}

/// The `live` of an app.
pub(super) fn resolve(context: &Context<'_>, app: &App, own: &Own<'_>) -> Option<LivePolicy> {
    let (written, at) = app.live.get_at()?;
    if !written.has_probe() && !written.accept.is_unset() {
        check_pace(context, written);
        return None;
    }
    let probes = Probes { context, own, key: "live" };
    let probe = match probes.only(&written.as_ready(), at)? {
        ReadyProbe::Http(http) => LiveProbe::Http(http),
        ReadyProbe::Tcp(address) => LiveProbe::Tcp(address),
        ReadyProbe::Exec(command) => LiveProbe::Exec(command),
        ReadyProbe::Notify => LiveProbe::Notify,
        // Not among the keys of `live`.
        ReadyProbe::Started
        | ReadyProbe::Listen
        | ReadyProbe::Log(_)
        | ReadyProbe::Message(_)
        | ReadyProbe::Delay(_) => return None,
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
