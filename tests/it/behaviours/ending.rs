//! How apps are stopped, and which exits are followed by a start.

use std::time::{Duration, Instant};

use super::{Behaviour, Shown::By, lines, pm2};
use crate::harness::{Signal, TestEnv, alive, send};

pub(super) const ROWS: &[Behaviour] = &[
    Behaviour {
        number: 20,
        given: "`kill_timeout: 1000`, and a program that ignores SIGINT",
        when: "it is stopped",
        then: "it lives for a second, and then it is killed",
        shown: By(&[
            "behaviours::ending::one_that_ignores_the_signal_has_its_time_and_is_killed",
            "e2e::stop::a_program_that_ignores_term_is_killed_after_its_timeout",
        ]),
    },
    Behaviour {
        number: 21,
        given: "a short time to end for all, and a long one for an app",
        when: "they are stopped",
        then: "the app has its own",
        shown: By(&["behaviours::ending::the_time_of_the_app_counts_before_that_of_all"]),
    },
    Behaviour {
        number: 22,
        given: "`shutdown_with_message`",
        when: "the app is stopped or replaced",
        then: "it is told by a message, and ends",
        shown: By(&[
            "e2e::pm2_messages::a_cluster_says_that_it_is_ready_and_hears_that_it_ends",
            "e2e::node::who_hears_no_messages_gets_the_signal",
            "behaviours::ending::who_is_no_node_program_is_told_by_a_signal",
        ]),
    },
    Behaviour {
        number: 23,
        given: "`stop_exit_codes: [42]`",
        when: "one app ends with 42, another one with 34",
        then: "the second one is started again, the first is not",
        shown: By(&[
            "behaviours::ending::exit_codes_decide_what_is_started_again",
            "sim::restarts::policies_decide_which_exits_are_followed_by_a_start",
        ]),
    },
    Behaviour {
        number: 24,
        given: "`autorestart: false`",
        when: "the program ends",
        then: "it is not started again, and no restart is counted",
        shown: By(&["behaviours::ending::exit_codes_decide_what_is_started_again"]),
    },
    Behaviour {
        number: 28,
        given: "a tree of three levels that ignores SIGINT, and one of it with its own session",
        when: "the app is stopped",
        then: "none of them is left",
        shown: By(&[
            "behaviours::ending::a_tree_that_ignores_the_signal_is_gone_to_the_last",
            "e2e::processes::a_daemon_ends_with_its_app_without_control_groups",
        ]),
    },
    Behaviour {
        number: 29,
        given: "a process that is dead already",
        when: "its app is stopped",
        then: "that is a success",
        shown: By(&["behaviours::ending::what_is_dead_already_can_be_stopped"]),
    },
];

const DEAF: &str = "#!/bin/sh\ntrap '' INT TERM\necho up >> up\nwhile :; do sleep 0.05; done\n";

#[test]
fn one_that_ignores_the_signal_has_its_time_and_is_killed() {
    let env = pm2("{ name: 'web', script: './deaf.sh', kill_timeout: 1000 }");
    env.script("deaf.sh", DEAF);
    env.apply();
    env.wait_for("its trap", || env.path("up").exists());
    let (pid, asked) = (env.pid("web"), Instant::now());
    env.eco(&["stop", "web"]).ok();
    assert!(Duration::from_secs(1) <= asked.elapsed(), "{:?}", asked.elapsed());
    assert!(!alive(pid));
    assert!(env.events().iter().any(|event| event["type"] == "killed"));
}

#[test]
fn the_time_of_the_app_counts_before_that_of_all() {
    let env = TestEnv::new();
    env.script(
        "slow.sh",
        "#!/bin/sh\ntrap 'sleep 0.6; echo saved >> $ECO_APP; exit 0' TERM\necho up >> up\n\
         while :; do sleep 0.05; done\n",
    );
    env.write(
        "ecosystem.yaml",
        "defaults: { stop: { timeout: 200ms }, rollout: { min_ready: 100ms } }\napps:\n  \
         short: { command: ./slow.sh }\n  long: { command: ./slow.sh, stop: { timeout: 1m } }\n",
    );
    env.apply();
    env.wait_for("both", || lines(&env, "up") == 2);
    env.eco(&["stop", "all"]).ok();
    assert_eq!((env.read("short"), env.read("long")), (String::new(), "saved\n".to_owned()));
}

