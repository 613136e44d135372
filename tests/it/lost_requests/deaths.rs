//! Processes that are killed or replaced: an instance loses what is inside it and nothing else, eco's own
//! processes lose nothing.
//!
//! A controller is stopped for 10 s; `ECO_TEST_STOPPED` says for how many s instead. What is promised is 30,
//! which `tests/run` is spared: `ECO_TEST_STOPPED=30 cargo nextest run --locked a_controller_that_is_stopped`.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{Server, Site};
use crate::harness::{Signal, alive, send};

fn kill_an_instance(server: Server, instances: u32) {
    let mut site = Site::start(server, instances);
    site.under_load("kill -9 of one instance", |site| {
        let before = site.env.pids("web");
        let (id, pid) = before.iter().next().unwrap();
        send(*pid, Signal::KILL);
        site.env.wait_for("its replacement", || {
            let app = site.env.app("web");
            let now = site.env.pids("web").get(id).copied();
            app["state"] == "ready" && now.is_some_and(|now| now != *pid)
        });
    })
    .lost_at_most_what_was_inside();
}

#[test]
fn one_of_two_of_express() {
    kill_an_instance(Server::Express, 2);
}

#[test]
fn the_only_one_of_express() {
    kill_an_instance(Server::Express, 1);
}

#[test]
fn one_of_two_of_gunicorn() {
    kill_an_instance(Server::Gunicorn, 2);
}

#[test]
fn the_only_one_of_gunicorn() {
    kill_an_instance(Server::Gunicorn, 1);
}

#[test]
fn one_of_two_of_go() {
    kill_an_instance(Server::Go, 2);
}

#[test]
fn the_only_one_of_go() {
    kill_an_instance(Server::Go, 1);
}

#[test]
fn the_controller() {
    let mut site = Site::start(Server::Express, 2);
    let pids = site.env.pids("web");
    site.under_load("kill -9 of the controller", |site| {
        let old = site.env.daemon_pid("controller");
        send(old, Signal::KILL);
        site.env.wait_for("another controller", || {
            let now = site.env.eco(&["daemon", "status", "--json"]);
            now.code == Some(0)
                && now.json()["controller_pid"]
                    .as_u64()
                    .is_some_and(|pid| pid != u64::from(old) && alive(u32::try_from(pid).unwrap()))
        });
    })
    .lost_none(0);
    assert_eq!(site.env.pids("web"), pids);
    site.under_load("restart by the next controller", |site| {
        site.env.eco(&["restart", "web"]).ok();
    })
    .lost_none(2);
}

#[test]
fn a_controller_that_is_stopped_for_long() {
    let seconds = std::env::var("ECO_TEST_STOPPED").map_or(10, |text| text.parse().unwrap());
    let mut site = Site::start(Server::Express, 2);
    let pids = site.env.pids("web");
    site.under_load(&format!("controller stopped for {seconds} s"), |site| {
        let controller = site.env.daemon_pid("controller");
        let until = Instant::now() + Duration::from_secs(seconds);
        send(controller, Signal::STOP);
        // Time that passes is what this event is.
        while Instant::now() < until {
            thread::sleep(Duration::from_millis(50));
        }
        send(controller, Signal::CONT);
        site.env.wait_for("status again", || site.env.eco(&["status"]).code == Some(0));
    })
    .lost_none(0);
    assert_eq!(site.env.pids("web"), pids);
}

/// Kills some of eco's processes under load, then replaces all instances by what comes after them.
fn kill_roles(server: Server, roles: &[&str]) {
    let mut site = Site::start(server, 2);
    let pids = site.env.pids("web");
    site.under_load(&format!("kill -9 of {}", roles.join(" and ")), |site| {
        site.kill_and_wait(roles);
    })
    .lost_none(0);
    assert_eq!(site.env.pids("web"), pids);
    site.under_load("restart by what came after them", |site| {
        site.env.eco(&["restart", "web"]).ok();
    })
    .lost_none(2);
    assert!(site.env.pids("web").values().all(|pid| !pids.values().any(|old| old == pid)));
}

#[test]
fn the_recorder() {
    kill_roles(Server::Express, &["recorder"]);
}

#[test]
fn the_keeper() {
    kill_roles(Server::Express, &["keeper"]);
}

#[test]
fn the_keeper_of_go() {
    kill_roles(Server::Go, &["keeper"]);
}

#[test]
fn the_keeper_of_gunicorn() {
    kill_roles(Server::Gunicorn, &["keeper"]);
}

#[test]
fn keeper_and_controller() {
    kill_roles(Server::Express, &["keeper", "controller"]);
}

#[test]
fn keeper_and_recorder() {
    kill_roles(Server::Express, &["keeper", "recorder"]);
}

#[test]
fn all_three() {
    kill_roles(Server::Express, &["keeper", "controller", "recorder"]);
}

#[test]
fn all_three_of_gunicorn() {
    kill_roles(Server::Gunicorn, &["keeper", "controller", "recorder"]);
}

/// The keeper dies again and again while every instance is replaced.
#[test]
fn the_keeper_in_the_middle_of_a_rollout() {
    let mut site = Site::start(Server::Express, 3);
    site.under_load("kill -9 of the keeper in a rollout, three times", |site| {
        let before = site.env.pids("web");
        let restart = site.env.call(&["restart", "web"]).spawn();
        for _ in 0..3 {
            site.env.kill_roles(&["keeper"]);
            site.env.wait_for("an answer", || site.env.eco(&["daemon", "status"]).code == Some(0));
        }
        restart.wait().ok();
        let after = site.env.pids("web");
        assert!(after.values().all(|pid| !before.values().any(|old| old == pid)));
    })
    .lost_none(3);
}

fn upgrade(server: Server) {
    let mut site = Site::start(server, 2);
    std::fs::copy(env!("CARGO_BIN_EXE_eco"), site.env.path("second")).unwrap();
    let (pids, keeper) = (site.env.pids("web"), site.env.daemon_pid("keeper"));
    site.under_load("five upgrades of eco", |site| {
        for _ in 0..5 {
            site.env.eco(&["daemon", "upgrade", "second"]).ok();
        }
    })
    .lost_none(0);
    assert_eq!((site.env.pids("web"), site.env.daemon_pid("keeper")), (pids, keeper));
    site.under_load("a restart with an upgrade in it", |site| {
        let restart = site.env.call(&["restart", "web"]).spawn();
        site.env.eco(&["daemon", "upgrade", "second"]).ok();
        restart.wait().ok();
    })
    .lost_none(2);
}

#[test]
fn an_upgrade_under_express() {
    upgrade(Server::Express);
}

#[test]
fn an_upgrade_under_gunicorn() {
    upgrade(Server::Gunicorn);
}
