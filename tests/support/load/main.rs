//! The load client as a program: `load PORT [--also PORT] [--path P]
//! [--connections N] [--close] [--think MS]`.
//!
//! For every line on its stdin it writes the counts so far as one line of JSON. At the end of its
//! stdin it lets every client finish and writes the last line.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test program fails by panicking and does what others may not"
)]

#[path = "mod.rs"]
mod load;

use std::{
    env,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use load::{Counts, Load, Options};

fn main() {
    let load = Load::start(&options());
    for line in io::stdin().lines() {
        line.unwrap();
        say(&load.counts());
    }
    say(&load.stop());
}

/// Writes counts as one line of JSON; times in milliseconds.
fn say(counts: &Counts) {
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let value = serde_json::json!({
        "ok": counts.ok, "refused": counts.refused, "connect_timeouts": counts.connect_timeouts,
        "fresh_ends": counts.fresh_ends, "idle_races": counts.idle_races,
        "late_races": counts.late_races,
        "partial": counts.partial, "timeouts": counts.timeouts,
        "bad_status": counts.bad_status, "other": counts.other, "problem": counts.problem,
        "hard": counts.hard(), "hung": counts.hung(), "cut": counts.cut(),
        "closed_idle": counts.closed_idle, "connections": counts.connections,
        "by_pid": counts.by_pid, "slowest_race": ms(counts.slowest_race), "gap": ms(counts.gap),
        "slowest_failure": ms(counts.slowest_failure),
        "median": ms(counts.median), "p99": ms(counts.p99), "slowest": ms(counts.slowest),
    });
    println!("{value}");
    io::stdout().flush().unwrap();
}

fn options() -> Options {
    let mut args = env::args().skip(1);
    let address = |port: String| SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().unwrap()));
    let mut options = Options {
        address: address(args.next().expect("a port")),
        also: None,
        path: "/".to_owned(),
        connections: 16,
        keep_alive: true,
        think: Duration::ZERO,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().expect("a value");
        match arg.as_str() {
            "--also" => options.also = Some(address(value())),
            "--path" => options.path = value(),
            "--connections" => options.connections = value().parse().unwrap(),
            "--close" => options.keep_alive = false,
            "--think" => options.think = Duration::from_millis(value().parse().unwrap()),
            other => panic!("what is {other}?"),
        }
    }
    options
}
