//! Instances that are replaced one by one: by an edit, by `restart`, by `reload`.

use std::time::Duration;

use super::{Clients, Server, Site};
use crate::harness::alive;

/// Replaces all instances in three ways, each under load.
fn replace_in_three_ways(server: Server, instances: u32) {
    let mut site = Site::start(server, instances);
    for event in ["edit", "restart", "reload"] {
        let before = site.env.pids("web");
        site.under_load(event, |site| {
            if event == "edit" {
                site.save_version("second");
                site.env.apply();
            } else {
                site.env.eco(&[event, "web"]).ok();
            }
        })
        .lost_none(instances);
        let after = site.env.pids("web");
        assert_eq!(after.len(), before.len());
        assert!(before.iter().all(|(id, pid)| after[id] != *pid), "{before:?} {after:?}");
        assert_eq!(site.answer().as_deref(), Some("second"));
    }
}

#[test]
fn two_of_express() {
    replace_in_three_ways(Server::Express, 2);
}

#[test]
fn one_of_express() {
    replace_in_three_ways(Server::Express, 1);
}

#[test]
fn two_of_an_express_that_closes() {
    replace_in_three_ways(Server::GracefulExpress, 2);
}

#[test]
fn two_of_an_express_that_is_made_to_close() {
    replace_in_three_ways(Server::ClosingExpress, 2);
}

#[test]
fn two_of_gunicorn() {
    replace_in_three_ways(Server::Gunicorn, 2);
}

#[test]
fn one_of_gunicorn() {
    replace_in_three_ways(Server::Gunicorn, 1);
}

#[test]
fn two_of_php() {
    replace_in_three_ways(Server::Php, 2);
}

#[test]
fn two_of_go() {
    replace_in_three_ways(Server::Go, 2);
}

#[test]
fn one_of_go() {
    replace_in_three_ways(Server::Go, 1);
}

/// What uses too much memory goes on serving while another one takes its place, and cannot be kept from
/// accepting: but new connections go to that one's queue, whatever it waits by.
#[test]
fn two_of_php_that_use_too_much_memory() {
    let mut site = Site::start(Server::Php, 2);
    let before = site.env.pids("web");
    site.under_load("max_memory", |site| {
        // Any program uses more than that. What comes next is left alone for an hour.
        site.release.more = "    restart: { max_memory: 1M, backoff: { max: 1h } }\n";
        site.save();
        site.env.eco(&["apply", "--no-wait"]).ok();
        site.env.wait_for("the replacements", || {
            before.values().all(|pid| !alive(*pid)) && site.env.is("web", "ready")
        });
    })
    .lost_none(2);
    assert_eq!(site.env.pids("web").len(), 2);
    let gone = site.env.events().into_iter().filter(|event| event["type"] == "over_memory");
    assert_eq!(gone.count(), 2);
    let slow = "it does not wait for connections by epoll";
    assert!(!site.env.eco(&["events"]).ok().stdout.contains(slow));
}

/// Connections that rest between requests are closed while they rest, or very nearly so.
#[test]
fn clients_that_think() {
    let mut site = Site::start(Server::Express, 2);
    let clients = Clients { think: Duration::from_millis(100), ..Clients::default() };
    site.under_load_of(clients, "restart, 100 ms between requests", |site| {
        site.env.eco(&["restart", "web"]).ok();
    })
    .lost_none(2);
}
