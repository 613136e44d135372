//! Replacing what runs: restart, reload, readiness, releases.

use std::fs;

use super::{Behaviour, Shown::By, Shown::Differs, lines, pm2};
use crate::harness::{TestEnv, alive, free_port, http_get, program};

pub(super) const ROWS: &[Behaviour] = &[
    Behaviour {
        number: 14,
        given: "4 instances",
        when: "they are restarted, and then reloaded",
        then: "all four are new each time, and 4 run",
        shown: Differs(
            "the counter is of failures: one that a person asked for is none, so it stays 0",
            &["behaviours::replacing::four_are_restarted_and_reloaded"],
        ),
    },
    Behaviour {
        number: 15,
        given: "a cluster",
        when: "it is reloaded",
        then: "every former process gets the signal to stop exactly once",
        shown: By(&["behaviours::replacing::a_cluster_is_reloaded_by_one_signal_each"]),
    },
    Behaviour {
        number: 16,
        given: "an app that listens nowhere",
        when: "it is reloaded",
        then: "it is restarted, and the command returns",
        shown: By(&["behaviours::replacing::four_are_restarted_and_reloaded"]),
    },
    Behaviour {
        number: 17,
        given: "a reload under way",
        when: "another one is asked for",
        then: "it neither hangs nor makes more processes, and later ones work",
        shown: By(&["behaviours::replacing::a_reload_in_a_reload"]),
    },
    Behaviour {
        number: 18,
        given: "an app that has to say that it is ready, with a time for it",
        when: "it never does",
        then: "it is starting until then, and has failed after it",
        shown: By(&[
            "behaviours::replacing::the_former_one_goes_once_the_new_one_says_that_it_is_ready",
            "e2e::readiness::never_ready_is_exit_1_with_what_was_seen",
            "e2e::pm2::a_cluster_that_listens_nowhere_is_told_so",
            "sim::rollouts::a_release_that_never_listens_is_undone",
            "e2e::pm2_messages::one_that_says_nothing_in_time_has_failed",
        ]),
    },
    Behaviour {
        number: 19,
        given: "such an app with an hour for it",
        when: "its successor says that it is ready",
        then: "the former one stops at once, not after the hour",
        shown: By(&[
            "e2e::pm2_messages::a_cluster_says_that_it_is_ready_and_hears_that_it_ends",
            "behaviours::replacing::the_former_one_goes_once_the_new_one_says_that_it_is_ready",
        ]),
    },
    Behaviour {
        number: 51,
        given: "a cluster that holds a port",
        when: "it is reloaded",
        then: "all are there again, and none found the port taken",
        shown: By(&["behaviours::replacing::a_cluster_is_reloaded_by_one_signal_each"]),
    },
    Behaviour {
        number: 52,
        given: "clients that keep their connections and never retry",
        when: "the app is reloaded, scaled or edited",
        then: "no request fails",
        shown: By(&[
            "lost_requests::replacing::two_of_express",
            "lost_requests::replacing::one_of_express",
            "lost_requests::changes::express_is_scaled",
            "lost_requests::changes::the_file_is_edited_all_the_time",
        ]),
    },
    Behaviour {
        number: 53,
        given: "a release that does not work",
        when: "it is applied",
        then: "the former one goes on serving, and the command fails",
        shown: By(&[
            "e2e::rollout::a_release_that_throws",
            "e2e::rollout::a_release_that_never_listens",
            "lost_requests::releases::bad_releases_of_express",
            "lost_requests::releases::a_bad_release_of_the_only_instance",
        ]),
    },
    Behaviour {
        number: 54,
        given: "two applies at once",
        when: "both have ended",
        then: "there is one set of processes",
        shown: By(&[
            "e2e::apply::two_at_once_make_no_duplicates",
            "e2e::apply::of_two_files_at_once_the_later_wins",
        ]),
    },
];

#[test]
fn four_are_restarted_and_reloaded() {
    let env = pm2("{ name: 'web', script: 'sleep', args: '100000', instances: 4 }");
    env.apply();
    let mut before = env.pids("web");
    for command in ["restart", "reload"] {
        env.eco(&[command, "web"]).ok();
        let after = env.pids("web");
        assert_eq!(after.len(), 4);
        assert!(before.iter().all(|(id, pid)| after[id] != *pid), "{before:?} {after:?}");
        for instance in env.app("web")["instances"].as_array().unwrap() {
            assert_eq!(instance["restarts"], 0, "{instance}");
        }
        before = after;
    }
}

