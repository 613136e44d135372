//! Changes of how many there are and where they listen, and edits in quick succession.

use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::{CONNECTIONS, Clients, Server, Site};
use crate::harness::free_port;

fn scale(server: Server) {
    let mut site = Site::start(server, 2);
    for (count, gone) in [("4", 0), ("1", 3)] {
        site.under_load(&format!("scale to {count}"), |site| {
            site.env.eco(&["scale", "web", count]).ok();
        })
        .lost_none(gone);
    }
    assert_eq!(site.env.pids("web").len(), 1);
}

#[test]
fn express_is_scaled() {
    scale(Server::Express);
}

#[test]
fn gunicorn_is_scaled() {
    scale(Server::Gunicorn);
}

#[test]
fn go_is_scaled() {
    scale(Server::Go);
}

/// Nobody can keep these from accepting: but each has a queue of its own, to which no connection is
/// sent any more.
#[test]
fn php_is_scaled() {
    scale(Server::Php);
}

#[test]
fn webrick_is_scaled() {
    scale(Server::Webrick);
}

/// Clients that know both ports are never refused by both, so the new one serves before the old one
/// refuses. A connection in the old port's queue when that is given up may be reset, though: a
/// refusal in other words, and the last of that port.
#[test]
fn the_port_is_moved_and_moved_back() {
    let mut site = Site::start(Server::Express, 2);
    let first = site.release.port;
    let second = free_port();
    for (from, to) in [(first, second), (second, first)] {
        let clients = Clients { also: Some(to), ..Clients::default() };
        let verdict = site.under_load_of(clients, "listen moved", |site| {
            site.release.port = to;
            site.save();
            site.env.apply();
        });
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, from)).is_err(), "{from} is given up");
        let (closing, keeping, what) = (&verdict.closing, &verdict.keeping, &verdict.what);
        assert_eq!(closing.hard(), closing.fresh_ends, "{what}: {closing}");
        assert_eq!(keeping.hard(), keeping.fresh_ends, "{what}: {keeping}");
        let resets = closing.fresh_ends + keeping.fresh_ends;
        assert!(resets <= u64::from(CONNECTIONS), "{what}: {closing}\n{keeping}");
        assert!(keeping.idle_races <= u64::from(CONNECTIONS * 2), "{what}: {keeping}");
    }
}

/// Does something every 200 ms for 10 s; how often.
fn for_ten_seconds(mut act: impl FnMut(u32)) -> u32 {
    let begin = Instant::now();
    let mut count = 0;
    while begin.elapsed() < Duration::from_secs(10) {
        count += 1;
        act(count);
        let next = begin + Duration::from_millis(200) * count;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    count
}

#[test]
fn the_file_is_edited_all_the_time() {
    let mut site = Site::start(Server::Express, 2);
    site.env.eco(&["apply", "--watch"]).ok();
    site.under_load("an edit every 200 ms for 10 s", |site| {
        let last = for_ten_seconds(|count| site.save_version(&format!("edit-{count}")));
        let last = format!("edit-{last}");
        site.env.wait_for("the last edit", || {
            site.answer().as_deref() == Some(&last) && site.env.eco(&["status"]).code == Some(0)
        });
    })
    // Replaced over and over: at most once for each edit.
    .lost_none(2 * 50);
}

#[test]
fn the_source_is_edited_all_the_time() {
    let mut site = Site::start_with(Server::Express, 2, "    watch: { paths: server.js }\n");
    let source = fs::read_to_string(site.env.path("server.js")).unwrap();
    site.under_load("a source edit every 200 ms for 10 s", |site| {
        let last = for_ten_seconds(|count| {
            let edited = source.replace("|| 'none'", &format!("&& 'edit-{count}'"));
            site.env.write("server.js", &edited);
        });
        let last = format!("edit-{last}");
        site.env.wait_for("the last edit", || {
            site.answer().as_deref() == Some(&last) && site.env.eco(&["status"]).code == Some(0)
        });
    })
    .lost_none(2 * 50);
}
