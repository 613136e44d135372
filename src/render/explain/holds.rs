//! The codes of what is not as desired: `hold_code` in `status --json`.

use super::{Entry, entries::hold};

/// By code.
pub(super) const HOLDS: &[Entry] = &[
    hold(
        "awaits",
        "It is not started, or not changed, before an app that it depends on has come to something.",
        "`depends_on: { db: ready }` while `db` starts",
        "Nothing; look at the app that is named if it takes long.",
    ),
    hold(
        "backoff",
        "It ended, and is started again after a pause, which grows with each failure in a row.",
        "a program that crashes at its first request",
        "Read its last lines: `eco logs APP`. `restart.backoff` sets the pause.",
    ),
    hold(
        "crash_looping",
        "It failed too often within a time (`restart.limit`), and is tried only every `backoff.max`.",
        "a program that cannot read its configuration",
        "Read its last lines, mend the cause, and run `eco apply` or `eco restart APP`.",
    ),
    hold(
        "dependency_failed",
        "An app that it depends on has failed, and does not come to what is waited for by itself.",
        "a migration that exits 1 before `web`",
        "Mend the app that is named, then `eco apply`.",
    ),
    hold(
        "draining",
        "It is to stop, gets no new connections, and its open requests have time to end.",
        "a restart while a long download goes on",
        "Nothing; `stop.drain` sets the time.",
    ),
    hold(
        "gave_up",
        "It failed too often and is not tried again: `restart.limit` says `then: stop`.",
        "`restart: { limit: { failures: 3, then: stop } }` and three crashes",
        "Mend the cause, then `eco restart APP` or `eco apply`.",
    ),
    hold(
        "job_runs",
        "The job has not ended yet. Of a command: the job runs already.",
        "a migration that takes a minute",
        "Wait for its end (`eco logs JOB -f`), or run it again at once with `eco restart JOB`.",
    ),
    hold(
        "not_live",
        "Its `live` probe failed too often in a row; it is being replaced.",
        "a server that hangs in an endless loop",
        "Read its last lines; `eco events` has the probe's answers.",
    ),
    hold(
        "not_ready",
        "It runs, and is not ready yet. After `rollout.deadline` it counts as failed.",
        "a server that listens on another port than the file names",
        "If it takes long: does it listen where the hold says it should? See `eco describe APP`.",
    ),
    hold(
        "not_restarted",
        "It ended, and its restart policy says to leave it so.",
        "`restart: never`, or an exit code of `restart.stop_exit_codes`",
        "`eco restart APP` starts it again.",
    ),
    hold(
        "outdated",
        "It is of a former revision, and is replaced when its turn comes.",
        "the second of two instances while the first is replaced",
        "Nothing.",
    ),
    hold(
        "over_memory",
        "It uses more than `restart.max_memory`, and is being replaced.",
        "a program that leaks memory",
        "Nothing at once; the next one takes over first where a port is shared.",
    ),
    hold(
        "paused",
        "A change failed, and goes no further: `rollout.on_failure` says `pause`.",
        "a release that crashes at boot",
        "Mend the file or the program and `eco apply`, or `eco rollback`.",
    ),
    hold(
        "reloading",
        "It said that it reads its own files again (`RELOADING=1`).",
        "`eco reload APP` of a program that knows `sd_notify`",
        "Nothing.",
    ),
    hold(
        "replacing",
        "It waits until its former run, with all its processes, has ended.",
        "a restart of a program that takes long to stop",
        "Nothing; `stop.timeout` sets how long that may take.",
    ),
    hold(
        "rolled_back",
        "A change failed and was undone. What ran before runs on.",
        "a release that never becomes ready",
        "Read why in the sentence and its last lines; mend it, then `eco apply`.",
    ),
    hold(
        "settling",
        "It is ready, and has to stay so for `rollout.min_ready` before the next one is replaced.",
        "an apply a moment ago",
        "Nothing.",
    ),
    hold(
        "spawn_failed",
        "Its program could not be executed at all.",
        "`command: nodee server.js`",
        "Mend what the sentence names: the command, `cwd`, the user, or a limit.",
    ),
    hold("starting", "Its program is being executed.", "an apply a moment ago", "Nothing."),
    hold(
        "stopping",
        "It was asked to stop and has not ended yet. After `stop.timeout` it is killed.",
        "`eco stop web` of a program that finishes its work first",
        "Nothing; if it never ends by itself, see `stop.signal`.",
    ),
    hold(
        "stops_after",
        "It is to stop once those that depend on it have.",
        "`eco down` of a database and of what uses it",
        "Nothing.",
    ),
    hold(
        "stuck",
        "It is ready, but takes none of the connections that wait for it.",
        "a server whose event loop is blocked",
        "`live: { accept: 10s }` has such instances replaced; see `eco events`.",
    ),
    hold(
        "unanswered",
        "It runs on, but all of eco had died, so that it cannot share its port anew.",
        "keeper, recorder and controller killed at once",
        "`eco restart APP` restores port sharing.",
    ),
];