/// Counts the signals it gets, and ends as a server should.
const SERVER: &str = "
const { appendFileSync } = require('fs');
const server = require('http').createServer((_, answer) => answer.end('fine'));
server.on('error', (error) => appendFileSync('errors', `${error}\\n`));
server.listen(process.env.PORT);
process.on('SIGINT', () => {
  appendFileSync('signals', `${process.pid}\\n`);
  server.close(() => process.exit(0));
});
";

#[test]
fn a_cluster_is_reloaded_by_one_signal_each() {
    program("node");
    let port = free_port();
    let env = pm2(&format!(
        "{{ name: 'web', script: 'server.js', instances: 2, exec_mode: 'cluster', \
         env: {{ PORT: {port} }} }}"
    ));
    env.write("server.js", SERVER);
    env.apply();
    let before = env.pids("web");
    env.eco(&["reload", "all"]).ok();
    let after = env.pids("web");
    assert_eq!(after.len(), 2);
    assert!(before.values().all(|pid| !alive(*pid)), "{before:?} {after:?}");
    let mut told: Vec<u32> =
        env.read("signals").lines().map(|line| line.parse().unwrap()).collect();
    told.sort_unstable();
    let mut former: Vec<u32> = before.into_values().collect();
    former.sort_unstable();
    assert_eq!(told, former);
    assert_eq!(env.read("errors"), "");
    assert_eq!(http_get(port, "/").as_deref(), Some("fine"));
    assert!(env.is("web", "ready"));
}

#[test]
fn a_reload_in_a_reload() {
    let env = TestEnv::new();
    // The first one starts at once, those after it only once they may.
    env.script(
        "app.sh",
        "#!/bin/sh\necho start >> starts\nif [ -e slow ]; then while [ ! -e go ]; do sleep 0.02; done; fi\n\
         touch slow\necho up\nexec sleep 100000\n",
    );
    env.apps("  web: { command: ./app.sh, ready: { log: up }, rollout: { deadline: 1h } }\n");
    env.apply();
    let first = env.pid("web");
    let one = env.call(&["reload", "web"]).spawn();
    env.wait_for("its successor", || lines(&env, "starts") == 2);
    let two = env.call(&["reload", "web"]).spawn();
    env.write("go", "");
    let ends = [one.wait(), two.wait()];
    assert!(ends.iter().all(|end| matches!(end.code, Some(0 | 1))), "{ends:?}");
    assert!(ends.iter().any(|end| end.code == Some(0)), "{ends:?}");
    env.wait_state("web", "ready");
    let now = env.pid("web");
    assert_ne!(now, first);
    env.eco(&["reload", "web"]).ok();
    assert_ne!(env.pid("web"), now);
    let sleepers = env.processes().iter().filter(|it| it.to_string().contains("100000")).count();
    assert_eq!(sleepers, 1, "{:#?}", env.processes());
}

/// Ready by its own word once there is `go`.
const NOTIFIES: &str = "
import os, socket, time
open('starts', 'a').write('start\\n')
while not os.path.exists('go'): time.sleep(0.02)
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
to.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])
time.sleep(100000)
";

#[test]
fn the_former_one_goes_once_the_new_one_says_that_it_is_ready() {
    program("python3");
    let env = TestEnv::new();
    env.write("app.py", NOTIFIES);
    env.write("go", "");
    env.apps(
        "  web:\n    command: python3 app.py\n    ready: { notify: true }\n    \
         rollout: { max_surge: 1, max_unavailable: 0, deadline: 1h, min_ready: 0s }\n",
    );
    env.apply();
    let former = env.pid("web");
    fs::remove_file(env.path("go")).unwrap();
    let mut restart = env.call(&["restart", "web"]).spawn();
    env.wait_for("its successor", || lines(&env, "starts") == 2);
    env.wait_for("the hold", || {
        let instances = env.app("web")["instances"].clone();
        instances.as_array().unwrap().iter().any(|it| it["phase"] == "starting")
    });
    assert!(alive(former) && !restart.has_ended());
    env.write("go", "");
    restart.wait().ok();
    assert!(!alive(former));
    assert_ne!(env.pid("web"), former);
    // One that never says so has failed, and is not taken for ready.
    fs::remove_file(env.path("go")).unwrap();
    let good = env.pid("web");
    env.apps(
        "  web:\n    command: python3 app.py two\n    ready: { notify: true }\n    \
         rollout: { max_surge: 1, max_unavailable: 0, deadline: 800ms, min_ready: 0s }\n",
    );
    env.eco(&["apply"]).exits(1).says("web");
    assert_eq!(env.pid("web"), good);
}
