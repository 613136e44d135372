//! Many at once: those that hang delay no other, and not all connect at once.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use eco::{
    host::probe::{ProbeEvent, Probes},
    model::{Command, ReadyPolicy, ReadyProbe, RunId},
};
use tokio::{io::AsyncReadExt as _, net::TcpStream};

use super::{
    Server, answer, asking, hang, http, is_ready, listen, policy, run, serve, subject, tcp,
    template,
};

fn get(port: u16) -> ReadyPolicy {
    policy(ReadyProbe::Http(http(tcp(port))))
}

/// One that answers is asked while `hanging` others wait; none of these has timed out by then.
async fn is_not_delayed_by(hanging: u64) {
    let port = hang().await;
    let server = Server::start(&[&answer("200 OK")]).await;
    let mut probes = Probes::new();
    for run in 0..hanging {
        probes.begin(RunId(run), subject(&get(port)));
    }
    probes.begin(RunId(hanging), subject(&get(server.port)));
    let event = probes.next().await;
    assert!(matches!(event, ProbeEvent::Ready { .. }), "{event:?}");
    assert_eq!(event.run(), RunId(hanging));
}

#[test]
fn two_hundred_that_hang_do_not_delay_the_next_one() {
    run(is_not_delayed_by(200));
}

#[test]
fn neither_do_more_than_may_connect_at_once() {
    run(is_not_delayed_by(400));
}

#[test]
fn commands_that_hang_do_not_delay_a_request() {
    run(async {
        let server = Server::start(&[&answer("200 OK")]).await;
        let mut probes = Probes::new();
        let command = Command::Argv(vec![template("sleep"), template("600")]);
        for run in 0..300 {
            probes.begin(RunId(run), subject(&policy(ReadyProbe::Exec(command.clone()))));
        }
        probes.begin(RunId(300), subject(&get(server.port)));
        loop {
            let event = probes.next().await;
            if matches!(event, ProbeEvent::Ready { .. }) {
                return assert_eq!(event.run(), RunId(300));
            }
            assert!(matches!(event, ProbeEvent::Exec { .. }), "{event:?}");
        }
    });
}

#[test]
fn few_connections_are_open_at_once() {
    run(async {
        let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (listener, port) = listen().await;
        let (now, max) = (Arc::clone(&open), Arc::clone(&most));
        serve(listener, move |mut stream: TcpStream| {
            let (now, max) = (Arc::clone(&now), Arc::clone(&max));
            async move {
                max.fetch_max(1 + now.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
                while matches!(stream.read(&mut [0; 1024]).await, Ok(1..)) {}
                now.fetch_sub(1, Ordering::Relaxed);
                io::Result::Ok(())
            }
        });
        let mut probes = Probes::new();
        let timeout = Duration::from_secs(1);
        for run in 0..600 {
            probes.begin(RunId(run), subject(&ReadyPolicy { timeout, ..get(port) }));
        }
        let mut failed = 0;
        while failed < 600 {
            let event = probes.next().await;
            if matches!(event, ProbeEvent::Tries { .. }) {
                probes.take_tries();
                continue;
            }
            assert!(matches!(event, ProbeEvent::Failing { .. }), "{event:?}");
            failed += 1;
        }
        // At most 256; but the server may see new ones before the end of old ones.
        let most = most.load(Ordering::Relaxed);
        assert!(most < 400, "{most} connections at once");
    });
}

#[test]
fn one_slower_than_the_quick_lane_is_asked_once() {
    run(async {
        let (asked, (listener, port)) = (Arc::new(AtomicUsize::new(0)), listen().await);
        let count = Arc::clone(&asked);
        serve(listener, move |mut stream: TcpStream| {
            let count = Arc::clone(&count);
            async move {
                super::head(&mut stream).await?;
                count.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(400)).await;
                tokio::io::AsyncWriteExt::write_all(&mut stream, answer("200 OK").as_bytes()).await
            }
        });
        is_ready(&mut asking(&ReadyPolicy { successes: 1, ..get(port) })).await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    });
}
