//! Instances that are replaced one by one: by an edit, by `restart`, by `reload`.

use std::time::Duration;

use super::{Clients, Server, Site};

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