#[test]
fn who_is_no_node_program_is_told_by_a_signal() {
    let env = pm2("{ name: 'web', script: './app.sh', shutdown_with_message: true }");
    env.script(
        "app.sh",
        "#!/bin/sh\ntrap 'echo told >> told; exit 0' INT\necho up >> up\nwhile :; do sleep 0.05; done\n",
    );
    env.apply().says("is for Node programs");
    env.wait_for("its trap", || env.path("up").exists());
    env.eco(&["restart", "web"]).ok();
    env.wait_for("its successor", || lines(&env, "up") == 2);
    env.eco(&["stop", "web"]).ok();
    assert_eq!(env.read("told"), "told\ntold\n");
}

#[test]
fn exit_codes_decide_what_is_started_again() {
    let env = pm2("[{ name: 'done', script: './app.sh', args: '42', stop_exit_codes: [42, 7] },\n\
          { name: 'again', script: './app.sh', args: '34', stop_exit_codes: 42 },\n\
          { name: 'once', script: './app.sh', args: '1', autorestart: false }]");
    env.script(
        "app.sh",
        "#!/bin/sh\necho start >> $ECO_APP\n[ \"$(grep -c . $ECO_APP)\" -lt 3 ] && exit $1\n\
         exec sleep 100000\n",
    );
    env.eco(&["apply"]).exits(1);
    // The one that goes on is a clock for the others: they had as much time.
    env.wait_for("two restarts", || lines(&env, "again") == 3);
    for (app, code) in [("done", 42), ("once", 1)] {
        env.wait_for("its end", || env.pids(app).is_empty());
        assert_eq!(lines(&env, app), 1, "{app}");
        let instance = env.app(app)["instances"][0].clone();
        assert_eq!(instance["restarts"], 0, "{instance}");
        assert_eq!(instance["exit"]["code"], code, "{instance}");
    }
    assert_eq!(env.app("again")["instances"][0]["restarts"], 2);
}

#[test]
fn a_tree_that_ignores_the_signal_is_gone_to_the_last() {
    let env = pm2("{ name: 'web', script: './tree.sh', args: '3', kill_timeout: 300 }");
    env.script(
        "tree.sh",
        "#!/bin/sh\ntrap '' INT TERM\nif [ $1 = 0 ]; then setsid -f ./tree.sh x; fi\n\
         if [ $1 != x ] && [ $1 != 0 ]; then ./tree.sh $(($1 - 1)) & fi\n\
         echo $$ >> pids\nwhile :; do sleep 0.05; done\n",
    );
    env.apply();
    env.wait_for("the tree", || lines(&env, "pids") == 5);
    let pids: Vec<u32> = env.read("pids").lines().map(|it| it.parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| alive(*pid)), "{pids:?}");
    env.eco(&["stop", "web"]).ok();
    let left: Vec<_> = pids.into_iter().filter(|pid| alive(*pid)).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_is_dead_already_can_be_stopped() {
    let env = pm2("{ name: 'web', script: 'sleep', args: '100000', restart_delay: 3600000 }");
    env.apply();
    let pid = env.pid("web");
    send(pid, Signal::KILL);
    env.wait_for("its end to be known", || env.pids("web").is_empty());
    env.eco(&["stop", "web"]).ok();
    env.eco(&["stop", "web"]).ok();
    assert!(env.is("web", "stopped"));
    // A start by hand waits for nothing. Also one that dies in the very moment can be stopped.
    env.eco(&["start", "web"]).ok();
    send(env.pid("web"), Signal::KILL);
    env.eco(&["stop", "web"]).ok();
    assert!(env.is("web", "stopped") && env.pids("web").is_empty());
}
