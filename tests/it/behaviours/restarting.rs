//! When and how often apps are started again.

use super::{Behaviour, PM2, Shown::By, lines, pm2};
use crate::harness::{TestEnv, program};

pub(super) const ROWS: &[Behaviour] = &[
    Behaviour {
        number: 13,
        given: "a generous `max_memory_restart`",
        when: "it is lowered under what the program uses",
        then: "the program is started anew",
        shown: By(&[
            "behaviours::restarting::a_limit_of_memory_that_is_lowered_holds",
            "e2e::recycling::where_a_port_is_shared_another_one_serves_first",
        ]),
    },
    Behaviour {
        number: 25,
        given: "`max_restarts`, and a program that dies at once, from the start or after it was well",
        when: "it has died that often",
        then: "it is given up, and that is told",
        shown: By(&[
            "behaviours::restarting::one_that_dies_at_once_is_given_up_whenever_it_begins_to",
            "sim::restarts::too_many_failures_within_the_window_are_a_crash_loop",
            "e2e::failures::a_limit_that_stops_gives_up_until_someone_starts_it",
        ]),
    },
    Behaviour {
        number: 26,
        given: "`exp_backoff_restart_delay: 100`",
        when: "the program dies again and again, and then lives for long",
        then: "each wait is longer than the last one, and then they begin anew",
        shown: By(&[
            "behaviours::restarting::waits_grow_by_half",
            "sim::restarts::waits_grow_up_to_the_maximum",
            "sim::restarts::a_stable_run_starts_the_series_anew",
        ]),
    },
    Behaviour {
        number: 27,
        given: "`restart_delay`, and a program that has died",
        when: "its time is not over, and somebody stops it meanwhile",
        then: "it is not started before, and not afterwards either",
        shown: By(&["behaviours::restarting::a_stop_in_the_wait_before_a_restart_cancels_it"]),
    },
    Behaviour {
        number: 37,
        given: "`cron_restart` every second",
        when: "some time goes by, and then the app is taken out of the file",
        then: "it is started anew again and again, and then never more",
        shown: By(&[
            "behaviours::restarting::cron_restarts_until_the_app_is_taken_out",
            "e2e::jobs::an_app_is_replaced_by_its_cron_and_never_at_start",
        ]),
    },
];

#[test]
fn a_limit_of_memory_that_is_lowered_holds() {
    program("python3");
    let env = TestEnv::new();
    env.write("big.py", "import time\nheld = b'x' * (60 << 20)\nopen('starts', 'a').write('x\\n')\ntime.sleep(100000)\n");
    let file = |limit: &str| {
        env.write(PM2, &format!("{{ script: 'big.py', max_memory_restart: '{limit}' }}"));
    };
    file("300M");
    env.apply();
    env.wait_for("its memory", || lines(&env, "starts") == 1);
    let former = env.pid("big");
    file("19M");
    env.eco(&["diff"]).exits(1).says("restart.max_memory");
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_for("the next one", || 1 < lines(&env, "starts"));
    env.wait_for("its pid", || env.pids("big").get("big/0").is_some_and(|pid| *pid != former));
    assert_eq!(env.app("big")["instances"][0]["restarts"], 0, "it is no failure");
}

#[test]
fn one_that_dies_at_once_is_given_up_whenever_it_begins_to() {
    let limit = "max_restarts: 3, min_uptime: 100";
    let env = pm2(&format!(
        "[{{ name: 'never', script: './app.sh', args: 'nowhere', {limit} }},\n\
          {{ name: 'later', script: './app.sh', args: 'good', {limit} }}]"
    ));
    env.script(
        "app.sh",
        "#!/bin/sh\necho start >> $ECO_APP\n[ -e $1 ] || exit 5\nwhile [ -e $1 ]; do sleep 0.02; done\nexit 5\n",
    );
    env.write("good", "");
    env.eco(&["apply"]).exits(1).says("never");
    env.wait_state("never", "failed");
    assert_eq!(env.app("never")["hold_code"], "gave_up");
    assert_eq!(lines(&env, "never"), 3);
    // It has been well for longer than `max_restarts` times `min_uptime`.
    assert!(env.is("later", "ready"));
    std::fs::remove_file(env.path("good")).unwrap();
    env.wait_state("later", "failed");
    assert_eq!(env.app("later")["hold_code"], "gave_up");
    assert!(lines(&env, "later") <= 4, "{}", lines(&env, "later"));
    env.eco(&["status"]).exits(1);
}

#[test]
fn waits_grow_by_half() {
    let env = pm2(
        "{ name: 'web', script: './app.sh', exp_backoff_restart_delay: 100, max_restarts: 100 }",
    );
    // In hundredths of a second, by the clock that nobody sets.
    env.script("app.sh", "#!/bin/sh\ncut -d' ' -f1 /proc/uptime | tr -d . >> starts\nexit 1\n");
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_for("five starts", || 5 <= lines(&env, "starts"));
    let starts: Vec<u64> =
        env.read("starts").lines().map(|line| line.parse().unwrap()).take(5).collect();
    let waits: Vec<u64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // Each may be longer on a busy machine, none shorter. The clock's steps are whole hundredths.
    for (wait, least) in waits.iter().zip([10, 15, 22, 33]) {
        assert!(least <= wait + 1, "{waits:?}");
    }
}

#[test]
fn a_stop_in_the_wait_before_a_restart_cancels_it() {
    let app = |name: &str| format!("{{ name: '{name}', script: './app.sh', restart_delay: 700 }}");
    let env = pm2(&format!("[{}, {}]", app("web"), app("clock")));
    env.script("app.sh", "#!/bin/sh\necho start >> $ECO_APP\nexit 1\n");
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_for("the first end", || {
        let instance = env.app("web")["instances"][0].clone();
        instance["exit"]["code"] == 1 && instance["pid"].is_null()
    });
    env.eco(&["stop", "web"]).ok();
    let starts = lines(&env, "web");
    // The other one has waited the same time since then, twice.
    let seen = lines(&env, "clock");
    env.wait_for("the other one's restarts", || seen + 2 <= lines(&env, "clock"));
    assert_eq!(lines(&env, "web"), starts);
    assert!(env.is("web", "stopped"));
    env.eco(&["start", "web", "--no-wait"]).ok();
    env.wait_for("a start by hand", || starts < lines(&env, "web"));
}

#[test]
fn cron_restarts_until_the_app_is_taken_out() {
    let app = |name: &str| {
        format!("{{ name: '{name}', script: './app.sh', cron_restart: '*/1 * * * * *' }},")
    };
    let env = pm2(&format!("[{} {}]", app("web"), app("clock")));
    env.script("app.sh", "#!/bin/sh\necho start >> $ECO_APP\nexec sleep 100000\n");
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_for("restarts", || 3 <= lines(&env, "web"));
    env.write(PM2, &format!("[{}]", app("clock")));
    env.eco(&["apply", "--no-wait"]).ok();
    env.wait_for("its end", || env.app("web").is_null());
    let (starts, seen) = (lines(&env, "web"), lines(&env, "clock"));
    env.wait_for("the other one's restarts", || seen + 2 <= lines(&env, "clock"));
    assert_eq!(lines(&env, "web"), starts);
}
